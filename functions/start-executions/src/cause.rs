//! Reading what calls us: events of EventBridge, and our own inputs.
//!
//! Events are read with a light hand, because AWS adds fields to them; our own
//! inputs strictly, because a misspelled field would be lost without a word.
//! Shapes: AWS General Reference, "Tag change events on AWS resources"; CloudTrail
//! user guide, "CloudTrail record contents", with EC2's own way of writing lists as
//! `{"items": […]}` and empty ones as `{}`; Step Functions developer guide,
//! "Automating Step Functions event delivery with EventBridge".

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use shared::executions::Machine;
use shared::ids::{ClusterId, Malformed, Region, VpcId, in_lower_case};
use shared::place::Place;
use shared::request::{DeprovisionRequest, RequestedBy};
use shared::{Code, StepError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Known;

/// Why we are called.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cause {
    /// The tags of these VPCs may have been changed.
    Change(Change),
    /// A run of one of our machines came to an end.
    Ended(Ended),
    /// These connections are to be repaired.
    Repair(Vec<String>),
    /// A sweep has found these connections to be orphans, which are to go.
    Remove(Vec<DeprovisionRequest>),
    /// Lost events are to be searched for in one of all places.
    Search(Search),
    /// An event that is nothing to us, and why.
    Nothing(String),
}

/// The tags of these VPCs may have been changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) place: Place,
    pub(crate) vpcs: BTreeSet<VpcId>,
    pub(crate) at: OffsetDateTime,
    /// Whether the VPCs must exist by now: something was made of them or for them.
    pub(crate) must_exist: bool,
}

/// Lost events are to be searched for in one of all places.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// Places that are searched in any case, as a list of words.
    pub(crate) always: String,
    /// Which of all places it is, from 0.
    pub(crate) turn: usize,
}

/// A run of one of our machines came to an end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    pub(crate) machine: Machine,
    pub(crate) execution: String,
    pub(crate) status: String,
    /// The input of the run. Left out of an event that would be too long.
    pub(crate) input: Option<Value>,
}

/// What the input of a run says about the connection that it was for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Target {
    pub(crate) cluster_id: ClusterId,
    pub(crate) region: Region,
    pub(crate) vpc_id: VpcId,
    #[serde(default)]
    pub(crate) account_id: Option<shared::ids::AccountId>,
    #[serde(default)]
    pub(crate) requested_by: RequestedBy,
}

/// Our own inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Own {
    Repair(Vec<String>),
    Remove(Vec<DeprovisionRequest>),
    Search(Search),
}

impl Cause {
    /// Reads an input.
    ///
    /// # Errors
    /// `invalid-request`, naming the field that is missing or malformed.
    pub(crate) fn read(input: &Value, known: &Known) -> Result<Self, StepError> {
        match input.get("detail-type").and_then(Value::as_str) {
            Some("Tag Change on Resource") => tag_change(input, known),
            Some("AWS API Call via CloudTrail") => api_call(input, known),
            Some("Step Functions Execution Status Change") => status_change(input, known),
            Some(other) => Err(invalid(format!(
                "no event is known with detail-type `{other}`"
            ))),
            None => own(input),
        }
    }
}

fn own(input: &Value) -> Result<Cause, StepError> {
    let own = serde_path_to_error::deserialize(input).map_err(|error| {
        invalid(format!(
            "neither an event of EventBridge with detail-type, nor {{\"repair\": [id, …]}}, \
             nor {{\"remove\": [request, …]}}, \
             nor {{\"search\": {{\"always\": …, \"turn\": …}}}}: {error}"
        ))
    })?;
    Ok(match own {
        Own::Repair(ids) => Cause::Repair(ids.iter().map(|id| in_lower_case(id)).collect()),
        Own::Remove(requests) => Cause::Remove(requests),
        Own::Search(search) => Cause::Search(search),
    })
}

fn tag_change(event: &Value, known: &Known) -> Result<Cause, StepError> {
    let kind = (
        text(event, "/detail/service")?,
        text(event, "/detail/resource-type")?,
    );
    if kind != ("ec2", "vpc") {
        return Ok(Cause::Nothing(format!(
            "tags of {} {} were changed, not of a VPC",
            kind.0, kind.1
        )));
    }
    let changed = strings(event, "/detail/changed-tag-keys");
    if changed.is_some_and(|keys| !keys.iter().any(|key| known.keys.is_wish(key))) {
        return Ok(no_wish());
    }
    let tags = event.pointer("/detail/tags");
    let asks = tags.and_then(|tags| tags.get(known.keys.cluster_id()));
    let resources = strings(event, "/resources").unwrap_or_default();
    let ids = resources.iter().filter_map(|arn| arn.rsplit('/').next());
    change(event, ids, asks.is_some())
}

