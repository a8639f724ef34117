//! Identifiers of AWS and CockroachDB Cloud, checked when they are read.
//!
//! A value of one of these types has the right form. Whether the thing exists
//! is for the other side to say.
//!
//! A thing has one spelling, whoever writes it and wherever it is read: the one in which
//! the other side writes it. People copy blanks and line feeds along, write hexadecimal
//! digits and Regions in capitals, and an account as the console shows it. All of that is
//! read, and only the one spelling is kept: it goes into hashes, tags and the ledger, so
//! that nobody makes two connections of one. The patterns are of that spelling alone, so
//! a schema takes less than its reader.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value that breaks the rule of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {rule}")]
pub struct Malformed {
    /// The value as it was given.
    pub value: String,
    /// The rule that it breaks, as the end of "is not …".
    pub rule: &'static str,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $pattern:literal, $spelling:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(description = $rule, extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// What a value of this type must be.
            pub const RULE: &'static str = $rule;
            /// The same as a regular expression of the one spelling, for schemas.
            pub const PATTERN: &'static str = $pattern;

            /// The identifier as both sides write it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;
            fn try_from(value: String) -> Result<Self, Malformed> {
                let spelling: fn(&str) -> String = $spelling;
                let check: fn(&str) -> bool = $check;
                let id = spelling(value.trim());
                if check(&id) {
                    Ok(Self(id))
                } else {
                    Err(Malformed { value, rule: $rule })
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = Malformed;
            fn from_str(value: &str) -> Result<Self, Malformed> {
                Self::try_from(value.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// A CockroachDB Cloud cluster (Cloud API, `Cluster.id`). Not the routing id of connection strings.
    ClusterId,
    "a cluster id: a UUID, such as 1a2b3c4d-0000-4000-8000-000000000001",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    in_lower_case,
    is_uuid
);
identifier!(
    /// A VPC.
    VpcId,
    "a VPC id: `vpc-` followed by 8 or 17 hexadecimal digits",
    "^vpc-([0-9a-f]{8}|[0-9a-f]{17})$",
    in_lower_case,
    |id| is_resource_id(id, "vpc-")
);
identifier!(
    /// A subnet.
    SubnetId,
    "a subnet id: `subnet-` followed by 8 or 17 hexadecimal digits",
    "^subnet-([0-9a-f]{8}|[0-9a-f]{17})$",
    in_lower_case,
    |id| is_resource_id(id, "subnet-")
);
identifier!(
    /// A security group.
    SecurityGroupId,
    "a security group id: `sg-` followed by 8 or 17 hexadecimal digits",
    "^sg-([0-9a-f]{8}|[0-9a-f]{17})$",
    in_lower_case,
    |id| is_resource_id(id, "sg-")
);
identifier!(
    /// A security group whose members are let in.
    SourceGroup,
    "a security group id: `sg-` followed by 8 or 17 hexadecimal digits; a group of another account has that account before it, as in 222222222222/sg-0123456789abcdef0",
    "^([0-9]{12}/)?sg-([0-9a-f]{8}|[0-9a-f]{17})$",
    group_spelling,
    |group| match group.split_once('/') {
        Some((account, id)) => is_account(account) && is_resource_id(id, "sg-"),
        None => is_resource_id(group, "sg-"),
    }
);
identifier!(
    /// A managed prefix list.
    PrefixListId,
    "a prefix list id: `pl-` followed by 8 or 17 hexadecimal digits",
    "^pl-([0-9a-f]{8}|[0-9a-f]{17})$",
    in_lower_case,
    |id| is_resource_id(id, "pl-")
);
identifier!(
    /// An interface VPC endpoint.
    EndpointId,
    "a VPC endpoint id: `vpce-` followed by 8 or 17 hexadecimal digits",
    "^vpce-([0-9a-f]{8}|[0-9a-f]{17})$",
    in_lower_case,
    |id| is_resource_id(id, "vpce-")
);
identifier!(
    /// An AWS account.
    AccountId,
    "an AWS account id: 12 digits",
    "^[0-9]{12}$",
    without_dashes,
    is_account
);
identifier!(
    /// An AWS Region, by its code. Up to 66 characters: lists of places travel along.
    Region,
    "an AWS Region code, such as eu-west-1",
    "^[a-z]{1,10}(-[a-z0-9]{1,12}){1,4}-[0-9]{1,3}$",
    in_lower_case,
    is_region
);
identifier!(
    /// An availability zone by its id (`use1-az1`), which means the same zone in
    /// every account; zone names (`us-east-1a`) do not.
    ZoneId,
    "an availability zone id, such as use1-az1",
    "^[a-z0-9]+(-[a-z0-9]+)+$",
    in_lower_case,
    |id| is_lower_words(id) && id.contains('-')
);
identifier!(
    /// The name of an AWS endpoint service.
    ServiceName,
    "an endpoint service name, such as com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0",
    "^com[.]amazonaws[.][A-Za-z0-9._-]*vpce-svc-[A-Za-z0-9._-]*$",
    str::to_owned,
    |name| {
        name.starts_with("com.amazonaws.")
            && name.contains("vpce-svc-")
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    }
);

identifier!(
    /// What tells a cluster from others that share its host (Cloud API,
    /// `ServerlessClusterConfig.routing_id`). It becomes part of connection strings.
    RoutingId,
    "a routing id: lower-case letters, digits and hyphens",
    "^[a-z0-9-]{1,128}$",
    str::to_owned,
    |id| (1..=128).contains(&id.len())
        && id.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())
);

/// The one spelling of what is written in lower case: ids in hexadecimal digits, those of
/// connections among them, and Regions.
pub fn in_lower_case(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

/// The console shows an account as `1111-2222-3333`.
fn without_dashes(account: &str) -> String {
    let groups: Vec<&str> = account.split('-').collect();
    if groups.iter().map(|group| group.len()).eq([4, 4, 4]) {
        groups.concat()
    } else {
        account.to_owned()
    }
}

/// A group, and its account if that stands before it.
fn group_spelling(group: &str) -> String {
    match group.split_once('/') {
        Some((account, id)) => format!("{}/{}", without_dashes(account), id.to_ascii_lowercase()),
        None => group.to_ascii_lowercase(),
    }
}

/// The items of a list that is written as one text: a tag, a setting. Not every service
/// lets a comma into one, so a plus separates as well. Empty items do not count.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '+'))
        .filter(|word| !word.is_empty())
}

impl SourceGroup {
    /// The account that owns the group, if it is named.
    pub fn account(&self) -> Option<AccountId> {
        let (account, _) = self.0.split_once('/')?;
        Some(AccountId(account.to_owned()))
    }

    pub fn id(&self) -> SecurityGroupId {
        let id = self.0.split_once('/').map_or(self.as_str(), |(_, id)| id);
        SecurityGroupId(id.to_owned())
    }

    /// The group as an account writes it: one of its own without the account.
    pub fn seen_from(&self, account: &AccountId) -> Self {
        match self.account() {
            Some(owner) if owner == *account => Self(self.id().0),
            Some(_) | None => self.clone(),
        }
    }
}

fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())
}

fn is_resource_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix)
        .is_some_and(|rest| (rest.len() == 8 || rest.len() == 17) && rest.bytes().all(is_lower_hex))
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_uuid(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(is_lower_hex))
}

