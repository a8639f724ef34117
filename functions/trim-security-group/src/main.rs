//! The process of `trim-security-group`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let accounts = shared::config::accounts().await;
    shared::lambda::serve(async |input: trim_security_group::Input| {
        trim_security_group::handle(&accounts.ec2(&input.place).await?, input).await
    })
    .await
}
