//! Endpoints as EC2 tells about them.

use time::OffsetDateTime;

use super::{Endpoint, EndpointState, EndpointType, LastError, dns};
use crate::ec2::{Ec2, Tags};

/// An endpoint as EC2 tells about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpoint {
    pub vpc_endpoint_id: String,
    pub vpc_endpoint_type: EndpointType,
    pub vpc_id: String,
    pub service_name: String,
    pub region: String,
    pub state: EndpointState,
    pub subnet_ids: Vec<String>,
    pub groups: Vec<GroupIdentifier>,
    pub private_dns_enabled: bool,
    pub network_interface_ids: Vec<String>,
    /// The names that lead to it.
    pub dns_entries: Vec<DnsEntry>,
    pub creation_timestamp: OffsetDateTime,
    pub tags: Tags,
    pub owner_id: String,
    pub last_error: Option<LastError>,
}

/// A group, by id and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupIdentifier {
    pub group_id: String,
    pub group_name: String,
}

/// A name that leads to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsEntry {
    pub dns_name: String,
    pub hosted_zone_id: String,
}

impl Ec2 {
    /// What a caller is told about an endpoint.
    pub(in crate::ec2) fn view(&self, endpoint: &Endpoint) -> VpcEndpoint {
        let used = || endpoint.interfaces.iter().filter(|i| i.drained.is_none());
        VpcEndpoint {
            vpc_endpoint_id: endpoint.id.clone(),
            vpc_endpoint_type: endpoint.kind,
            vpc_id: endpoint.vpc_id.clone(),
            service_name: endpoint.service_name.clone(),
            region: endpoint.region.clone(),
            state: endpoint.state,
            subnet_ids: used().map(|i| i.subnet_id.clone()).collect(),
            groups: self.group_identifiers(&endpoint.groups),
            private_dns_enabled: endpoint.private_dns,
            network_interface_ids: used().map(|i| i.id.clone()).collect(),
            dns_entries: dns::entries(self, endpoint),
            creation_timestamp: endpoint.created,
            tags: endpoint.tags.clone(),
            owner_id: endpoint.owner.clone(),
            last_error: endpoint.last_error.clone(),
        }
    }

    /// Groups by id and name.
    pub(in crate::ec2) fn group_identifiers(&self, ids: &[String]) -> Vec<GroupIdentifier> {
        ids.iter()
            .map(|id| GroupIdentifier {
                group_id: id.clone(),
                group_name: self
                    .groups
                    .get(id)
                    .map(|group| group.name.clone())
                    .unwrap_or_default(),
            })
            .collect()
    }
}
