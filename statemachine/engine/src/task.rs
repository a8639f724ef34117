//! What tasks call.

use serde::Serialize;
use serde_json::Value;

/// What every direct integration's `Resource` begins with.
pub(crate) const INTEGRATION: &str = "arn:aws:states:";

/// The direct integrations that a definition may use: Step Functions calls the
/// service itself, with `Arguments` as the request and its answer as the result
/// (developer guide, "Integrating services with Step Functions").
pub const INTEGRATIONS: [&str; 5] = [
    "arn:aws:states:::dynamodb:getItem",
    "arn:aws:states:::dynamodb:putItem",
    "arn:aws:states:::dynamodb:updateItem",
    "arn:aws:states:::dynamodb:deleteItem",
    "arn:aws:states:::events:putEvents",
];

/// Does the work of `Task` states.
pub trait Tasks {
    /// Calls the thing that `resource` names with `arguments` and says what
    /// it answered. The resource is the text of the definition's `Resource`
    /// field: one of [`INTEGRATIONS`], or the ARN of a function or a
    /// substitution placeholder for it, such as `${InspectCluster}`.
    ///
    /// # Errors
    ///
    /// The error name is what `ErrorEquals` is compared with. For a Lambda
    /// function that is the `errorType` of its answer, and the cause is its
    /// answer as a string; for a direct integration it is the service and the
    /// name of its error, as in `DynamoDB.ConditionalCheckFailedException`.
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
    #[serde(skip)]
    for_good: bool,
}

impl TaskFailure {
    /// An error of this name with this cause.
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> TaskFailure {
        TaskFailure {
            error: error.into(),
            cause: cause.into(),
            for_good: false,
        }
    }

    /// The same, and no retrier is asked, only the catchers. Step Functions has no such
    /// failure: it is for whoever runs an execution and knows that to call again is of no use.
    #[must_use]
    pub fn for_good(self) -> TaskFailure {
        TaskFailure {
            for_good: true,
            ..self
        }
    }

    pub(crate) fn is_for_good(&self) -> bool {
        self.for_good
    }
}
