//! The process of `tag-vpc`.

use adapters::Clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            Ok((
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.tag_prefix.clone(),
            ))
        },
        async |(accounts, prefix), input: tag_vpc::Input| {
            let ec2 = accounts.ec2(&input.connection.place()).await?;
            tag_vpc::handle(&ec2, prefix, input).await
        },
    )
    .await
}
