//! What the two inspections hand to the later steps.
//!
//! Everything is decided before anything is made: names, subnets, sources, what
//! is used as it stands, and what an undo may touch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::ec2::Source;
use crate::ids::{
    AccountId, EndpointId, RoutingId, SecurityGroupId, ServiceName, SubnetId, ZoneId,
};

/// What the cluster's side looks like. Made by `inspect-cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterFacts {
    /// The cluster's name, for messages.
    pub cluster_name: String,
    /// The endpoint service of the cluster in the Region.
    pub service_name: ServiceName,
    /// The zones that the Cloud API says the service is offered in.
    pub zone_ids: BTreeSet<ZoneId>,
    /// The host that resolves through private DNS, if the API tells it.
    pub private_host: Option<String>,
    /// What a client of a Standard cluster sends along.
    pub routing_id: Option<RoutingId>,
    /// The accounts that may connect, or `None` where everybody may.
    pub trusted_accounts: Option<Vec<String>>,
    /// Endpoints registered with the cluster and available.
    pub registered: BTreeSet<String>,
    /// Endpoints registered with the cluster in any other living state.
    pub half_registered: BTreeSet<String>,
}

/// What will be made, what is used as it stands, and what an undo may touch.
/// Made by `inspect-network`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPlan {
    /// The account that owns the VPC.
    pub account_id: AccountId,
    pub endpoint: EndpointPlan,
    /// Our security group; `None` when an endpoint that we did not make is used
    /// with the groups that it has.
    pub security_group: Option<SecurityGroupPlan>,
    /// The account to be added to the cluster's trusted owners, if any.
    pub trust_account: Option<AccountId>,
    /// The host that private DNS will answer for; `None` without private DNS.
    pub private_host: Option<String>,
    /// What changes about a connection that is there; `None` when the endpoint is
    /// made by this run, or this connection does not use it yet.
    pub change: Option<ChangePlan>,
    /// Other endpoints that were made for this connection, by a run that was lost. They
    /// go once the connection works.
    pub twins: Vec<EndpointId>,
    /// What an undo may touch.
    pub undo: UndoPlan,
    /// What the reader should know.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointPlan {
    /// The endpoint that exists already and will be used; `None` to make one.
    pub existing: Option<EndpointId>,
    pub service_name: ServiceName,
    /// The subnets that it is to have in the end, one for each zone.
    pub subnet_ids: Vec<SubnetId>,
    /// The zones of these subnets.
    pub zone_ids: BTreeSet<ZoneId>,
    /// Whether its tags are to say that the connection is protected.
    pub protected: bool,
}

/// What changes about a connection that is there, and what was there before. Things
/// are added first and taken away last, and what others share is not taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    /// What the endpoint is to be; `None` when nothing of it changes.
    pub endpoint: Option<EndpointShape>,
    /// What the endpoint was. `None` when this run does not change it, so that an
    /// undo has nothing to put back.
    pub former_endpoint: Option<EndpointShape>,
    /// Who is let in by a rule that is still missing.
    pub sources_added: Vec<Source>,
    /// Who is let in by a rule of this connection that is taken away in the end.
    pub sources_removed: Vec<Source>,
    /// The group with those whom the rules of this connection let in before. `None`
    /// when this run neither adds nor removes a rule, so that an undo has nothing to
    /// put back.
    pub former_group: Option<SecurityGroupPlan>,
}

impl ChangePlan {
    /// Whether everything is as it was asked for.
    pub fn is_nothing(&self) -> bool {
        self.former_endpoint.is_none() && self.former_group.is_none()
    }
}

/// What can change about an endpoint while it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointShape {
    /// Its subnets, one for each zone.
    pub subnet_ids: Vec<SubnetId>,
    /// Whether private DNS is on; `None` leaves that to `enable-private-dns`, which
    /// comes later.
    pub private_dns: Option<bool>,
    /// Our security group, where somebody has taken it off; `None` leaves all groups as they
    /// are. Those of others stay in any case.
    pub group: Option<EndpointGroup>,
    /// Whether its tags say that the connection is protected; `None` where that stays.
    pub protected: Option<bool>,
}

/// Whether a security group is on an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointGroup {
    pub id: SecurityGroupId,
    pub on: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityGroupPlan {
    pub name: String,
    /// Who may connect.
    pub sources: Vec<Source>,
}

/// What an undo may touch: nothing that stood before this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoPlan {
    /// False when the connection worked before this run. Then a failure of this
    /// run must not take it down: only what this run changed is put back, as
    /// [`ChangePlan`] says.
    pub anything: bool,
    /// Whether the registration is this connection's own.
    pub registration: bool,
    /// Whether private DNS must be switched off again, because the endpoint stays.
    pub private_dns: bool,
}

/// Stands between what stays where it is and why.
const LET_GO: &str = " let go (";

/// What is said of a thing that stays: only the tags of the connection went off it.
pub fn let_go(what: &str, why: &str) -> String {
    format!("{what}{LET_GO}{why})")
}

/// What stays by the words of an undo, and why.
pub fn stays(undone: &str) -> impl Iterator<Item = String> {
    let all = undone.split(", ");
    all.filter_map(|one| one.split_once(LET_GO))
        .map(|(what, why)| format!("{what} ({why}"))
}

/// What an undo did, in words for the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undone {
    /// One short sentence.
    pub undone: String,
    /// Whether there was something to undo. If not, the sentence says how it stands,
    /// and is not told as something that was done.
    pub was_there: bool,
}

impl Undone {
    /// What was done, in one short sentence; of a long one the beginning.
    pub fn new(undone: impl Into<String>) -> Self {
        Self {
            undone: bounds::text(&undone.into(), bounds::DETAIL),
            was_there: true,
        }
    }

    /// What was done, or without anything how it stands.
    pub fn of(done: &[String], nothing: impl Into<String>) -> Self {
        match done {
            [] => Self {
                was_there: false,
                ..Self::new(nothing)
            },
            done => Self::new(done.join(", ")),
        }
    }
}
