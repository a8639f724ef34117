//! The steps of `provision` and what takes each of them back, as one table. It is what
//! the definition must be; `tests/it/undo_line.rs` holds it to that.

/// A state that goes forward, and what takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The state.
    pub step: &'static str,
    /// What takes back what it has made.
    pub undo: Option<Undo>,
    /// What gives back to a connection that stood before what the step has changed of it.
    pub back: Option<Undo>,
    /// Why nothing takes it back; empty where something does.
    pub why: &'static str,
}

/// A state that takes a step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undo {
    /// The state.
    pub state: &'static str,
    /// When the undo line comes to it.
    pub when: When,
}

/// When the undo line comes to an undo. A step that failed may have taken effect all
/// the same, so it counts as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// If the plan or an id that is known by then asks for it, whichever state failed.
    AskedFor,
    /// If the step itself failed; later on an id that is known asks for it.
    StepFailed,
    /// If the step or any state after it failed.
    SinceStep,
}

/// In the order in which they are taken.
pub const PROVISION: [Pair; 15] = [
    stays("ReadRequest", "it calls nobody"),
    stays(
        "InspectCluster",
        "the Cloud API deletes no endpoint service",
    ),
    stays("InspectNetwork", "it changes nothing"),
    pair(
        "CreateSecurityGroup",
        Some(undo("DeleteSecurityGroup", When::AskedFor)),
        Some(undo("TrimSecurityGroupBack", When::AskedFor)),
    ),
    pair(
        "CreateEndpoint",
        Some(undo("DeleteEndpoint", When::StepFailed)),
        None,
    ),
    pair(
        "RegisterEndpoint",
        Some(undo("DeregisterEndpoint", When::AskedFor)),
        None,
    ),
    // Puts back subnets and private DNS, so also what `EnablePrivateDns` has changed.
    pair(
        "ChangeEndpoint",
        None,
        Some(undo("ChangeEndpointBack", When::SinceStep)),
    ),
    stays("CheckStatus", "it changes nothing"),
    pair(
        "EnablePrivateDns",
        Some(undo("DisablePrivateDns", When::SinceStep)),
        None,
    ),
    stays("CheckStatusWithPrivateDns", "it changes nothing"),
    pair(
        "TrimSecurityGroup",
        None,
        Some(undo("CreateSecurityGroupBack", When::SinceStep)),
    ),
    stays(
        "DeregisterEndpointFormer",
        "it takes back an earlier execution",
    ),
    stays("DeleteEndpointFormer", "it takes back an earlier execution"),
    stays("ReportOutcome", "it calls nobody"),
    stays("TagVpc", "it says how the connection stands"),
];

const fn pair(step: &'static str, undo: Option<Undo>, back: Option<Undo>) -> Pair {
    Pair {
        step,
        undo,
        back,
        why: "",
    }
}

const fn stays(step: &'static str, why: &'static str) -> Pair {
    Pair {
        step,
        undo: None,
        back: None,
        why,
    }
}

const fn undo(state: &'static str, when: When) -> Undo {
    Undo { state, when }
}
