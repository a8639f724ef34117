//! The process of `connections-api`.

use adapters::Clients;
use adapters::aws::aws;
use adapters::tls::Roots;
use connections_api::Door;
use shared::config::Config;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    let config = Config::from_env();
    let aws = aws(&config, Roots::BuiltIn, None).await;
    let (ledger, executions) = (config.ledger(&aws), config.executions(&aws));
    adapters::http::serve_http(async |request| {
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
