//! A plan as callers of the API and readers of the command see it.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ec2::Source;
use shared::gateway::ConnectionRequest;
use shared::ids::{AccountId, EndpointId, ServiceName, SubnetId, ZoneId};

use crate::differences::Differences;
use crate::price::Price;
use crate::{Found, Known, Outlook, Partly};

/// What an execution would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Plan {
    /// Whether all is known yet.
    pub status: PlanStatus,
    /// The id that the connection has or will have.
    #[schemars(extend("pattern" = "^[0-9a-f]{16}$"))]
    pub connection_id: String,
    /// What was asked for, with all defaults.
    pub request: ConnectionRequest,
    /// What must be ready before all is known; an execution waits for it by itself.
    pub waiting_for: Option<String>,
    /// Whether the cluster has no endpoint service and nobody has asked for it; an
    /// execution does that by itself, free of charge, in some minutes.
    pub service_missing: bool,
    /// What would be made or used, as far as it is known.
    pub parts: Option<Parts>,
    /// What is different from what is there; left out until all is known.
    pub differences: Option<Differences>,
}

/// Whether all is known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanStatus {
    /// It is.
    Planned,
    /// Something is not ready; the parts say what is known without it.
    NotYet,
}

/// What would be made or used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Parts {
    /// The account that owns the VPC.
    pub account_id: AccountId,
    /// The cluster's name; left out if the Cloud API does not tell it.
    pub cluster_name: Option<String>,
    /// The endpoint.
    pub endpoint: PlannedEndpoint,
    /// Our security group; left out when an endpoint that exists is used with the
    /// groups that it has.
    pub security_group: Option<PlannedGroup>,
    /// The cluster's record of the endpoint.
    pub registration: PlannedRegistration,
    /// The host that will resolve inside the VPC; left out without private DNS, and until
    /// the host is known.
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
    /// Its service; left out until the cluster has one.
    pub service_name: Option<ServiceName>,
    /// Its subnets.
    pub subnets: Vec<PlannedSubnet>,
    /// Whether it is known in which zones the service is offered. Until then the subnets
    /// are those that it can have, one for each zone of the VPC.
    pub zones_known: bool,
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
    /// Its name; left out until the service is known.
    pub name: Option<String>,
    /// The group, if it exists already.
    pub existing: Option<String>,
    /// Who may connect to TCP 26257: networks, security groups and prefix lists. Empty
    /// if something stands in the way of knowing that.
    pub sources: Vec<String>,
}

/// The private endpoint connection of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedRegistration {
    /// Whether the cluster knows the endpoint already; left out while that cannot be seen.
    pub exists: Option<bool>,
    /// The account that would be added to the cluster's trusted owners.
    pub trust_account: Option<AccountId>,
}

impl Outlook {
    /// The plan, for whoever reads it.
    pub fn plan(&self) -> Plan {
        let (status, parts, differences) = match &self.known {
            Known::All(found) => (
                PlanStatus::Planned,
                Some(Parts::of(found)),
                Some(Differences::of(&self.request, found)),
            ),
            Known::Part(partly) => (PlanStatus::NotYet, Some(Parts::of_partly(partly)), None),
            Known::Nothing => (PlanStatus::NotYet, None, None),
        };
        let waiting_for = self.pending.as_ref().map(|it| it.waiting_for.clone());
        Plan {
            status,
            connection_id: self.request.subject().connection_id,
            request: ConnectionRequest(self.request.clone()),
            waiting_for,
            service_missing: self.service_missing,
            parts,
            differences,
        }
    }
}

impl Parts {
    fn of(found: &Found) -> Self {
        let plan = &found.plan;
        let group = found.group.as_ref();
        Self {
            account_id: plan.account_id.clone(),
            cluster_name: Some(found.cluster.cluster_name.clone()),
            endpoint: PlannedEndpoint {
                existing: plan.endpoint.existing.clone(),
                service_name: Some(plan.endpoint.service_name.clone()),
                subnets: subnets(&found.subnets),
                zones_known: true,
            },
            security_group: plan.security_group.as_ref().map(|planned| PlannedGroup {
                name: Some(planned.name.clone()),
                existing: group.map(|group| group.id.to_string()),
                sources: sources(&planned.sources),
            }),
            registration: PlannedRegistration {
                exists: Some(found.is_registered()),
                trust_account: plan.trust_account.clone(),
            },
            private_host: plan.private_host.clone(),
            notes: plan.notes.clone(),
            price: found.price(),
        }
    }

    fn of_partly(partly: &Partly) -> Self {
        let Partly {
            cluster_name,
            registered,
            network,
        } = partly;
        let existing = network.existing.as_ref();
        let is_known =
            |ids: &Vec<String>| existing.is_some_and(|it| ids.iter().any(|id| id == it.as_str()));
        let zones = network.subnets.len();
        let group = network.group.as_ref();
        Self {
            account_id: network.account_id.clone(),
            cluster_name: cluster_name.clone(),
            endpoint: PlannedEndpoint {
                existing: existing.cloned(),
                service_name: network.service_name.clone(),
                subnets: subnets(&network.subnets),
                zones_known: network.zones_known,
            },
            security_group: group.map(|group| PlannedGroup {
                name: group.name.clone(),
                existing: group.id.as_ref().map(ToString::to_string),
                sources: sources(&group.sources),
            }),
            registration: PlannedRegistration {
                exists: registered.as_ref().map(is_known),
                trust_account: network.trust_account.clone(),
            },
            private_host: network.private_host.clone(),
            notes: network.notes.clone(),
            price: match existing {
                Some(_) => Price::of(zones.max(1), zones.max(1)),
                None if network.zones_known && zones > 0 => Price::of(0, zones),
                None => Price::up_to(zones),
            },
        }
    }
}

fn subnets(subnets: &[(SubnetId, Option<ZoneId>)]) -> Vec<PlannedSubnet> {
    let planned = subnets.iter().map(|(subnet, zone)| PlannedSubnet {
        subnet_id: subnet.to_string(),
        zone_id: zone.as_ref().map(ToString::to_string),
    });
    planned.collect()
}

fn sources(sources: &[Source]) -> Vec<String> {
    sources.iter().map(ToString::to_string).collect()
}

impl Found {
    /// Whether the endpoint is registered with the cluster and available.
    pub(crate) fn is_registered(&self) -> bool {
        let existing = self.plan.endpoint.existing.as_ref();
        existing.is_some_and(|endpoint| self.cluster.registered.contains(endpoint.as_str()))
    }

    /// What changes about the bill. An endpoint has one subnet for each zone.
    fn price(&self) -> Price {
        let zones = self.plan.endpoint.subnet_ids.len();
        match (&self.plan.endpoint.existing, &self.endpoint) {
            (None, _) => Price::of(0, zones),
            (Some(_), Some(endpoint)) => Price::of(endpoint.subnet_ids.len(), zones),
            // It was there a moment ago.
            (Some(_), None) => Price::of(zones, zones),
        }
    }
}
