//! The process of `delete-endpoint`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let accounts = shared::config::accounts().await;
    shared::lambda::serve(async |input: delete_endpoint::Input| {
        delete_endpoint::handle(&accounts.ec2(&input.place).await?, input).await
    })
    .await
}
