//! The process of `read-request`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(async |input| read_request::handle(&input)).await
}
