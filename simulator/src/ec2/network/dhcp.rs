//! DHCP options.

use std::collections::BTreeMap;

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Page, Tags, Vpc, page};

/// The options that every VPC of a Region has that was given no others.
const DEFAULT: &str = "dopt-0c1e5f3a7b9d24680";

/// A set of DHCP options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpOptions {
    /// The id.
    pub id: String,
    /// The account that owns it.
    pub owner: String,
    /// The Region it is in.
    pub region: String,
    /// The option `domain-name-servers`; left out if there are none.
    pub dns_servers: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

impl Filtered for DhcpOptions {
    const FILTERS: &'static [&'static str] = &["dhcp-options-id"];

    fn value(&self, _: &str) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
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
            tags: Tags::new(),
        }
    }
}

/// `DescribeDhcpOptions`.
#[derive(Debug, Clone, Default)]
pub struct DescribeDhcpOptions {
    /// Filters.
    pub filters: Vec<Filter>,
    /// Which page.
    pub page: Page,
}

/// The answer to [`DescribeDhcpOptions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeDhcpOptionsResult {
    /// The sets.
    pub dhcp_options: Vec<DhcpOptions>,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

impl World {
    /// Lists the DHCP options that VPCs have.
    pub fn describe_dhcp_options(
        &mut self,
        caller: &Caller,
        request: &DescribeDhcpOptions,
    ) -> Result<DescribeDhcpOptionsResult, ApiError> {
        self.admit(caller, "DescribeDhcpOptions")?;
        filter::check::<DhcpOptions>(&request.filters)?;
        let vpcs = self.ec2.vpcs.values().filter(|vpc| vpc.seen_by(caller));
        // Many VPCs have the default options.
        let sets: BTreeMap<String, DhcpOptions> = vpcs
            .map(|vpc| (vpc.dhcp_options_id(), vpc.dhcp_options()))
            .collect();
        let sets = sets.into_values();
        let sets = sets.filter(|set| filter::passes(set, &request.filters));
        let sets: Vec<DhcpOptions> = sets.collect();
        let (dhcp_options, next_token) = page::page(sets, &request.page, 5..=1000)?;
        Ok(DescribeDhcpOptionsResult {
            dhcp_options,
            next_token,
        })
    }
}
