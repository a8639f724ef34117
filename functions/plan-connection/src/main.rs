//! The process of `plan-connection`.

use adapters::Clients;
use adapters::aws::aws;
use adapters::tls::Roots;
use shared::config::Config;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    let config = Config::from_env();
    let aws = aws(&config, Roots::BuiltIn, None).await;
    let cloud = config.cloud(&aws)?;
    let accounts = config.accounts(&aws).limited_to(env!("CARGO_BIN_NAME"));
    adapters::http::serve_http(async |request| {
        let now = OffsetDateTime::now_utc();
        plan_connection::handle(&accounts, &cloud, &config, now, request).await
    })
    .await
}
