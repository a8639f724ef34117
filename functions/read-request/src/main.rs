//! The process of `read-request`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve_alone(async |config, input| read_request::handle(config, &input)).await
}
