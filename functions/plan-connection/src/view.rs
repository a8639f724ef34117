//! A plan as callers see it.

use schemars::JsonSchema;
use serde::Serialize;
use shared::gateway::ConnectionRequest;
use shared::ids::{AccountId, EndpointId, ServiceName};
use shared::request::ProvisionRequest;

use crate::price::Price;
use crate::{Found, Outlook};

/// What an execution would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Plan {
    /// Whether there is a plan yet.
    pub status: PlanStatus,
    /// The id that the connection has or will have.
    #[schemars(extend("pattern" = "^[0-9a-f]{16}$"))]
    pub connection_id: String,
    /// What was asked for, with all defaults.
    pub request: ConnectionRequest,
    /// What must be ready before there can be a plan; an execution waits for it by itself.
    pub waiting_for: Option<String>,
    /// Whether the cluster has no endpoint service and nobody has asked for it; an
    /// execution does that by itself, free of charge, in some minutes.
    pub service_missing: bool,
    /// What would be made or used.
    pub parts: Option<Parts>,
}

/// Whether there is a plan yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanStatus {
    /// There is.
    Planned,
    /// Something is not ready.
    NotYet,
}

/// What would be made or used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Parts {
    /// The account that owns the VPC.
    pub account_id: AccountId,
    /// The cluster's name.
    pub cluster_name: String,
    /// The endpoint.
    pub endpoint: PlannedEndpoint,
    /// Our security group; left out when an endpoint that exists is used with the
    /// groups that it has.
    pub security_group: Option<PlannedGroup>,
    /// The cluster's record of the endpoint.
    pub registration: PlannedRegistration,
    /// The host that will resolve inside the VPC; left out without private DNS.
    pub private_host: Option<String>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// What is added to the bill.
    pub price: Price,
}

/// The endpoint of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedEndpoint {
    /// The endpoint that exists already and will be used; left out if one will be made.
    pub existing: Option<EndpointId>,
    /// Its service.
    pub service_name: ServiceName,
    /// Its subnets.
    pub subnets: Vec<PlannedSubnet>,
}

/// A subnet of the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedSubnet {
    /// The subnet.
    pub subnet_id: String,
    /// Its availability zone by id, as far as known.
    pub zone_id: Option<String>,
}

/// The security group of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedGroup {
    /// Its name.
    pub name: String,
    /// The group, if it exists already.
    pub existing: Option<String>,
    /// Who may connect to TCP 26257: networks, security groups and prefix lists.
    pub sources: Vec<String>,
}

/// The private endpoint connection of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedRegistration {
    /// Whether the cluster knows the endpoint already.
    pub exists: bool,
    /// The account that would be added to the cluster's trusted owners.
    pub trust_account: Option<AccountId>,
}

impl Plan {
    pub(crate) fn of(request: &ProvisionRequest, outlook: Outlook) -> Self {
        let (parts, waiting_for, service_missing) = match outlook {
            Outlook::Planned(found) => (Some(Parts::of(*found)), None, false),
            Outlook::NotYet {
                pending,
                service_missing,
            } => (None, Some(pending.waiting_for), service_missing),
        };
        Self {
            status: if parts.is_some() {
                PlanStatus::Planned
            } else {
                PlanStatus::NotYet
            },
            connection_id: request.subject().connection_id,
            request: ConnectionRequest(request.clone()),
            waiting_for,
            service_missing,
            parts,
        }
    }
}

impl Parts {
    fn of(found: Found) -> Self {
        let exists = found.is_registered();
        let price = found.price();
        let Found {
            cluster,
            plan,
            subnets,
            group,
            ..
        } = found;
        let subnets = subnets.into_iter();
        Self {
            account_id: plan.account_id,
            cluster_name: cluster.cluster_name,
            endpoint: PlannedEndpoint {
                existing: plan.endpoint.existing,
                service_name: plan.endpoint.service_name,
                subnets: subnets
                    .map(|(subnet_id, zone_id)| PlannedSubnet { subnet_id, zone_id })
                    .collect(),
            },
            security_group: plan.security_group.map(|planned| PlannedGroup {
                name: planned.name,
                existing: group,
                sources: planned.sources.iter().map(ToString::to_string).collect(),
            }),
            registration: PlannedRegistration {
                exists,
                trust_account: plan.trust_account,
            },
            private_host: plan.private_host,
            notes: plan.notes,
            price,
        }
    }
}
