//! Reads of the network.

use std::collections::{BTreeMap, BTreeSet};

use shared::StepError;
use shared::cidr::Cidr;
use shared::ec2::{
    AclRule, EndpointService, Network, NetworkAcl, PeeredVpc, PrefixList, Subnet, Vpc, VpcDns,
    errors,
};
use shared::ids::{AccountId, PrefixListId, SecurityGroupId, ServiceName, SubnetId, VpcId};

use super::InProcess;
use super::resolver::unless_denied;
use simulator::ec2::{
    self, Attribute, CidrState, Describe, DescribeVpcAttribute, DescribeVpcEndpointServices,
    Filter, Verification,
};
use simulator::route53::{ListHostedZonesByVpc, Owner};
use simulator::scenario::AclAction;
use simulator::{Refusal, World};

impl InProcess {
    pub(super) async fn described_vpc(&self, vpc: &VpcId) -> Result<Option<ec2::Vpc>, StepError> {
        let request = Describe::id(vpc.as_str());
        let found = self
            .ask("DescribeVpcs", World::describe_vpcs, &request)
            .await?;
        Ok(found.and_then(|mut answer| answer.items.pop()))
    }
}

impl Network for InProcess {
    async fn account(&self) -> Option<AccountId> {
        self.caller.account.parse().ok()
    }

    async fn vpc(&self, vpc: &VpcId) -> Result<Option<Vpc>, StepError> {
        Ok(self.described_vpc(vpc).await?.and_then(|found| {
            Some(Vpc {
                id: found.id.parse().ok()?,
                owner: found.owner.parse().ok()?,
                cidrs: associated(&found),
                dhcp_options: Some(found.dhcp_options_id()),
            })
        }))
    }

    async fn vpc_dns(&self, vpc: &VpcId) -> Result<VpcDns, StepError> {
        let ask = async |attribute| {
            let request = DescribeVpcAttribute {
                vpc_id: vpc.to_string(),
                attribute,
            };
            self.ec2(
                "DescribeVpcAttribute",
                World::describe_vpc_attribute,
                &request,
            )
            .await
        };
        Ok(VpcDns {
            support: ask(Attribute::EnableDnsSupport).await?.value,
            hostnames: ask(Attribute::EnableDnsHostnames).await?.value,
        })
    }

