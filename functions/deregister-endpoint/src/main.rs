//! The process of `deregister-endpoint`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let aws = shared::config::aws(None).await;
    let cloud = shared::config::Config::from_env().cloud(&aws)?;
    shared::lambda::serve(async |input| deregister_endpoint::handle(&cloud, input).await).await
}
