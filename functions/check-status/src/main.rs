//! The process of `check-status`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let aws = shared::config::aws(None).await;
    let config = shared::config::Config::from_env();
    let cloud = config.cloud(&aws)?;
    let accounts = config.accounts(aws);
    shared::lambda::serve(async |input: check_status::Input| {
        let ec2 = accounts.ec2(&input.place).await?;
        check_status::handle(&ec2, &cloud, input).await
    })
    .await
}
