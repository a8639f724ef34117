//! The process of `inspect-network`.

use adapters::Clients;
use inspect_network::{Input, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            let accounts = config.accounts(aws).limited_to(env!("CARGO_BIN_NAME"));
            Ok((
                accounts,
                config.allowed_sources(),
                config.tag_prefix.clone(),
            ))
        },
        async |(accounts, allowed, prefix), input: Input| {
            let allowed = allowed.as_ref().map_err(Clone::clone)?;
            let ec2 = accounts.ec2(&input.connection.place()).await?;
            handle(&ec2, allowed, prefix, input).await
        },
    )
    .await
}
