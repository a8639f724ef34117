//! Network interfaces, as far as they hold security groups.

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Endpoint};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    pub id: String,
    pub vpc_id: String,
    pub owner: String,
    pub region: String,
    /// What whoever made it says about it.
    pub description: String,
    pub groups: Vec<String>,
}

impl Filtered for NetworkInterface {
    const FILTERS: &'static [&'static str] = &["group-id", "vpc-id"];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, name: &str) -> Vec<&str> {
        match name {
            "group-id" => self.groups.iter().map(String::as_str).collect(),
            _ => vec![self.vpc_id.as_str()],
        }
    }
}

impl World {
    /// Lists the interfaces of endpoints, those included that have not drained, and those
    /// of whatever else there is.
    pub fn describe_network_interfaces(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<NetworkInterface>, ApiError> {
        self.admit_describe::<NetworkInterface>(caller, "DescribeNetworkInterfaces", request)?;
        let wanted = self
            .network_interfaces()
            .filter(|it| it.owner == caller.account && it.region == caller.region)
            .filter(|it| request.wants(it));
        request.page(wanted, 5..=1000)
    }

    /// Every interface that is there now, whosever it is.
    pub(in crate::ec2) fn network_interfaces(&self) -> impl Iterator<Item = NetworkInterface> {
        let of_endpoints = self
            .ec2
            .endpoints
            .values()
            .flat_map(move |it| self.interfaces_of(it));
        of_endpoints.chain(self.ec2.interfaces.iter().cloned())
    }

    /// The interfaces of an endpoint, with the description that AWS gives them.
    fn interfaces_of(&self, endpoint: &Endpoint) -> Vec<NetworkInterface> {
        let interfaces = endpoint.interfaces.iter();
        let living = interfaces.filter(|interface| interface.lives(self.now));
        let as_told = living.map(|interface| NetworkInterface {
            id: interface.id.clone(),
            vpc_id: endpoint.vpc_id.clone(),
            owner: endpoint.owner.clone(),
            region: endpoint.region.clone(),
            description: format!("VPC Endpoint Interface {}", endpoint.id),
            groups: endpoint.groups.clone(),
        });
        as_told.collect()
    }
}
