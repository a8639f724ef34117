//! The process of `start-connection`.

use serde_json::Value;
use shared::config::{Config, aws};
use start_connection::{Door, Known, handle};
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let config = Config::from_env();
    let aws = aws(None).await;
    let ledger = config.ledger(&aws);
    let executions = config.executions(&aws);
    let places = config.accounts(aws);
    let known = Known::new(config);
    shared::lambda::serve(async |input: Value| {
        let door = Door {
            places: &places,
            ledger: &ledger,
            executions: &executions,
            known: &known,
            now: OffsetDateTime::now_utc(),
        };
        handle(door, &input).await
    })
    .await
}
