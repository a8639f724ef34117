//! Reads of the network.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{self, Filter, SubnetState, VpcAttributeName, VpcCidrBlockStateCode};
use shared::StepError;
use shared::cidr::Cidr;
use shared::ec2::{
    EndpointService, Network, NetworkAcl, PeeredVpc, PrefixList, Subnet, Vpc, VpcDns, errors,
};
use shared::ids::{AccountId, PrefixListId, SecurityGroupId, ServiceName, SubnetId, VpcId};

use super::{
    Acting, AwsEc2, FILTER_VALUES, PAGE, field, filter, filter_any, hosted_zones, id, said,
    surroundings, tags_of,
};

/// What EC2 says in place of an id where a VPC has no DHCP options (EC2 API reference,
/// `AssociateDhcpOptions`).
const NO_DHCP_OPTIONS: &str = "default";

/// The largest page of `DescribeManagedPrefixLists` (EC2 API reference).
const PREFIX_LISTS: i32 = 100;

impl Network for AwsEc2 {
    async fn account(&self) -> Option<AccountId> {
        match &self.acting {
            Acting::Known(account) => Some(account.clone()),
            Acting::Unknown(asked) => asked.account().await,
        }
    }

    async fn vpc(&self, vpc: &VpcId) -> Result<Option<Vpc>, StepError> {
        let operation = "DescribeVpcs";
        let sent = self
            .client
            .describe_vpcs()
            .vpc_ids(vpc.as_str())
            .send()
            .await;
        let Some(found) = self
            .present(operation, sent)?
            .and_then(|answer| answer.vpcs?.pop())
        else {
            return Ok(None);
        };
        Ok(Some(Vpc {
            id: id(operation, "vpcId", found.vpc_id())?,
            owner: id(operation, "ownerId", found.owner_id())?,
            cidrs: associated_cidrs(&found),
            dhcp_options: found
                .dhcp_options_id()
                .filter(|id| !id.is_empty() && *id != NO_DHCP_OPTIONS)
                .map(str::to_owned),
        }))
    }

    async fn vpc_dns(&self, vpc: &VpcId) -> Result<VpcDns, StepError> {
        let operation = "DescribeVpcAttribute";
        let ask = async |attribute| {
            let request = self.client.describe_vpc_attribute().vpc_id(vpc.as_str());
            let sent = request.attribute(attribute).send().await;
            sent.map_err(|error| self.failure(operation, error))
        };
        let support = ask(VpcAttributeName::EnableDnsSupport).await?;
        let hostnames = ask(VpcAttributeName::EnableDnsHostnames).await?;
        let value =
            |attribute: Option<&types::AttributeBooleanValue>| attribute.and_then(|it| it.value());
        Ok(VpcDns {
            support: field(
                operation,
                "enableDnsSupport",
                value(support.enable_dns_support()),
            )?,
            hostnames: field(
                operation,
                "enableDnsHostnames",
                value(hostnames.enable_dns_hostnames()),
            )?,
        })
    }

