//! The process of `inspect-network`.

use shared::accounts::Accounts;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(
        |config, aws| Ok(config.accounts(aws)),
        async |accounts: &Accounts, input: inspect_network::Input| {
            inspect_network::handle(&accounts.ec2(&input.place).await?, input).await
        },
    )
    .await
}
