//! The process of `check-fleet`.

use adapters::Clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            let stack = config.stack.value().map(str::to_owned);
            Ok((
                stack,
                config.ledger(aws),
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.cloud(aws)?,
                config.tag_prefix.clone(),
            ))
        },
        async |(stack, ledger, accounts, cloud, prefix), input: check_fleet::Input| {
            let (is_of_all, now) = (input.connection_ids.is_empty(), input.now);
            let output = check_fleet::handle(ledger, accounts, cloud, prefix, input).await?;
            for row in &output.rows {
                shared::metrics::print(&row.line());
            }
            if let Some(stack) = stack
                && is_of_all
                && output.next.is_none()
            {
                shared::metrics::print(&output.counts.metrics(now, stack));
            }
            Ok(output)
        },
    )
    .await
}
