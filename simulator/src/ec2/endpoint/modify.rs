//! `ModifyVpcEndpoint`.

use super::create::not_accepted;
use super::{Endpoint, EndpointState};
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::Ec2Happening;
use crate::ec2::error::{client, invalid_parameter, missing};
use crate::world::Happening;

/// `ModifyVpcEndpoint`. It has no client token: look before you modify again.
#[derive(Debug, Clone, Default)]
pub struct ModifyVpcEndpoint {
    pub vpc_endpoint_id: String,
    /// Subnets to get an interface.
    pub add_subnet_ids: Vec<String>,
    /// Subnets to lose theirs.
    pub remove_subnet_ids: Vec<String>,
    /// Groups to put on.
    pub add_security_group_ids: Vec<String>,
    /// Groups to take off.
    pub remove_security_group_ids: Vec<String>,
    /// Switch private DNS on or off.
    pub private_dns_enabled: Option<bool>,
}

impl World {
    /// Changes an endpoint. New subnets and private DNS make it `pending` for
    /// a while.
    pub fn modify_vpc_endpoint(
        &mut self,
        caller: &Caller,
        request: &ModifyVpcEndpoint,
    ) -> Result<(), ApiError> {
        self.admit(caller, "ModifyVpcEndpoint")?;
        self.needs_for_change(caller, request);
        if request.vpc_endpoint_id.is_empty() {
            return Err(missing("VpcEndpointId"));
        }
        let endpoint = self
            .seen_endpoint(caller, &request.vpc_endpoint_id)?
            .clone();
        let dns = request.private_dns_enabled.filter(|wanted| {
            *wanted != endpoint.private_dns_wanted.unwrap_or(endpoint.private_dns)
        });
        check_state(&endpoint, dns)?;
        if dns == Some(true) {
            self.check_dns(caller, &endpoint)?;
        }
        let groups = self.changed_groups(caller, request, &endpoint)?;
        self.check_changed_subnets(caller, request, &endpoint)?;

        let added: Vec<_> = request
            .add_subnet_ids
            .iter()
            .filter_map(|id| self.make_interface(id))
            .collect();
        let drained = self.now + self.pace.interfaces_draining;
        let moved = !(added.is_empty() && request.remove_subnet_ids.is_empty());
        let pace = self.pace.clone();
        let Some(stored) = self.ec2.endpoints.get_mut(&endpoint.id) else {
            return Ok(());
        };
        stored.groups = groups;
        for interface in &mut stored.interfaces {
            if request.remove_subnet_ids.contains(&interface.subnet_id) {
                interface.drained.get_or_insert(drained);
            }
        }
        stored.interfaces.extend(added);
        if dns.is_some() {
            stored.private_dns_wanted = dns;
        }
        let busy = match (dns.is_some(), moved) {
            (true, _) => pace.private_dns,
            (false, true) => pace.endpoint_changing,
            (false, false) => return Ok(()),
        };
        if stored.state == EndpointState::Available {
            stored.state = EndpointState::Pending;
            stored.state_since = self.now;
            stored.epoch += 1;
            let happening = Ec2Happening::Endpoint {
                id: endpoint.id,
                epoch: stored.epoch,
                state: EndpointState::Available,
            };
            self.schedule(busy, Happening::Ec2(happening));
        }
        Ok(())
    }

    fn check_dns(&self, caller: &Caller, endpoint: &Endpoint) -> Result<(), ApiError> {
        let vpc = self.vpc(caller, &endpoint.vpc_id)?;
        let service = self.ec2.service_for(caller, &endpoint.service_name)?;
        self.ec2.check_private_dns(vpc, service, Some(&endpoint.id))
    }

    fn changed_groups(
        &self,
        caller: &Caller,
        request: &ModifyVpcEndpoint,
        endpoint: &Endpoint,
    ) -> Result<Vec<String>, ApiError> {
        let mut groups = endpoint.groups.clone();
        for id in &request.remove_security_group_ids {
            self.group(caller, id, "InvalidSecurityGroupID.NotFound")?;
            groups.retain(|known| known != id);
        }
        for id in &request.add_security_group_ids {
            if !groups.contains(id) {
                groups.push(id.clone());
            }
        }
        if groups != endpoint.groups {
            if groups.is_empty() {
                return Err(invalid_parameter(
                    "An endpoint must have at least one security group",
                ));
            }
            self.check_groups(caller, &endpoint.vpc_id, &groups)?;
        }
        Ok(groups)
    }

    /// A zone counts as taken until a first call has removed its subnet; a
    /// second one can then add another subnet of the same zone.
    fn check_changed_subnets(
        &self,
        caller: &Caller,
        request: &ModifyVpcEndpoint,
        endpoint: &Endpoint,
    ) -> Result<(), ApiError> {
        for id in &request.remove_subnet_ids {
            self.subnet(caller, id)?;
            if !endpoint.subnet_ids().any(|known| known == id) {
                return Err(invalid_parameter(format!(
                    "The subnet {id} is not a subnet of the endpoint {}",
                    endpoint.id
                )));
            }
        }
        let stays = |id: &str| !request.remove_subnet_ids.iter().any(|gone| gone == id);
        let is_left_without = !request.remove_subnet_ids.is_empty()
            && request.add_subnet_ids.is_empty()
            && !endpoint.subnet_ids().any(stays);
        if is_left_without {
            return Err(invalid_parameter(format!(
                "The endpoint {} must have at least one subnet",
                endpoint.id
            )));
        }
        if request.add_subnet_ids.is_empty() {
            return Ok(());
        }
        let service = self.ec2.service_for(caller, &endpoint.service_name)?;
        self.check_subnets(
            caller,
            &endpoint.vpc_id,
            service,
            &request.add_subnet_ids,
            Some(endpoint),
        )
    }
}

/// Whether the endpoint can be changed now.
fn check_state(endpoint: &Endpoint, dns: Option<bool>) -> Result<(), ApiError> {
    match endpoint.state {
        EndpointState::Available => Ok(()),
        EndpointState::PendingAcceptance | EndpointState::Rejected | EndpointState::Expired
            if dns == Some(true) =>
        {
            Err(not_accepted(&endpoint.service_name))
        }
        EndpointState::PendingAcceptance => Ok(()),
        EndpointState::Pending
        | EndpointState::Deleting
        | EndpointState::Deleted
        | EndpointState::Rejected
        | EndpointState::Failed
        | EndpointState::Expired
        | EndpointState::Partial => Err(client(
            "IncorrectState",
            format!(
                "The VPC endpoint {} is in the state {} and cannot be modified",
                endpoint.id,
                endpoint.state.word()
            ),
        )),
    }
}
