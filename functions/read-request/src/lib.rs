//! Reads what the caller asks for, before anything else happens.
//!
//! Every field is checked and every default filled in, so that no later state
//! can fail over the request when something has already been made. Calls nobody
//! and changes nothing; there is nothing to undo.

use shared::StepError;
use shared::request::ProvisionRequest;

/// Checks the request and answers it with all its defaults.
///
/// # Errors
/// `invalid-request`, naming the field, the value and the rule.
pub fn handle(request: &serde_json::Value) -> Result<ProvisionRequest, StepError> {
    ProvisionRequest::parse(request)
}
