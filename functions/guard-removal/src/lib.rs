//! Refuses to take a connection away that somebody asked to protect, or, where that
//! is asked for, one that still carries traffic.
//!
//! Three places can protect it: the request of the connection (`protect: true`), which
//! the ledger knows and a mark on the endpoint tells whoever has another ledger; a
//! tag of the VPC; and the same tag on the connection's endpoint. What an endpoint
//! carries CloudWatch tells. Changes nothing, and nothing has been changed when it is
//! asked; there is nothing to undo.
//!
//! What decides in doubt:
//!
//! - `force` overrides everything, and nobody is asked.
//! - Once a removal has begun, what is left of the connection carries nothing any
//!   more but costs: whoever finishes the job is not held up.
//! - The request of a connection that a tag asked for is a copy of the tags, and
//!   the tags may have changed since: it counts only where they cannot be read. That
//!   protection was taken off before the tag, and not with it, `start-executions` sees to.
//! - Where EC2 refuses access, as after the role in another account is gone, the
//!   ledger decides alone; nothing could be removed there anyway. Any other failure
//!   to read the tags, and so that of credentials, is an error, so that no protection is
//!   passed in silence.
//! - Where EC2 refuses only to show the VPC, its endpoints could be removed all the same.
//!   They are judged by their tags, and the ledger decides about the rest. A connection
//!   that it does not know stays.
//! - A VPC that EC2 does not show is gone with all that was in it, or it is in another
//!   account or Region than the one that was asked. The ledger knows where a connection
//!   is. Of one that it does not know nothing can be said, so it is not said to be gone.
//! - Who asks for traffic to be looked at gets no removal without the look.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, Endpoints, VpcTags};
use shared::ids::EndpointId;
use shared::ledger::{Milestone, Phase, removal_has_begun};
use shared::request::RequestedBy;
use shared::subject::Subject;
use shared::traffic::Traffic;
use shared::vpc_tags::TagKeys;
use shared::{Code, StepError};
use time::OffsetDateTime;

mod protection;
mod traffic;

#[cfg(test)]
mod tests;

pub use traffic::carried;

/// What is to be guarded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection. EC2 and CloudWatch are asked in its place.
    pub connection: Subject,
    /// Whether it is to go whatever protects it.
    pub force: bool,
    /// If set, it stays if something went through it in the last so many minutes.
    pub unless_traffic_minutes: Option<u32>,
    /// What the ledger has, if it has something.
    pub known: Option<Known>,
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
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
    pub endpoint_id: Option<EndpointId>,
}

/// What matters here of what was asked for. The rest of the request does not, and
/// one that an older version has written has no `protect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whether the connection is protected.
    #[serde(default)]
    pub protect: bool,
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

#[derive(Debug)]
pub struct Ports<'a, E, T> {
    /// EC2 of the VPC.
    pub ec2: &'a E,
    /// CloudWatch of the VPC's account and Region.
    pub traffic: &'a T,
}

/// Asks once whether the connection may go. `prefix` is what the keys of people's
/// tags begin with; `ports` is an error where the account cannot be reached.
///
/// # Errors
/// `connection-protected`, which says by what; `connection-carries-traffic`, which
/// says how much; `traffic-unknown`; `vpc-not-found`; and those of EC2.
pub async fn handle<E: Endpoints + VpcTags, T: Traffic>(
    ports: Result<Ports<'_, E, T>, &StepError>,
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
    let known = input.known.as_ref();
    if known.is_some_and(|it| removal_has_begun(it.phase, &it.timeline)) {
        return may_go("an earlier removal has begun");
    }
    let keys = TagKeys::new(prefix);
    let seen = match &ports {
        Ok(ports) => look(ports, &keys, &input).await,
        Err(error) => Err((*error).clone()),
    };
    let seen = match seen {
        Err(error) if error.code.is_refused_access() => Err(error),
        other => Ok(other?),
    };
    if known.is_none() && seen.as_ref().is_ok_and(Seen::shows_nothing) {
        let detail = format!(
            "EC2 shows neither {} nor an endpoint of the connection in it, and the ledger does not know the connection",
            input.connection.vpc_id
        );
        return Err(StepError::new(Code::VpcNotFound, detail));
    }
    let by_tag = seen.as_ref().ok().and_then(|seen| seen.protected.clone());
    let are_seen = seen.as_ref().is_ok_and(Seen::tells_the_tags);
    if let Some(by) = by_tag.or_else(|| protection::by_request(known?, are_seen)) {
        return Err(StepError::new(Code::ConnectionProtected, by));
    }
    if known.is_none()
        && let Ok(Seen {
            shows_vpc: Err(refused),
            ..
        }) = &seen
    {
        return Err(refused.clone());
    }
    match (input.unless_traffic_minutes, seen) {
        (Some(minutes), Ok(seen)) => {
            traffic::refuse(seen.traffic, &seen.endpoints, minutes, &input).await?;
            may_go(match seen.shows_vpc {
                Ok(_) => "nothing protects it, and it carries no traffic",
                Err(_) => "nothing that is known protects it, and it carries no traffic",
            })
        }
        (Some(_), Err(error)) => {
            let vpc = &input.connection.vpc_id;
            Err(traffic::unknown(vpc, &error.to_string()))
        }
        (None, Ok(seen)) if seen.shows_vpc.is_ok() => may_go("nothing protects it"),
        (None, Ok(_) | Err(_)) => {
            may_go("nothing that the ledger knows protects it, and EC2 refuses access")
        }
    }
}

/// What EC2 tells of the connection, and who can tell more.
struct Seen<'a, T> {
    protected: Option<String>,
    /// Whether EC2 shows the VPC, or how it refused to.
    shows_vpc: Result<bool, StepError>,
    endpoints: Vec<Endpoint>,
    traffic: &'a T,
}

impl<T> Seen<'_, T> {
    fn shows_nothing(&self) -> bool {
        matches!(self.shows_vpc, Ok(false)) && self.endpoints.is_empty()
    }

    /// Whether there is no tag that was not seen: a VPC that has an endpoint is there,
    /// whether it is shown or not.
    fn tells_the_tags(&self) -> bool {
        let is_shown = |shown: &bool| *shown || self.endpoints.is_empty();
        self.shows_vpc.as_ref().is_ok_and(is_shown)
    }
}

async fn look<'a, E: Endpoints + VpcTags, T>(
    ports: &Ports<'a, E, T>,
    keys: &TagKeys,
    input: &Input,
) -> Result<Seen<'a, T>, StepError> {
    let mut endpoints = ports.ec2.endpoints(&input.connection.vpc_id).await?;
    let recorded = input.known.as_ref().and_then(|it| it.endpoint_id.as_ref());
    let claim = input.connection.claim();
    endpoints.retain(|it| claim.is_in(&it.tags) || recorded == Some(&it.id));
    let vpc = match ports.ec2.vpc_tags(&input.connection.vpc_id).await {
        Err(error) if error.code.is_refused_access() => Err(error),
        other => Ok(other?),
    };
    let tags = vpc.as_ref().ok().and_then(Option::as_ref);
    Ok(Seen {
        protected: protection::by_tag(tags, &endpoints, keys, input),
        shows_vpc: vpc.map(|tags| tags.is_some()),
        endpoints,
        traffic: ports.traffic,
    })
}
