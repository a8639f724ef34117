//! The process of `enable-private-dns`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let accounts = shared::config::accounts().await;
    shared::lambda::serve(async |input: enable_private_dns::Input| {
        enable_private_dns::handle(&accounts.ec2(&input.place).await?, input).await
    })
    .await
}
