//! Writes on the VPC what became of a connection that one of its tags asked for,
//! or takes that off again.
//!
//! Whoever asks by a tag looks for the answer there. One tag for each cluster; a
//! repeated call writes the same. There is no undo, because nothing depends on it.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::ec2::VpcTags;
use shared::ledger::Phase;
use shared::ownership::Tags;
use shared::subject::Subject;
use shared::vpc_tags::TagKeys;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection: its VPC is tagged, and the key names its cluster.
    pub connection: Subject,
    /// How the connection stands; `None` takes the tag off.
    pub status: Option<Status>,
}

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// How far it has come.
    pub phase: Phase,
    /// The code of what failed, if something did.
    pub code: Option<String>,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// What stands on the VPC now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The key of the tag.
    pub key: String,
    /// Its value; `None` if it is gone.
    pub value: Option<String>,
}

/// Writes the tag or takes it off. `prefix` is what the keys of people's tags
/// begin with.
///
/// # Errors
/// `tag-limit-reached` for a VPC that has as many tags as it may, and those of EC2.
pub async fn handle(ec2: &impl VpcTags, prefix: &str, input: Input) -> Result<Output, StepError> {
    let Subject {
        vpc_id, cluster_id, ..
    } = &input.connection;
    let key = TagKeys::new(prefix).status_of(cluster_id);
    let value = input.status.as_ref().map(value);
    match &value {
        Some(value) => {
            let tags = Tags::from([(key.clone(), value.clone())]);
            ec2.tag_vpc(vpc_id, &tags).await?;
        }
        None => {
            ec2.untag_vpc(vpc_id, std::slice::from_ref(&key)).await?;
        }
    }
    Ok(Output { key, value })
}

/// Phase, code or `-`, and time, in characters that every tag may hold.
fn value(status: &Status) -> String {
    // To the second, because people read it. Such a time can always be written.
    let at = status.at.replace_nanosecond(0).unwrap_or(status.at);
    let at = at.format(&Rfc3339).unwrap_or_default();
    let code = status.code.as_deref().unwrap_or("-");
    format!("{} {code} {at}", status.phase.as_str())
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::{Code, StepErrorName};
    use simulator::FaultKind;
    use time::macros::datetime;

    use super::*;

    const KEY: &str = "net:status:1a2b3c4d-0000-4000-8000-000000000001";

    fn status(code: Option<&str>) -> Option<Status> {
        Some(Status {
            phase: code.map_or(Phase::Ready, |_| Phase::RolledBack),
            code: code.map(str::to_owned),
            at: datetime!(2026-11-22 18:00:00.123 UTC),
        })
    }

    fn input(stage: &Stage, status: Option<Status>) -> Input {
        Input {
            connection: stage.request.subject(),
            status,
        }
    }

    fn call(stage: &Stage, status: Option<Status>) -> Result<Output, StepError> {
        at_once(handle(&stage.ports, "net", input(stage, status)))
    }

    fn tags(stage: &Stage) -> Tags {
        stage.look(|world| world.ec2.vpcs[stage.request.vpc_id.as_str()].tags.clone())
    }

    #[test]
    fn the_tag_says_phase_code_and_time_and_the_next_outcome_takes_its_place() {
        let stage = Stage::shipped("fresh-vpc");
        let before = tags(&stage);
        let ready = "ready - 2026-11-22T18:00:00Z";
        let output = call(&stage, status(None)).unwrap();
        assert_eq!(
            (output.key.as_str(), output.value.as_deref()),
            (KEY, Some(ready))
        );
        assert_eq!(tags(&stage)[KEY], ready);
        call(&stage, status(Some("endpoint-rejected"))).unwrap();
        call(&stage, status(Some("endpoint-rejected"))).unwrap();
        assert_eq!(
            tags(&stage)[KEY],
            "rolled-back endpoint-rejected 2026-11-22T18:00:00Z"
        );
        call(&stage, None).unwrap();
        assert_eq!(call(&stage, None).unwrap().value, None);
        assert_eq!(tags(&stage), before, "people's own tags stay as they are");
    }

    #[test]
    fn every_outcome_fits_into_a_tag() {
        // EC2 user guide, "Tag restrictions".
        let allowed = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
        for phase in Phase::ALL {
            for code in Code::ALL {
                let text = value(&Status {
                    phase,
                    code: Some(code.to_string()),
                    at: OffsetDateTime::UNIX_EPOCH,
                });
                assert!(text.len() <= 256 && text.chars().all(allowed), "{text}");
            }
        }
    }

    #[test]
    fn a_vpc_that_has_all_the_tags_it_may_have_is_named() {
        let stage = Stage::shipped("fresh-vpc");
        stage.meddle(|world| {
            let vpc = stage.request.vpc_id.as_str();
            let vpc = world.ec2.vpcs.get_mut(vpc).unwrap();
            let tags = (0..50).map(|n| (format!("tag-{n}"), String::new()));
            vpc.tags = tags.collect();
        });
        let error = call(&stage, status(None)).unwrap_err();
        assert_eq!(
            (error.code, error.name()),
            (Code::TagLimitReached, StepErrorName::InvalidInput)
        );
    }

    #[test]
    fn a_missing_permission_is_named() {
        let stage = Stage::shipped("fresh-vpc");
        stage.fails_once("ec2:CreateTags", FaultKind::Denied);
        let error = call(&stage, status(None)).unwrap_err();
        assert_eq!(error.code, Code::AwsAccessDenied);
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = Stage::shipped("fresh-vpc");
        assert_strict(&input(&stage, status(None)));
        assert_strict(&status(Some("x")).unwrap());
    }
}
