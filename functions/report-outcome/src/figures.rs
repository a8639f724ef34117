//! What is counted of every run that came to an end and knew its connection, for the
//! dashboard and the alarms. Namespace [`shared::metrics::NAMESPACE`].
//!
//! All have the dimension `Stack` ([`shared::metrics::STACK`]).
//!
//! | Metric | Unit | Also by | Meaning |
//! | --- | --- | --- | --- |
//! | `Runs` | Count | `Phase` | 1 for each run, by the phase that it ended with |
//! | `RunSeconds` | Seconds | `Phase` | how long the run took |
//! | `StepSeconds` | Seconds | `Step` | how long the connection took from the milestone before to this one; `Step` is the phase that was reached, and `requested` is the wait for the lease |
//! | `RollbackIncomplete` | Count | none | 1 if something is left behind, else 0 |
//! | `ApiKeyRefused` | Count | none | 1 if the first error was about the key of the Cloud API or its secret, else 0 |

use serde_json::{Map, Value, json};
use shared::Code;
use shared::ledger::Phase;
use shared::metrics::{Metric, line};
use shared::notice::Notice;

use crate::{Failure, Input, Output, seconds};

/// The lines to print for a run of a stack that ended so: none for one that never knew
/// what it was about.
pub fn figures(input: &Input, output: &Output, stack: &str) -> Vec<Value> {
    let Some(notice) = &output.notice else {
        return Vec::new();
    };
    let at = input.now;
    let phase = input.phase.as_str();
    let code = input.failure.as_ref().map(Failure::code);
    let properties = properties(notice);
    let run = line(
        at,
        stack,
        &[
            Metric::count("Runs", 1),
            Metric::seconds("RunSeconds", output.outcome.seconds),
        ],
        Some(("Phase", phase)),
        &properties,
    );
    let left_behind = matches!(
        input.phase,
        Phase::RollbackIncomplete | Phase::DisconnectIncomplete
    );
    let alarms = line(
        at,
        stack,
        &[
            Metric::count("RollbackIncomplete", usize::from(left_behind)),
            Metric::count(
                "ApiKeyRefused",
                usize::from(code.is_some_and(Code::is_about_api_key)),
            ),
        ],
        None,
        &properties,
    );
    let step = |phase: &str, from, to| {
        let metric = Metric::seconds("StepSeconds", seconds(from, to));
        line(at, stack, &[metric], Some(("Step", phase)), &properties)
    };
    let mut lines = vec![run, alarms];
    let mut before = input.started_at;
    for milestone in &input.timeline {
        lines.push(step(milestone.phase.as_str(), before, milestone.at));
        before = milestone.at;
    }
    if input.phase == Phase::Ready {
        lines.push(step(phase, before, at));
    }
    lines
}

/// What the log can be searched for.
fn properties(notice: &Notice) -> Map<String, Value> {
    let mut properties = Map::new();
    for (name, value) in [
        ("account_id", json!(notice.account_id)),
        ("region", json!(notice.region)),
        ("vpc_id", json!(notice.vpc_id)),
        ("cluster_id", json!(notice.cluster_id)),
        ("cluster_name", json!(notice.cluster_name)),
        ("code", json!(notice.code)),
        ("execution", json!(notice.execution)),
    ] {
        properties.insert(name.to_owned(), value);
    }
    properties
}
