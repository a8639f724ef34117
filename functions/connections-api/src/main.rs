//! The process of `connections-api`.

use connections_api::Door;
use shared::config::{Config, aws};
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let (config, aws) = (Config::from_env(), aws(None).await);
    let (ledger, executions) = (config.ledger(&aws), config.executions(&aws));
    shared::gateway::serve_http(async |request| {
        let door = Door {
            ledger: &ledger,
            executions: &executions,
            config: &config,
            now: OffsetDateTime::now_utc(),
        };
        door.handle(request).await
    })
    .await
}
