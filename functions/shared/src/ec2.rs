//! EC2 in our words: the ports, and what goes through them.
//!
//! *Absent* is `None` or success here, never an error; what absent means is the
//! caller's decision. How EC2 spells its states, only the adapter knows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::cidr::Cidr;
use crate::ids::{
    AccountId, EndpointId, PrefixListId, SecurityGroupId, ServiceName, SourceGroup, SubnetId,
    VpcId, ZoneId,
};
use crate::ownership::{Claim, SECURITY_GROUP_PREFIX, Tags};
use crate::{Code, StepError};

pub mod acl;
pub mod errors;
mod inventory;
pub mod resolver;
pub use acl::{AclRule, NetworkAcl};
pub use inventory::{Claimed, Inventory, Managed, by_connection};

/// Reads of the network as it is.
pub trait Network: resolver::Resolver {
    /// The account that acts here, if that can be found out.
    async fn account(&self) -> Option<AccountId>;
    /// The VPC, if it exists.
    async fn vpc(&self, vpc: &VpcId) -> Result<Option<Vpc>, StepError>;
    /// The VPC's two DNS attributes.
    async fn vpc_dns(&self, vpc: &VpcId) -> Result<VpcDns, StepError>;
    /// The VPCs with an active peering to this one.
    async fn peered_vpcs(&self, vpc: &VpcId) -> Result<Vec<PeeredVpc>, StepError>;
    /// All subnets of the VPC.
    async fn subnets(&self, vpc: &VpcId) -> Result<Vec<Subnet>, StepError>;
    /// Those of the groups that exist, in any VPC of this account and Region.
    async fn existing_groups(
        &self,
        groups: &[SecurityGroupId],
    ) -> Result<BTreeSet<SecurityGroupId>, StepError>;
    /// Those of the prefix lists that this account has or is shown, in this Region.
    async fn prefix_lists(&self, ids: &[PrefixListId]) -> Result<Vec<PrefixList>, StepError>;
    /// The names, without a trailing dot, of the private hosted zones that an account
    /// has associated with the VPC. Zones of AWS's own, such as those behind private
    /// DNS of endpoints, are left out. `None` if the caller may not ask.
    async fn hosted_zones(&self, vpc: &VpcId) -> Result<Option<Vec<String>>, StepError>;
    /// The DNS servers that each of these sets of DHCP options names, by its id. A set
    /// that EC2 does not show is left out. `None` if the caller may not ask.
    async fn dns_servers(
        &self,
        dhcp_options: &[String],
    ) -> Result<Option<BTreeMap<String, Vec<String>>>, StepError>;
    /// The network ACLs of these subnets. `None` if the caller may not ask.
    async fn network_acls(
        &self,
        subnets: &[SubnetId],
    ) -> Result<Option<Vec<NetworkAcl>>, StepError>;
    /// The endpoint service, or `None` if it does not exist here or may not be used.
    async fn endpoint_service(
        &self,
        name: &ServiceName,
    ) -> Result<Option<EndpointService>, StepError>;
}

/// Tags of VPCs: there people say what they want, and read what became of it.
pub trait VpcTags {
    /// All tags of the VPC; `None` if there is no such VPC, or if it is so new that
    /// EC2 does not show it yet.
    async fn vpc_tags(&self, vpc: &VpcId) -> Result<Option<Tags>, StepError>;
    /// The VPCs of this account and Region that carry a tag with such a key, with
    /// all their tags. `*` in the pattern stands for any text.
    async fn tagged_vpcs(&self, key_pattern: &str) -> Result<Vec<(VpcId, Tags)>, StepError>;
    /// Adds tags to a VPC, or gives them new values.
    async fn tag_vpc(&self, vpc: &VpcId, tags: &Tags) -> Result<(), StepError>;
    /// Removes tags from a VPC, whatever their values; absent is success.
    async fn untag_vpc(&self, vpc: &VpcId, keys: &[String]) -> Result<(), StepError>;
}

