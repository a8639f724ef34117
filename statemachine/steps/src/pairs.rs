//! The steps of `provision` and what takes each of them back, as one table. It is what
//! the definition must do; `tests/it/undo_line.rs` holds it to that.

/// A state that goes forward, and what takes it back. A step that failed may have taken
/// effect all the same, so it counts as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The state.
    pub step: &'static str,
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
        /// Where the plan says whether there is anything to take back, as a JSON
        /// pointer: null, false or an empty list says no. The whole plan says yes.
        planned: &'static str,
    },
    /// Nothing, and why.
    Stays(&'static str),
}

/// Where the plan decides nothing.
const ALWAYS: &str = "";

/// In the order in which they are taken.
pub const PROVISION: [Pair; 15] = [
    stays("ReadRequest", "it calls nobody"),
    stays(
        "InspectCluster",
        "the Cloud API deletes no endpoint service",
    ),
    stays("InspectNetwork", "it changes nothing"),
    Pair {
        step: "CreateSecurityGroup",
        of: Part::Group,
        undo: by("DeleteSecurityGroup", ALWAYS),
        back: by("TrimSecurityGroupBack", "/change/sources_added"),
    },
    Pair {
        step: "CreateEndpoint",
        of: Part::Endpoint,
        undo: by("DeleteEndpoint", ALWAYS),
        back: Undo::Stays("it makes none, and the claim is that of the connection"),
    },
    Pair {
        step: "RegisterEndpoint",
        of: Part::Endpoint,
        undo: by("DeregisterEndpoint", "/undo/registration"),
        back: Undo::Stays("a connection that stands needs it"),
    },
    Pair {
        step: "ChangeEndpoint",
        of: Part::Endpoint,
        undo: Undo::Stays("the endpoint goes as a whole"),
        back: by("ChangeEndpointBack", "/change/former_endpoint"),
    },
    stays("CheckStatus", "it changes nothing"),
    Pair {
        step: "EnablePrivateDns",
        of: Part::Endpoint,
        undo: by("DisablePrivateDns", "/undo/private_dns"),
        back: by("ChangeEndpointBack", "/change/former_endpoint"),
    },
    stays("CheckStatusWithPrivateDns", "it changes nothing"),
    Pair {
        step: "TrimSecurityGroup",
        of: Part::Group,
        undo: Undo::Stays("the group goes as a whole"),
        back: by("CreateSecurityGroupBack", ALWAYS),
    },
    stays(
        "DeregisterEndpointFormer",
        "it takes back an earlier execution",
    ),
    stays("DeleteEndpointFormer", "it takes back an earlier execution"),
    stays("ReportOutcome", "it calls nobody"),
    stays("TagVpc", "it says how the connection stands"),
];

const fn by(state: &'static str, planned: &'static str) -> Undo {
    Undo::By { state, planned }
}

const fn stays(step: &'static str, why: &'static str) -> Pair {
    Pair {
        step,
        of: Part::Nothing,
        undo: Undo::Stays(why),
        back: Undo::Stays(why),
    }
}
