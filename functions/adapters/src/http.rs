//! The process of a function behind API Gateway.

use std::time::Duration;

use lambda_runtime::Error;
use shared::gateway::{Answer, Refusal, Request, respond};
use shared::{Code, StepError};

use crate::lambda::serve_events;

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
        // Boxed, because futures that call the SDK nest deeper than the compiler wants
        // to look.
        let answered = Box::pin(respond(&handler, &event));
        let answer = match tokio::time::timeout(LIMIT, answered).await {
            Ok(answer) => answer,
            Err(_) => respond(&async |_: &Request| Err(too_late()), &event).await,
        };
        serde_json::to_value(answer).map_err(|error| {
            let detail = format!("the answer is not JSON: {error}");
            StepError::new(Code::StepCrashed, detail)
        })
    })
    .await
}

fn too_late() -> Refusal {
    let detail = format!("no answer within {} seconds", LIMIT.as_secs());
    StepError::new(Code::AwsUnavailable, detail).into()
}
