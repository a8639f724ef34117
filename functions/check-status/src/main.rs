//! The process of `check-status`.

use adapters::Clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            Ok((
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.cloud(aws)?,
            ))
        },
        async |(accounts, cloud), input: check_status::Input| {
            let ec2 = accounts.ec2(&input.connection.place()).await?;
            check_status::handle(&ec2, cloud, input).await
        },
    )
    .await
}
