//! The process of `plan-connection`.

use adapters::Clients;
use adapters::aws::aws;
use shared::config::Config;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    let (config, aws) = (Config::from_env(), aws(None).await);
    let cloud = config.cloud(&aws)?;
    let accounts = config.accounts(&aws).limited_to(env!("CARGO_BIN_NAME"));
    adapters::http::serve_http(async |request| {
        let now = OffsetDateTime::now_utc();
        plan_connection::handle(&accounts, &cloud, &config, now, request).await
    })
    .await
}
