//! Rules of security groups.

mod authorize;
mod describe;
mod revoke;

use ipnet::{Ipv4Net, Ipv6Net};

pub use authorize::AuthorizeSecurityGroupIngress;
pub use revoke::RevokeSecurityGroupIngress;

use super::permission::Wanted;
use super::{PrefixList, SecurityGroup};

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub group_id: String,
    /// The account that owns the group.
    pub group_owner: String,
    /// The Region of the group.
    pub region: String,
    /// Whether it is about traffic that leaves.
    pub is_egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// The first port; none if the protocol has none.
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    /// Where the traffic comes from or goes to.
    pub source: Source,
    pub description: Option<String>,
}

/// Where the traffic of a rule comes from: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Ipv4(Ipv4Net),
    Ipv6(Ipv6Net),
    /// A security group by id, with its account before it if that is not the rule's own:
    /// `222222222222/sg-0123456789abcdef0`.
    Group(String),
    /// A prefix list, by id.
    PrefixList(String),
}

impl Source {
    /// For how many rules one with this source counts towards the quota of IPv4 rules
    /// (`false`) or of IPv6 rules (`true`). Groups count towards both, and a prefix list
    /// for all entries that it may have ("Security group rules", Amazon VPC user guide).
    fn counts_for(&self, ipv6: bool, lists: &[PrefixList]) -> usize {
        match self {
            Source::Ipv4(_) => usize::from(!ipv6),
            Source::Ipv6(_) => usize::from(ipv6),
            Source::Group(_) => 1,
            Source::PrefixList(id) => lists
                .iter()
                .find(|list| list.id == *id && list.ipv6 == ipv6)
                .map_or(0, |list| list.max_entries as usize),
        }
    }

    /// The source as text.
    pub fn text(&self) -> String {
        match self {
            Source::Ipv4(net) => net.to_string(),
            Source::Ipv6(net) => net.to_string(),
            Source::Group(id) | Source::PrefixList(id) => id.clone(),
        }
    }
}

impl Rule {
    /// A rule of a group about all protocols.
    pub(super) fn of_all(
        id: String,
        group: &SecurityGroup,
        is_egress: bool,
        source: Source,
    ) -> Self {
        Rule {
            id,
            group_id: group.id.clone(),
            group_owner: group.owner.clone(),
            region: group.region.clone(),
            is_egress,
            protocol: "-1".to_owned(),
            from_port: None,
            to_port: None,
            source,
            description: None,
        }
    }

    /// Account and id of the group that is the source.
    pub fn referenced_group(&self) -> Option<(&str, &str)> {
        match &self.source {
            Source::Ipv4(_) | Source::Ipv6(_) | Source::PrefixList(_) => None,
            Source::Group(group) => {
                let own = (self.group_owner.as_str(), group.as_str());
                Some(group.split_once('/').unwrap_or(own))
            }
        }
    }

    /// Whether this is the rule that a request names. Descriptions and tags do
    /// not matter for that.
    pub(super) fn is(&self, wanted: &Wanted) -> bool {
        !self.is_egress
            && self.protocol == wanted.protocol
            && self.from_port == wanted.from_port
            && self.to_port == wanted.to_port
            && self.source == wanted.source
    }
}
