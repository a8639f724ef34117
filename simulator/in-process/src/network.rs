//! Reads of the network.

use std::collections::BTreeSet;

use shared::cidr::Cidr;
use shared::ec2::{EndpointService, Network, PeeredVpc, Subnet, Vpc, VpcDns, errors};
use shared::ids::{AccountId, SecurityGroupId, ServiceName, VpcId};
use shared::{Code, StepError};

use super::{InProcess, filter};
use simulator::Refusal;
use simulator::ec2::{
    self, Attribute, CidrState, DescribeSecurityGroups, DescribeSubnets, DescribeVpcAttribute,
    DescribeVpcEndpointServices, DescribeVpcPeeringConnections, DescribeVpcs, Filter, Verification,
};
use simulator::route53::{ListHostedZonesByVpc, Owner};

impl Network for InProcess {
    async fn account(&self) -> Option<AccountId> {
        self.caller.account.parse().ok()
    }

    async fn vpc(&self, vpc: &VpcId) -> Result<Option<Vpc>, StepError> {
        let request = DescribeVpcs {
            vpc_ids: vec![vpc.to_string()],
            ..Default::default()
        };
        let found = self
            .ask("DescribeVpcs", |world, caller| {
                world.describe_vpcs(caller, &request)
            })
            .await?;
        let found = found.and_then(|mut answer| answer.vpcs.pop());
        Ok(found.and_then(|found| {
            Some(Vpc {
                id: found.id.parse().ok()?,
                owner: found.owner.parse().ok()?,
                cidrs: associated(&found),
            })
        }))
    }

    async fn vpc_dns(&self, vpc: &VpcId) -> Result<VpcDns, StepError> {
        let ask = async |attribute| {
            let request = DescribeVpcAttribute {
                vpc_id: vpc.to_string(),
                attribute,
            };
            self.ec2("DescribeVpcAttribute", |world, caller| {
                world.describe_vpc_attribute(caller, &request)
            })
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
            let mut filters = filter(side, vpc.as_str());
            filters.push(Filter::one("status-code", "active"));
            let request = DescribeVpcPeeringConnections {
                filters,
                ..Default::default()
            };
            let answer = self
                .ec2("DescribeVpcPeeringConnections", |world, caller| {
                    world.describe_vpc_peering_connections(caller, &request)
                })
                .await?;
            for peering in answer.vpc_peering_connections {
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
        let request = DescribeSubnets {
            filters: filter("vpc-id", vpc.as_str()),
            ..Default::default()
        };
        let answer = self
            .ec2("DescribeSubnets", |world, caller| {
                world.describe_subnets(caller, &request)
            })
            .await?;
        let subnets = answer.subnets.into_iter().filter_map(|answer| {
            Some(Subnet {
                id: answer.subnet.id.parse().ok()?,
                zone_id: answer.subnet.zone_id.parse().ok(),
                available: true,
                free_addresses: answer.available_ip_address_count,
                ipv6_only: false,
                on_outpost: answer.subnet.outpost_arn.is_some(),
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
        let values = groups.iter().map(ToString::to_string).collect();
        let filters = vec![Filter {
            name: "group-id".to_owned(),
            values,
        }];
        let request = DescribeSecurityGroups {
            filters,
            ..Default::default()
        };
        let answer = self
            .ec2("DescribeSecurityGroups", |world, caller| {
                world.describe_security_groups(caller, &request)
            })
            .await?;
        Ok(answer
            .security_groups
            .iter()
            .filter_map(|group| group.id.parse().ok())
            .collect())
    }

    async fn hosted_zones(&self, vpc: &VpcId) -> Result<Option<Vec<String>>, StepError> {
        let action = "ListHostedZonesByVPC";
        let request = ListHostedZonesByVpc {
            vpc_id: vpc.to_string(),
            vpc_region: self.caller.region.clone(),
            ..Default::default()
        };
        let answered = self
            .called(&format!("route53:{action}"), |world| {
                world.list_hosted_zones_by_vpc(&self.caller, &request)
            })
            .await;
        match answered {
            Ok(answer) => {
                let zones = answer.hosted_zone_summaries.iter();
                let of_accounts = zones.filter(|zone| matches!(zone.owner, Owner::Account(_)));
                let names = of_accounts.map(|zone| zone.name.trim_end_matches('.').to_owned());
                Ok(Some(names.collect()))
            }
            Err(Refusal::Answer(error)) if errors::is_denied(&error.code) => Ok(None),
            Err(Refusal::Answer(error)) => Err(errors::classify_route53(
                action,
                &error.code,
                &error.message,
            )),
            Err(refusal @ (Refusal::TimedOut | Refusal::CutOff)) => {
                let detail = format!("Route 53 {action} gave no answer: {refusal}");
                Err(StepError::new(Code::AwsUnavailable, detail))
            }
        }
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
            .call(action, |world, caller| {
                world.describe_vpc_endpoint_services(caller, &request)
            })
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
