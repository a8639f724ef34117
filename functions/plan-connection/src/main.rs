//! The process of `plan-connection`.

use shared::config::{Config, aws};
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let (config, aws) = (Config::from_env(), aws(None).await);
    let cloud = config.cloud(&aws)?;
    let accounts = config.accounts(&aws).limited_to(env!("CARGO_BIN_NAME"));
    shared::gateway::serve_http(async |request| {
        let now = OffsetDateTime::now_utc();
        plan_connection::handle(&accounts, &cloud, &config, now, request).await
    })
    .await
}
