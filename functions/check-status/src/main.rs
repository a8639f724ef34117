//! The process of `check-status`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let ec2 = shared::config::ec2().await;
    let cloud = shared::config::Config::from_env().cloud().await?;
    shared::lambda::serve(async |input| check_status::handle(&ec2, &cloud, input).await).await
}
