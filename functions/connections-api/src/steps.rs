//! The steps of an execution, as far as its milestones tell.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ledger::{Connection, Phase};
use time::OffsetDateTime;

/// A step on the way to a connection, or the one that removes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// The step: the function that does it, or `deprovision`.
    pub step: String,
    /// What it is for, in words.
    pub title: String,
    /// How it stands.
    pub state: StepState,
    /// When it began, as far as known.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub began_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub ended_at: Option<OffsetDateTime>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// It is its turn.
    Running,
    /// It has reached its goal.
    Done,
    /// There was nothing to do, or an earlier step failed.
    Skipped,
    /// It failed, or the execution was stopped during it.
    Failed,
}

/// How far an execution has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Progress {
    /// How many steps are behind it, done or skipped.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// The same in percent.
    #[schemars(range(min = 0, max = 100))]
    pub percent: usize,
    /// What is being waited for, while an execution is under way.
    pub waiting_for: Option<String>,
}

/// A step of the definition `provision`.
struct Told {
    step: &'static str,
    title: &'static str,
    waiting_for: &'static str,
    /// What the ledger has when it is done.
    reached: Phase,
    /// The states of the definition that fail at it.
    states: &'static [&'static str],
}

const STORY: [Told; 7] = [
    Told {
        step: "inspect-cluster",
        title: "Inspect the cluster",
        waiting_for: "the cluster to be idle and its endpoint service to be available",
        reached: Phase::ClusterInspected,
        states: &["InspectCluster"],
    },
    Told {
        step: "inspect-network",
        title: "Inspect the network",
        waiting_for: "the VPC to have subnets that can be used",
        reached: Phase::NetworkInspected,
        states: &["InspectNetwork"],
    },
    Told {
        step: "create-security-group",
        title: "Make the security group",
        waiting_for: "EC2 to make the security group",
        reached: Phase::SecurityGroupMade,
        states: &["CreateSecurityGroup"],
    },
    Told {
        step: "create-endpoint",
        title: "Make the endpoint",
        waiting_for: "EC2 to make the endpoint",
        reached: Phase::EndpointMade,
        states: &["CreateEndpoint"],
    },
    Told {
        step: "register-endpoint",
        title: "Register the endpoint with the cluster",
        waiting_for: "the cluster to take the endpoint",
        reached: Phase::Registered,
        states: &["RegisterEndpoint"],
    },
    Told {
        step: "check-status",
        title: "Wait for acceptance",
        waiting_for: "both sides to be available",
        reached: Phase::Accepted,
        states: &["ChangeEndpoint", "CheckStatus"],
    },
    Told {
        step: "enable-private-dns",
        title: "Switch private DNS on",
        waiting_for: "the private name to resolve in the VPC",
        reached: Phase::Ready,
        states: &[
            "EnablePrivateDns",
            "CheckStatusWithPrivateDns",
            "TrimSecurityGroup",
        ],
    },
];

/// What is waited for while a connection is removed.
const GOING: &str =
    "the private endpoint connection, the endpoint and the security group to be gone";

/// Whether the last execution removes the connection.
pub(crate) fn is_removal(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Disconnecting | Phase::Disconnected | Phase::DisconnectIncomplete
    )
}

/// The steps of the last execution, and how far it has come.
pub(crate) fn of(connection: &Connection) -> (Vec<Step>, Progress) {
    let phase = run_phase(connection);
    if is_removal(phase) {
        return removal(connection);
    }
    let story: Vec<&Told> = STORY
        .iter()
        .filter(|told| told.reached != Phase::Ready || connection.request.private_dns)
        .collect();
    let last_reached = story
        .iter()
        .rposition(|told| at(connection, told.reached).is_some());
    let next = last_reached.map_or(0, |n| n + 1);
    let turn = failed_step(connection, &story).unwrap_or(next).max(next);

    let mut began = at(connection, Phase::Requested).or(Some(connection.started_at));
    let mut steps = Vec::with_capacity(story.len());
    for (n, told) in story.iter().enumerate() {
        let reached = at(connection, told.reached);
        let state = match reached {
            Some(_) => StepState::Done,
            None if n < turn || phase == Phase::Ready => StepState::Skipped,
            None if !phase.is_over() && n == turn => StepState::Running,
            None if !phase.is_over() => StepState::Waiting,
            None if n == turn => StepState::Failed,
            None => StepState::Skipped,
        };
        let ended = match state {
            StepState::Failed => ended_at(connection),
            StepState::Done => reached,
            StepState::Waiting | StepState::Running | StepState::Skipped => None,
        };
        let was_its_turn = !matches!(state, StepState::Waiting | StepState::Skipped);
        steps.push(step(
            told.step,
            told.title,
            state,
            began.filter(|_| was_its_turn),
            ended,
        ));
        began = reached.or(began);
    }
    let waiting_for = steps
        .iter()
        .position(|step| step.state == StepState::Running)
        .map(|n| story[n].waiting_for);
    let progress = progress(&steps, waiting_for);
    (steps, progress)
}

