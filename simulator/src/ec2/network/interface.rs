//! Network interfaces. Only endpoints have any in this world.

use std::borrow::Cow;

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{GroupIdentifier, Interface, Tags, ids, page};

/// A network interface as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    /// The interface.
    pub interface: Interface,
    /// The endpoint it belongs to.
    pub endpoint_id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// The account that owns it.
    pub owner: String,
    /// The name of its zone.
    pub zone_name: String,
    /// Its groups.
    pub groups: Vec<GroupIdentifier>,
}

impl NetworkInterface {
    /// How EC2 describes an interface that PrivateLink made.
    pub fn description(&self) -> String {
        format!("VPC Endpoint Interface {}", self.endpoint_id)
    }
}

static NO_TAGS: Tags = Tags::new();

impl Filtered for NetworkInterface {
    const FILTERS: &'static [&'static str] = &[
        "availability-zone",
        "description",
        "group-id",
        "group-name",
        "interface-type",
        "network-interface-id",
        "owner-id",
        "private-ip-address",
        "requester-managed",
        "status",
        "subnet-id",
        "vpc-id",
    ];

    fn values(&self, name: &str) -> Vec<Cow<'_, str>> {
        match name {
            "availability-zone" => vec![(&self.zone_name).into()],
            "description" => vec![self.description().into()],
            "group-id" => self.groups.iter().map(|g| (&g.group_id).into()).collect(),
            "group-name" => self.groups.iter().map(|g| (&g.group_name).into()).collect(),
            "interface-type" => vec!["vpc_endpoint".into()],
            "network-interface-id" => vec![(&self.interface.id).into()],
            "owner-id" => vec![(&self.owner).into()],
            "private-ip-address" => vec![self.interface.ipv4.to_string().into()],
            "requester-managed" => vec!["true".into()],
            "status" => vec!["in-use".into()],
            "subnet-id" => vec![(&self.interface.subnet_id).into()],
            "vpc-id" => vec![(&self.vpc_id).into()],
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> &Tags {
        &NO_TAGS
    }
}

/// `DescribeNetworkInterfaces`.
#[derive(Debug, Clone, Default)]
pub struct DescribeNetworkInterfaces {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// Interfaces by id.
    pub network_interface_ids: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// The size of a page.
    pub max_results: Option<i32>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

/// The answer to [`DescribeNetworkInterfaces`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeNetworkInterfacesResult {
    /// The interfaces.
    pub network_interfaces: Vec<NetworkInterface>,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

impl World {
    /// Lists network interfaces, also those that are still draining.
    pub fn describe_network_interfaces(
        &mut self,
        caller: &Caller,
        request: &DescribeNetworkInterfaces,
    ) -> Result<DescribeNetworkInterfacesResult, ApiError> {
        self.admit(caller, "DescribeNetworkInterfaces", request.dry_run)?;
        filter::check::<NetworkInterface>(&request.filters)?;
        let mut all = Vec::new();
        for endpoint in self.ec2.endpoints.values() {
            if endpoint.owner != caller.account || endpoint.region != caller.region {
                continue;
            }
            for interface in endpoint.interfaces.iter().filter(|i| i.lives(self.now)) {
                let zone = self
                    .ec2
                    .subnets
                    .get(&interface.subnet_id)
                    .map(|subnet| subnet.zone_name.clone());
                all.push(NetworkInterface {
                    interface: interface.clone(),
                    endpoint_id: endpoint.id.clone(),
                    vpc_id: endpoint.vpc_id.clone(),
                    owner: endpoint.owner.clone(),
                    zone_name: zone.unwrap_or_default(),
                    groups: self.ec2.group_identifiers(&endpoint.groups),
                });
            }
        }
        for id in &request.network_interface_ids {
            ids::check("eni", id, "InvalidNetworkInterfaceId.Malformed")?;
            if !all.iter().any(|known| known.interface.id == *id) {
                return Err(not_found(
                    "InvalidNetworkInterfaceID.NotFound",
                    "networkInterface ID",
                    id,
                ));
            }
        }
        let wanted = &request.network_interface_ids;
        all.retain(|interface| {
            (wanted.is_empty() || wanted.contains(&interface.interface.id))
                && filter::passes(interface, &request.filters)
        });
        let (network_interfaces, next_token) = page::page(
            all,
            request.max_results,
            request.next_token.as_deref(),
            5..=1000,
        )?;
        Ok(DescribeNetworkInterfacesResult {
            network_interfaces,
            next_token,
        })
    }
}
