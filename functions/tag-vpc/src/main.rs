//! The process of `tag-vpc`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let config = shared::config::Config::from_env();
    let accounts = config.accounts(shared::config::aws(None).await);
    shared::lambda::serve(async |input: tag_vpc::Input| {
        let ec2 = accounts.ec2(&input.place).await?;
        tag_vpc::handle(&ec2, &config.tag_prefix, input).await
    })
    .await
}
