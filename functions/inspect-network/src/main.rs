//! The process of `inspect-network`.

use inspect_network::{Input, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(
        |config, aws| {
            let accounts = config.accounts(aws).limited_to(env!("CARGO_BIN_NAME"));
            Ok((accounts, config.allowed_sources()))
        },
        async |(accounts, allowed), input: Input| {
            let allowed = allowed.as_ref().map_err(Clone::clone)?;
            handle(&accounts.ec2(&input.place).await?, allowed, input).await
        },
    )
    .await
}
