//! The process of `read-request`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve_alone(async |config, input| read_request::handle(config, &input)).await
}
