//! The process of `rebuild-ledger`.

use rebuild_ledger::{Input, Known, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(
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
