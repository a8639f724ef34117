//! What is counted of every run that came to an end and knew its connection, for the
//! dashboard and the alarms. Namespace [`shared::metrics::NAMESPACE`].
//!
//! | Metric | Unit | Dimension | Meaning |
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
use shared::report::Outcome;
use shared::subject::Subject;

use crate::{Failure, Input, seconds};

/// The lines to print for a run that ended so: none for one that never knew what it was
/// about.
pub fn figures(input: &Input, outcome: &Outcome) -> Vec<Value> {
    let Some(connection) = &input.connection else {
        return Vec::new();
    };
    let at = input.now;
    let phase = input.phase.as_str();
    let code = input.failure.as_ref().map(Failure::code);
    let properties = properties(connection, code);
    let run = line(
        at,
        &[
            Metric::count("Runs", 1),
            Metric::seconds("RunSeconds", outcome.seconds),
        ],
        &[("Phase", phase)],
        &[&["Phase"]],
        &properties,
    );
    let left_behind = matches!(
        input.phase,
        Phase::RollbackIncomplete | Phase::DisconnectIncomplete
    );
    let alarms = line(
        at,
        &[
            Metric::count("RollbackIncomplete", usize::from(left_behind)),
            Metric::count(
                "ApiKeyRefused",
                usize::from(code.is_some_and(Code::is_about_api_key)),
            ),
        ],
        &[],
        &[&[]],
        &properties,
    );
    let mut lines = vec![run, alarms];
    let mut before = input.started_at;
    for milestone in &input.timeline {
        lines.push(line(
            at,
            &[Metric::seconds(
                "StepSeconds",
                seconds(before, milestone.at),
            )],
            &[("Step", milestone.phase.as_str())],
            &[&["Step"]],
            &properties,
        ));
        before = milestone.at;
    }
    if input.phase == Phase::Ready {
        lines.push(line(
            at,
            &[Metric::seconds("StepSeconds", seconds(before, at))],
            &[("Step", phase)],
            &[&["Step"]],
            &properties,
        ));
    }
    lines
}

/// What the log can be searched for.
fn properties(connection: &Subject, code: Option<Code>) -> Map<String, Value> {
    let mut properties = Map::new();
    for (name, value) in [
        ("cluster_id", json!(connection.cluster_id)),
        ("region", json!(connection.region)),
        ("vpc_id", json!(connection.vpc_id)),
        ("code", json!(code.map(Code::as_str))),
    ] {
        properties.insert(name.to_owned(), value);
    }
    properties
}
