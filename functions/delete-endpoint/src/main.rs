//! The process of `delete-endpoint`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let ec2 = shared::config::ec2().await;
    shared::lambda::serve(async |input| delete_endpoint::handle(&ec2, input).await).await
}
