//! The process of `enable-private-dns`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let ec2 = shared::config::ec2().await;
    shared::lambda::serve(async |input| enable_private_dns::handle(&ec2, input).await).await
}