/// The one step of taking a connection away.
fn removal(connection: &Connection) -> (Vec<Step>, Progress) {
    let began = at(connection, Phase::Disconnecting).or(Some(connection.started_at));
    let (state, ended) = if connection.phase == Phase::Disconnecting {
        (StepState::Running, None)
    } else if connection.phase == Phase::Disconnected {
        (StepState::Done, ended_at(connection))
    } else {
        (StepState::Failed, ended_at(connection))
    };
    let steps = vec![step(
        "deprovision",
        "Take the connection away",
        state,
        began,
        ended,
    )];
    let progress = progress(&steps, Some(GOING).filter(|_| state == StepState::Running));
    (steps, progress)
}

fn step(
    step: &str,
    title: &str,
    state: StepState,
    began_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
) -> Step {
    Step {
        step: step.to_owned(),
        title: title.to_owned(),
        state,
        began_at,
        ended_at,
    }
}

fn progress(steps: &[Step], waiting_for: Option<&str>) -> Progress {
    // After a failure, what was skipped is not behind the run but was never reached.
    let behind = steps
        .iter()
        .take_while(|step| matches!(step.state, StepState::Done | StepState::Skipped));
    let done = behind.count();
    Progress {
        done,
        of: steps.len(),
        percent: done * 100 / steps.len().max(1),
        waiting_for: waiting_for.map(str::to_owned),
    }
}

/// How far the last execution has come. How the connection stands is another matter where
/// that execution failed on one that stood.
fn run_phase(connection: &Connection) -> Phase {
    let last = connection.timeline.last().map(|it| it.phase);
    let failed = connection.asked.is_some() && connection.phase.is_over();
    last.filter(|phase| failed && phase.is_over())
        .unwrap_or(connection.phase)
}

/// When the last execution reached a phase.
fn at(connection: &Connection, phase: Phase) -> Option<OffsetDateTime> {
    let milestone = connection.timeline.iter().find(|it| it.phase == phase);
    milestone.map(|it| it.at)
}

/// The step in which the last execution failed, as its outcome tells.
fn failed_step(connection: &Connection, story: &[&Told]) -> Option<usize> {
    let outcome = connection.outcome.as_ref()?;
    let failed_at = outcome.failure.as_ref()?.failed_at.as_str();
    // The outcome of an earlier run says nothing about this one.
    if outcome.phase != run_phase(connection) {
        return None;
    }
    story
        .iter()
        .position(|told| told.states.contains(&failed_at))
}

/// When the last execution failed.
fn ended_at(connection: &Connection) -> Option<OffsetDateTime> {
    let outcome = connection.outcome.as_ref();
    let outcome = outcome.filter(|outcome| outcome.phase == run_phase(connection));
    outcome
        .map(|outcome| outcome.at)
        .or_else(|| at(connection, connection.phase))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_state_that_may_fail_on_the_way_is_one_of_a_step() {
        let provision = include_str!("../../../statemachine/provision.asl.json");
        let provision: Value = serde_json::from_str(provision).unwrap();
        let states = provision["States"].as_object().unwrap().iter();
        let may_fail = states.filter(|(_, state)| {
            let calls = state["Resource"].as_str();
            calls.is_some_and(|resource| resource.ends_with("FunctionArn}"))
                && state["Catch"][0]["Next"] == "DecideUndo"
        });
        let may_fail: BTreeSet<&str> = may_fail.map(|(name, _)| name.as_str()).collect();
        let told: Vec<&str> = STORY.iter().flat_map(|told| told.states).copied().collect();
        assert_eq!(
            BTreeSet::from_iter(told.iter().copied()),
            may_fail,
            "functions/connections-api/src/steps.rs"
        );
        assert_eq!(told.len(), may_fail.len(), "each once");
    }
}
