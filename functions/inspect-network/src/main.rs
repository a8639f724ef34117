//! The process of `inspect-network`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let accounts = shared::config::accounts().await;
    shared::lambda::serve(async |input: inspect_network::Input| {
        inspect_network::handle(&accounts.ec2(&input.place).await?, input).await
    })
    .await
}
