//! The process of `create-security-group`.

use shared::accounts::Accounts;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(
        |config, aws| Ok(config.accounts(aws).limited_to(env!("CARGO_BIN_NAME"))),
        async |accounts: &Accounts, input: create_security_group::Input| {
            create_security_group::handle(&accounts.ec2(&input.place).await?, input).await
        },
    )
    .await
}
