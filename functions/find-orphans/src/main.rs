//! The process of `find-orphans`.

use find_orphans::{Input, Known, Ports, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let config = shared::config::Config::from_env();
    let aws = shared::config::aws(None).await;
    let cloud = config.cloud(&aws)?;
    let ledger = config.ledger(&aws);
    let known = Known::new(&config)?;
    let accounts = config.accounts(aws);
    shared::lambda::serve(async |input: Input| {
        let (now, removes) = (input.now, input.remove);
        let ports = Ports {
            places: &accounts,
            cloud: &cloud,
            ledger: &ledger,
        };
        let output = handle(ports, &known, input).await?;
        if output.next.is_none() && !removes {
            shared::metrics::print(&output.sum.metrics(now));
        }
        Ok(output)
    })
    .await
}
