//! The states of the definitions in plain words, for those who watch.

use serde_json::Value;

use crate::pairs::{self, CHANGE, plans};

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A step towards the connection.
    Story,
    /// A step that takes back what was made.
    Undo,
    /// No step of its own, but told of when it happens.
    Aside,
}

/// A state in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The state's name.
    pub state: &'static str,
    /// What it is for.
    pub part: Part,
    /// While it is under way.
    pub doing: &'static str,
    /// When it is done.
    pub done: &'static str,
}

const fn story(state: &'static str, doing: &'static str, done: &'static str) -> Words {
    Words {
        state,
        part: Part::Story,
        doing,
        done,
    }
}

const fn aside(state: &'static str, doing: &'static str, done: &'static str) -> Words {
    Words {
        state,
        part: Part::Aside,
        doing,
        done,
    }
}

const fn undo(state: &'static str, doing: &'static str, done: &'static str) -> Words {
    Words {
        state,
        part: Part::Undo,
        doing,
        done,
    }
}

/// The state that takes the lease. Nobody needs to hear of it unless it must be
/// waited for.
pub const LEASE: &str = "TakeLease";

/// All states that do something, in the order of the story and then of the undo.
/// What is recorded, reported and announced on the way changes nothing for those
/// who watch, so it has no words.
pub const TABLE: &[Words] = &[
    aside(LEASE, "Waiting for its turn", "No other execution"),
    story("ReadRequest", "Reading the request", "Request checked"),
    story(
        "InspectCluster",
        "Inspecting the cluster",
        "Cluster inspected",
    ),
    story(
        "InspectNetwork",
        "Inspecting the network",
        "Network inspected",
    ),
    story(
        "CreateSecurityGroup",
        "Making the security group",
        "Security group",
    ),
    story("CreateEndpoint", "Making the endpoint", "Endpoint"),
    story("RegisterEndpoint", "Registering the endpoint", "Registered"),
    story(
        "ChangeEndpoint",
        "Changing the endpoint",
        "Endpoint changed",
    ),
    story("CheckStatus", "Waiting for acceptance", "Accepted"),
    story(
        "EnablePrivateDns",
        "Switching private DNS on",
        "Private DNS on",
    ),
    story(
        "CheckStatusWithPrivateDns",
        "Waiting for private DNS",
        "Private DNS works",
    ),
    story(
        "TrimSecurityGroup",
        "Removing old rules",
        "Old rules removed",
    ),
    aside("DeregisterEndpointFormer", "Removing an old record", ""),
    aside("DeleteEndpointFormer", "Deleting an old endpoint", ""),
    undo(
        "CreateSecurityGroupBack",
        "Letting in as before",
        "Security group",
    ),
    undo(
        "ChangeEndpointBack",
        "Changing the endpoint back",
        "Endpoint",
    ),
    undo(
        "TrimSecurityGroupBack",
        "Removing new rules",
        "Security group",
    ),
    undo(
        "CheckStatusAsBefore",
        "Looking whether it works",
        "Works as before",
    ),
    undo(
        "DisablePrivateDns",
        "Switching private DNS off",
        "Private DNS off",
    ),
    undo(
        "DeregisterEndpoint",
        "Deregistering the endpoint",
        "Deregistered",
    ),
    undo("DeleteEndpoint", "Deleting the endpoint", "Endpoint"),
    undo(
        "DeleteSecurityGroup",
        "Deleting the group",
        "Security group",
    ),
];

/// The same for the definition that takes a connection away. Its steps are the
/// undo steps of the other one, and here they are the story. What is done is a
/// sentence that the step says itself, where there are no words.
pub const REMOVAL: &[Words] = &[
    TABLE[0],
    story("ReadRemoval", "Reading the request", "Request checked"),
    story(
        "GuardRemoval",
        "Asking whether it may go",
        "Nothing in the way",
    ),
    story(
        "InspectConnection",
        "Looking for what there is",
        "Connection inspected",
    ),
    story("DeregisterEndpoint", "Deregistering the endpoint", ""),
    story("DeleteEndpoint", "Deleting the endpoint", ""),
    story("DeleteSecurityGroup", "Deleting the group", ""),
];

