//! The AWS part of a scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;

use crate::ec2::EndpointState;
use crate::pace::maybe_seconds;

/// An availability zone: the name is an alias of the account, the id means the
/// same place to everybody ("Availability Zone IDs", AWS RAM user guide).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSpec {
    /// The id, such as `euw1-az1`.
    pub id: String,
    /// The name in this account, such as `eu-west-1b`.
    pub name: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    #[serde(default = "availability_zone")]
    pub kind: String,
}

fn availability_zone() -> String {
    "availability-zone".to_owned()
}

impl ZoneSpec {
    /// Three zones of a Region, whose names are not in the order of their ids,
    /// as in most accounts.
    pub(crate) fn usual(region: &str) -> Vec<ZoneSpec> {
        let short = short_region(region);
        [("az1", "b"), ("az2", "c"), ("az3", "a")]
            .into_iter()
            .map(|(id, letter)| ZoneSpec {
                id: format!("{short}-{id}"),
                name: format!("{region}{letter}"),
                kind: availability_zone(),
            })
            .collect()
    }
}

/// The short form of a Region that zone ids begin with: `eu-west-1` is `euw1`,
/// `ap-southeast-2` is `apse2`.
fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part {
            "northeast" => short.push_str("ne"),
            "northwest" => short.push_str("nw"),
            "southeast" => short.push_str("se"),
            "southwest" => short.push_str("sw"),
            _ => short.extend(part.chars().next()),
        }
    }
    short
}

/// A VPC with everything in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VpcSpec {
    pub id: String,
    /// The account that owns it, if it is not the scenario's.
    pub account: Option<String>,
    /// The accounts that it is shared with by AWS RAM, with all its subnets.
    #[serde(default)]
    pub shared_with: Vec<String>,
    /// Its Region, if it is not the scenario's.
    pub region: Option<String>,
    pub cidr: Ipv4Net,
    /// Further IPv4 ranges.
    #[serde(default)]
    pub secondary_cidrs: Vec<Ipv4Net>,
    /// Former IPv4 ranges, which are still listed as `disassociated`.
    #[serde(default)]
    pub former_cidrs: Vec<Ipv4Net>,
    #[serde(default)]
    pub ipv6_cidrs: Vec<Ipv6Net>,
    #[serde(default = "yes")]
    pub dns_support: bool,
    /// The attribute `enableDnsHostnames`, off in most VPCs that a program made.
    #[serde(default = "yes")]
    pub dns_hostnames: bool,
    /// Whether it is the default VPC of its Region.
    #[serde(default)]
    pub is_default: bool,
    /// Whether the VPC is `pending` for a while before it is `available`.
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub available_after: Option<Duration>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub subnets: Vec<SubnetSpec>,
    /// Security groups besides the default one.
    #[serde(default)]
    pub groups: Vec<GroupSpec>,
    /// Endpoints that somebody made before.
    #[serde(default)]
    pub endpoints: Vec<EndpointSpec>,
    /// Network interfaces, such as those of instances, besides those of endpoints.
    #[serde(default)]
    pub interfaces: Vec<InterfaceSpec>,
    /// Peerings with other VPCs.
    #[serde(default)]
    pub peerings: Vec<PeeringSpec>,
    /// Names of Route 53 private hosted zones that are associated with the VPC.
    #[serde(default)]
    pub hosted_zones: Vec<String>,
    /// The rules of the Route 53 Resolver that are associated with it.
    #[serde(default)]
    pub resolver_rules: Vec<ResolverRuleSpec>,
    /// Its Route 53 Profile.
    pub profile: Option<ProfileSpec>,
    /// What its own DHCP options name as DNS servers. Left out: it has the Region's
    /// default options, which name `AmazonProvidedDNS`.
    pub dns_servers: Option<Vec<String>>,
    /// Network ACLs besides the default one, which lets everything through and has the
    /// subnets that no other has.
    #[serde(default)]
    pub acls: Vec<AclSpec>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetSpec {
    pub id: String,
    /// The id of its zone.
    pub zone: String,
    pub cidr: Ipv4Net,
    pub ipv6_cidr: Option<Ipv6Net>,
    /// Whether it is IPv6 only: then it has no address of its IPv4 range, and EC2 does
    /// not tell the range either.
    #[serde(default)]
    pub ipv6_native: bool,
    /// Free IPv4 addresses, if not nearly all of them.
    pub free_addresses: Option<u32>,
    pub outpost_arn: Option<String>,
    /// When it comes into being, counted from the start of the world.
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub appears_after: Option<Duration>,
    /// Whether it is `pending` for a while, once it is there, before it is `available`
    /// (EC2 API reference, `Subnet`).
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub available_after: Option<Duration>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A rule of the Route 53 Resolver, of the account of the VPC or Profile that has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolverRuleSpec {
    /// The id.
    pub id: String,
    /// The domain that it is for.
    pub domain: String,
    /// Whether it is a system rule, and does not forward.
    #[serde(default)]
    pub system: bool,
}

/// A Route 53 Profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSpec {
    /// The id.
    pub id: String,
    /// The account that owns it and what it has, if it is not the VPC's.
    pub account: Option<String>,
    /// Its private hosted zones, by id and name.
    #[serde(default)]
    pub zones: BTreeMap<String, String>,
    /// Its rules.
    #[serde(default)]
    pub rules: Vec<ResolverRuleSpec>,
}

