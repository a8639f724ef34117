//! What a caller asks for: one cluster reached from one VPC.
//!
//! The JSON Schema is kept in `docs/provision-request.schema.json`; a test holds
//! it and these types together.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cidr::Cidr;
use crate::ec2::Source;
use crate::ids::{AccountId, ClusterId, PrefixListId, Region, SourceGroup, SubnetId, VpcId};
use crate::ownership::Tags;
use crate::place::Place;
use crate::strict::Strict;
use crate::subject::Subject;
use crate::{Code, StepError, customer_tags};

/// Connect a VPC to a CockroachDB Cloud cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvisionRequest {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The AWS Region of the VPC, where the cluster must have nodes.
    pub region: Region,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The account that must own the VPC. Left out: whichever account owns it.
    #[serde(default)]
    pub account_id: Option<AccountId>,
    /// The endpoint's subnets, at most one for each zone. Left out: one is chosen
    /// for each zone that the cluster's endpoint service offers.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub subnet_ids: Vec<SubnetId>,
    /// Who may connect.
    #[serde(default)]
    pub sources: Sources,
    /// Whether the cluster's private host shall resolve inside the VPC.
    #[serde(default = "yes")]
    pub private_dns: bool,
    /// Whether the VPC's account may be added to the cluster's trusted owners if
    /// the cluster keeps such a list and the account is not on it.
    #[serde(default)]
    pub add_trusted_owner: bool,
    /// What happens to the parts that were made when a later step fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// SQL user of the connection string.
    #[serde(default)]
    #[schemars(extend("pattern" = SQL_NAME))]
    pub sql_user: Option<String>,
    /// Database of the connection string.
    #[serde(default = "default_database")]
    #[schemars(extend("pattern" = SQL_NAME))]
    pub database: String,
    /// How long each wait may last.
    #[serde(default)]
    pub limits: Limits,
    /// Whether the connection is protected: it is then removed only by force,
    /// or after a request without this.
    #[serde(default)]
    pub protect: bool,
    /// Tags of your own for what is made, such as a cost centre. Keys begin neither
    /// with aws: nor with cockroachdb-privatelink:.
    #[serde(default)]
    #[schemars(schema_with = "customer_tags::schema")]
    pub tags: Tags,
    /// Who asks. What a tag asked for is removed with the tag, and only that.
    #[serde(default)]
    pub requested_by: RequestedBy,
    /// If set, nothing happens unless the ledger still has of the connection what it
    /// had when this was decided. Looked at under the lease, and not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless_changed: Option<Seen>,
}

/// Who asks for a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestedBy {
    /// A person or a program, by a call.
    #[default]
    Call,
    /// A tag on the VPC. The outcome is written back as a tag.
    VpcTag,
}

/// Disconnect a VPC from a CockroachDB Cloud cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeprovisionRequest {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The AWS Region of the VPC.
    pub region: Region,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The account that owns the VPC. Left out: the account of the function.
    #[serde(default)]
    pub account_id: Option<AccountId>,
    /// How long each wait may last, in seconds.
    #[serde(default)]
    pub limits: RemovalLimits,
    /// Whether the connection goes even if it is protected.
    #[serde(default)]
    pub force: bool,
    /// Whether the cluster is known to be gone. If the Cloud API does not show it either,
    /// its private endpoint connection counts as gone with it.
    #[serde(default)]
    pub cluster_is_gone: bool,
    /// If set, the connection stays if something went through its endpoint in the last
    /// so many minutes. CloudWatch tells it some minutes late.
    #[serde(default)]
    #[schemars(range(min = 5, max = 10_080))]
    pub unless_traffic_minutes: Option<u32>,
    /// Who asks. The outcome of what a tag asked for is written back as a tag.
    #[serde(default)]
    pub requested_by: RequestedBy,
    /// If set, nothing happens unless the ledger still has of the connection what it
    /// had when this was decided. Looked at under the lease.
    #[serde(default)]
    pub unless_changed: Option<Seen>,
}

