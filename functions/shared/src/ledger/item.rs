//! A connection as an item of the table, and back. Every attribute is text; what
//! has parts of its own is JSON in it, so that the definitions can write it whole.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Connection, Phase};
use crate::request::ProvisionRequest;
use crate::{Code, StepError};

/// The key of the table of connections.
pub const CONNECTION_ID: &str = "connection_id";
/// How far the connection has come.
pub const PHASE: &str = "phase";
/// The ARN of the last run.
pub const EXECUTION: &str = "execution";
/// When the last run wrote the item.
pub const UPDATED_AT: &str = "updated_at";
/// What the last check saw, as JSON.
pub const HEALTH: &str = "health";

/// The key of the table of leases: `region/vpc-id`.
pub const LEASE: &str = "vpc";
/// The ARN of the run that holds the lease.
pub const HOLDER: &str = "holder";
/// When the item may go, in seconds since 1970.
pub const EXPIRES_AT: &str = "expires_at";
/// When a thing without a time of its own was first seen, in seconds since 1970.
pub const FIRST_SEEN: &str = "first_seen";

/// Fields that a request had once. Entries of that time still have them.
const RETIRED: [&str; 1] = ["endpoints_per_vpc_quota"];

/// Reads an item. `text` finds an attribute by its name; what is not text counts
/// as absent.
///
/// # Errors
/// [`Code::LedgerItemUnreadable`], which names the item and the attribute. Items
/// are written by the definitions of any version, and by hand.
pub fn read<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Result<Connection, StepError> {
    let item = Item(text);
    let connection_id = item.word(CONNECTION_ID)?;
    let phase = item.word(PHASE)?;
    let updated_at = item.time(UPDATED_AT)?;
    // An entry that says no more than ready stands as well.
    let ready_since = (phase == Phase::Ready).then_some(updated_at);
    Ok(Connection {
        connection_id,
        account_id: item.word_if_there("account_id")?,
        region: item.word("region")?,
        vpc_id: item.word("vpc_id")?,
        cluster_id: item.word("cluster_id")?,
        cluster_name: item.word_if_there("cluster_name")?,
        request: item.there("request", item.request("request")?)?,
        asked: item.request("asked")?,
        phase,
        timeline: item.json_if_there("timeline")?.unwrap_or_default(),
        execution: item.word(EXECUTION)?,
        started_at: item.time("started_at")?,
        updated_at,
        endpoint_id: item.word_if_there("endpoint_id")?,
        security_group_id: item.word_if_there("security_group_id")?,
        service_name: item.word_if_there("service_name")?,
        stands_since: item.time_if_there("stands_since")?.or(ready_since),
        ready: item.json_if_there("ready")?,
        registrations: item.json_if_there("registrations")?.unwrap_or_default(),
        outcome: item.json_if_there("outcome")?,
        health: item.json_if_there(HEALTH)?,
    })
}

/// The attributes of a connection; what is not known has none.
pub fn write(connection: &Connection) -> BTreeMap<&'static str, String> {
    let text = |id: &dyn ToString| Some(id.to_string());
    let attributes = [
        (CONNECTION_ID, text(&connection.connection_id)),
        ("account_id", id(&connection.account_id)),
        ("region", text(&connection.region)),
        ("vpc_id", text(&connection.vpc_id)),
        ("cluster_id", text(&connection.cluster_id)),
        ("cluster_name", connection.cluster_name.clone()),
        ("request", json(&connection.request)),
        ("asked", connection.asked.as_ref().and_then(json)),
        (PHASE, text(&connection.phase.as_str())),
        ("timeline", json(&connection.timeline)),
        (EXECUTION, text(&connection.execution)),
        ("started_at", moment(connection.started_at)),
        (UPDATED_AT, moment(connection.updated_at)),
        ("endpoint_id", id(&connection.endpoint_id)),
        ("security_group_id", id(&connection.security_group_id)),
        ("service_name", id(&connection.service_name)),
        ("stands_since", connection.stands_since.and_then(moment)),
        ("ready", connection.ready.as_ref().and_then(json)),
        (
            "registrations",
            Some(&connection.registrations)
                .filter(|list| !list.is_empty())
                .and_then(json),
        ),
        ("outcome", connection.outcome.as_ref().and_then(json)),
        (HEALTH, connection.health.as_ref().and_then(json)),
    ];
    attributes
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect()
}

