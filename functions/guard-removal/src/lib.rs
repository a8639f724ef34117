//! Refuses to take a connection away that somebody asked to protect.
//!
//! Three places can say so: the request of the connection (`protect: true`), a tag
//! of the VPC, and the same tag on the connection's endpoint. Changes nothing, and
//! nothing has been changed when it is asked; there is nothing to undo.
//!
//! What decides in doubt:
//!
//! - `force` overrides everything, and nobody is asked.
//! - Once a removal has begun, what is left of the connection carries nothing any
//!   more but costs: whoever finishes the job is not held up.
//! - The request of a connection that a tag asked for is a copy of the tags, and
//!   the tags may have changed since: it counts only where they cannot be read.
//! - Where EC2 refuses access, as after the role in another account is gone, the
//!   ledger decides alone; nothing could be removed there anyway. Any other failure
//!   to read the tags is an error, so that no protection is passed in silence.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoints, VpcTags};
use shared::ids::VpcId;
use shared::ledger::{Milestone, Phase, removal_has_begun};
use shared::ownership::{Claim, Tags};
use shared::place::Place;
use shared::request::RequestedBy;
use shared::{Code, StepError, StepErrorName};

/// What is to be guarded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where EC2 is asked.
    pub place: Place,
    /// In which VPC.
    pub vpc_id: VpcId,
    /// The connection.
    pub claim: Claim,
    /// Whether it is to go whatever protects it.
    pub force: bool,
    /// What the ledger has, if it has something.
    pub known: Option<Known>,
}

/// What the ledger has of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// What was asked for.
    pub request: Asked,
    /// How far it has come.
    pub phase: Phase,
    /// The phases of the last run.
    #[serde(default)]
    pub timeline: Vec<Milestone>,
    /// The ARN of the last run.
    pub execution: String,
}

/// What matters here of what was asked for. The rest of the request does not, and
/// one that an older version has written has no `protect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whether the connection is protected.
    #[serde(default)]
    pub protect: bool,
    /// Who asked.
    #[serde(default)]
    pub requested_by: RequestedBy,
}

/// Nothing stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Why it may go.
    pub because: String,
}

/// Asks once whether the connection may go. `prefix` is what the keys of people's
/// tags begin with; `ec2` is an error where the account cannot be reached.
///
/// # Errors
/// `connection-protected`, which says by what, and those of EC2.
pub async fn handle<E: Endpoints + VpcTags>(
    ec2: Result<&E, &StepError>,
    prefix: &str,
    input: Input,
) -> Result<Output, StepError> {
    let may_go = |because: &str| {
        Ok(Output {
            because: because.to_owned(),
        })
    };
    if input.force {
        return may_go("it is forced");
    }
    if input
        .known
        .as_ref()
        .is_some_and(|it| removal_has_begun(it.phase, &it.timeline))
    {
        return may_go("an earlier removal has begun");
    }
    let key = format!("{prefix}:protect");
    let seen = match ec2 {
        Ok(ec2) => look(ec2, &key, &input).await,
        Err(error) => Err(error.clone()),
    };
    let (by_tag, is_seen) = match seen {
        Ok(by_tag) => (by_tag, true),
        Err(error) if error.name() == StepErrorName::Denied => (None, false),
        Err(error) => return Err(error),
    };
    match by_tag.or_else(|| by_request(input.known.as_ref()?, is_seen)) {
        Some(by) => Err(StepError::new(Code::ConnectionProtected, by)),
        None if is_seen => may_go("nothing protects it"),
        None => may_go("nothing that the ledger knows protects it, and EC2 refuses access"),
    }
}

/// The tag that protects it, if there is one.
async fn look<E: Endpoints + VpcTags>(
    ec2: &E,
    key: &str,
    input: &Input,
) -> Result<Option<String>, StepError> {
    let vpc = ec2.vpc_tags(&input.vpc_id).await?;
    if let Some(value) = vpc.as_ref().and_then(|tags| protecting(tags, key)) {
        let by = format!("by the tag {key}={value} of {}", input.vpc_id);
        return Ok(Some(by));
    }
    let endpoints = ec2.endpoints(&input.vpc_id).await?;
    let mut claimed = endpoints
        .iter()
        .filter(|endpoint| input.claim.is_in(&endpoint.tags));
    Ok(claimed.find_map(|endpoint| {
        let value = protecting(&endpoint.tags, key)?;
        Some(format!("by the tag {key}={value} of {}", endpoint.id))
    }))
}

/// The value of the tag if it protects. Only a clear no does not: who set the tag
/// meant something by it.
fn protecting<'t>(tags: &'t Tags, key: &str) -> Option<&'t str> {
    let value = tags.get(key)?;
    (!value.trim().eq_ignore_ascii_case("false")).then_some(value)
}