/// For how long a removal may ask whether something went through. The values come
/// minutes late, and one answer of CloudWatch has those of a week.
const TRAFFIC_MINUTES: RangeInclusive<u32> = 5..=10_080;

/// What the ledger had of a connection at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The ARN of the connection's last execution; `null` if there was no entry.
    pub execution: Option<String>,
}

/// Who may connect: the sources of the security group's rules for TCP 26257.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// IPv4 and IPv6 networks. Left out together with groups and prefix lists: all networks of
    /// the VPC.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub cidrs: Vec<Cidr>,
    /// Security groups whose members may connect. One of another account, in a VPC that is
    /// peered with this one, has that account before it: 222222222222/sg-0123456789abcdef0.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub security_group_ids: Vec<SourceGroup>,
    /// Managed prefix lists whose networks may connect, whichever they are at the time.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub prefix_list_ids: Vec<PrefixListId>,
    /// Whether the networks of VPCs that are peered with this one become sources too.
    #[serde(default)]
    pub include_peered_vpcs: bool,
}

impl Sources {
    /// Whether all networks of the VPC are sources, because none were named.
    pub fn are_the_vpc(&self) -> bool {
        self.cidrs.is_empty()
            && self.security_group_ids.is_empty()
            && self.prefix_list_ids.is_empty()
    }

    /// Whether one must know the VPC to say whom the rules must let in.
    pub fn need_the_vpc(&self) -> bool {
        self.are_the_vpc()
            || self.include_peered_vpcs
            || self
                .security_group_ids
                .iter()
                .any(|it| it.account().is_some())
    }

    /// Whom the rules must let in, given the account and the networks of the VPC, and
    /// the networks of the VPCs that are peered with it.
    pub fn resolve(
        &self,
        owner: Option<&AccountId>,
        of_the_vpc: &[Cidr],
        of_peers: &[Cidr],
    ) -> BTreeSet<Source> {
        let own = if self.are_the_vpc() {
            of_the_vpc
        } else {
            &self.cidrs
        };
        let peers = if self.include_peered_vpcs {
            of_peers
        } else {
            &[]
        };
        let networks = own.iter().chain(peers).copied().map(Source::Cidr);
        let groups = self.security_group_ids.iter().map(|group| match owner {
            Some(owner) => group.seen_from(owner),
            None => group.clone(),
        });
        let groups = groups.map(Source::Group);
        let lists = self.prefix_list_ids.iter().cloned().map(Source::PrefixList);
        groups.chain(lists).chain(networks).collect()
    }
}

/// What happens to the parts that were made when a later step fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// They are undone in reverse order.
    #[default]
    Rollback,
    /// They stay, for a look at what went wrong. An endpoint is billed as long as it exists.
    Keep,
}

/// How long each wait may last, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Until another execution that changes the VPC has ended.
    #[schemars(range(min = 10, max = 7200))]
    pub lease_seconds: u64,
    /// Until the cluster is idle and its endpoint service available.
    #[schemars(range(min = 10, max = 7200))]
    pub cluster_seconds: u64,
    /// Until a fresh VPC has its subnets, and EC2 shows what the request names.
    #[schemars(range(min = 10, max = 3600))]
    pub network_seconds: u64,
    /// Until a security group that was just made can be seen.
    #[schemars(range(min = 10, max = 3600))]
    pub security_group_seconds: u64,
    /// Until the Cloud API accepts the endpoint.
    #[schemars(range(min = 10, max = 3600))]
    pub registration_seconds: u64,
    /// Until an endpoint that is there has its subnets as they are asked for. EC2
    /// takes one change after the other, and some minutes for each.
    #[schemars(range(min = 10, max = 7200))]
    pub change_seconds: u64,
    /// Until the endpoint and its private endpoint connection are both available.
    #[schemars(range(min = 10, max = 3600))]
    pub acceptance_seconds: u64,
    /// Until the endpoint is available again after private DNS was switched on.
    #[schemars(range(min = 10, max = 3600))]
    pub private_dns_seconds: u64,
    /// Until a part that is being undone is gone; counted for each part.
    #[schemars(range(min = 10, max = 3600))]
    pub undo_seconds: u64,
}

