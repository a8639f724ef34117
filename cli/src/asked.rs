//! What is asked for: a scenario's request or a file, and flags over it.

use std::path::Path;

use serde_json::{Map, Value, json};
use shared::request::{DeprovisionRequest, ProvisionRequest};
use shared::subject::Subject;
use shared::{Code, StepError};

use crate::arguments::{Asked, AskedAway};
use crate::error::Error;

mod faults;

/// Reads and checks the request.
///
/// # Errors
/// When the file cannot be read, or with everything that breaks a rule.
pub fn request(asked: &Asked, scenario: Map<String, Value>) -> Result<ProvisionRequest, Error> {
    let base = match &asked.request {
        Some(path) => read(path)?,
        None => Value::Object(scenario),
    };
    let flags = flags(asked);
    checked(
        with_flags(base, &flags),
        &flags,
        "docs/provision-request.schema.json",
        ProvisionRequest::parse,
    )
}

/// The refusal of a field that no request to connect has, in the words of serde, which names
/// unknown fields before missing ones.
pub(crate) fn unknown_field(request: &Value) -> Option<StepError> {
    let error = ProvisionRequest::parse(request).err()?;
    error.detail.contains("unknown field `").then_some(error)
}

/// Reads and checks the request to take a connection away.
///
/// # Errors
/// As with [`request`].
pub fn removal(
    asked: &AskedAway,
    scenario: Map<String, Value>,
) -> Result<DeprovisionRequest, Error> {
    let base = match &asked.request {
        Some(path) => read(path)?,
        // A scenario asks for a connection; the same one is to go.
        None => scenario
            .into_iter()
            .filter(|(field, _)| NAMING.contains(&field.as_str()))
            .collect(),
    };
    let flags = flags_away(asked);
    checked(
        with_flags(base, &flags),
        &flags,
        "docs/deprovision-request.schema.json",
        DeprovisionRequest::parse,
    )
}

/// What names a connection, to be looked up in a simulated world.
pub(crate) fn ids(subject: &Subject) -> impl Iterator<Item = &str> {
    let account = subject.account_id.iter().map(|account| account.as_str());
    let named = [
        subject.cluster_id.as_str(),
        subject.region.as_str(),
        subject.vpc_id.as_str(),
    ];
    named.into_iter().chain(account)
}

/// The fields that name a connection and say where it is.
const NAMING: [&str; 5] = [
    "cluster_id",
    "region",
    "vpc_id",
    "account_id",
    "requested_by",
];

/// A flag, and what it says.
struct Flag {
    flag: &'static str,
    /// The field of the request that it sets.
    field: &'static str,
    /// `None` if the flag is not there.
    value: Option<Value>,
}

fn flags(asked: &Asked) -> Vec<Flag> {
    let tags: Map<String, Value> = asked
        .tag
        .iter()
        .map(|tag| (tag.key.clone(), json!(tag.value)))
        .collect();
    let tags = (!tags.is_empty()).then_some(tags.into());
    let no_private_dns = asked.no_private_dns.then_some(json!(false));
    all([
        ("--cluster-id", "cluster_id", text(&asked.cluster_id)),
        ("--region", "region", text(&asked.region)),
        ("--vpc-id", "vpc_id", text(&asked.vpc_id)),
        ("--account-id", "account_id", text(&asked.account_id)),
        ("--subnet-id", "subnet_ids", list(&asked.subnet_id)),
        ("--cidr", "sources.cidrs", list(&asked.cidr)),
        (
            "--source-group",
            "sources.security_group_ids",
            list(&asked.source_group),
        ),
        (
            "--prefix-list",
            "sources.prefix_list_ids",
            list(&asked.prefix_list),
        ),
        (
            "--include-peered-vpcs",
            "sources.include_peered_vpcs",
            yes(asked.include_peered_vpcs),
        ),
        ("--no-private-dns", "private_dns", no_private_dns),
        (
            "--add-trusted-owner",
            "add_trusted_owner",
            yes(asked.add_trusted_owner),
        ),
        ("--protect", "protect", yes(asked.protect)),
        ("--tag", "tags", tags),
        ("--on-failure", "on_failure", text(&asked.on_failure)),
        ("--sql-user", "sql_user", text(&asked.sql_user)),
        ("--database", "database", text(&asked.database)),
    ])
}

