//! What the emulator's Step Functions did.

use std::fmt::Write;

use engine::{EventKind, Execution};
use serde_json::{Value, json};

use super::aws::Aws;

/// One execution on the emulator.
#[derive(Debug)]
pub struct Run {
    /// The answer to `DescribeExecution`.
    pub described: Value,
    /// All events of its history.
    pub events: Vec<Value>,
}

impl Run {
    /// An execution as it stands now; `None` if there is no such execution.
    pub async fn look(aws: &Aws, arn: &str) -> Option<Self> {
        let asked = json!({"executionArn": arn});
        let described = aws
            .try_call("states", "AWSStepFunctions.DescribeExecution", asked)
            .await
            .ok()?;
        let mut events = Vec::new();
        let mut asked = json!({"executionArn": arn, "maxResults": 1000});
        loop {
            let page = aws
                .call(
                    "states",
                    "AWSStepFunctions.GetExecutionHistory",
                    asked.clone(),
                )
                .await;
            events.extend(page["events"].as_array().cloned().unwrap_or_default());
            if page["nextToken"].is_null() {
                break;
            }
            asked["nextToken"] = page["nextToken"].clone();
        }
        Some(Self { described, events })
    }

    /// `RUNNING`, `SUCCEEDED`, …
    pub fn status(&self) -> &str {
        self.described["status"].as_str().unwrap_or_default()
    }

    /// The states that were entered, in order.
    pub fn path(&self) -> Vec<String> {
        let entered = self.events.iter().filter_map(|event| {
            let details = &event["stateEnteredEventDetails"];
            details["name"].as_str().map(str::to_owned)
        });
        entered.collect()
    }

    /// The run as a text, for somebody who has to find out what went wrong.
    pub fn tell(&self) -> String {
        let mut text = format!("{}\n", self.described);
        for event in &self.events {
            let kind = event["type"].as_str().unwrap_or_default();
            if kind.ends_with("StateExited") {
                continue;
            }
            let details = event.as_object().into_iter().flatten();
            let details: Vec<String> = details
                .filter(|(name, _)| name.ends_with("Details"))
                .map(|(_, details)| details.to_string())
                .collect();
            let line: String = details.join(" ").chars().take(600).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {} {kind} {line}", event["timestamp"]);
        }
        text
    }
}

/// The states that our engine entered, in order.
pub fn path(execution: &Execution) -> Vec<String> {
    let events = execution.history.iter();
    let entered = events.filter_map(|event| {
        let EventKind::StateEntered { state, .. } = &event.kind else {
            return None;
        };
        Some(state.clone())
    });
    entered.collect()
}

/// A path without its loops: how often something is looked at again depends on the
/// clock. A state that is entered again takes the path back to where it was entered
/// first.
pub fn without_loops(path: &[String]) -> Vec<&str> {
    let mut straight: Vec<&str> = Vec::new();
    for state in path {
        match straight.iter().position(|earlier| earlier == state) {
            Some(earlier) => straight.truncate(earlier + 1),
            None => straight.push(state),
        }
    }
    straight
}
