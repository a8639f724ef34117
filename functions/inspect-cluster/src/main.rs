//! The process of `inspect-cluster`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    let cloud = shared::config::Config::from_env().cloud().await?;
    shared::lambda::serve(async |input| inspect_cluster::handle(&cloud, input).await).await
}
