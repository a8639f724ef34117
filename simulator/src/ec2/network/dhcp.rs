//! DHCP options.

use std::collections::BTreeMap;

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Vpc};

/// The options that every VPC of a Region has that was given no others.
const DEFAULT: &str = "dopt-0c1e5f3a7b9d24680";

/// A set of DHCP options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpOptions {
    pub id: String,
    pub owner: String,
    pub region: String,
    /// The option `domain-name-servers`; left out if there are none.
    pub dns_servers: Vec<String>,
}

impl Filtered for DhcpOptions {
    const FILTERS: &'static [&'static str] = &["dhcp-options-id"];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, _: &str) -> Vec<&str> {
        vec![self.id.as_str()]
    }
}

impl Vpc {
    /// The id of its DHCP options.
    pub fn dhcp_options_id(&self) -> String {
        match &self.dns_servers {
            None => DEFAULT.to_owned(),
            Some(_) => self.id.replacen("vpc", "dopt", 1),
        }
    }

    fn dhcp_options(&self) -> DhcpOptions {
        // VPC user guide, "DHCP option set concepts": what the default set names.
        let amazons = || vec!["AmazonProvidedDNS".to_owned()];
        DhcpOptions {
            id: self.dhcp_options_id(),
            owner: self.owner.clone(),
            region: self.region.clone(),
            dns_servers: self.dns_servers.clone().unwrap_or_else(amazons),
        }
    }
}

impl World {
    /// Lists the DHCP options that VPCs have.
    pub fn describe_dhcp_options(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<DhcpOptions>, ApiError> {
        self.admit_describe::<DhcpOptions>(caller, "DescribeDhcpOptions", request)?;
        let vpcs = self.ec2.vpcs.values().filter(|vpc| vpc.seen_by(caller));
        // Many VPCs have the default options.
        let sets: BTreeMap<String, DhcpOptions> = vpcs
            .map(|vpc| (vpc.dhcp_options_id(), vpc.dhcp_options()))
            .collect();
        let wanted = sets.into_values().filter(|set| request.wants(set));
        request.page(wanted, 5..=1000)
    }
}
