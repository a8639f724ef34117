//! The process of `rebuild-ledger`.

use rebuild_ledger::{Input, Known, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let config = shared::config::Config::from_env();
    let aws = shared::config::aws(None).await;
    let ledger = config.ledger(&aws);
    let known = Known::new(&config)?;
    let accounts = config.accounts(aws);
    shared::lambda::serve(async |input: Input| handle(&accounts, &ledger, &known, input).await)
        .await
}