fn api_call(event: &Value, known: &Known) -> Result<Cause, StepError> {
    let call = text(event, "/detail/eventName")?;
    let failed = event.pointer("/detail/errorCode");
    if let Some(code) = failed.filter(|code| !code.is_null()) {
        return Ok(Cause::Nothing(format!("{call} failed with {code}")));
    }
    match call {
        "CreateVpc" | "CreateDefaultVpc" => {
            let id = text(event, "/detail/responseElements/vpc/vpcId")?;
            change(event, std::iter::once(id), true)
        }
        "CreateTags" | "DeleteTags" => {
            let keys = items(event, "/detail/requestParameters/tagSet/items", "key");
            // DeleteTags without keys removes all tags.
            let all = call == "DeleteTags" && keys.is_empty();
            if !all && !keys.iter().any(|key| known.keys.is_wish(key)) {
                return Ok(no_wish());
            }
            let list = "/detail/requestParameters/resourcesSet/items";
            let ids = items(event, list, "resourceId");
            // As the caller wrote them.
            let is_vpc = |id: &&str| in_lower_case(id).starts_with("vpc-");
            let vpcs = ids.into_iter().filter(is_vpc);
            change(event, vpcs, call == "CreateTags")
        }
        other => Ok(Cause::Nothing(format!("{other} changes no tags of VPCs"))),
    }
}

fn change<'e>(
    event: &'e Value,
    ids: impl Iterator<Item = &'e str>,
    must_exist: bool,
) -> Result<Cause, StepError> {
    let vpcs = ids
        .map(|id| id.parse().map_err(|error| malformed("the VPC", &error)))
        .collect::<Result<BTreeSet<VpcId>, _>>()?;
    if vpcs.is_empty() {
        return Ok(Cause::Nothing("no VPC is among the resources".to_owned()));
    }
    let place = Place {
        account_id: Some(parsed(event, "/account")?),
        region: parsed(event, "/region")?,
    };
    let at = text(event, "/time")?;
    let at = OffsetDateTime::parse(at, &Rfc3339)
        .map_err(|_| invalid(format!("/time: `{at}` is not a time of RFC 3339")))?;
    Ok(Cause::Change(Change {
        place,
        vpcs,
        at,
        must_exist,
    }))
}

fn status_change(event: &Value, known: &Known) -> Result<Cause, StepError> {
    let arn = text(event, "/detail/stateMachineArn")?;
    let Some(machine) = known.config.machine_of(arn) else {
        return Ok(Cause::Nothing(format!("{arn} is none of our machines")));
    };
    let status = text(event, "/detail/status")?;
    if !is_over(status) {
        return Ok(Cause::Nothing(format!("the execution is {status}")));
    }
    let input = event.pointer("/detail/input").and_then(Value::as_str);
    let input = input.and_then(|input| serde_json::from_str(input).ok());
    Ok(Cause::Ended(Ended {
        machine,
        execution: text(event, "/detail/executionArn")?.to_owned(),
        status: status.to_owned(),
        input,
    }))
}

/// Whether a run with this status is over (Step Functions API reference,
/// `DescribeExecution`). A word that we do not know is not.
pub(crate) fn is_over(status: &str) -> bool {
    matches!(status, "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED")
}

fn no_wish() -> Cause {
    Cause::Nothing("none of the tags that say what to connect was changed".to_owned())
}

fn text<'e>(event: &'e Value, path: &str) -> Result<&'e str, StepError> {
    let found = event.pointer(path).and_then(Value::as_str);
    found.ok_or_else(|| invalid(format!("the event has no text at {path}")))
}

fn parsed<T: std::str::FromStr<Err = Malformed>>(
    event: &Value,
    path: &str,
) -> Result<T, StepError> {
    let parsed = text(event, path)?.parse();
    parsed.map_err(|error| malformed(path, &error))
}

fn strings<'e>(event: &'e Value, path: &str) -> Option<Vec<&'e str>> {
    let list = event.pointer(path)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).collect())
}

/// One field of each item of a list. An empty list of EC2 has no items at all.
fn items<'e>(event: &'e Value, path: &str, field: &str) -> Vec<&'e str> {
    let list = event.pointer(path).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| item.get(field)?.as_str())
        .collect()
}

fn malformed(path: &str, error: &Malformed) -> StepError {
    invalid(format!("{path}: {error}"))
}

fn invalid(detail: String) -> StepError {
    StepError::new(Code::InvalidRequest, detail)
}

#[cfg(test)]
mod tests;
