//! A host that nobody is at.

use std::cell::RefCell;
use std::collections::BTreeMap;

use engine::{TaskFailure, Tasks};
use serde_json::Value;
use shared::Code;
use shared::report::code_and_detail;

use crate::course::Course;

/// How often a host is asked that has never been reached.
const TRIES: u32 = 3;

/// Tasks that give up on a host which nobody has reached yet: a name that is not resolved
/// or a port where nobody listens is wrong far more often than it is away, and somebody
/// waits before the terminal. What was reached once may come back, and an undo step has
/// nothing better to do than to ask again: for these the definition decides.
pub struct Reaching<T> {
    tasks: T,
    course: Course,
    /// How often each resource was not reached; `None` once it was.
    unreached: RefCell<BTreeMap<String, Option<u32>>>,
}

impl<T> Reaching<T> {
    /// The tasks, none of which has reached anybody.
    pub fn new(tasks: T, course: Course) -> Self {
        Self {
            tasks,
            course,
            unreached: RefCell::default(),
        }
    }

    /// Whether it is of no use to ask this again.
    fn is_hopeless(&self, resource: &str, answer: &Result<Value, TaskFailure>) -> bool {
        let mut unreached = self.unreached.borrow_mut();
        let times = unreached.entry(resource.to_owned()).or_insert(Some(0));
        let is_reached = match answer {
            Ok(_) => true,
            Err(failure) => {
                code_and_detail(&failure.error, &failure.cause).0 != Code::HostUnreachable
            }
        };
        if is_reached {
            *times = None;
        }
        let Some(times) = times else { return false };
        *times += 1;
        *times >= TRIES
    }
}

impl<T: Tasks> Tasks for Reaching<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let answer = Box::pin(self.tasks.invoke(resource, arguments)).await;
        match self.course.goes_forward() && self.is_hopeless(resource, &answer) {
            true => answer.map_err(TaskFailure::for_good),
            false => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use engine::{Event, Execution, Machine, VirtualClock};
    use serde_json::json;
    use shared::StepError;
    use steps::words::Tale;

    use super::*;

    fn unreached() -> Result<Value, TaskFailure> {
        let error = StepError::new(Code::HostUnreachable, "no answer from nowhere.invalid");
        Err(steps::as_lambda_says_it(&error))
    }

    /// Runs one step that is retried nine times.
    async fn run(state: &str, function: &str, tasks: impl Tasks) -> Execution {
        let resource = format!("${{{function}FunctionArn}}");
        let retry = json!([{ "ErrorEquals": ["States.ALL"], "MaxAttempts": 9 }]);
        let work = json!({ "Type": "Task", "Resource": resource, "Retry": retry, "End": true });
        let definition =
            json!({ "QueryLanguage": "JSONata", "StartAt": state, "States": { state: work } });
        let machine = Machine::load(&definition.to_string()).unwrap();
        let course = Course::of(Tale::Connect);
        let tasks = Reaching::new(tasks, course.clone());
        let observer = |event: &Event| course.hear(event);
        engine::run(
            &machine,
            "test",
            json!({}),
            &tasks,
            &VirtualClock::new(),
            &observer,
        )
        .await
    }

    #[tokio::test]
    async fn a_host_that_was_never_reached_is_given_up_soon() {
        let calls = Cell::new(0);
        let nobody = async |_: &str, _: Value| {
            calls.set(calls.get() + 1);
            unreached()
        };
        run("InspectCluster", "InspectCluster", nobody).await;
        assert_eq!(calls.take(), TRIES);
        run("DeleteEndpoint", "DeleteEndpoint", nobody).await;
        assert_eq!(calls.take(), 10, "an undo step");
        run("ChangeEndpoint", "ChangeEndpoint", nobody).await;
        assert_eq!(calls.take(), TRIES);
        run("ChangeEndpointBack", "ChangeEndpoint", nobody).await;
        assert_eq!(calls.take(), 10, "an undo step by the function of a step");
        let gone_by_now = async |_: &str, _: Value| {
            calls.set(calls.get() + 1);
            match calls.get() {
                1 => Err(TaskFailure::new("Transient", "aws-throttled: slowly")),
                _ => unreached(),
            }
        };
        run("InspectCluster", "InspectCluster", gone_by_now).await;
        assert_eq!(calls.take(), 10, "a host that has answered");
    }
}