/// The same for the definition that looks for orphans, or makes the ledger anew.
pub const SWEEP: &[Words] = &[
    story("RebuildLedger", "Reading the tags", "Tags read"),
    story("FindOrphans", "Looking for orphans", "Looked"),
    story(
        "StartExecutionsForRemovals",
        "Having them removed",
        "Removals begun",
    ),
];

/// Which definition is told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tale {
    /// `provision`.
    #[default]
    Connect,
    /// `deprovision`.
    Disconnect,
    /// `sweep`.
    Sweep,
}

impl Tale {
    /// The steps of the definition.
    pub fn table(self) -> &'static [Words] {
        match self {
            Tale::Connect => TABLE,
            Tale::Disconnect => REMOVAL,
            Tale::Sweep => SWEEP,
        }
    }

    /// The words for a state, if it does something.
    pub fn of(self, state: &str) -> Option<&'static Words> {
        self.table().iter().find(|words| words.state == state)
    }
}

/// The words for a state of any definition, if it does something.
pub fn of(state: &str) -> Option<&'static Words> {
    [Tale::Connect, Tale::Disconnect, Tale::Sweep]
        .into_iter()
        .find_map(|tale| tale.of(state))
}

/// How many steps lead to the goal with this plan. Until there is one, they are those of a
/// connection that is new.
pub fn story_steps(tale: Tale, plan: Option<&Value>) -> usize {
    let is_taken = |words: &&Words| match (pairs::planned(words.state), plan) {
        (None, _) => true,
        (Some(place), None) => !place.starts_with(CHANGE),
        (Some(place), Some(plan)) => plans(plan, place),
    };
    let steps = tale.table().iter();
    let steps = steps.filter(|words| words.part == Part::Story);
    steps.filter(is_taken).count()
}

/// Whether the state is a step towards the goal, or takes the lease without which there
/// is none.
pub fn goes_forward(tale: Tale, state: &str) -> bool {
    let is_step = |words: &Words| words.part == Part::Story;
    state == LEASE || tale.of(state).is_some_and(is_step)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{definition, function_of};

    #[test]
    fn every_step_of_the_definitions_has_words_and_nothing_else_has() {
        for (tale, text) in [
            (Tale::Connect, definition::PROVISION),
            (Tale::Disconnect, definition::DEPROVISION),
            (Tale::Sweep, definition::SWEEP),
        ] {
            let definition: Value = serde_json::from_str(text).unwrap();
            let states = definition["States"].as_object().unwrap();
            let is_step = |resource: &str| {
                function_of(resource)
                    .is_some_and(|function| !["report-outcome", "tag-vpc"].contains(&function))
            };
            let tasks: BTreeSet<&str> = states
                .iter()
                .filter(|(_, state)| state["Resource"].as_str().is_some_and(is_step))
                .map(|(name, _)| name.as_str())
                .chain(
                    states
                        .keys()
                        .map(String::as_str)
                        .filter(|name| *name == LEASE),
                )
                .collect();
            let table = tale.table();
            let named: BTreeSet<&str> = table.iter().map(|words| words.state).collect();
            assert_eq!(named, tasks, "statemachine/steps/src/words.rs");
            assert_eq!(table.len(), named.len(), "each state once");
        }
    }

    /// Otherwise a run that was asked to stop would refuse its own undo.
    #[test]
    fn after_the_decision_to_undo_no_state_goes_forward() {
        let machine: Value = serde_json::from_str(definition::PROVISION).unwrap();
        let mut reached = BTreeSet::new();
        let mut ahead = vec!["DecideUndo"];
        while let Some(state) = ahead.pop() {
            if reached.insert(state) {
                ahead.extend(followers(&machine["States"][state]));
            }
        }
        reached.retain(|state| Tale::Connect.of(state).is_some());
        let undo = TABLE.iter().filter(|words| words.part == Part::Undo);
        let undo: BTreeSet<&str> = undo.map(|words| words.state).collect();
        assert_eq!(reached, undo);
        for state in undo {
            assert!(!goes_forward(Tale::Connect, state), "{state}");
        }
    }

    /// The states that may come next.
    fn followers(state: &Value) -> impl Iterator<Item = &str> {
        let ways = ["Choices", "Catch"].into_iter();
        let ways = ways.flat_map(move |key| state[key].as_array().into_iter().flatten());
        let next = ways.map(|way| &way["Next"]);
        let next = next.chain([&state["Next"], &state["Default"]]);
        next.filter_map(Value::as_str)
    }
}
