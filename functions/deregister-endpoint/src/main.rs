//! The process of `deregister-endpoint`.

use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(Config::cloud, async |cloud, input| {
        deregister_endpoint::handle(cloud, input).await
    })
    .await
}
