//! The process of `create-endpoint`.

use shared::accounts::Accounts;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(
        |config, aws| Ok(config.accounts(aws).limited_to(env!("CARGO_BIN_NAME"))),
        async |accounts: &Accounts, input: create_endpoint::Input| {
            create_endpoint::handle(&accounts.ec2(&input.place).await?, input).await
        },
    )
    .await
}
