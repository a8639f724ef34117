//! The process of `inspect-network`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let ec2 = shared::config::ec2().await;
    shared::lambda::serve(async |input| inspect_network::handle(&ec2, input).await).await
}
