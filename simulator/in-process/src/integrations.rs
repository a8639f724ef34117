//! What a definition calls without a function: the optimized integrations of
//! Step Functions with DynamoDB and EventBridge, over the simulated world.
//!
//! What is known of them, and from where:
//!
//! | Fact | Source |
//! | --- | --- |
//! | errors of DynamoDB begin with `DynamoDB.`, of EventBridge with `EventBridge.` | Step Functions developer guide, "Exception prefix differences" |
//! | `DynamoDB.ResourceNotFoundException`; a broken rule is `DynamoDB.AmazonDynamoDBException`; the form of the cause; the metadata in results | recorded on AWS (LocalStack's snapshots of 2023 and 2025) |
//! | a failed entry is `EventBridge.FailedEntry` with the answer as the cause; an object as `Detail` becomes text; machine and execution are added to `Resources`, which nobody reads here | developer guide, "Add EventBridge events", and recorded |
//! | codes without an exception of their own in the SDK of that time have the one of the service (`DynamoDB.AmazonDynamoDBException`, …) | inferred from the above; not documented |
//! | no answer is `States.Timeout` after the task's own limit; a broken connection is `….SdkClientException`, as with `Lambda.SdkClientException` | inferred; not documented |

mod names;

use serde_json::{Value, json};
use simulator::{ApiError, Refusal, Simulator, World};

use names::Service;

/// The largest result of a task, in bytes.
const LARGEST: usize = 262_144;

/// The integrations of one world.
#[derive(Debug, Clone)]
pub struct Integrations {
    simulator: Simulator,
}

/// The name and the cause of an error, as the definition sees them.
pub type Failed = (String, String);

/// A call of a service as Step Functions makes it.
#[derive(Debug)]
pub struct Call {
    service: &'static Service,
    operation: &'static str,
    request: Value,
}

impl Call {
    /// The service, as actions name it, such as `dynamodb`.
    pub fn service(&self) -> &'static str {
        self.service.name
    }

    /// The operation, such as `UpdateItem`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The request, in the JSON of the API.
    pub fn request(&self) -> &Value {
        &self.request
    }

    fn action(&self) -> String {
        format!("{}:{}", self.service.name, self.operation)
    }

    /// The result of the task that made this call.
    ///
    /// # Errors
    /// Those of the service, as Step Functions names them.
    pub fn result(&self, answered: Result<Value, Refusal>) -> Result<Value, Failed> {
        let service = self.service;
        let answer = match answered {
            Ok(answer) => answer,
            Err(Refusal::Answer(error)) => return Err(service.failed(&error)),
            Err(Refusal::TimedOut) => return Err(("States.Timeout".to_owned(), String::new())),
            Err(refusal @ Refusal::CutOff) => {
                let cause = format!("Unable to execute HTTP request: {refusal}");
                return Err((format!("{}.SdkClientException", service.prefix), cause));
            }
        };
        let result = result(service, answer)?;
        if result.to_string().len() > LARGEST {
            let cause = format!(
                "The state/task '{}' returned a result with a size \
                                 exceeding the maximum number of bytes service limit.",
                self.action()
            );
            return Err(("States.DataLimitExceeded".to_owned(), cause));
        }
        Ok(result)
    }
}

impl Integrations {
    /// The integrations of a world, for runs that do not say who they are.
    pub fn new(simulator: Simulator) -> Self {
        Self { simulator }
    }

    /// The same, with calls that are noted as made by somebody.
    pub fn acting_as(&self, who: &str) -> Self {
        Self {
            simulator: self.simulator.acting_as(who),
        }
    }

    /// Carries a task out whose resource is an integration; `None` if it is not
    /// one of those that this world knows.
    pub fn invoke(&self, resource: &str, arguments: Value) -> Option<Result<Value, Failed>> {
        let call = match self.call(resource, arguments)? {
            Ok(call) => call,
            Err(failed) => return Some(Err(failed)),
        };
        let answered = self.simulator.call(&call.action(), |world| {
            effect(call.service, world, call.operation, &call.request)
        });
        Some(call.result(answered))
    }

    /// The call of a service that a task makes; `None` if its resource is not one of
    /// the integrations that are known here.
    pub fn call(&self, resource: &str, arguments: Value) -> Option<Result<Call, Failed>> {
        let (service, operation) = names::known(resource)?;
        let request = request(service, operation, arguments);
        Some(request.map(|request| Call {
            service,
            operation,
            request,
        }))
    }
}

/// The request that follows from the arguments of a task.
fn request(service: &Service, operation: &str, arguments: Value) -> Result<Value, Failed> {
    let runtime = |cause: String| ("States.Runtime".to_owned(), cause);
    let Value::Object(mut members) = arguments else {
        return Err(runtime("The arguments are not a JSON object".to_owned()));
    };
    // Step Functions refuses a definition that names another one.
    let allowed = names::members(service, operation);
    if let Some(member) = members.keys().find(|key| !allowed.contains(&key.as_str())) {
        return Err(runtime(format!(
            "The field \"{member}\" is not supported by Step Functions"
        )));
    }
    if service.name == "events" {
        let entries = members.get_mut("Entries").and_then(Value::as_array_mut);
        let details = entries.into_iter().flatten();
        let details = details.filter_map(|entry| entry.get_mut("Detail"));
        for detail in details.filter(|detail| detail.is_object()) {
            *detail = Value::String(detail.to_string());
        }
    }
    Ok(Value::Object(members))
}

fn effect(
    service: &Service,
    world: &mut World,
    operation: &str,
    request: &Value,
) -> Result<Value, ApiError> {
    let home = world.ec2.caller();
    match service.name {
        "dynamodb" => world.dynamodb(&home, operation, request),
        _ => world.put_events(&home, request),
    }
}

/// The result of the task that follows from the answer.
fn result(service: &Service, answer: Value) -> Result<Value, Failed> {
    let Value::Object(mut members) = answer else {
        return Ok(answer);
    };
    if service.name == "events" {
        let answer = Value::Object(members);
        return if answer["FailedEntryCount"] == json!(0) {
            Ok(answer)
        } else {
            Err(("EventBridge.FailedEntry".to_owned(), answer.to_string()))
        };
    }
    members.insert(
        "SdkHttpMetadata".to_owned(),
        json!({ "HttpStatusCode": 200 }),
    );
    let id = json!({ "RequestId": names::REQUEST_ID });
    members.insert("SdkResponseMetadata".to_owned(), id);
    Ok(Value::Object(members))
}

#[cfg(test)]
mod tests;
