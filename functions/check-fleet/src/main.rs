//! The process of `check-fleet`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let aws = shared::config::aws(None).await;
    let config = shared::config::Config::from_env();
    let cloud = config.cloud(&aws)?;
    let ledger = config.ledger(&aws);
    let accounts = config.accounts(aws);
    shared::lambda::serve(async |input: check_fleet::Input| {
        let (is_of_all, now) = (input.connection_ids.is_empty(), input.now);
        let output = check_fleet::handle(&ledger, &accounts, &cloud, input).await?;
        if is_of_all && output.next.is_none() {
            shared::metrics::print(&output.counts.metrics(now));
        }
        Ok(output)
    })
    .await
}