impl Limits {
    /// The longest that each limit may be, in seconds. Their sum must stay below
    /// the `TimeoutSeconds` of the definition: a machine that times out undoes nothing.
    pub const MAX: Limits = Limits {
        lease_seconds: 7200,
        cluster_seconds: 7200,
        network_seconds: 3600,
        security_group_seconds: 3600,
        registration_seconds: 3600,
        change_seconds: 7200,
        acceptance_seconds: 3600,
        private_dns_seconds: 3600,
        undo_seconds: 3600,
    };
    /// The shortest that a limit may be, in seconds.
    pub const MIN_SECONDS: u64 = 10;

    /// Each limit with its field name.
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("lease_seconds", self.lease_seconds),
            ("cluster_seconds", self.cluster_seconds),
            ("network_seconds", self.network_seconds),
            ("security_group_seconds", self.security_group_seconds),
            ("registration_seconds", self.registration_seconds),
            ("change_seconds", self.change_seconds),
            ("acceptance_seconds", self.acceptance_seconds),
            ("private_dns_seconds", self.private_dns_seconds),
            ("undo_seconds", self.undo_seconds),
        ]
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Longer than most runs take from beginning to end.
            lease_seconds: 3600,
            // The Terraform provider waits an hour for endpoint services.
            cluster_seconds: 3600,
            network_seconds: 900,
            // Most take seconds; in a crowd it takes minutes until a function is called.
            security_group_seconds: 900,
            registration_seconds: 900,
            change_seconds: 3600,
            // Terraform waits ten minutes for an endpoint and as long for a registration.
            acceptance_seconds: 900,
            // The documentation says about five minutes.
            private_dns_seconds: 900,
            undo_seconds: 900,
        }
    }
}

/// How long each wait of a removal may last, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemovalLimits {
    /// Until another execution that changes the VPC has ended.
    #[schemars(range(min = 10, max = 7200))]
    pub lease_seconds: u64,
    /// Until a part that is being removed is gone; counted for each part.
    #[schemars(range(min = 10, max = 3600))]
    pub undo_seconds: u64,
}

impl Default for RemovalLimits {
    fn default() -> Self {
        let Limits {
            lease_seconds,
            undo_seconds,
            ..
        } = Limits::default();
        Self {
            lease_seconds,
            undo_seconds,
        }
    }
}

impl ProvisionRequest {
    /// Reads and checks a request.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], naming the field, the value and the rule.
    pub fn parse(value: &serde_json::Value) -> Result<Self, StepError> {
        let request: Self = read(value)?;
        request.check()?;
        Ok(request)
    }

    /// The connection that is asked for.
    pub fn subject(&self) -> Subject {
        let place = Place {
            account_id: self.account_id.clone(),
            region: self.region.clone(),
        };
        Subject::of(place, self.vpc_id.clone(), self.cluster_id.clone())
    }

    /// Whether the connection's endpoint is to be marked as protected. A request that tags
    /// of the VPC made is a copy of them, and they say themselves what they protect.
    pub fn marks_protection(&self) -> bool {
        self.protect && self.requested_by == RequestedBy::Call
    }

    fn check(&self) -> Result<(), StepError> {
        for ((field, value), (_, max)) in self.limits.named().into_iter().zip(Limits::MAX.named()) {
            check_limit(&format!("limits.{field}"), value, max)?;
        }
        no_duplicates("subnet_ids", &self.subnet_ids)?;
        no_duplicates("sources.cidrs", &self.sources.cidrs)?;
        no_duplicates(
            "sources.security_group_ids",
            &self.sources.security_group_ids,
        )?;
        no_duplicates("sources.prefix_list_ids", &self.sources.prefix_list_ids)?;
        customer_tags::check(&self.tags)?;
        check_sql_name("database", &self.database)?;
        self.sql_user
            .as_deref()
            .map_or(Ok(()), |user| check_sql_name("sql_user", user))
    }
}

