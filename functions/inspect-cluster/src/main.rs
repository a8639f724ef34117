//! The process of `inspect-cluster`.

use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(Config::cloud, async |cloud, input| {
        inspect_cluster::handle(cloud, input).await
    })
    .await
}
