//! The process of `inspect-cluster`.

use adapters::Clients;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(Config::cloud, async |cloud, input| {
        inspect_cluster::handle(cloud, input).await
    })
    .await
}