fn flags_away(asked: &AskedAway) -> Vec<Flag> {
    let number = |value: Option<u64>| value.map(Value::from);
    let minutes = asked.unless_traffic_minutes.map(u64::from);
    all([
        ("--cluster-id", "cluster_id", text(&asked.cluster_id)),
        ("--region", "region", text(&asked.region)),
        ("--vpc-id", "vpc_id", text(&asked.vpc_id)),
        ("--account-id", "account_id", text(&asked.account_id)),
        ("--force", "force", yes(asked.force)),
        (
            "--cluster-is-gone",
            "cluster_is_gone",
            yes(asked.cluster_is_gone),
        ),
        (
            "--unless-traffic-minutes",
            "unless_traffic_minutes",
            number(minutes),
        ),
        (
            "--undo-seconds",
            "limits.undo_seconds",
            number(asked.undo_seconds),
        ),
        (
            "--lease-seconds",
            "limits.lease_seconds",
            number(asked.lease_seconds),
        ),
    ])
}

fn all<const N: usize>(flags: [(&'static str, &'static str, Option<Value>); N]) -> Vec<Flag> {
    let flags = flags.into_iter();
    flags
        .map(|(flag, field, value)| Flag { flag, field, value })
        .collect()
}

fn text(value: &Option<String>) -> Option<Value> {
    value.clone().map(Value::String)
}

fn yes(flag: bool) -> Option<Value> {
    flag.then_some(json!(true))
}

/// A flag that was given at least once replaces the whole list.
fn list(values: &[String]) -> Option<Value> {
    (!values.is_empty()).then(|| json!(values))
}

/// The request with what the flags say. Something that is no object stays as it
/// is, for the check to refuse.
fn with_flags(mut base: Value, flags: &[Flag]) -> Value {
    for flag in flags {
        let (Some(value), Some(request)) = (&flag.value, base.as_object_mut()) else {
            continue;
        };
        let (within, field) = match flag.field.split_once('.') {
            Some((parent, field)) => {
                let parent = request.entry(parent).or_insert_with(|| json!({}));
                (parent.as_object_mut(), field)
            }
            None => (Some(request), flag.field),
        };
        if let Some(within) = within {
            within.insert(field.to_owned(), value.clone());
        }
    }
    base
}

/// The request in a file, or on standard input for `-`.
fn read(path: &Path) -> Result<Value, Error> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    // A byte order mark is no part of it.
    let json = text.trim_start_matches('\u{feff}');
    serde_json::from_str(json).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })
}

/// The request as it is meant, or everything that is wrong with it at once.
fn checked<T>(
    request: Value,
    flags: &[Flag],
    schema: &str,
    parse: impl Fn(&Value) -> Result<T, StepError>,
) -> Result<T, Error> {
    let mut wrong: Vec<String> = missing(&request).into_iter().collect();
    match (parse(&request), request.as_object()) {
        (Ok(read), _) => return Ok(read),
        (Err(error), Some(fields)) => {
            let found = faults::each(fields, &parse);
            wrong.extend(found.iter().map(|fault| by_flag(fault, flags)));
            if wrong.is_empty() {
                wrong.push(error.detail);
            }
        }
        (Err(error), None) => wrong.push(error.detail),
    }
    Err(Error::Told {
        code: Code::InvalidRequest,
        message: wrong.join("\n"),
        fix: format!("`--help` has every flag; a file for `--request` follows {schema}."),
    })
}

fn missing(request: &Value) -> Option<String> {
    let missing: Vec<&str> = REQUIRED
        .into_iter()
        .filter(|(field, _)| request.is_object() && request[field].is_null())
        .map(|(_, flag)| flag)
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "missing: give {}, or a file with `--request`; with `--endpoint`, `--scenario` names the world whose request is meant",
            missing.join(", ")
        )
    })
}

/// The fields without a default, with their flags.
const REQUIRED: [(&str, &str); 3] = [
    ("cluster_id", "--cluster-id"),
    ("region", "--region"),
    ("vpc_id", "--vpc-id"),
];

