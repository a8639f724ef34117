//! HTTP requests as API Gateway hands them on: one request in, one answer out. A request
//! that is not as it should be is answered, never failed.

use serde_json::Value;

mod answer;
mod asked;
mod problem;
mod request;
pub mod route;

pub use answer::{Answer, without_nulls};
pub use asked::ConnectionRequest;
pub use problem::{Problem, Refusal};
pub use request::{Body, MAX_BODY, Request};
pub use route::Route;

/// Answers one event of API Gateway.
pub async fn respond<H>(handler: &H, event: &Value) -> Answer
where
    H: AsyncFn(&Request) -> Result<Answer, Refusal>,
{
    let request = Request::read(event);
    let answer = match handler(&request).await {
        Ok(answer) => {
            tracing::info!(
                request_id = request.id,
                method = request.method,
                path = request.path(),
                caller = request.caller,
                status = answer.status,
                "answered"
            );
            answer
        }
        Err(refusal) => {
            // What a caller is not told must be in the log.
            tracing::warn!(request_id = request.id, method = request.method, path = request.path(), caller = request.caller, status = refusal.status, code = %refusal.error.code, detail = refusal.error.detail, "refused");
            refusal.answer(&request)
        }
    };
    answer
        .with("cache-control", "no-store")
        .with("x-request-id", &request.id)
}
