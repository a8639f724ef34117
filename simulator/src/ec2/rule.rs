//! Rules of security groups.

mod authorize;
mod describe;
mod revoke;

use ipnet::{Ipv4Net, Ipv6Net};

pub use authorize::{AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupIngressResult};
pub use describe::{DescribeSecurityGroupRules, DescribeSecurityGroupRulesResult};
pub use revoke::{RevokeSecurityGroupIngress, RevokeSecurityGroupIngressResult};

use super::Tags;
use super::permission::Wanted;

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The id.
    pub id: String,
    /// The group.
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
    /// The last port.
    pub to_port: Option<i32>,
    /// Where the traffic comes from or goes to.
    pub source: Source,
    /// The description.
    pub description: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Where the traffic of a rule comes from: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An IPv4 range.
    Ipv4(Ipv4Net),
    /// An IPv6 range.
    Ipv6(Ipv6Net),
    /// A security group, by id.
    Group(String),
    /// A prefix list, by id.
    PrefixList(String),
}

impl Source {
    /// Whether a rule with this source counts towards the quota of IPv4 rules
    /// (`false`) or of IPv6 rules (`true`). Groups and prefix lists count
    /// towards both.
    fn counts_for(&self, ipv6: bool) -> bool {
        match self {
            Source::Ipv4(_) => !ipv6,
            Source::Ipv6(_) => ipv6,
            Source::Group(_) | Source::PrefixList(_) => true,
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
