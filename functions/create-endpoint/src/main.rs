//! The process of `create-endpoint`.

use adapters::Clients;
use adapters::accounts::Accounts;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| Ok(config.accounts(aws).limited_to(env!("CARGO_BIN_NAME"))),
        async |accounts: &Accounts, input: create_endpoint::Input| {
            create_endpoint::handle(&accounts.ec2(&input.connection.place()).await?, input).await
        },
    )
    .await
}
