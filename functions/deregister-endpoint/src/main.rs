//! The process of `deregister-endpoint`.

use adapters::Clients;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(Config::cloud, async |cloud, input| {
        deregister_endpoint::handle(cloud, input).await
    })
    .await
}
