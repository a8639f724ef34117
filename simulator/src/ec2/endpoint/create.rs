//! `CreateVpcEndpoint`.

use super::view::VpcEndpoint;
use super::{Endpoint, EndpointState, EndpointType};
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, invalid_parameter, missing};
use crate::ec2::service::EndpointService;
use crate::ec2::{Ec2Happening, Remembered, TagSpecification, Token, tag};
use crate::world::Happening;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateVpcEndpoint {
    /// The type; without one it is a gateway.
    pub vpc_endpoint_type: Option<EndpointType>,
    pub vpc_id: String,
    pub service_name: String,
    /// Subnets, one in each zone.
    pub subnet_ids: Vec<String>,
    /// Security groups; without any it is the default group of the VPC.
    pub security_group_ids: Vec<String>,
    /// Whether to switch private DNS on. Not possible at this time if the
    /// provider has to accept the endpoint first. It is off if left out: what
    /// EC2 makes of that for services of partners is not documented, so ask.
    pub private_dns_enabled: Option<bool>,
    /// A word that makes a second call the same call.
    pub client_token: Option<String>,
    pub tag_specifications: Vec<TagSpecification>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateVpcEndpointResult {
    pub vpc_endpoint: VpcEndpoint,
    /// The token of the request.
    pub client_token: Option<String>,
}

impl World {
    /// Makes an endpoint, or finds the one that the same token made before.
    pub fn create_vpc_endpoint(
        &mut self,
        caller: &Caller,
        request: &CreateVpcEndpoint,
    ) -> Result<CreateVpcEndpointResult, ApiError> {
        self.admit(caller, "CreateVpcEndpoint")?;
        self.needs_for_endpoint(caller, request);
        if request.vpc_id.is_empty() {
            return Err(missing("VpcId"));
        }
        if request.service_name.is_empty() {
            return Err(missing("ServiceName"));
        }
        if let Some(made) = self.made_before(caller, request)? {
            return Ok(made);
        }
        let tags = tag::of_new(&request.tag_specifications, "vpc-endpoint")?;
        let vpc = self.vpc(caller, &request.vpc_id)?.clone();
        // Endpoints are the owner's to make ("Responsibilities and permissions for owners
        // and participants", VPC user guide; awsdocs/amazon-vpc-user-guide pull request
        // 52). The code of the refusal is written down nowhere; this one is assumed.
        if vpc.owner != caller.account {
            let message = "You are not authorized to perform this operation.";
            return Err(ApiError::new(403, "UnauthorizedOperation", message));
        }
        let service = self.ec2.service_for(caller, &request.service_name)?.clone();
        let kind = request.vpc_endpoint_type.unwrap_or_default();
        check_type(kind, &service)?;
        let groups = self.groups_or_default(caller, request)?;
        self.check_subnets(caller, &vpc.id, &service, &request.subnet_ids, None)?;
        let private_dns = request.private_dns_enabled == Some(true);
        if private_dns {
            if service.acceptance_required {
                return Err(not_accepted(&service.name));
            }
            self.ec2.check_private_dns(&vpc, &service, None)?;
        }
        self.check_endpoint_quota(&vpc.id)?;

        let id = self.ec2.new_id("vpce");
        let interfaces = request
            .subnet_ids
            .iter()
            .filter_map(|subnet_id| self.make_interface(subnet_id))
            .collect();
        let state = if service.acceptance_required {
            EndpointState::PendingAcceptance
        } else {
            EndpointState::Pending
        };
        let endpoint = Endpoint {
            id: id.clone(),
            owner: caller.account.clone(),
            region: caller.region.clone(),
            vpc_id: vpc.id,
            kind,
            service_name: service.name,
            state,
            state_since: self.now,
            created: self.now,
            visible: self.now + self.pace.visible,
            listed_until: None,
            groups,
            interfaces,
            private_dns,
            private_dns_wanted: None,
            last_error: None,
            tags,
            epoch: 0,
        };
        let vpc_endpoint = self.ec2.view(&endpoint);
        self.ec2.endpoints.insert(id.clone(), endpoint);
        self.foresee(&id, state);
        let client_token = request.client_token.clone();
        if let Some(token) = &client_token {
            let key = Token {
                caller: caller.clone(),
                token: token.clone(),
            };
            let remembered = Remembered {
                request: request.clone(),
                endpoint_id: id,
            };
            self.ec2.tokens.insert(key, remembered);
        }
        Ok(CreateVpcEndpointResult {
            vpc_endpoint,
            client_token,
        })
    }

    /// What this token made before. The same token with other parameters is an
    /// error, and the same token after a deletion still finds the endpoint
    /// that was deleted ("Ensuring idempotency in Amazon EC2 API requests").
    fn made_before(
        &self,
        caller: &Caller,
        request: &CreateVpcEndpoint,
    ) -> Result<Option<CreateVpcEndpointResult>, ApiError> {
        let Some(token) = &request.client_token else {
            return Ok(None);
        };
        let plain = token.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if token.is_empty() || token.len() > 64 || !plain {
            return Err(client(
                "InvalidClientToken",
                "A client token has 1 to 64 printable ASCII characters",
            ));
        }
        let key = Token {
            caller: caller.clone(),
            token: token.clone(),
        };
        let Some(before) = self.ec2.tokens.get(&key) else {
            return Ok(None);
        };
        if before.request != *request {
            return Err(client(
                "IdempotentParameterMismatch",
                "The request uses the same client token as a previous, but non-identical request.",
            ));
        }
        let endpoint = self.ec2.endpoints.get(&before.endpoint_id);
        Ok(endpoint.map(|endpoint| CreateVpcEndpointResult {
            vpc_endpoint: self.ec2.view(endpoint),
            client_token: request.client_token.clone(),
        }))
    }

    fn groups_or_default(
        &self,
        caller: &Caller,
        request: &CreateVpcEndpoint,
    ) -> Result<Vec<String>, ApiError> {
        self.check_groups(caller, &request.vpc_id, &request.security_group_ids)?;
        if request.security_group_ids.is_empty() {
            return Ok(self
                .ec2
                .groups
                .values()
                .filter(|group| group.vpc_id == request.vpc_id && group.is_default())
                .map(|group| group.id.clone())
                .collect());
        }
        let mut groups: Vec<String> = Vec::new();
        for id in &request.security_group_ids {
            if !groups.contains(id) {
                groups.push(id.clone());
            }
        }
        Ok(groups)
    }

    fn check_endpoint_quota(&self, vpc_id: &str) -> Result<(), ApiError> {
        let count = self
            .ec2
            .endpoints
            .values()
            .filter(|endpoint| {
                endpoint.vpc_id == vpc_id
                    && endpoint.kind != EndpointType::Gateway
                    && endpoint.state != EndpointState::Deleted
            })
            .count();
        if count >= self.ec2.quotas.endpoints_per_vpc as usize {
            return Err(client(
                "VpcEndpointLimitExceeded",
                format!("The maximum number of VPC endpoints for {vpc_id} has been reached."),
            ));
        }
        Ok(())
    }

    /// Foresees what becomes of an endpoint in this state by itself.
    pub(in crate::ec2) fn foresee(&mut self, id: &str, state: EndpointState) {
        let Some(endpoint) = self.ec2.endpoints.get(id) else {
            return;
        };
        let (after, next) = match state {
            EndpointState::PendingAcceptance => {
                (self.pace.acceptance_expiry, EndpointState::Expired)
            }
            EndpointState::Pending => (self.pace.endpoint_building, EndpointState::Available),
            EndpointState::Deleting => (self.pace.endpoint_deleting, EndpointState::Deleted),
            EndpointState::Available
            | EndpointState::Deleted
            | EndpointState::Rejected
            | EndpointState::Failed
            | EndpointState::Expired
            | EndpointState::Partial => return,
        };
        let happening = Ec2Happening::Endpoint {
            id: id.to_owned(),
            epoch: endpoint.epoch,
            state: next,
        };
        self.schedule(after, Happening::Ec2(happening));
    }
}

/// What one is told who wants private DNS too early.
pub(super) fn not_accepted(service_name: &str) -> ApiError {
    invalid_parameter(format!(
        "Private DNS can only be enabled after the endpoint connection is accepted by the owner of {service_name}."
    ))
}

fn check_type(kind: EndpointType, service: &EndpointService) -> Result<(), ApiError> {
    if kind != service.kind {
        return Err(invalid_parameter(format!(
            "Endpoint type ({}) does not match available service types ([{}]).",
            kind.word(),
            service.kind.word()
        )));
    }
    match kind {
        EndpointType::Interface => Ok(()),
        EndpointType::Gateway => Err(invalid_parameter(
            "the simulator does not know how an endpoint of type Gateway is made",
        )),
    }
}
