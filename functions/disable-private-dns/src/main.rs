//! The process of `disable-private-dns`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let ec2 = shared::config::ec2().await;
    shared::lambda::serve(async |input| disable_private_dns::handle(&ec2, input).await).await
}
