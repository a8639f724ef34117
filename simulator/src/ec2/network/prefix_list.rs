//! Managed prefix lists.

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::client;
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, ids};

/// Who owns the lists of AWS itself, as EC2 says it.
const AWS: &str = "AWS";

/// A managed prefix list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixList {
    pub id: String,
    pub name: String,
    /// The account that owns it, or `AWS`.
    pub owner: String,
    pub region: String,
    /// Whether its networks are IPv6 networks.
    pub ipv6: bool,
    /// How many networks it may have. A rule with the list as its source counts for as
    /// many ("Security group rules", Amazon VPC user guide).
    pub max_entries: u32,
}

impl PrefixList {
    fn seen_by(&self, caller: &Caller) -> bool {
        (self.owner == caller.account || self.owner == AWS) && self.region == caller.region
    }

    /// How many networks it may have, if EC2 tells: not of the lists of AWS.
    pub fn max_entries_told(&self) -> Option<u32> {
        (self.owner != AWS).then_some(self.max_entries)
    }

    pub fn arn(&self) -> String {
        let owner = self.owner.to_lowercase();
        format!(
            "arn:aws:ec2:{}:{owner}:prefix-list/{}",
            self.region, self.id
        )
    }
}

impl Filtered for PrefixList {
    const FILTERS: &'static [&'static str] = &["owner-id", "prefix-list-id", "prefix-list-name"];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let value = match name {
            "owner-id" => &self.owner,
            "prefix-list-id" => &self.id,
            _ => &self.name,
        };
        vec![value.as_str()]
    }
}

impl World {
    /// Lists the prefix lists of the account and of AWS.
    pub fn describe_managed_prefix_lists(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<PrefixList>, ApiError> {
        self.admit_describe::<PrefixList>(caller, "DescribeManagedPrefixLists", request)?;
        let lists = self.ec2.prefix_lists.iter();
        let wanted = lists.filter(|list| list.seen_by(caller) && request.wants(*list));
        request.page(wanted.cloned(), 1..=100)
    }

    /// A list that the caller can see. The message is EC2's (aws-cloudformation/rain
    /// issue 308); of the code both spellings are met (terraform-provider-aws).
    pub(in crate::ec2) fn prefix_list(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<&PrefixList, ApiError> {
        ids::check("pl", id, "InvalidPrefixListId.Malformed")?;
        let mut lists = self.ec2.prefix_lists.iter();
        lists
            .find(|list| list.id == *id && list.seen_by(caller))
            .ok_or_else(|| {
                client(
                    "InvalidPrefixListID.NotFound",
                    format!("The prefix list ID '{id}' does not exist"),
                )
            })
    }
}
