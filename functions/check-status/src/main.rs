//! The process of `check-status`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let aws = shared::config::aws(None).await;
    let ec2 = shared::ec2::AwsEc2::new(&aws);
    let cloud = shared::config::Config::from_env().cloud(&aws)?;
    shared::lambda::serve(async |input| check_status::handle(&ec2, &cloud, input).await).await
}