    async fn peered_vpcs(&self, vpc: &VpcId) -> Result<Vec<PeeredVpc>, StepError> {
        let mut peered = Vec::new();
        for side in ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"] {
            let active = Filter::one("status-code", "active");
            let peerings = self
                .described(
                    "DescribeVpcPeeringConnections",
                    World::describe_vpc_peering_connections,
                    [Filter::one(side, vpc), active],
                )
                .await?;
            for peering in peerings {
                let sides = [&peering.requester, &peering.accepter];
                let other = sides.into_iter().find(|side| side.vpc_id != vpc.as_str());
                peered.extend(other.and_then(|other| {
                    let v4 = other.cidrs.iter().map(ToString::to_string);
                    let v6 = other.ipv6_cidrs.iter().map(ToString::to_string);
                    Some(PeeredVpc {
                        peering_id: peering.id.clone(),
                        vpc_id: other.vpc_id.parse().ok()?,
                        cidrs: v4.chain(v6).filter_map(|cidr| cidr.parse().ok()).collect(),
                    })
                }));
            }
        }
        Ok(peered)
    }

    async fn subnets(&self, vpc: &VpcId) -> Result<Vec<Subnet>, StepError> {
        let filters = [Filter::one("vpc-id", vpc)];
        let found = self
            .described("DescribeSubnets", World::describe_subnets, filters)
            .await?;
        let subnets = found.into_iter().filter_map(|answer| {
            let cidr = answer.subnet.cidr.to_string().parse().ok();
            Some(Subnet {
                id: answer.subnet.id.parse().ok()?,
                zone_id: answer.subnet.zone_id.parse().ok(),
                available: answer.available,
                cidr: cidr.filter(|_| !answer.subnet.ipv6_native),
                free_addresses: answer.available_ip_address_count,
                ipv6_only: answer.subnet.ipv6_native,
                on_outpost: answer.subnet.outpost_arn.is_some(),
                tags: answer.subnet.tags,
            })
        });
        Ok(subnets.collect())
    }

    async fn existing_groups(
        &self,
        groups: &[SecurityGroupId],
    ) -> Result<BTreeSet<SecurityGroupId>, StepError> {
        if groups.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = self
            .described(
                "DescribeSecurityGroups",
                World::describe_security_groups,
                [Filter::any("group-id", groups)],
            )
            .await?;
        Ok(found
            .iter()
            .filter_map(|group| group.id.parse().ok())
            .collect())
    }

    async fn prefix_lists(&self, ids: &[PrefixListId]) -> Result<Vec<PrefixList>, StepError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = self
            .described(
                "DescribeManagedPrefixLists",
                World::describe_managed_prefix_lists,
                [Filter::any("prefix-list-id", ids)],
            )
            .await?;
        let lists = found.into_iter().filter_map(|list| {
            Some(PrefixList {
                id: list.id.parse().ok()?,
                is_ipv6: list.ipv6,
                max_entries: list
                    .max_entries_told()
                    .and_then(|most| most.try_into().ok()),
            })
        });
        Ok(lists.collect())
    }

    async fn hosted_zones(&self, vpc: &VpcId) -> Result<Option<Vec<String>>, StepError> {
        let operation = "route53:ListHostedZonesByVPC";
        let request = ListHostedZonesByVpc {
            vpc_id: vpc.to_string(),
            vpc_region: self.caller.region.clone(),
            ..Default::default()
        };
        let answered = self
            .called(operation, |world| {
                world.list_hosted_zones_by_vpc(&self.caller, &request)
            })
            .await;
        Ok(unless_denied(operation, answered)?.map(|answer| {
            let zones = answer.hosted_zone_summaries.iter();
            let of_accounts = zones.filter(|zone| matches!(zone.owner, Owner::Account(_)));
            let names = of_accounts.map(|zone| zone.name.trim_end_matches('.').to_owned());
            names.collect()
        }))
    }

    async fn dns_servers(
        &self,
        dhcp_options: &[String],
    ) -> Result<Option<BTreeMap<String, Vec<String>>>, StepError> {
        if dhcp_options.is_empty() {
            return Ok(Some(BTreeMap::new()));
        }
        let request = Describe::filtered([Filter::any("dhcp-options-id", dhcp_options)]);
        let answer = self
            .ask_unless(
                errors::is_denied,
                "DescribeDhcpOptions",
                World::describe_dhcp_options,
                &request,
            )
            .await?;
        let sets = answer.map(|answer| answer.items.into_iter());
        Ok(sets.map(|sets| sets.map(|set| (set.id, set.dns_servers)).collect()))
    }

    async fn network_acls(
        &self,
        subnets: &[SubnetId],
    ) -> Result<Option<Vec<NetworkAcl>>, StepError> {
        if subnets.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let request = Describe::filtered([Filter::any("association.subnet-id", subnets)]);
        let answer = self
            .ask_unless(
                errors::is_denied,
                "DescribeNetworkAcls",
                World::describe_network_acls,
                &request,
            )
            .await?;
        Ok(answer.map(|answer| answer.items.into_iter().map(acl).collect()))
    }

    async fn endpoint_service(
        &self,
        name: &ServiceName,
    ) -> Result<Option<EndpointService>, StepError> {
        let action = "DescribeVpcEndpointServices";
        let request = DescribeVpcEndpointServices {
            service_names: vec![name.to_string()],
        };
        let answer = match self
            .call(action, World::describe_vpc_endpoint_services, &request)
            .await
        {
            Ok(answer) => answer,
            Err(Refusal::Answer(error))
                if errors::is_service_absent(&error.code, &error.message) =>
            {
                return Ok(None);
            }
            Err(refusal) => return Err(self.failure(action, &refusal)),
        };
        Ok(answer
            .service_details
            .into_iter()
            .next()
            .map(|service| EndpointService {
                zone_ids: service
                    .zone_ids
                    .iter()
                    .filter_map(|zone| zone.parse().ok())
                    .collect(),
                private_dns_name: service.private_dns_name,
                private_dns_verified: service.verification == Verification::Verified,
            }))
    }
}

fn acl(acl: ec2::NetworkAcl) -> NetworkAcl {
    let subnets = acl.subnet_ids.iter();
    let rules = acl.rules.into_iter().filter_map(|rule| {
        Some(AclRule {
            number: rule.number,
            egress: rule.egress,
            allows: rule.action == AclAction::Allow,
            protocol: rule.protocol,
            cidr: rule.cidr.to_string().parse().ok()?,
            ports: rule.ports,
        })
    });
    NetworkAcl {
        id: acl.id,
        subnet_ids: subnets.filter_map(|subnet| subnet.parse().ok()).collect(),
        rules: rules.collect(),
    }
}

fn associated(vpc: &ec2::Vpc) -> Vec<Cidr> {
    let v4 = vpc
        .cidrs
        .iter()
        .filter(|set| set.state == CidrState::Associated)
        .map(|set| set.cidr.to_string());
    let v6 = vpc
        .ipv6_cidrs
        .iter()
        .filter(|set| set.state == CidrState::Associated)
        .map(|set| set.cidr.to_string());
    v4.chain(v6).filter_map(|cidr| cidr.parse().ok()).collect()
}