/// Whether the request of the connection protects it.
fn by_request(known: &Known, tags_are_seen: bool) -> Option<String> {
    let (asked, execution) = (&known.request, &known.execution);
    let by = match asked.requested_by {
        RequestedBy::Call => "a call",
        RequestedBy::VpcTag if tags_are_seen => return None,
        RequestedBy::VpcTag => "the VPC's tags, which cannot be read now",
    };
    asked
        .protect
        .then(|| format!("by protect: true, asked for by {by} (the last run: {execution})"))
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use simulator::{Fault, FaultKind, Moment};
    use time::macros::datetime;

    use super::*;

    const KEY: &str = "net:protect";

    fn known(protect: bool, requested_by: RequestedBy, phase: Phase) -> Known {
        Known {
            request: Asked {
                protect,
                requested_by,
            },
            phase,
            timeline: Vec::new(),
            execution: "arn:earlier".to_owned(),
        }
    }

    fn input(stage: &Stage, known: Option<Known>) -> Input {
        Input {
            place: stage.request.place(),
            vpc_id: stage.request.vpc_id.clone(),
            claim: stage.claim.clone(),
            force: false,
            known,
        }
    }

    fn ask(stage: &Stage, input: Input) -> Result<Output, StepError> {
        at_once(handle(Ok(&stage.ports), "net", input))
    }

    fn refusal(stage: &Stage, known: Option<Known>) -> String {
        let error = ask(stage, input(stage, known)).unwrap_err();
        assert_eq!(error.code, Code::ConnectionProtected);
        error.detail
    }

    /// The world with the tag on the VPC or on the endpoint.
    fn tagged(on_vpc: Option<&str>, on_endpoint: Option<&str>) -> Stage {
        let set = |tags: &mut Tags, value: Option<&str>| {
            tags.extend(value.map(|value| (KEY.to_owned(), value.to_owned())));
        };
        Stage::changed("connected", |scenario| {
            let vpc = &mut scenario.vpcs[0];
            set(&mut vpc.tags, on_vpc);
            set(&mut vpc.endpoints[0].tags, on_endpoint);
        })
    }

    fn denied(stage: &Stage, kind: FaultKind) {
        stage.ports.simulator().add_fault(Fault::from_then_on(
            "ec2:DescribeVpcs",
            1,
            kind,
            Moment::Before,
        ));
    }

    #[test]
    fn each_place_can_protect_and_the_refusal_says_which() {
        let ready = |protect| Some(known(protect, RequestedBy::Call, Phase::Ready));
        let free = tagged(None, None);
        assert!(ask(&free, input(&free, None)).is_ok());
        assert!(ask(&free, input(&free, ready(false))).is_ok());
        let by_request = refusal(&free, ready(true));
        assert!(by_request.contains("protect: true"), "{by_request}");
        assert!(by_request.contains("arn:earlier"), "{by_request}");
        let by_vpc = refusal(&tagged(Some("true"), None), ready(false));
        assert_eq!(
            by_vpc,
            "by the tag net:protect=true of vpc-0a1b2c3d4e5f60718"
        );
        let by_endpoint = refusal(&tagged(None, Some("")), None);
        assert_eq!(
            by_endpoint,
            "by the tag net:protect= of vpce-0a10000000000000e"
        );
        let no = tagged(Some("False"), Some("false"));
        assert!(ask(&no, input(&no, None)).is_ok());
    }

    #[test]
    fn force_overrides_everything_and_asks_nobody() {
        let stage = tagged(Some("true"), Some("true"));
        let forced = Input {
            force: true,
            ..input(&stage, Some(known(true, RequestedBy::Call, Phase::Ready)))
        };
        assert_strict(&forced);
        assert!(ask(&stage, forced.clone()).is_ok());
        assert_eq!(stage.ports.simulator().calls().len(), 0);
        let unreachable = StepError::new(Code::AwsThrottled, "no answer");
        let ports: Result<&in_process::InProcess, _> = Err(&unreachable);
        assert!(at_once(handle(ports, "net", forced)).is_ok());
    }

    #[test]
    fn a_removal_that_has_begun_is_finished() {
        let stage = tagged(Some("true"), None);
        let mut interrupted = known(true, RequestedBy::Call, Phase::Interrupted);
        refusal(&stage, Some(interrupted.clone()));
        interrupted.timeline = vec![Milestone {
            phase: Phase::Disconnecting,
            at: datetime!(2026-11-22 18:00 UTC),
        }];
        for begun in [
            interrupted,
            known(true, RequestedBy::Call, Phase::Disconnecting),
            known(true, RequestedBy::Call, Phase::DisconnectIncomplete),
        ] {
            assert!(ask(&stage, input(&stage, Some(begun))).is_ok());
        }
    }

    #[test]
    fn the_copy_of_the_tags_counts_only_where_they_cannot_be_read() {
        let by_tag = known(true, RequestedBy::VpcTag, Phase::Ready);
        let stage = tagged(None, None);
        assert!(ask(&stage, input(&stage, Some(by_tag.clone()))).is_ok());
        denied(&stage, FaultKind::Denied);
        let copy = refusal(&stage, Some(by_tag));
        assert!(copy.contains("cannot be read"), "{copy}");
        // Nothing could be removed there, and the ledger knows of no protection.
        assert!(ask(&stage, input(&stage, None)).is_ok());
    }

    #[test]
    fn tags_that_cannot_be_read_for_another_reason_are_an_error() {
        let stage = tagged(None, None);
        denied(&stage, FaultKind::Throttle);
        let error = ask(&stage, input(&stage, None)).unwrap_err();
        assert_eq!(error.code, Code::AwsThrottled);
    }

    #[test]
    fn an_entry_of_an_older_version_protects_nothing() {
        let text = r#"{"cluster_id": "x", "database": "defaultdb"}"#;
        let asked: Asked = serde_json::from_str(text).unwrap();
        assert!(!asked.protect);
    }
}
