//! The process of `find-orphans`.

use adapters::Clients;
use find_orphans::{Input, Known, Ports, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            let ports = (
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.cloud(aws)?,
                config.ledger(aws),
            );
            let stack = config.stack.value().map(str::to_owned);
            Ok((ports, Known::new(config)?, stack))
        },
        async |((accounts, cloud, ledger), known, stack), input: Input| {
            let (now, removes) = (input.now, input.remove);
            let ports = Ports {
                places: accounts,
                cloud,
                ledger,
            };
            let output = handle(ports, known, input).await?;
            if let Some(stack) = stack
                && output.next.is_none()
                && !removes
            {
                shared::metrics::print(&output.sum.metrics(now, stack));
            }
            Ok(output)
        },
    )
    .await
}
