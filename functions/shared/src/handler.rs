//! A handler of typed values as one of JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Code, StepError, bounds};

/// Decodes the payload, calls the handler, encodes its answer.
///
/// # Errors
/// [`Code::InvalidRequest`] for a payload that is not the handler's input, that of
/// [`bounds::answer`], and whatever the handler returns.
pub async fn call<I, O>(
    handler: impl AsyncFn(I) -> Result<O, StepError>,
    payload: Value,
) -> Result<Value, StepError>
where
    I: DeserializeOwned,
    O: Serialize,
{
    let input = serde_path_to_error::deserialize(payload).map_err(|error| {
        StepError::new(
            Code::InvalidRequest,
            format!("{}: {}", error.path(), error.inner()),
        )
    })?;
    let output = handler(input).await?;
    let answer = serde_json::to_value(output).map_err(|error| {
        StepError::new(
            Code::StepCrashed,
            format!("the answer is not JSON: {error}"),
        )
    })?;
    bounds::answer(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_malformed_payload_has_a_name_that_definitions_match() {
        let double = async |n: u32| Ok(n * 2);
        assert_eq!(call(double, json!(4)).await.unwrap(), json!(8));
        let error = call(double, json!("four")).await.unwrap_err();
        assert_eq!(error.name().as_str(), "InvalidInput");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_has_a_name_that_definitions_match() {
        let long = async |bytes: usize| Ok("x".repeat(bytes - 2));
        let whole = call(long, json!(bounds::ANSWER)).await.unwrap();
        assert_eq!(whole.to_string().len(), bounds::ANSWER);
        let error = call(long, json!(bounds::ANSWER + 1)).await.unwrap_err();
        assert_eq!(error.code, Code::DefinitionError);
    }
}
