//! The process of `guard-removal`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let config = shared::config::Config::from_env();
    let accounts = config.accounts(shared::config::aws(None).await);
    shared::lambda::serve(async |input: guard_removal::Input| {
        // A forced removal asks nobody, so an account that cannot be reached is no
        // reason to refuse it.
        let ec2 = accounts.ec2(&input.place).await;
        guard_removal::handle(ec2.as_ref(), &config.tag_prefix, input).await
    })
    .await
}
