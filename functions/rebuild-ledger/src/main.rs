//! The process of `rebuild-ledger`.

use adapters::Clients;
use rebuild_ledger::{Input, Known, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            let ports = (
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.ledger(aws),
            );
            Ok((ports, Known::new(config)?))
        },
        async |((accounts, ledger), known), input: Input| {
            handle(accounts, ledger, known, input).await
        },
    )
    .await
}