impl ProfileSpec {
    /// Whether this account, which owns the VPC, owns the Profile too.
    pub(crate) fn is_of(&self, account: &str) -> bool {
        self.account.as_deref().is_none_or(|owner| owner == account)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AclSpec {
    pub id: String,
    #[serde(default)]
    pub subnets: Vec<String>,
    /// Its rules, but for those at the end that deny what no other rule fits.
    #[serde(default)]
    pub rules: Vec<AclRule>,
}

/// A rule of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AclRule {
    /// Its number, from 1 to 32766.
    pub number: i32,
    /// Whether it is about what leaves the subnets.
    #[serde(default)]
    pub egress: bool,
    /// What it does with the packets that it fits.
    pub action: AclAction,
    /// The number of a protocol, or `-1` for all.
    #[serde(default = "tcp_number")]
    pub protocol: String,
    /// Where the packets come from, or go to.
    pub cidr: IpNet,
    /// First and last port; all if left out.
    pub ports: Option<(u16, u16)>,
}

/// What a rule of a network ACL does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AclAction {
    Allow,
    Deny,
}

fn tcp_number() -> String {
    "6".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    pub id: String,
    pub name: String,
    #[serde(default = "description")]
    pub description: String,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Rules, besides the one that lets everything out.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
}

fn description() -> String {
    "made by hand".to_owned()
}

/// A network interface that stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceSpec {
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    pub groups: Vec<String>,
}

/// A rule, inbound unless it says otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Whether it is about traffic that leaves.
    #[serde(default)]
    pub is_egress: bool,
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    #[serde(default = "tcp")]
    pub protocol: String,
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    /// An address range, the id of a group (with its account before it, if that is another
    /// one: `222222222222/sg-…`), or the id of a prefix list.
    pub source: String,
    pub description: Option<String>,
}

fn tcp() -> String {
    "tcp".to_owned()
}

/// An endpoint that is there from the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    pub id: String,
    /// The service it leads to.
    pub service_name: String,
    /// Its state. A `pending` one becomes `available` in time.
    #[serde(default = "available")]
    pub state: EndpointState,
    /// How many hours ago it was made.
    #[serde(default)]
    pub hours_old: u32,
    #[serde(default)]
    pub subnets: Vec<String>,
    /// Its security groups, by id; the default group if there are none.
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub private_dns: bool,
    /// What goes through it, as CloudWatch tells. Left out: nothing ever did.
    pub traffic: Option<TrafficSpec>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What goes through an endpoint in every minute, as long as it is available.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficSpec {
    pub new_connections: u32,
    /// The most connections at once.
    pub active_connections: u32,
    pub bytes: u32,
    /// How long before the world's beginning the last of it went through.
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub stopped_before: Option<Duration>,
}

fn available() -> EndpointState {
    EndpointState::Available
}

/// A peering with another VPC.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeeringSpec {
    pub id: String,
    pub peer_vpc: String,
    /// Its account, if it is not the scenario's.
    pub peer_account: Option<String>,
    /// Its Region, if it is not the scenario's.
    pub peer_region: Option<String>,
    #[serde(default)]
    pub peer_cidrs: Vec<Ipv4Net>,
    #[serde(default)]
    pub peer_ipv6_cidrs: Vec<Ipv6Net>,
    /// The state, such as `active` or `pending-acceptance`.
    #[serde(default = "active")]
    pub status: String,
    /// Whether the other side asked for the peering.
    #[serde(default)]
    pub requested_by_peer: bool,
}

fn active() -> String {
    "active".to_owned()
}

/// A managed prefix list. What is on it matters to nobody here. One that a rule names is
/// there in any case, with room for one network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixListSpec {
    pub id: String,
    #[serde(default = "list_name")]
    pub name: String,
    /// The account that owns it, if it is not the scenario's; `AWS` for one of AWS's own.
    pub account: Option<String>,
    /// Its Region, if it is not the scenario's.
    pub region: Option<String>,
    /// `IPv4` or `IPv6`.
    #[serde(default = "ipv4")]
    pub address_family: String,
    /// How many networks it may have. Of a list of AWS, its weight.
    pub max_entries: u32,
}

fn list_name() -> String {
    "networks".to_owned()
}

fn ipv4() -> String {
    "IPv4".to_owned()
}

/// An endpoint service that belongs to no cluster, such as one of AWS itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointServiceSpec {
    pub name: String,
    /// Its Region, if it is not the scenario's.
    pub region: Option<String>,
    /// The account that offers it.
    #[serde(default = "provider")]
    pub owner: String,
    /// The ids of the zones it is offered in; all of the Region if none.
    #[serde(default)]
    pub zone_ids: Vec<String>,
    pub private_dns_name: Option<String>,
    /// Whether the provider has proven that the name is theirs.
    #[serde(default = "yes")]
    pub private_dns_verified: bool,
    /// Whether the provider accepts each endpoint.
    #[serde(default)]
    pub acceptance_required: bool,
    /// The accounts that may use it; everybody if left out.
    pub allowed_accounts: Option<Vec<String>>,
    /// `Interface` or `Gateway`.
    #[serde(default = "interface")]
    pub kind: String,
}

fn provider() -> String {
    "amazon".to_owned()
}

fn interface() -> String {
    "Interface".to_owned()
}
