//! The steps of `provision` and what takes each of them back, as one table. It is what
//! the definition must do; `tests/it/undo_line.rs` holds it to that.

use serde_json::{Value, json};

/// A state that goes forward, and what takes it back. A step that failed may have taken
/// effect all the same, so it counts as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The state.
    pub step: &'static str,
    /// Where the plan says whether the step is taken, for [`plans`]; `None` where
    /// something else does.
    pub planned: Option<&'static str>,
    /// What it makes or changes.
    pub of: Part,
    /// What takes it back where that part is there for this execution only.
    pub undo: Undo,
    /// What takes it back where that part stood before, and stays.
    pub back: Undo,
}

/// A part of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The security group, with its rules.
    Group,
    /// The endpoint, with its registration and private DNS.
    Endpoint,
    /// Nothing that would have to be taken back.
    Nothing,
}

/// What takes a step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// A state.
    By {
        /// The state.
        state: &'static str,
        /// Where the plan says whether there is anything to take back, for [`plans`].
        planned: &'static str,
    },
    /// Nothing, and why.
    Stays(&'static str),
}

/// Where the plan decides nothing.
const ALWAYS: &str = "";

/// Where the plan has what changes about a connection that is there.
pub(crate) const CHANGE: &str = "/change/";

/// In the order in which they are taken.
pub const PROVISION: &[Pair] = &[
    stays("ReadRequest", Some(ALWAYS), "it calls nobody"),
    stays(
        "InspectCluster",
        Some(ALWAYS),
        "the Cloud API deletes no endpoint service",
    ),
    stays("InspectNetwork", Some(ALWAYS), "it changes nothing"),
    Pair {
        step: "CreateSecurityGroup",
        planned: Some("/security_group"),
        of: Part::Group,
        undo: by("DeleteSecurityGroup", ALWAYS),
        back: by("TrimSecurityGroupBack", "/change/sources_added"),
    },
    Pair {
        step: "CreateEndpoint",
        planned: Some(ALWAYS),
        of: Part::Endpoint,
        undo: by("DeleteEndpoint", ALWAYS),
        back: Undo::Stays("it makes none, and the claim is that of the connection"),
    },
    Pair {
        step: "RegisterEndpoint",
        planned: Some(ALWAYS),
        of: Part::Endpoint,
        undo: by("DeregisterEndpoint", "/undo/registration"),
        back: Undo::Stays("a connection that stands needs it"),
    },
    Pair {
        step: "ChangeEndpoint",
        planned: Some("/change/endpoint"),
        of: Part::Endpoint,
        undo: Undo::Stays("the endpoint goes as a whole"),
        back: by("ChangeEndpointBack", "/change/former_endpoint"),
    },
    stays("CheckStatus", Some(ALWAYS), "it changes nothing"),
    Pair {
        step: "EnablePrivateDns",
        planned: Some("/private_host"),
        of: Part::Endpoint,
        undo: by("DisablePrivateDns", "/undo/private_dns"),
        back: by("ChangeEndpointBack", "/change/former_endpoint"),
    },
    stays(
        "CheckStatusWithPrivateDns",
        Some("/private_host"),
        "it changes nothing",
    ),
    Pair {
        step: "TrimSecurityGroup",
        planned: Some("/change/sources_removed"),
        of: Part::Group,
        undo: Undo::Stays("the group goes as a whole"),
        back: by("CreateSecurityGroupBack", ALWAYS),
    },
    stays(
        "DeregisterEndpointFormer",
        None,
        "it takes back an earlier execution",
    ),
    stays(
        "DeleteEndpointFormer",
        Some("/twins"),
        "it takes back an earlier execution",
    ),
    stays("ReportOutcome", Some(ALWAYS), "it calls nobody"),
    stays("TagVpc", None, "it says how the connection stands"),
];

/// Whether the plan has something at this place, a JSON pointer: null, false and an empty
/// list are nothing, and the whole plan is something.
pub fn plans(plan: &Value, place: &str) -> bool {
    let nothing = [json!(null), json!(false), json!([])];
    let planned = plan.pointer(place);
    planned.is_some_and(|planned| !nothing.contains(planned))
}

/// Where the plan says whether this step is taken, if the plan says it.
pub(crate) fn planned(step: &str) -> Option<&'static str> {
    PROVISION.iter().find(|pair| pair.step == step)?.planned
}

const fn by(state: &'static str, planned: &'static str) -> Undo {
    Undo::By { state, planned }
}

const fn stays(step: &'static str, planned: Option<&'static str>, why: &'static str) -> Pair {
    Pair {
        step,
        planned,
        of: Part::Nothing,
        undo: Undo::Stays(why),
        back: Undo::Stays(why),
    }
}
