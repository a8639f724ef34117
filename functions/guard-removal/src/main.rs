//! The process of `guard-removal`.

use adapters::Clients;
use guard_removal::Ports;
use shared::place::Places;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve(
        |config, aws| {
            Ok((
                config.accounts(aws).limited_to(env!("CARGO_BIN_NAME")),
                config.tag_prefix.clone(),
            ))
        },
        async |(accounts, prefix), input: guard_removal::Input| {
            // A forced removal asks nobody, so an account that cannot be reached is no
            // reason to refuse it.
            let reached = async {
                let ec2 = accounts.ec2(&input.connection.place()).await?;
                let traffic = accounts.traffic(&input.connection.place()).await?;
                Ok((ec2, traffic))
            };
            let reached = reached.await;
            let ports = reached
                .as_ref()
                .map(|(ec2, traffic)| Ports { ec2, traffic });
            guard_removal::handle(ports, prefix, input).await
        },
    )
    .await
}
