//! The process of `read-removal`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve_alone(async |_, input| read_removal::handle(&input)).await
}