fn is_region(region: &str) -> bool {
    let words: Vec<&str> = region.split('-').collect();
    words.len() >= 3
        && region.len() <= 66
        && is_lower_words(region)
        && words[0].bytes().all(|b| b.is_ascii_lowercase())
        && words
            .last()
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn is_lower_words(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;

    fn accepts<T: std::str::FromStr>(value: &str) -> bool {
        value.parse::<T>().is_ok()
    }

    #[test]
    fn malformed_identifiers_are_refused() {
        for uuid in [
            "",
            "1a2b3c4d00004000800000000001",
            "1a2b3c4d-0000-4000-8000-00000000000g",
            "1a2b3c4d- 0000-4000-8000-000000000001",
        ] {
            assert!(!accepts::<ClusterId>(uuid), "{uuid}");
        }
        for vpc in [
            "vpc-",
            "vpc-xyz",
            "vpc- 0a71e831",
            "\u{ff56}pc-0a71e831",
            "subnet-0a71e831",
            "vpc-0a71e831cb5152c4",
        ] {
            assert!(!accepts::<VpcId>(vpc), "{vpc}");
        }
        for account in [
            "11112222333",
            "1111-22223333",
            "1111-2222-333a",
            "1111 2222 3333",
        ] {
            assert!(!accepts::<AccountId>(account), "{account}");
        }
        for list in ["pl-", "pl-1", "com.amazonaws.eu-west-1.s3", "sg-0a71e831"] {
            assert!(!accepts::<PrefixListId>(list), "{list}");
        }
        for group in [
            "/sg-0a71e831",
            "2222/sg-0a71e831",
            "222222222222/",
            "222222222222/pl-0a71e831",
            "222222222222/222222222222/sg-0a71e831",
        ] {
            assert!(!accepts::<SourceGroup>(group), "{group}");
        }
        for region in ["us-east-1a", "useast1", "us--1", "us-east-", "us east 1"] {
            assert!(!accepts::<Region>(region), "{region}");
        }
        assert!(!accepts::<Region>(&format!("{}-east-1", "us".repeat(40))));
        for routing in ["", "x$(id)y", "Shop", "a b", "a&b"] {
            assert!(!accepts::<RoutingId>(routing), "{routing}");
        }
        assert!(!accepts::<ServiceName>("com.amazonaws.eu-west-1.s3"));
    }

    /// Read from a text and from JSON.
    fn assert_spelling<T>(written: &str, spelling: &str)
    where
        T: std::str::FromStr<Err = Malformed> + serde::de::DeserializeOwned + ToString,
    {
        let read: T = written.parse().unwrap();
        assert_eq!(read.to_string(), spelling, "{written:?}");
        let read: T = serde_json::from_value(serde_json::json!(written)).unwrap();
        assert_eq!(read.to_string(), spelling, "{written:?}");
    }

    #[test]
    fn whoever_writes_it_a_thing_has_one_spelling() {
        let cluster = "1a2b3c4d-0000-4000-8000-00000000000a";
        for written in [
            cluster.to_owned(),
            cluster.to_uppercase(),
            format!(" \t{cluster}\r\n"),
        ] {
            assert_spelling::<ClusterId>(&written, cluster);
        }
        for written in ["VPC-0A71E831", "vpc-0A71e831", " vpc-0a71e831\n"] {
            assert_spelling::<VpcId>(written, "vpc-0a71e831");
        }
        assert_spelling::<SubnetId>("subnet-0A71E831 ", "subnet-0a71e831");
        assert_spelling::<SecurityGroupId>("SG-0a71e831", "sg-0a71e831");
        assert_spelling::<PrefixListId>("PL-63A5400a\n", "pl-63a5400a");
        assert_spelling::<SourceGroup>("SG-0A71e831", "sg-0a71e831");
        let group = "222222222222/sg-0a71e831";
        for written in [group, " 2222-2222-2222/SG-0A71E831\n"] {
            assert_spelling::<SourceGroup>(written, group);
        }
        assert_spelling::<EndpointId>(" vpce-0A71E831", "vpce-0a71e831");
        for written in ["111122223333", "1111-2222-3333", " 1111-2222-3333\n"] {
            assert_spelling::<AccountId>(written, "111122223333");
        }
        assert_spelling::<Region>(" EU-West-1\n", "eu-west-1");
        assert_spelling::<ZoneId>("USE1-AZ1", "use1-az1");
        assert_spelling::<RoutingId>("shop-123\n", "shop-123");
        let service = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
        assert_spelling::<ServiceName>(&format!(" {service}"), service);
    }

    #[test]
    fn items_of_a_text_are_separated_in_any_way_and_may_be_empty() {
        let read = |text| words(text).collect::<Vec<_>>();
        assert_eq!(read(" a,b;c+d\te,,\r\n, "), ["a", "b", "c", "d", "e"]);
        assert!(read(" ,;+ ").is_empty());
    }

    #[test]
    fn a_source_group_is_told_apart_from_its_account() {
        let [own, other]: [AccountId; 2] =
            ["111122223333", "222222222222"].map(|id| id.parse().unwrap());
        let group: SourceGroup = "222222222222/sg-0a71e831".parse().unwrap();
        assert_eq!(group.id().as_str(), "sg-0a71e831");
        assert_eq!(group.account().as_ref(), Some(&other));
        assert_eq!(group.seen_from(&own), group);
        let seen = group.seen_from(&other);
        assert_eq!((seen.as_str(), seen.account()), ("sg-0a71e831", None));
        assert_eq!(seen.id(), group.id());
    }

    /// What a schema lets through is read.
    fn assert_pattern<T: std::str::FromStr>(pattern: &str) {
        let values = string_regex(pattern.trim_matches(['^', '$'])).unwrap();
        proptest!(|(value in values)| prop_assert!(accepts::<T>(&value), "{value}"));
    }

    #[test]
    fn what_matches_the_pattern_of_a_type_is_one() {
        assert_pattern::<ClusterId>(ClusterId::PATTERN);
        assert_pattern::<VpcId>(VpcId::PATTERN);
        assert_pattern::<SubnetId>(SubnetId::PATTERN);
        assert_pattern::<SecurityGroupId>(SecurityGroupId::PATTERN);
        assert_pattern::<SourceGroup>(SourceGroup::PATTERN);
        assert_pattern::<PrefixListId>(PrefixListId::PATTERN);
        assert_pattern::<EndpointId>(EndpointId::PATTERN);
        assert_pattern::<AccountId>(AccountId::PATTERN);
        assert_pattern::<Region>(Region::PATTERN);
        assert_pattern::<ZoneId>(ZoneId::PATTERN);
        assert_pattern::<RoutingId>(RoutingId::PATTERN);
        assert_pattern::<ServiceName>(ServiceName::PATTERN);
    }

    #[test]
    fn the_message_names_value_and_rule() {
        let error = "vpc-1".parse::<VpcId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`vpc-1` is not a VPC id: `vpc-` followed by 8 or 17 hexadecimal digits"
        );
    }
}
