//! What is asked for: a scenario's request or a file, and flags over it.

use std::path::Path;

use serde_json::{Map, Value, json};
use shared::request::{DeprovisionRequest, ProvisionRequest};
use shared::{Code, StepError};

use crate::arguments::{Asked, AskedAway};
use crate::error::Error;

/// Reads and checks the request.
///
/// # Errors
/// When the file cannot be read or a field breaks its rule.
pub fn request(asked: &Asked, scenario: Map<String, Value>) -> Result<ProvisionRequest, Error> {
    let base = match &asked.request {
        Some(path) => read(path)?,
        None => Value::Object(scenario),
    };
    let request = with_flags(base, asked);
    if let Some(unknown) = unknown_field(&request) {
        return Err(unknown.into());
    }
    nothing_is_missing(&request)?;
    Ok(ProvisionRequest::parse(&request)?)
}

/// The refusal of a field that no request to connect has. It comes before what is missing:
/// that may be the same field, misspelt.
pub(crate) fn unknown_field(request: &Value) -> Option<StepError> {
    unknown(ProvisionRequest::parse(request))
}

/// In the words of serde, which names unknown fields before missing ones.
fn unknown<T>(parsed: Result<T, StepError>) -> Option<StepError> {
    parsed
        .err()
        .filter(|error| error.detail.contains("unknown field `"))
}

/// Reads and checks the request to take a connection away.
///
/// # Errors
/// As with [`request`].
pub fn removal(
    asked: &AskedAway,
    scenario: Map<String, Value>,
) -> Result<DeprovisionRequest, Error> {
    let mut base = match &asked.request {
        Some(path) => read(path)?,
        // A scenario asks for a connection; the same one is to go.
        None => scenario
            .into_iter()
            .filter(|(field, _)| NAMING.contains(&field.as_str()))
            .collect(),
    };
    if let Some(request) = base.as_object_mut() {
        let text = |value: &Option<String>| value.clone().map(Value::String);
        let number = |value: Option<u64>| value.map(Value::from);
        for (field, value) in [
            ("cluster_id", text(&asked.cluster_id)),
            ("region", text(&asked.region)),
            ("vpc_id", text(&asked.vpc_id)),
            ("account_id", text(&asked.account_id)),
            (
                "unless_traffic_minutes",
                number(asked.unless_traffic_minutes.map(u64::from)),
            ),
            ("force", asked.force.then_some(json!(true))),
            (
                "cluster_is_gone",
                asked.cluster_is_gone.then_some(json!(true)),
            ),
        ] {
            if let Some(value) = value {
                request.insert(field.to_owned(), value);
            }
        }
        for (limit, seconds) in [
            ("undo_seconds", asked.undo_seconds),
            ("lease_seconds", asked.lease_seconds),
        ] {
            let limits = request.entry("limits").or_insert(json!({}));
            // What is none is refused when it is read.
            if let (Some(limits), Some(seconds)) = (limits.as_object_mut(), seconds) {
                limits.insert(limit.to_owned(), json!(seconds));
            }
        }
    }
    if let Some(unknown) = unknown(DeprovisionRequest::parse(&base)) {
        return Err(unknown.into());
    }
    nothing_is_missing(&base)?;
    Ok(DeprovisionRequest::parse(&base)?)
}

/// The fields that name a connection and say where it is.
const NAMING: [&str; 5] = [
    "cluster_id",
    "region",
    "vpc_id",
    "account_id",
    "requested_by",
];

fn nothing_is_missing(request: &Value) -> Result<(), Error> {
    let missing: Vec<&str> = REQUIRED
        .into_iter()
        .filter(|(field, _)| request[field].is_null())
        .map(|(_, flag)| flag)
        .collect();
    if request.is_object() && !missing.is_empty() {
        let detail = format!(
            "missing: give {}, or a file with `--request`; with `--endpoint`, `--scenario` names the world whose request is meant",
            missing.join(", ")
        );
        return Err(StepError::new(Code::InvalidRequest, detail).into());
    }
    Ok(())
}

/// The fields without a default, with their flags.
const REQUIRED: [(&str, &str); 3] = [
    ("cluster_id", "--cluster-id"),
    ("region", "--region"),
    ("vpc_id", "--vpc-id"),
];

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

/// The request with what the flags say. Something that is no object stays as it
/// is, for the check to refuse.
fn with_flags(mut base: Value, asked: &Asked) -> Value {
    let Some(request) = base.as_object_mut() else {
        return base;
    };
    let mut set = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            request.insert(field.to_owned(), value);
        }
    };
    let text = |value: &Option<String>| value.clone().map(Value::String);
    set("cluster_id", text(&asked.cluster_id));
    set("region", text(&asked.region));
    set("vpc_id", text(&asked.vpc_id));
    set("account_id", text(&asked.account_id));
    set("subnet_ids", list(&asked.subnet_id));
    set("private_dns", asked.no_private_dns.then_some(json!(false)));
    set(
        "add_trusted_owner",
        asked.add_trusted_owner.then_some(json!(true)),
    );
    set("protect", asked.protect.then_some(json!(true)));
    let tags: Map<String, Value> = asked
        .tag
        .iter()
        .map(|tag| (tag.key.clone(), json!(tag.value)))
        .collect();
    set("tags", (!tags.is_empty()).then_some(tags.into()));
    set("on_failure", text(&asked.on_failure));
    set("sql_user", text(&asked.sql_user));
    set("database", text(&asked.database));

    let sources = [
        ("cidrs", list(&asked.cidr)),
        ("security_group_ids", list(&asked.source_group)),
        ("prefix_list_ids", list(&asked.prefix_list)),
        (
            "include_peered_vpcs",
            asked.include_peered_vpcs.then_some(json!(true)),
        ),
    ];
    for (field, value) in sources {
        let Some(value) = value else { continue };
        let sources = request.entry("sources").or_insert_with(|| json!({}));
        if let Some(sources) = sources.as_object_mut() {
            sources.insert(field.to_owned(), value);
        }
    }
    base
}

/// A flag that was given at least once replaces the whole list.
fn list(values: &[String]) -> Option<Value> {
    (!values.is_empty()).then(|| json!(values))
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
        assert!(
            refused.contains("limits.lease_seconds: `1` is not"),
            "{refused}"
        );
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
                .contains("vpc_id: `vpc-1` is not a VPC id"),
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
}