impl DeprovisionRequest {
    /// Reads and checks a request.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], naming the field, the value and the rule.
    pub fn parse(value: &serde_json::Value) -> Result<Self, StepError> {
        let request: Self = read(value)?;
        let (limits, max) = (&request.limits, Limits::MAX);
        check_limit("limits.undo_seconds", limits.undo_seconds, max.undo_seconds)?;
        check_limit(
            "limits.lease_seconds",
            limits.lease_seconds,
            max.lease_seconds,
        )?;
        if let Some(minutes) = request.unless_traffic_minutes {
            traffic_minutes(&minutes.to_string())?;
        }
        Ok(request)
    }

    /// The request to remove this connection, with nothing else said.
    pub fn of(connection: Subject) -> Self {
        Self {
            cluster_id: connection.cluster_id,
            region: connection.region,
            vpc_id: connection.vpc_id,
            account_id: connection.account_id,
            limits: RemovalLimits::default(),
            force: false,
            cluster_is_gone: false,
            unless_traffic_minutes: None,
            requested_by: RequestedBy::default(),
            unless_changed: None,
        }
    }

    /// The connection that is to go.
    pub fn subject(&self) -> Subject {
        let place = Place {
            account_id: self.account_id.clone(),
            region: self.region.clone(),
        };
        Subject::of(place, self.vpc_id.clone(), self.cluster_id.clone())
    }
}

/// Most bytes of a request, as many as the HTTP API takes: it travels through every
/// state of an execution and lies in the ledger.
const LARGEST: usize = 32_768;

fn read<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Result<T, StepError> {
    let bytes = value.to_string().len();
    if bytes > LARGEST {
        let detail = format!("the request has {bytes} bytes; the most is {LARGEST}");
        return Err(StepError::new(Code::InvalidRequest, detail));
    }
    serde_path_to_error::deserialize(Strict(value.clone())).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." {
            String::new()
        } else {
            format!("{path}: ")
        };
        StepError::new(Code::InvalidRequest, format!("{field}{}", error.inner()))
    })
}

fn check_limit(field: &str, value: u64, max: u64) -> Result<(), StepError> {
    if (Limits::MIN_SECONDS..=max).contains(&value) {
        return Ok(());
    }
    let rule = format!("from {} to {max} seconds", Limits::MIN_SECONDS);
    Err(broken(field, value, &rule))
}

fn no_duplicates<T: Ord + std::fmt::Display>(field: &str, values: &[T]) -> Result<(), StepError> {
    let mut seen = std::collections::BTreeSet::new();
    match values.iter().find(|value| !seen.insert(*value)) {
        Some(twice) => Err(broken(field, twice, "listed only once")),
        None => Ok(()),
    }
}

/// What [`check_sql_name`] takes, for schemas.
const SQL_NAME: &str = "^[A-Za-z0-9_.-]{1,63}$";

