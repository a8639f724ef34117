//! A function that does nothing: what the start-up of the others is compared
//! with (`tests/start-up`).

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve_alone(async |_, input: serde_json::Value| Ok(input)).await
}
