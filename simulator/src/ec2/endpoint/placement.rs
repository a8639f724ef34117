//! Whether an endpoint of a service can have interfaces in these subnets and
//! carry these groups.

use super::{Endpoint, Interface};
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, invalid_parameter};
use crate::ec2::service::EndpointService;

impl World {
    /// Checks the subnets of a new endpoint, or new subnets of an old one.
    /// One bad subnet fails the whole call.
    pub(super) fn check_subnets(
        &self,
        caller: &Caller,
        vpc_id: &str,
        service: &EndpointService,
        subnet_ids: &[String],
        existing: Option<&Endpoint>,
    ) -> Result<(), ApiError> {
        let mut zones: Vec<&str> = existing
            .into_iter()
            .flat_map(Endpoint::subnet_ids)
            .filter_map(|id| self.ec2.subnets.get(id))
            .map(|subnet| subnet.zone_id.as_str())
            .collect();
        for id in subnet_ids {
            let subnet = self.subnet(caller, id)?;
            if subnet.vpc_id != vpc_id {
                return Err(invalid_parameter(format!(
                    "The subnet ID '{id}' is not in the VPC {vpc_id}"
                )));
            }
            let offered =
                service.zone_ids.contains(&subnet.zone_id) && subnet.outpost_arn.is_none();
            if !offered {
                return Err(invalid_parameter(format!(
                    "The VPC endpoint service {} does not support the availability zone of the subnet: {id}.",
                    service.name
                )));
            }
            if zones.contains(&subnet.zone_id.as_str()) {
                return Err(client(
                    "DuplicateSubnetsInSameZone",
                    format!("Found another VPC endpoint subnet in the availability zone of {id}"),
                ));
            }
            zones.push(&subnet.zone_id);
            if self.ec2.free_addresses(subnet, self.now) == 0 {
                return Err(client(
                    "InsufficientFreeAddressesInSubnet",
                    format!("The subnet {id} does not have enough free addresses"),
                ));
            }
        }
        let interfaces = self
            .ec2
            .endpoints
            .values()
            .filter(|endpoint| endpoint.owner == caller.account)
            .flat_map(|endpoint| endpoint.interfaces.iter())
            .filter(|interface| interface.lives(self.now))
            .count();
        if interfaces + subnet_ids.len() > self.ec2.quotas.interfaces_per_region as usize {
            return Err(client(
                "NetworkInterfaceLimitExceeded",
                "The limit of network interfaces for the account is reached",
            ));
        }
        Ok(())
    }

    /// Checks the groups of an endpoint.
    pub(super) fn check_groups(
        &self,
        caller: &Caller,
        vpc_id: &str,
        group_ids: &[String],
    ) -> Result<(), ApiError> {
        for id in group_ids {
            let group = self.group(caller, id, "InvalidSecurityGroupID.NotFound")?;
            if group.vpc_id != vpc_id {
                return Err(invalid_parameter(format!(
                    "You have specified two resources that belong to different networks: {id}, {vpc_id}"
                )));
            }
        }
        if group_ids.len() > self.ec2.quotas.groups_per_interface as usize {
            return Err(client(
                "SecurityGroupsPerInterfaceLimitExceeded",
                "The maximum number of security groups per interface has been reached.",
            ));
        }
        Ok(())
    }

    /// Makes the interface of an endpoint in a subnet.
    pub(in crate::ec2) fn make_interface(&mut self, subnet_id: &str) -> Option<Interface> {
        let id = self.ec2.new_id("eni");
        let subnet = self.ec2.subnets.get_mut(subnet_id)?;
        Some(Interface {
            id,
            subnet_id: subnet_id.to_owned(),
            ipv4: subnet.next_address(),
            drained: None,
        })
    }
}
