//! The process of `register-endpoint`.

use adapters::Clients;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(Config::cloud, async |cloud, input| {
        register_endpoint::handle(cloud, input).await
    })
    .await
}
