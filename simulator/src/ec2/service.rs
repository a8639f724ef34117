//! Endpoint services, as consumers see them.

use super::error::client;
use super::{Ec2, EndpointType};
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::scenario::ZoneSpec;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointService {
    /// The Region that hosts it.
    pub region: String,
    /// The name that endpoints are made with.
    pub name: String,
    /// The id, such as `vpce-svc-…`.
    pub id: String,
    pub kind: EndpointType,
    /// The account that offers it.
    pub owner: String,
    /// The ids of the zones it is offered in.
    pub zone_ids: Vec<String>,
    pub private_dns_name: Option<String>,
    /// Whether the provider has proven that the name is theirs.
    pub verification: Verification,
    /// Who may use it, and even know of it.
    pub principals: Principals,
    /// Whether the provider accepts each endpoint.
    pub acceptance_required: bool,
}

/// Whether the provider has proven that the private DNS name is theirs. These
/// words have the same letters on the wire and in the API model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    PendingVerification,
    Verified,
    Failed,
}

impl Verification {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Verification::PendingVerification => "pendingVerification",
            Verification::Verified => "verified",
            Verification::Failed => "failed",
        }
    }
}

/// Who may use a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    All,
    Accounts(Vec<String>),
}

impl EndpointService {
    /// A service such as CockroachDB Cloud offers for a cluster: interfaces, each
    /// endpoint to be accepted.
    pub fn for_cluster(
        region: &str,
        name: &str,
        zone_ids: Vec<String>,
        private_dns_name: Option<String>,
    ) -> Self {
        EndpointService {
            region: region.to_owned(),
            name: name.to_owned(),
            id: name.rsplit('.').next().unwrap_or(name).to_owned(),
            kind: EndpointType::Interface,
            owner: "444455556666".to_owned(),
            zone_ids,
            private_dns_name,
            verification: Verification::Verified,
            principals: Principals::All,
            acceptance_required: true,
        }
    }

    fn allows(&self, caller: &Caller) -> bool {
        match &self.principals {
            Principals::All => true,
            Principals::Accounts(accounts) => {
                accounts.contains(&caller.account) || self.owner == caller.account
            }
        }
    }

    /// The names that AWS gives to the service.
    pub fn base_dns_name(&self) -> String {
        format!("{}.{}.vpce.amazonaws.com", self.id, self.region)
    }
}

#[derive(Debug, Clone, Default)]
pub struct DescribeVpcEndpointServices {
    pub service_names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeVpcEndpointServicesResult {
    /// The services, with only those zones that the caller has too.
    pub service_details: Vec<EndpointService>,
    /// The zones of the caller, which have the names of a service's zones.
    pub zones: Vec<ZoneSpec>,
}

impl Ec2 {
    /// Brings an endpoint service into the world, or replaces the one of the
    /// same name.
    pub fn publish_service(&mut self, service: EndpointService) {
        match self
            .services
            .iter_mut()
            .find(|known| known.name == service.name && known.region == service.region)
        {
            Some(known) => *known = service,
            None => self.services.push(service),
        }
    }

    /// The service of this name, whoever may use it.
    pub fn service_anywhere(&self, name: &str) -> Option<&EndpointService> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The service of this name that the caller may use, in the caller's Region. Who is
    /// not allowed is told the same as who asks for something that is not there.
    pub(super) fn service_for(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<&EndpointService, ApiError> {
        self.services
            .iter()
            .find(|service| {
                service.name == name && service.region == caller.region && service.allows(caller)
            })
            .ok_or_else(|| unknown(name))
    }
}

fn unknown(name: &str) -> ApiError {
    client(
        "InvalidServiceName",
        format!("The Vpc Endpoint Service '{name}' does not exist"),
    )
}

impl World {
    /// Lists the services of the caller's Region that the caller may use.
    pub fn describe_vpc_endpoint_services(
        &mut self,
        caller: &Caller,
        request: &DescribeVpcEndpointServices,
    ) -> Result<DescribeVpcEndpointServicesResult, ApiError> {
        self.admit(caller, "DescribeVpcEndpointServices")?;
        let visible = || {
            let services = self.ec2.services.iter();
            services.filter(|service| service.region == caller.region && service.allows(caller))
        };
        let wanted = &request.service_names;
        for name in wanted {
            if !visible().any(|service| service.name == *name) {
                return Err(unknown(name));
            }
        }
        let details = visible()
            .filter(|service| wanted.is_empty() || wanted.contains(&service.name))
            .map(|service| EndpointService {
                zone_ids: service
                    .zone_ids
                    .iter()
                    .filter(|id| self.ec2.zone(id).is_some())
                    .cloned()
                    .collect(),
                ..service.clone()
            });
        Ok(DescribeVpcEndpointServicesResult {
            service_details: details.collect(),
            zones: self.ec2.zones.clone(),
        })
    }
}