/// Interface VPC endpoints.
pub trait Endpoints {
    /// All endpoints of the VPC that still exist in any state.
    async fn endpoints(&self, vpc: &VpcId) -> Result<Vec<Endpoint>, StepError>;
    /// One endpoint; `None` when it is gone, or so new that EC2 does not show it yet.
    async fn endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>, StepError>;
    /// Those of the endpoints that still exist in any state, in any VPC of this
    /// account and Region.
    async fn endpoints_by_id(&self, ids: &[EndpointId]) -> Result<Vec<Endpoint>, StepError>;
    /// Creates an endpoint without private DNS, or answers the one that the same
    /// token created before.
    async fn create_endpoint(&self, new: &NewEndpoint) -> Result<Endpoint, StepError>;
    /// Switches private DNS on or off.
    async fn set_private_dns(&self, id: &EndpointId, on: bool) -> Result<(), StepError>;
    /// Adds subnets to an endpoint or removes some. EC2 refuses a subnet of a zone that
    /// the endpoint is in, also when the same call removes the one that is there.
    async fn change_subnets(
        &self,
        id: &EndpointId,
        add: &[SubnetId],
        remove: &[SubnetId],
    ) -> Result<(), StepError>;
    /// Puts a security group on an endpoint, or takes it off. EC2 leaves no endpoint without
    /// any group.
    async fn set_group(
        &self,
        id: &EndpointId,
        group: &SecurityGroupId,
        on: bool,
    ) -> Result<(), StepError>;
    /// Asks for deletion; absent is success.
    async fn delete_endpoint(&self, id: &EndpointId) -> Result<(), StepError>;
    /// Adds tags to an endpoint.
    async fn tag_endpoint(&self, id: &EndpointId, tags: &Tags) -> Result<(), StepError>;
    /// Removes tags from an endpoint, whatever their values.
    async fn untag_endpoint(&self, id: &EndpointId, keys: &[String]) -> Result<(), StepError>;
}

/// Security groups and their inbound rules.
pub trait SecurityGroups {
    /// The group of that name in the VPC. EC2 compares names without regard to case.
    async fn group_named(
        &self,
        vpc: &VpcId,
        name: &str,
    ) -> Result<Option<SecurityGroup>, StepError>;
    /// The groups of the VPC that carry a tag of this key, whatever its value.
    async fn groups_tagged(&self, vpc: &VpcId, key: &str) -> Result<Vec<SecurityGroup>, StepError>;
    /// The inbound rules of the groups.
    async fn ingress_rules(
        &self,
        groups: &[SecurityGroupId],
    ) -> Result<Vec<IngressRule>, StepError>;
    /// Creates a group; [`crate::Code::SecurityGroupNameTaken`] if the name exists.
    async fn create_group(&self, new: &NewSecurityGroup) -> Result<SecurityGroupId, StepError>;
    /// Admits TCP 26257 from the sources; a rule that exists already is success.
    async fn authorize(
        &self,
        group: &SecurityGroupId,
        sources: &[Source],
        description: &str,
    ) -> Result<(), StepError>;
    /// Removes rules by id; absent is success.
    async fn revoke(&self, group: &SecurityGroupId, rule_ids: &[String]) -> Result<(), StepError>;
    /// Deletes a group, unless something still uses it or speaks of it.
    async fn delete_group(&self, group: &SecurityGroupId) -> Result<GroupRemoval, StepError>;
    /// The groups of the VPC that have a rule which names this one: by their inbound rules,
    /// and then by their outbound ones. EC2 keeps a group that is named in its own VPC; a
    /// rule of a peered VPC does not count.
    async fn groups_naming(
        &self,
        vpc: &VpcId,
        group: &SecurityGroupId,
    ) -> Result<Vec<SecurityGroup>, StepError>;
    /// The network interfaces that carry the group.
    async fn interfaces_with(
        &self,
        group: &SecurityGroupId,
    ) -> Result<Vec<NetworkInterface>, StepError>;
    /// Adds tags to a group.
    async fn tag_group(&self, group: &SecurityGroupId, tags: &Tags) -> Result<(), StepError>;
    /// Removes tags from a group, whatever their values.
    async fn untag_group(&self, group: &SecurityGroupId, keys: &[String]) -> Result<(), StepError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    pub id: VpcId,
    /// The account that owns it.
    pub owner: AccountId,
    /// All its associated networks: primary, secondary and IPv6.
    pub cidrs: Vec<Cidr>,
    /// The id of its DHCP options, if it has any.
    pub dhcp_options: Option<String>,
}

/// The attributes that private DNS depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VpcDns {
    /// `enableDnsSupport`.
    pub support: bool,
    /// `enableDnsHostnames`.
    pub hostnames: bool,
}