/// Names go into a URL as they are, so only what needs no encoding is taken.
fn check_sql_name(field: &str, name: &str) -> Result<(), StepError> {
    let good = (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if good {
        return Ok(());
    }
    Err(broken(
        field,
        name,
        "1 to 63 letters, digits, `_`, `-` or `.`",
    ))
}

/// Reads for how many minutes a removal asks whether something went through.
///
/// # Errors
/// [`Code::InvalidRequest`], naming the field, the value and the rule.
pub fn traffic_minutes(text: &str) -> Result<u32, StepError> {
    let minutes = text.parse().ok();
    minutes
        .filter(|minutes| TRAFFIC_MINUTES.contains(minutes))
        .ok_or_else(|| {
            let (least, most) = (TRAFFIC_MINUTES.start(), TRAFFIC_MINUTES.end());
            let rule = format!("from {least} to {most} minutes");
            broken("unless_traffic_minutes", text, &rule)
        })
}

pub(crate) fn broken(field: &str, value: impl std::fmt::Display, rule: &str) -> StepError {
    StepError::new(
        Code::InvalidRequest,
        format!("{field}: `{value}` is not {rule}"),
    )
}

fn yes() -> bool {
    true
}

fn default_database() -> String {
    "defaultdb".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn valid() -> Value {
        json!({
            "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a71e831cb5152c43",
        })
    }

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut request = valid();
        change(&mut request);
        let error = ProvisionRequest::parse(&request).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        error.detail
    }

    #[test]
    fn three_fields_are_enough() {
        let request = ProvisionRequest::parse(&valid()).unwrap();
        assert!(request.private_dns);
        assert_eq!(request.on_failure, OnFailure::Rollback);
        assert_eq!(request.limits, Limits::default());
    }

    /// Read by position, it would ask for something that nobody wrote.
    #[test]
    fn no_part_of_a_request_is_read_from_an_array() {
        for (field, value) in [
            ("sources", json!([])),
            ("sources", json!([["10.0.0.0/8"]])),
            ("limits", json!([600])),
        ] {
            let said = refusal(|request| request[field] = value);
            assert_eq!(
                said,
                format!("{field}: invalid type: sequence, expected an object")
            );
        }
        let all = json!([
            "1a2b3c4d-0000-4000-8000-000000000001",
            "eu-west-1",
            "vpc-0a71e831"
        ]);
        DeprovisionRequest::parse(&all).unwrap_err();
    }

    #[test]
    fn a_checked_request_reads_back_as_itself() {
        let request = ProvisionRequest::parse(&valid()).unwrap();
        let again = serde_json::to_value(&request).unwrap();
        assert_eq!(ProvisionRequest::parse(&again).unwrap(), request);
    }

    /// What makes two connections of one is found only on the bill.
    #[test]
    fn a_request_is_the_same_in_whatever_spelling() {
        let plain = json!({
            "cluster_id": "1a2b3c4d-0000-4000-8000-00000000000a",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a71e831cb5152c43",
            "account_id": "444455556666",
            "subnet_ids": ["subnet-0a71e831"],
            "sources": {
                "cidrs": ["10.0.0.0/8"],
                "security_group_ids": ["sg-0a71e831", "222222222222/sg-0a71e831"],
                "prefix_list_ids": ["pl-63a5400a"],
            },
        });
        let spelled = json!({
            "cluster_id": " 1A2B3C4D-0000-4000-8000-00000000000A\n",
            "region": "EU-WEST-1 ",
            "vpc_id": "vpc-0A71E831CB5152C43",
            "account_id": "4444-5555-6666",
            "subnet_ids": ["SUBNET-0a71e831"],
            "sources": {
                "cidrs": [" 10.9.8.7/8"],
                "security_group_ids": ["sg-0A71e831\t", "2222-2222-2222/SG-0a71e831"],
                "prefix_list_ids": ["PL-63A5400A"],
            },
        });
        let [one, other] =
            [plain, spelled].map(|request| ProvisionRequest::parse(&request).unwrap());
        assert_eq!(one, other);
        assert_eq!(one.subject().connection_id, other.subject().connection_id);
        let twice = json!(["subnet-0a71e831", "subnet-0A71E831"]);
        let said = refusal(|request| request["subnet_ids"] = twice);
        assert!(said.starts_with("subnet_ids: `subnet-0a71e831` is not listed only"));
        // An empty item of a list is a slip, and is named.
        let said = refusal(|request| request["subnet_ids"] = json!(["subnet-0a71e831", ""]));
        assert!(
            said.starts_with("subnet_ids[1]: `` is not a subnet id"),
            "{said}"
        );
    }

    #[test]
    fn without_named_sources_the_vpc_is_let_in_and_peers_only_if_asked_for() {
        let resolve = |sources: Value| {
            let sources: Sources = serde_json::from_value(sources).unwrap();
            let networks = |text: &str| vec![text.parse().unwrap()];
            let owner = "111122223333".parse().unwrap();
            let (own, peers) = (networks("10.0.0.0/16"), networks("10.9.0.0/16"));
            let resolved = sources.resolve(Some(&owner), &own, &peers);
            let resolved: Vec<String> = resolved.iter().map(ToString::to_string).collect();
            resolved.join(" ")
        };
        assert_eq!(resolve(json!({})), "10.0.0.0/16");
        assert_eq!(resolve(json!({"cidrs": ["10.1.0.0/16"]})), "10.1.0.0/16");
        let group = json!({"security_group_ids": ["sg-0a71e831"]});
        assert_eq!(resolve(group), "sg-0a71e831");
        let list = json!({"prefix_list_ids": ["pl-63a5400a"]});
        assert_eq!(resolve(list), "pl-63a5400a");
        let groups = json!({"security_group_ids": ["222222222222/sg-0a71e831"]});
        assert_eq!(resolve(groups), "222222222222/sg-0a71e831");
        // The VPC's own account may be named, and says nothing more.
        let own = json!({"security_group_ids": ["111122223333/sg-0a71e831", "sg-0a71e831"]});
        assert_eq!(resolve(own), "sg-0a71e831");
        let with_peers = json!({"include_peered_vpcs": true});
        assert_eq!(resolve(with_peers), "10.0.0.0/16 10.9.0.0/16");
    }

    #[test]
    fn a_refusal_names_field_value_and_rule() {
        for (fields, expected) in [
            (r#"{"vpc_id": "vpc-1"}"#, "vpc_id: `vpc-1` is not a VPC id"),
            (r#"{"vpc_id": 5}"#, "vpc_id: invalid type: integer `5`"),
            (
                r#"{"sources": {"cidrs": ["10.0.0.0/8", "nonsense"]}}"#,
                "sources.cidrs[1]: `nonsense` is not an IPv4",
            ),
            (
                r#"{"sources": {"cidrs": ["10.0.0.1/8", "10.0.0.0/8"]}}"#,
                "sources.cidrs: `10.0.0.0/8` is not listed only once",
            ),
            (
                r#"{"sources": {"prefix_list_ids": ["pl-63a5400a", "pl-63a5400a"]}}"#,
                "sources.prefix_list_ids: `pl-63a5400a` is not listed only once",
            ),
            (
                r#"{"sources": {"security_group_ids": ["2222/sg-0a71e831"]}}"#,
                "sources.security_group_ids[0]: `2222/sg-0a71e831` is not a security group id",
            ),
            (
                r#"{"limits": {"undo_seconds": 5}}"#,
                "limits.undo_seconds: `5` is not from 10 to 3600 seconds",
            ),
            (
                r#"{"limits": {"cluster_seconds": 7201}}"#,
                "limits.cluster_seconds: `7201` is not from 10 to 7200 seconds",
            ),
            (
                r#"{"limits": {"undo_minutes": 5}}"#,
                "limits.undo_minutes: unknown field `undo_minutes`",
            ),
            (
                r#"{"on_failure": "explode"}"#,
                "on_failure: unknown variant `explode`",
            ),
            (r#"{"database": "a b"}"#, "database: `a b` is not 1 to 63"),
        ] {
            let fields: serde_json::Map<String, Value> = serde_json::from_str(fields).unwrap();
            let said = refusal(|request| request.as_object_mut().unwrap().extend(fields));
            assert!(said.starts_with(expected), "{said}");
        }
        let missing = refusal(|request| {
            request.as_object_mut().unwrap().remove("region");
        });
        assert!(missing.contains("missing field `region`"), "{missing}");
    }
}
