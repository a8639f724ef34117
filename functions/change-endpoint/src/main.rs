//! The process of `change-endpoint`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let accounts = shared::config::accounts().await;
    shared::lambda::serve(async |input: change_endpoint::Input| {
        change_endpoint::handle(&accounts.ec2(&input.place).await?, input).await
    })
    .await
}