/// The other side of an active VPC peering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeredVpc {
    pub peering_id: String,
    /// The other VPC.
    pub vpc_id: VpcId,
    /// The other VPC's networks, as far as EC2 tells them.
    pub cidrs: Vec<Cidr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    pub id: SubnetId,
    /// The id of its zone; `None` in a Local or Wavelength Zone without one.
    pub zone_id: Option<ZoneId>,
    /// Whether its state is *available*.
    pub available: bool,
    /// Its IPv4 network.
    pub cidr: Option<Cidr>,
    /// Free IPv4 addresses.
    pub free_addresses: u32,
    /// Whether it has no IPv4 network.
    pub ipv6_only: bool,
    /// Whether it lies on an Outpost.
    pub on_outpost: bool,
    pub tags: Tags,
}

/// A managed prefix list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixList {
    pub id: PrefixListId,
    /// Whether its networks are IPv6 networks; a list is of one family.
    pub is_ipv6: bool,
    /// How many networks it may have, and for how many rules EC2 counts it. Not told of
    /// the lists of AWS.
    pub max_entries: Option<usize>,
}

/// An endpoint service as the consumer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointService {
    /// The zones that provider and consumer have in common.
    pub zone_ids: BTreeSet<ZoneId>,
    /// The private DNS name, possibly with a leading `*.`.
    pub private_dns_name: Option<String>,
    /// Whether the provider has proven that the name is theirs.
    pub private_dns_verified: bool,
}

/// The state of an endpoint. EC2's model spells these states in another way than
/// EC2 itself does (awslabs/aws-sdk-rust issue 619), so they are read without
/// regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointState {
    /// The cluster's side has not accepted it yet.
    PendingAcceptance,
    /// Accepted and being built, or being changed.
    Pending,
    /// Usable.
    Available,
    /// On its way out.
    Deleting,
    /// Gone; EC2 lists it for a while.
    Deleted,
    /// Refused by the cluster's side.
    Rejected,
    /// AWS could not build it.
    Failed,
    /// Not accepted in time.
    Expired,
    /// A word that we do not know.
    Unknown(String),
}

impl EndpointState {
    /// Reads the state as EC2 spells it.
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pendingacceptance" => Self::PendingAcceptance,
            "pending" => Self::Pending,
            "available" => Self::Available,
            "deleting" => Self::Deleting,
            "deleted" => Self::Deleted,
            "rejected" => Self::Rejected,
            "failed" => Self::Failed,
            "expired" => Self::Expired,
            _ => Self::Unknown(word.to_owned()),
        }
    }

    /// Whether an endpoint in this state is leaving or has left.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Deleting | Self::Deleted)
    }

    /// The code of an endpoint that can never become usable.
    pub fn bad_end(&self) -> Option<Code> {
        match self {
            Self::Rejected => Some(Code::EndpointRejected),
            Self::Failed => Some(Code::EndpointFailed),
            Self::Expired => Some(Code::EndpointExpired),
            Self::Deleting | Self::Deleted => Some(Code::EndpointGone),
            Self::PendingAcceptance | Self::Pending | Self::Available | Self::Unknown(_) => None,
        }
    }

    /// Whether an endpoint in this state can never become usable.
    pub fn is_dead(&self) -> bool {
        self.bad_end().is_some()
    }
}

impl std::fmt::Display for EndpointState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PendingAcceptance => "pending acceptance",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Unknown(word) => return write!(f, "unknown word `{word}`"),
        })
    }
}

/// An interface endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: EndpointId,
    /// The account that it belongs to, if EC2 says so.
    pub owner: Option<AccountId>,
    /// Whether it is an interface endpoint. Others do not count and are not touched.
    pub is_interface: bool,
    /// The name of its service, AWS's own services included.
    pub service_name: String,
    pub state: EndpointState,
    /// Why it is in that state, if AWS says so.
    pub failure: Option<String>,
    pub subnet_ids: Vec<SubnetId>,
    pub group_ids: Vec<SecurityGroupId>,
    pub private_dns: bool,
    /// The names that resolve to it: its own regional name first, and the private
    /// DNS name while private DNS is on.
    pub dns_names: Vec<String>,
    pub tags: Tags,
}

impl Endpoint {
    /// Whether it is to a service of a customer of AWS, as those of clusters are. Who may
    /// set tags can set ours on any other, such as one to a service of AWS.
    pub fn is_of_our_kind(&self) -> bool {
        self.service_name.parse::<ServiceName>().is_ok()
    }

    /// The account that the connection of this claim added to the cluster's trusted
    /// owners, as the tags tell. It never adds another one than the endpoint's own.
    pub fn trusted_account(&self, claim: &Claim) -> Option<AccountId> {
        let account = claim.trusted_account(&self.tags);
        account.filter(|account| self.owner.as_ref() == Some(account))
    }
}

