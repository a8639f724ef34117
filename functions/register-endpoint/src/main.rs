//! The process of `register-endpoint`.

use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(Config::cloud, async |cloud, input| {
        register_endpoint::handle(cloud, input).await
    })
    .await
}
