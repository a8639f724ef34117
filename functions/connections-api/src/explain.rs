//! The error catalogue.

use schemars::JsonSchema;
use serde::Serialize;
use shared::Code;
use shared::gateway::{Answer, Refusal};

/// An entry of the error catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The stable code.
    pub code: String,
    /// What is the case, in general.
    pub cause: String,
    /// What the reader can do.
    pub fix: String,
}

/// The entry of a code.
pub(crate) fn answer(code: &str) -> Result<Answer, Refusal> {
    let Some(code) = Code::parse(code) else {
        let detail = format!("there is no error code `{code}`");
        return Err(Refusal::new(Code::ResourceNotFound, detail));
    };
    let entry = Explanation {
        code: code.to_string(),
        cause: code.cause().to_owned(),
        fix: code.fix().to_owned(),
    };
    Ok(Answer::json(200, &entry)?)
}