/// An endpoint to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// In which VPC.
    pub vpc_id: VpcId,
    /// To which service.
    pub service_name: ServiceName,
    /// One subnet for each zone.
    pub subnet_ids: Vec<SubnetId>,
    /// Its only security group.
    pub group_id: SecurityGroupId,
    /// The client token.
    pub token: String,
    /// The tags that it carries from the first moment.
    pub tags: Tags,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    pub id: SecurityGroupId,
    pub name: String,
    pub tags: Tags,
}

impl SecurityGroup {
    /// Whether it has a name as we give them. Who may set tags can set ours on any other.
    pub fn is_of_our_kind(&self) -> bool {
        self.name.starts_with(SECURITY_GROUP_PREFIX)
    }
}

/// A security group to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSecurityGroup {
    /// In which VPC.
    pub vpc_id: VpcId,
    /// Its name, unique in the VPC.
    pub name: String,
    pub description: String,
    /// The tags that it carries from the first moment.
    pub tags: Tags,
}

/// The source of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A network.
    Cidr(Cidr),
    /// The members of a security group, which another account may own.
    Group(SourceGroup),
    /// The networks of a prefix list, whichever they are at the time.
    PrefixList(PrefixListId),
}

impl Source {
    /// The source with its kind, for sentences.
    pub fn described(&self) -> String {
        match self {
            Source::Cidr(cidr) => cidr.to_string(),
            Source::Group(group) => format!("security group {group}"),
            Source::PrefixList(list) => format!("prefix list {list}"),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Cidr(cidr) => cidr.fmt(f),
            Source::Group(group) => group.fmt(f),
            Source::PrefixList(list) => list.fmt(f),
        }
    }
}

/// An inbound rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressRule {
    pub id: String,
    /// The group that it belongs to.
    pub group_id: SecurityGroupId,
    /// The protocol as EC2 writes it: `tcp`, or `-1` for all.
    pub protocol: String,
    /// First and last port; `None` means all.
    pub ports: Option<(u16, u16)>,
    pub source: Source,
    pub description: String,
}

impl IngressRule {
    /// Whether the rule admits TCP on the port.
    pub fn admits_tcp(&self, port: u16) -> bool {
        is_for_tcp(&self.protocol, self.ports, port)
    }

    /// Whether the rule is for TCP on this port and nothing else.
    pub fn is_exactly_tcp(&self, port: u16) -> bool {
        matches!(self.protocol.as_str(), "tcp" | "6") && self.ports == Some((port, port))
    }
}

impl std::fmt::Display for IngressRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            protocol,
            source,
            id,
            ..
        } = self;
        match self.ports {
            Some((first, last)) => write!(f, "{protocol} {first}-{last} from {source} ({id})"),
            None => write!(f, "{protocol} all ports from {source} ({id})"),
        }
    }
}

/// Whether a rule for this protocol and these ports is for TCP on the port. `-1` stands for
/// all protocols, and no ports for all.
fn is_for_tcp(protocol: &str, ports: Option<(u16, u16)>, port: u16) -> bool {
    match protocol {
        "-1" => true,
        "tcp" | "6" => ports.is_none_or(|(first, last)| (first..=last).contains(&port)),
        _ => false,
    }
}

/// Those of the sources that the rules, all taken together, do not wholly let in to this
/// port by TCP.
pub fn shut_out<'r, 's>(
    rules: impl IntoIterator<Item = &'r IngressRule>,
    port: u16,
    sources: impl IntoIterator<Item = &'s Source>,
) -> Vec<&'s Source> {
    let rules = rules.into_iter().filter(|rule| rule.admits_tcp(port));
    let admitted: BTreeSet<&Source> = rules.map(|rule| &rule.source).collect();
    let mut wanted: Vec<&Source> = sources.into_iter().collect();
    wanted.retain(|source| !admits(&admitted, source));
    wanted
}

/// Whether all of a source is among those that are admitted. Who is in a group is not
/// known, but every endpoint has IPv4 addresses, so who lets in all of IPv4 lets them in.
pub fn admits(admitted: &BTreeSet<&Source>, source: &Source) -> bool {
    let is_covered = |wanted: Cidr| {
        wanted.is_covered_by(admitted.iter().filter_map(|it| match it {
            Source::Cidr(network) => Some(*network),
            Source::Group(_) | Source::PrefixList(_) => None,
        }))
    };
    match source {
        Source::Cidr(wanted) => is_covered(*wanted),
        Source::Group(_) => admitted.contains(source) || is_covered(Cidr::every_ipv4()),
        Source::PrefixList(_) => admitted.contains(source),
    }
}