/// What is wrong, by the flag where a flag has said it.
fn by_flag(fault: &str, flags: &[Flag]) -> String {
    let Some((path, wrong)) = fault.split_once(": ") else {
        return fault.to_owned();
    };
    let field = path.split('[').next().unwrap_or(path);
    let mut given = flags.iter().filter(|flag| flag.value.is_some());
    match given.find(|flag| flag.field == field) {
        Some(flag) => format!("{}: {wrong}", flag.flag),
        None => fault.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Map<String, Value> {
        let request = json!({
            "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a1b2c3d4e5f60718",
            "sources": { "cidrs": ["10.0.0.0/8"], "security_group_ids": ["sg-0a71e831"] },
        });
        request.as_object().unwrap().clone()
    }

    #[test]
    fn flags_override_single_fields() {
        let asked = Asked {
            vpc_id: Some("vpc-0a71e831".into()),
            cidr: vec!["10.1.0.0/16".into()],
            prefix_list: vec!["pl-63a5400a".into()],
            no_private_dns: true,
            on_failure: Some("keep".into()),
            tag: ["Team=a=b", "Cost=42"]
                .map(|tag| tag.parse().unwrap())
                .into(),
            ..Asked::default()
        };
        let request = request(&asked, scenario()).unwrap();
        assert_eq!(
            (request.tags.len(), request.tags["Team"].as_str()),
            (2, "a=b")
        );
        assert_eq!(request.vpc_id.as_str(), "vpc-0a71e831");
        assert_eq!(request.region.as_str(), "eu-west-1");
        assert!(!request.private_dns);
        assert_eq!(request.sources.cidrs.len(), 1);
        assert_eq!(request.sources.security_group_ids.len(), 1);
        assert_eq!(request.sources.prefix_list_ids.len(), 1);
    }

    #[test]
    fn the_connection_of_a_scenario_is_the_one_that_goes() {
        let asked = AskedAway {
            undo_seconds: Some(60),
            ..AskedAway::default()
        };
        let away = removal(&asked, scenario()).unwrap();
        let made = request(&Asked::default(), scenario()).unwrap();
        assert_eq!(
            (away.subject(), away.limits.undo_seconds),
            (made.subject(), 60)
        );
        let missing = removal(&asked, Map::new()).unwrap_err().to_string();
        assert!(missing.contains("give --cluster-id"), "{missing}");
        let asked = AskedAway {
            lease_seconds: Some(1),
            ..AskedAway::default()
        };
        let refused = removal(&asked, scenario()).unwrap_err().to_string();
        assert!(refused.contains("--lease-seconds: `1` is not"), "{refused}");
    }

    /// A misspelt field would be missing under its right name.
    #[test]
    fn a_field_that_does_not_exist_is_named_before_what_is_missing() {
        let refused = |request: Value| unknown_field(&request).map(|error| error.detail);
        let said = refused(json!({ "regoin": "eu-west-1" })).unwrap();
        assert!(said.contains("unknown field `regoin`"), "{said}");
        let nested = refused(json!({ "sources": { "cidr": [] } })).unwrap();
        assert!(nested.contains("unknown field `cidr`"), "{nested}");
        assert_eq!(refused(json!({ "region": "eu-west-1" })), None);
        assert_eq!(refused(json!({ "vpc_id": "vpc-1" })), None);
    }

    #[test]
    fn a_refusal_names_field_value_and_rule() {
        let asked = Asked {
            vpc_id: Some("vpc-1".into()),
            ..Asked::default()
        };
        let error = request(&asked, scenario()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("--vpc-id: `vpc-1` is not a VPC id"),
            "{error}"
        );
        let missing = request(&Asked::default(), Map::new())
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("give --cluster-id, --region, --vpc-id"),
            "{missing}"
        );
    }
    /// A flag by its name, and what a file says by its field.
    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let asked = Asked {
            cluster_id: Some("nonsense".into()),
            region: Some("mars-1".into()),
            cidr: vec!["10.1.0.0/16".into(), "everywhere".into(), "42".into()],
            ..Asked::default()
        };
        let mut file = scenario();
        file.remove("vpc_id");
        file.insert("limits".into(), json!({ "undo_seconds": 5, "moons": 1 }));
        let error = request(&asked, file).unwrap_err();
        let said = error.to_string();
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.len(), 7, "{said:#?}");
        for part in [
            "missing: give --vpc-id",
            "--cluster-id: `nonsense` is not",
            "--region: `mars-1` is not",
            "--cidr: `everywhere` is not",
            "--cidr: `42` is not",
            "limits.undo_seconds: `5` is not",
            "limits.moons: unknown field",
        ] {
            assert!(
                said.iter().any(|line| line.contains(part)),
                "{part}: {said:#?}"
            );
        }
        let fix = error.fix().unwrap();
        assert!(fix.contains("docs/provision-request.schema.json"), "{fix}");
        let removal = removal(&AskedAway::default(), Map::new()).unwrap_err();
        let fix = removal.fix().unwrap();
        assert!(
            fix.contains("docs/deprovision-request.schema.json"),
            "{fix}"
        );
    }
}