    async fn peered_vpcs(&self, vpc: &VpcId) -> Result<Vec<PeeredVpc>, StepError> {
        let operation = "DescribeVpcPeeringConnections";
        let mut peered = Vec::new();
        // EC2 joins different filters with *and*, so each side is asked for alone.
        for side in ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"] {
            let mut pages = self
                .client
                .describe_vpc_peering_connections()
                .filters(filter(side, vpc.as_str()))
                .filters(filter("status-code", "active"))
                .into_paginator()
                .page_size(PAGE)
                .items()
                .send();
            while let Some(peering) = pages.next().await {
                let peering = peering.map_err(|error| self.failure(operation, error))?;
                peered.extend(other_side(&peering, vpc));
            }
        }
        Ok(peered)
    }

    async fn subnets(&self, vpc: &VpcId) -> Result<Vec<Subnet>, StepError> {
        let operation = "DescribeSubnets";
        let request = self
            .client
            .describe_subnets()
            .filters(filter("vpc-id", vpc.as_str()));
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut subnets = Vec::new();
        while let Some(subnet) = pages.next().await {
            let subnet = subnet.map_err(|error| self.failure(operation, error))?;
            subnets.push(Subnet {
                id: id(operation, "subnetId", subnet.subnet_id())?,
                zone_id: subnet
                    .availability_zone_id()
                    .and_then(|zone| zone.parse().ok()),
                available: subnet.state() == Some(&SubnetState::Available),
                cidr: subnet.cidr_block().and_then(|cidr| cidr.parse().ok()),
                free_addresses: subnet
                    .available_ip_address_count()
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or(0),
                ipv6_only: subnet.ipv6_native() == Some(true),
                on_outpost: subnet.outpost_arn().is_some_and(|arn| !arn.is_empty()),
                tags: tags_of(subnet.tags()),
            });
        }
        Ok(subnets)
    }

    async fn existing_groups(
        &self,
        groups: &[SecurityGroupId],
    ) -> Result<BTreeSet<SecurityGroupId>, StepError> {
        if groups.is_empty() {
            return Ok(BTreeSet::new());
        }
        // Asked by filter, a group that does not exist is left out; asked by id, it
        // would be an error about one of them.
        let ids = groups.iter().map(|group| group.to_string()).collect();
        let by_id = Filter::builder()
            .name("group-id")
            .set_values(Some(ids))
            .build();
        let request = self.client.describe_security_groups().filters(by_id);
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut existing = BTreeSet::new();
        while let Some(group) = pages.next().await {
            let group = group.map_err(|error| self.failure("DescribeSecurityGroups", error))?;
            existing.extend(group.group_id().and_then(|id| id.parse().ok()));
        }
        Ok(existing)
    }

    async fn prefix_lists(&self, ids: &[PrefixListId]) -> Result<Vec<PrefixList>, StepError> {
        let operation = "DescribeManagedPrefixLists";
        let mut lists = Vec::new();
        // By filter, as with groups.
        for ids in ids.chunks(FILTER_VALUES) {
            let request = self
                .client
                .describe_managed_prefix_lists()
                .filters(filter_any("prefix-list-id", ids));
            let pages = request.into_paginator().page_size(PREFIX_LISTS);
            let mut pages = pages.items().send();
            while let Some(list) = pages.next().await {
                let list = list.map_err(|error| self.failure(operation, error))?;
                lists.push(PrefixList {
                    id: id(operation, "prefixListId", list.prefix_list_id())?,
                    is_ipv6: list.address_family() == Some("IPv6"),
                    max_entries: list.max_entries().and_then(|most| most.try_into().ok()),
                });
            }
        }
        Ok(lists)
    }

    async fn hosted_zones(&self, vpc: &VpcId) -> Result<Option<Vec<String>>, StepError> {
        let route53 = aws_sdk_route53::Client::new(&self.config);
        hosted_zones::names(&route53, vpc).await
    }

    async fn dns_servers(
        &self,
        dhcp_options: &[String],
    ) -> Result<Option<BTreeMap<String, Vec<String>>>, StepError> {
        surroundings::dns_servers(self, dhcp_options).await
    }

    async fn network_acls(
        &self,
        subnets: &[SubnetId],
    ) -> Result<Option<Vec<NetworkAcl>>, StepError> {
        surroundings::network_acls(self, subnets).await
    }

    async fn endpoint_service(
        &self,
        name: &ServiceName,
    ) -> Result<Option<EndpointService>, StepError> {
        let request = self.client.describe_vpc_endpoint_services();
        let answer = match request.service_names(name.as_str()).send().await {
            Ok(answer) => answer,
            Err(error)
                if said(&error).is_some_and(|(code, why)| errors::is_service_absent(code, why)) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failure("DescribeVpcEndpointServices", error)),
        };
        let details = answer.service_details();
        Ok(details
            .iter()
            .find(|detail| detail.service_name() == Some(name.as_str()))
            .map(|detail| EndpointService {
                zone_ids: detail
                    .availability_zone_ids()
                    .iter()
                    .filter_map(|zone| zone.parse().ok())
                    .collect(),
                private_dns_name: detail
                    .private_dns_name()
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
                private_dns_verified: detail
                    .private_dns_name_verification_state()
                    .is_some_and(|state| state.as_str().eq_ignore_ascii_case("verified")),
            }))
    }
}

/// All associated networks. `cidrBlock` alone would miss the secondary ones.
fn associated_cidrs(vpc: &types::Vpc) -> Vec<Cidr> {
    let is_associated = |state: Option<&types::VpcCidrBlockState>| {
        state.and_then(|state| state.state()) == Some(&VpcCidrBlockStateCode::Associated)
    };
    let v4 = vpc
        .cidr_block_association_set()
        .iter()
        .filter(|set| is_associated(set.cidr_block_state()))
        .filter_map(|set| set.cidr_block());
    let v6 = vpc
        .ipv6_cidr_block_association_set()
        .iter()
        .filter(|set| is_associated(set.ipv6_cidr_block_state()))
        .filter_map(|set| set.ipv6_cidr_block());
    v4.chain(v6).filter_map(|cidr| cidr.parse().ok()).collect()
}

fn other_side(peering: &types::VpcPeeringConnection, own: &VpcId) -> Option<PeeredVpc> {
    let sides = [peering.requester_vpc_info()?, peering.accepter_vpc_info()?];
    let other = sides
        .into_iter()
        .find(|side| side.vpc_id() != Some(own.as_str()))?;
    let v4 = other
        .cidr_block_set()
        .iter()
        .filter_map(|set| set.cidr_block());
    let v6 = other
        .ipv6_cidr_block_set()
        .iter()
        .filter_map(|set| set.ipv6_cidr_block());
    Some(PeeredVpc {
        peering_id: peering.vpc_peering_connection_id()?.to_owned(),
        vpc_id: other.vpc_id()?.parse().ok()?,
        cidrs: v4.chain(v6).filter_map(|cidr| cidr.parse().ok()).collect(),
    })
}