/// A network interface, of whatever it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    pub id: String,
    /// What whoever made it says about it.
    pub description: String,
}

impl std::fmt::Display for NetworkInterface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.description.as_str() {
            "" => f.write_str(&self.id),
            description => write!(f, "{} ({description})", self.id),
        }
    }
}

/// What became of a request to delete a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupRemoval {
    /// It is gone, or was never there.
    Gone,
    /// Network interfaces use it, rules of other groups name it, or another VPC is
    /// associated with it.
    InUse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_in_either_spelling() {
        for (words, state) in [
            (
                "pendingAcceptance PendingAcceptance",
                EndpointState::PendingAcceptance,
            ),
            ("pending Pending", EndpointState::Pending),
            ("available Available", EndpointState::Available),
            ("deleting Deleting", EndpointState::Deleting),
            ("deleted Deleted", EndpointState::Deleted),
            ("rejected Rejected", EndpointState::Rejected),
            ("failed Failed", EndpointState::Failed),
            ("expired Expired", EndpointState::Expired),
            ("partial", EndpointState::Unknown("partial".into())),
        ] {
            for word in words.split(' ') {
                assert_eq!(EndpointState::parse(word), state, "{word}");
            }
        }
    }

    fn rule(protocol: &str, ports: Option<(u16, u16)>) -> IngressRule {
        IngressRule {
            id: "sgr-1".into(),
            group_id: "sg-0a71e831".parse().unwrap(),
            protocol: protocol.into(),
            ports,
            source: Source::Cidr("10.0.0.0/16".parse().unwrap()),
            description: String::new(),
        }
    }

    #[test]
    fn sources_are_shut_out_by_what_all_rules_together_let_in() {
        let source = |text: &str| match text.parse() {
            Ok(cidr) => Source::Cidr(cidr),
            Err(_) => Source::Group(text.parse().unwrap()),
        };
        let shut_out = |rules: &[(&str, u16)], wanted: &[&str]| -> Vec<String> {
            let rules: Vec<IngressRule> = rules
                .iter()
                .map(|(from, port)| IngressRule {
                    source: source(from),
                    ..rule("tcp", Some((*port, *port)))
                })
                .collect();
            let wanted: Vec<Source> = wanted.iter().map(|text| source(text)).collect();
            let shut_out = shut_out(&rules, 26257, &wanted);
            shut_out.into_iter().map(ToString::to_string).collect()
        };
        let none: [&str; 0] = [];
        let halves = [("10.0.0.0/25", 26257), ("10.0.0.128/25", 26257)];
        assert_eq!(shut_out(&halves, &["10.0.0.0/24", "10.0.0.7/32"]), none);
        assert_eq!(shut_out(&halves[..1], &["10.0.0.0/24"]), ["10.0.0.0/24"]);
        let other_port = [halves[0], ("10.0.0.128/25", 5432)];
        assert_eq!(shut_out(&other_port, &["10.0.0.0/24"]), ["10.0.0.0/24"]);
        let wide = [("10.0.0.0/16", 26257)];
        assert_eq!(
            shut_out(&wide, &["10.0.1.0/24", "10.0.2.0/24", "10.1.0.0/24"]),
            ["10.1.0.0/24"]
        );
        let ipv6 = [
            ("2001:DB8:0:0::/65", 26257),
            ("2001:db8::8000:0:0:0/65", 26257),
        ];
        assert_eq!(shut_out(&ipv6, &["2001:db8::/64"]), none);
        let group = [("sg-0a71e831", 26257)];
        let wanted = ["sg-0a71e831", "sg-0a71e832"];
        assert_eq!(shut_out(&group, &wanted), ["sg-0a71e832"]);
        assert_eq!(shut_out(&[("::/0", 26257)], &wanted), wanted);
        let everybody = [("0.0.0.0/1", 26257), ("128.0.0.0/1", 26257)];
        assert_eq!(shut_out(&everybody, &wanted), none);
    }

    #[test]
    fn a_rule_admits_the_port_by_range_or_by_all() {
        assert!(rule("-1", None).admits_tcp(26257));
        assert!(rule("tcp", Some((0, 65535))).admits_tcp(26257));
        assert!(rule("6", Some((26257, 26257))).is_exactly_tcp(26257));
        assert!(!rule("udp", Some((26257, 26257))).admits_tcp(26257));
        assert!(!rule("tcp", Some((443, 443))).admits_tcp(26257));
        assert!(!rule("tcp", Some((26257, 26258))).is_exactly_tcp(26257));
    }
}
