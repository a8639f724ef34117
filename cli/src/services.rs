//! What the definitions call without a function: ledger, leases and announcements.

use adapters::body;
use adapters::tls::Tls;
use engine::TaskFailure;
use in_process::integrations::{Call, Integrations};
use serde_json::Value;
use shared::StepError;
use simulator::{ApiError, Refusal};
use steps::Integrated;

/// Where these services are. Clones are the same place.
#[derive(Debug, Clone)]
pub enum Services {
    /// In a world of this process.
    Here(Integrations),
    /// At a simulator that is running elsewhere.
    There(There),
}

/// A simulator that is running elsewhere.
#[derive(Debug, Clone)]
pub struct There {
    client: reqwest::Client,
    url: String,
    /// Knows what a call looks like, and how its answer is told.
    forms: Integrations,
}

impl From<Integrations> for Services {
    fn from(integrations: Integrations) -> Self {
        Services::Here(integrations)
    }
}

impl Services {
    /// The services of the simulator at this URL.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn at(url: &str, forms: Integrations) -> Result<Self, StepError> {
        Ok(Services::There(There {
            client: Tls::default().client(|client| client)?,
            url: url.to_owned(),
            forms,
        }))
    }
}

impl Integrated for Services {
    async fn integrate(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let there = match self {
            Services::Here(integrations) => {
                return integrations.integrate(resource, arguments).await;
            }
            Services::There(there) => there,
        };
        match there.forms.call(resource, arguments) {
            Some(Ok(call)) => {
                let answered = there.ask(&call).await;
                call.result(answered).map_err(named)
            }
            Some(Err(failed)) => Err(named(failed)),
            None => {
                let cause = format!("no simulator has the integration {resource}");
                Err(TaskFailure::new("States.Runtime", cause))
            }
        }
    }
}

fn named((error, cause): (String, String)) -> TaskFailure {
    TaskFailure::new(error, cause)
}

impl There {
    async fn ask(&self, call: &Call) -> Result<Value, Refusal> {
        // As the botocore models of the services name them (`targetPrefix`).
        let prefix = match call.service() {
            "dynamodb" => "DynamoDB_20120810",
            "events" => "AWSEvents",
            _ => "AWSStepFunctions",
        };
        let request = self.client.post(&self.url);
        let request = request.header("x-amz-target", format!("{prefix}.{}", call.operation()));
        let sent = request.body(call.request().to_string()).send().await;
        let response = sent.map_err(|_| Refusal::CutOff)?;
        let status = response.status();
        let body = body::read(response).await.map_err(|_| Refusal::CutOff)?;
        let answer: Value = serde_json::from_slice(&body).map_err(|_| Refusal::CutOff)?;
        if status.is_success() {
            return Ok(answer);
        }
        let kind = answer["__type"].as_str().unwrap_or_default();
        let code = kind.rsplit('#').next().unwrap_or_default();
        let message = answer["message"].as_str().unwrap_or_default();
        Err(Refusal::Answer(ApiError::new(
            status.as_u16(),
            code,
            message,
        )))
    }
}
