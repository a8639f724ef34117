//! What tasks call.

use serde::Serialize;
use serde_json::Value;

/// Does the work of `Task` states.
pub trait Tasks {
    /// Calls the thing that `resource` names with `arguments` and says what
    /// it answered. The resource is the text of the definition's `Resource`
    /// field, substitution placeholders such as `${InspectCluster}` included.
    ///
    /// # Errors
    ///
    /// The error name is what `ErrorEquals` is compared with. For a Lambda
    /// function that is the `errorType` of its answer, and the cause is its
    /// answer as a string.
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure>;
}

/// A closure does for tests. Called with the resource and the arguments.
impl<F> Tasks for F
where
    F: AsyncFn(&str, Value) -> Result<Value, TaskFailure>,
{
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        self(resource, arguments).await
    }
}

/// An error by name, with its cause: what `$states.errorOutput` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskFailure {
    /// The name that retriers and catchers are matched with.
    pub error: String,
    /// What happened, for people and for the handlers of the error.
    pub cause: String,
}

impl TaskFailure {
    /// An error of this name with this cause.
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> TaskFailure {
        TaskFailure {
            error: error.into(),
            cause: cause.into(),
        }
    }
}
