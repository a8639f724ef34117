//! The process of `start-executions`.

use adapters::Clients;
use serde_json::Value;
use start_executions::{Door, Known, handle};
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            let ports = (
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.ledger(aws),
                config.executions(aws),
            );
            Ok((ports, Known::new(config.clone())))
        },
        async |((places, ledger, executions), known), input: Value| {
            let door = Door {
                places,
                ledger,
                executions,
            };
            handle(door, known, OffsetDateTime::now_utc(), &input).await
        },
    )
    .await
}
