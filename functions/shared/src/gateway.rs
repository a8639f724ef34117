//! The process of a function behind API Gateway: one HTTP request in, one answer
//! out. A request that is not as it should be is answered, never failed.

use std::time::Duration;

use serde_json::Value;

use crate::lambda::{Error, serve_events};
use crate::{Code, StepError};

mod answer;
mod asked;
mod problem;
mod request;
pub mod route;

pub use answer::Answer;
pub use asked::ConnectionRequest;
pub use problem::{Problem, Refusal};
pub use request::{Body, MAX_BODY, Request};
pub use route::Route;

/// How long an answer may take. API Gateway itself gives up after 29 seconds, and
/// would not say why (API Gateway developer guide, "Quotas for REST APIs").
const LIMIT: Duration = Duration::from_secs(25);

/// Serves a handler of HTTP requests until the runtime ends the process.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_http<H>(handler: H) -> Result<(), Error>
where
    H: AsyncFn(&Request) -> Result<Answer, Refusal>,
{
    serve_events(async |event| {
        let answer = respond(&handler, &event).await;
        serde_json::to_value(answer).map_err(|error| {
            let detail = format!("the answer is not JSON: {error}");
            StepError::new(Code::StepCrashed, detail)
        })
    })
    .await
}

/// Answers one event of API Gateway.
pub async fn respond<H>(handler: &H, event: &Value) -> Answer
where
    H: AsyncFn(&Request) -> Result<Answer, Refusal>,
{
    let request = Request::read(event);
    // Boxed, because futures that call the SDK nest deeper than the compiler wants
    // to look.
    let handled = tokio::time::timeout(LIMIT, Box::pin(handler(&request))).await;
    let handled = handled.unwrap_or_else(|_| {
        let detail = format!("no answer within {} seconds", LIMIT.as_secs());
        Err(StepError::new(Code::AwsUnavailable, detail).into())
    });
    let answer = match handled {
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