fn id<T: ToString>(id: &Option<T>) -> Option<String> {
    id.as_ref().map(T::to_string)
}

/// Text of JSON. These types have no value that JSON has no words for.
pub fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// A moment as the items have it. Only years beyond 9999 have no words.
pub fn moment(at: OffsetDateTime) -> Option<String> {
    at.format(&Rfc3339).ok()
}

struct Item<F>(F);

impl<'a, F: Fn(&str) -> Option<&'a str>> Item<F> {
    fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T, StepError> {
        self.there(name, self.word_if_there(name)?)
    }

    fn word_if_there<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StepError> {
        let word = self.0(name).map(|word| serde_json::from_value(Value::from(word)));
        word.transpose()
            .map_err(|error| self.unreadable(name, &error))
    }

    fn json_if_there<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StepError> {
        let read =
            |text| serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text));
        let value = self.0(name).map(read);
        value
            .transpose()
            .map_err(|error| self.unreadable(name, &error))
    }

    fn request(&self, name: &str) -> Result<Option<ProvisionRequest>, StepError> {
        let Some(mut request) = self.json_if_there::<Value>(name)? else {
            return Ok(None);
        };
        if let Some(fields) = request.as_object_mut() {
            RETIRED.iter().for_each(|field| drop(fields.remove(*field)));
        }
        serde_path_to_error::deserialize(request)
            .map(Some)
            .map_err(|error| self.unreadable(name, &error))
    }

    fn time(&self, name: &str) -> Result<OffsetDateTime, StepError> {
        self.there(name, self.time_if_there(name)?)
    }

    fn time_if_there(&self, name: &str) -> Result<Option<OffsetDateTime>, StepError> {
        let time = self.0(name).map(|text| OffsetDateTime::parse(text, &Rfc3339));
        time.transpose()
            .map_err(|error| self.unreadable(name, &error))
    }

    fn there<T>(&self, name: &str, value: Option<T>) -> Result<T, StepError> {
        value.ok_or_else(|| self.unreadable(name, &"it is not there, or not text"))
    }

    fn unreadable(&self, name: &str, why: &dyn std::fmt::Display) -> StepError {
        let id = self.0(CONNECTION_ID).unwrap_or("without an id");
        let detail = format!("connection {id}, attribute {name}: {why}");
        StepError::new(Code::LedgerItemUnreadable, detail)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::ledger::{Milestone, OwnRegistration, Phase};
    use crate::report::{Explained, Outcome};
    use crate::request::ProvisionRequest;

    const FULL: [&str; 21] = [
        "account_id",
        "asked",
        "cluster_id",
        "cluster_name",
        "connection_id",
        "endpoint_id",
        "execution",
        "health",
        "outcome",
        "phase",
        "ready",
        "region",
        "registrations",
        "request",
        "security_group_id",
        "service_name",
        "stands_since",
        "started_at",
        "timeline",
        "updated_at",
        "vpc_id",
    ];

    fn connection() -> Connection {
        let at = datetime!(2026-11-22 18:00:00.5 UTC);
        let request = json!({
            "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a71e831cb5152c43",
            "sources": {"cidrs": ["10.0.0.0/16"]},
        });
        let request: ProvisionRequest = serde_json::from_value(request).unwrap();
        let failure = Explained {
            failed_at: "CreateEndpoint".into(),
            code: "endpoint-quota-reached".into(),
            detail: "a \"quoted\" word".into(),
            cause: "why".into(),
            fix: "how".into(),
            undone: vec!["the security group".into()],
            left: vec![],
        };
        Connection {
            connection_id: "0123456789abcdef".into(),
            account_id: Some("111122223333".parse().unwrap()),
            region: request.region.clone(),
            vpc_id: request.vpc_id.clone(),
            cluster_id: request.cluster_id.clone(),
            cluster_name: Some("orders".into()),
            asked: Some(request.clone()),
            request,
            phase: Phase::RolledBack,
            timeline: vec![Milestone {
                phase: Phase::Requested,
                at,
            }],
            execution: "arn:aws:states:eu-west-1:111122223333:execution:provision:one".into(),
            started_at: at,
            updated_at: at,
            endpoint_id: Some("vpce-0a71e831cb5152c43".parse().unwrap()),
            security_group_id: Some("sg-0a71e831cb5152c43".parse().unwrap()),
            service_name: Some("com.amazonaws.vpce.eu-west-1.vpce-svc-0a7".parse().unwrap()),
            stands_since: Some(at),
            ready: serde_json::from_value(json!({
                "connection_id": "0123456789abcdef",
                "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
                "region": "eu-west-1",
                "vpc_id": "vpc-0a71e831cb5152c43",
                "endpoint_id": "vpce-0a71e831cb5152c43",
                "host": "internal-shop.example",
                "port": 26257,
                "connection_string": "postgresql://USER@internal-shop.example:26257/defaultdb",
                "notes": [],
            }))
            .unwrap(),
            registrations: vec![OwnRegistration {
                endpoint_id: "vpce-0a71e831cb5152c43".parse().unwrap(),
                trusted_account: None,
            }],
            outcome: Some(Outcome {
                phase: Phase::RolledBack,
                sentence: "It failed.".into(),
                at,
                seconds: 7,
                ready: None,
                failure: Some(failure),
            }),
            health: serde_json::from_value(json!({
                "status": "drifted",
                "findings": [{"code": "endpoint-gone", "detail": "vpce-0a71e831cb5152c43"}],
                "since": "2026-11-22T18:00:00Z",
                "checked_at": "2026-11-22T18:05:00Z",
            }))
            .unwrap(),
        }
    }

    fn read_back(item: &BTreeMap<&'static str, String>) -> Result<Connection, StepError> {
        read(|name| item.get(name).map(String::as_str))
    }

    #[test]
    fn a_connection_comes_back_as_it_was() {
        let full = connection();
        let item = write(&full);
        assert!(item.keys().copied().eq(FULL));
        assert_eq!(read_back(&item).unwrap(), full);
        let fresh = Connection {
            account_id: None,
            cluster_name: None,
            endpoint_id: None,
            security_group_id: None,
            service_name: None,
            asked: None,
            stands_since: None,
            ready: None,
            registrations: Vec::new(),
            outcome: None,
            health: None,
            ..full
        };
        let item = write(&fresh);
        assert_eq!(item.len(), 10, "what is not known has no attribute");
        assert_eq!(read_back(&item).unwrap(), fresh);
    }

    #[test]
    fn an_entry_of_an_earlier_version_is_read() {
        let entry = connection();
        let mut item = write(&entry);
        for name in ["request", "asked"] {
            let mut request: Value = serde_json::from_str(&item[name]).unwrap();
            request["endpoints_per_vpc_quota"] = json!(50);
            item.insert(name, request.to_string());
        }
        assert_eq!(read_back(&item).unwrap(), entry);
    }

    #[test]
    fn a_time_of_day_has_as_many_digits_as_a_definition_writes() {
        let mut item = write(&connection());
        for text in ["2026-11-22T18:00:00Z", "2026-11-22T18:00:00.123Z"] {
            item.insert("started_at", text.to_owned());
            read_back(&item).unwrap();
        }
    }

    #[test]
    fn every_attribute_that_does_not_read_is_named() {
        let good = write(&connection());
        for name in FULL {
            // Any text is one of these.
            if matches!(name, CONNECTION_ID | EXECUTION | "cluster_name") {
                continue;
            }
            let mut item = good.clone();
            item.insert(name, "?".to_owned());
            let error = read_back(&item).unwrap_err();
            assert_eq!(error.code, Code::LedgerItemUnreadable);
            let start = format!("connection 0123456789abcdef, attribute {name}: ");
            assert!(error.detail.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn what_must_be_there_is_missed_by_name() {
        let good = write(&connection());
        let is_optional = |name: &&'static str| {
            let mut item = good.clone();
            item.remove(*name);
            read_back(&item).is_ok()
        };
        assert!(FULL.into_iter().filter(is_optional).eq([
            "account_id",
            "asked",
            "cluster_name",
            "endpoint_id",
            "health",
            "outcome",
            "ready",
            "registrations",
            "security_group_id",
            "service_name",
            "stands_since",
            "timeline",
        ]));
        let nothing = read(|_| None).unwrap_err();
        assert_eq!(
            nothing.detail,
            "connection without an id, attribute connection_id: it is not there, or not text"
        );
    }

    #[test]
    fn what_is_wrong_inside_of_json_is_found_by_its_path() {
        let mut item = write(&connection());
        let request = item["request"].replace("10.0.0.0/16", "10.0.0.0/99");
        item.insert("request", request);
        let error = read_back(&item).unwrap_err();
        assert!(error.detail.contains("sources.cidrs[0]"), "{error}");
    }
}
