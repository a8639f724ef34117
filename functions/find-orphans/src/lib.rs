//! Finds what connections have left behind, one account and Region a call: what
//! carries our tags without a live entry in the ledger, entries without anything
//! behind them, registrations whose endpoint is gone, and endpoints whose
//! registration is gone.
//!
//! It removes nothing, and may not: what is to go is answered as requests for
//! `deprovision`, which takes the lease, is idempotent, and knows what is shared
//! and what was adopted. Resources without our tags are never listed.
//!
//! # Why it never finds what a run is just making
//!
//! EC2 is read first, then the ledger, then the leases. A run takes the lease of its
//! VPC before it writes its entry, and writes its entry before it makes or marks
//! anything. So whatever was seen in EC2 either has its entry by then, or is left
//! over. Beyond that, everything must have reached a minimum age, and each request
//! says what the ledger had of the connection ([`shared::request::Seen`]):
//! `deprovision` looks again once it holds the lease, and does nothing if a run has
//! been there since.
//!
//! # Why a lost ledger is not taken for a world of orphans
//!
//! The first pass only counts; whether the second one may ask for removals is
//! decided by [`Sum::looks_lost`].

use serde::{Deserialize, Serialize};
use shared::cloud::Cloud;
use shared::config::Config;
use shared::ec2::{Endpoints, Inventory, VpcTags};
use shared::ids::{AccountId, ClusterId};
use shared::ledger::{Ledger, Upkeep};
use shared::notice::Notice;
use shared::place::{Place, Places};
use shared::places::{PlaceList, Unseen};
use shared::request::DeprovisionRequest;
use shared::vpc_tags::TagKeys;
use shared::{Code, StepError};
use time::OffsetDateTime;

mod finding;
mod gather;
mod judge;
mod sum;
#[cfg(test)]
mod tests;

pub use finding::{Finding, Kind};
pub use sum::Sum;

/// The findings of one call. An event for each of them fits into one `PutEvents`
/// (Amazon EventBridge API reference: at most 10 entries).
pub const BATCH: usize = 10;

/// Most clusters that are kept in mind from place to place.
const MOST_TOLD: usize = 500;

/// Where to look, and what came of the calls before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where to go on; `None` on the first call.
    pub cursor: Option<Cursor>,
    /// The only places to look at, as `444455556666/us-east-1` or `us-east-1`. All if
    /// there are none: those below, and those that the ledger has connections in.
    pub only: Vec<String>,
    /// Places to look at in any case, separated by spaces.
    pub always: String,
    /// What must be older than this, in hours, to be removed. At least 1.
    pub minimum_age_hours: u32,
    /// Whether what can be removed is to be.
    pub remove: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The run that sweeps, for the announcements.
    pub execution: String,
    /// The sum of the calls before; `None` on the first one.
    pub sum: Option<Sum>,
}

/// Where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The places that are left, the present one first.
    pub places: Vec<Place>,
    /// The last finding of this place that was answered.
    pub after: Option<String>,
    /// The clusters whose stale registrations have been told of.
    pub told: Vec<ClusterId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Where to go on; `None` if every place was looked at.
    pub next: Option<Cursor>,
    /// The findings of this call.
    pub findings: Vec<Finding>,
    /// What is to be announced of them. Nothing while removing, because it was before.
    pub notices: Vec<Notice>,
    /// What is to be removed.
    pub to_remove: Vec<DeprovisionRequest>,
    /// The sum of all calls so far.
    pub sum: Sum,
}

/// What the surroundings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    own_account: Option<AccountId>,
    keys: TagKeys,
}

impl Known {
    /// What this configuration says.
    ///
    /// # Errors
    /// `configuration-invalid` if the own account is malformed.
    pub fn new(config: &Config) -> Result<Self, StepError> {
        Ok(Self {
            own_account: config.own_account()?,
            keys: TagKeys::new(&config.tag_prefix),
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Ports<'a, P, C, L> {
    /// EC2.
    pub places: &'a P,
    pub cloud: &'a C,
    pub ledger: &'a L,
}

/// Looks at one place.
///
/// # Errors
/// `invalid-request` for a place or an age that cannot be read. Those of the ledger.
/// A place or a cluster that cannot be looked at is part of the answer.
pub async fn handle<P, C, L>(
    ports: Ports<'_, P, C, L>,
    known: &Known,
    input: Input,
) -> Result<Output, StepError>
where
    P: Places<Ec2: Inventory + Endpoints + VpcTags>,
    C: Cloud,
    L: Ledger + Upkeep,
{
    if input.minimum_age_hours == 0 {
        let detail = "minimum_age_hours: `0` is not 1 or more";
        return Err(StepError::new(Code::InvalidRequest, detail));
    }
    let mut sum = input.sum.clone().unwrap_or_default();
    let cursor = match input.cursor.clone() {
        Some(cursor) => cursor,
        None => {
            let own = known.own_account.as_ref();
            let (only, always) = (&input.only, &input.always);
            let all = PlaceList::read(ports.ledger, own, only, always, &[]).await?;
            Cursor {
                places: all.telling(&mut sum.unseen),
                after: None,
                told: Vec::new(),
            }
        }
    };
    let Some(place) = cursor.places.first().cloned() else {
        return Ok(Output {
            next: None,
            findings: Vec::new(),
            notices: Vec::new(),
            to_remove: Vec::new(),
            sum,
        });
    };
    let (seen, recorded) = gather::look(&ports, known, &place, input.now).await?;
    sum.recorded = recorded;
    let is_first_page = cursor.after.is_none();
    let mut findings = Vec::new();
    match &seen {
        Ok(seen) => {
            findings = judge::findings(seen, &place, &cursor.told, &input);
            if is_first_page {
                sum.add(seen, &findings);
            }
        }
        Err(error) => Unseen::new(&place, error).add_to(&mut sum.unseen),
    }

    // The calls before have answered what comes first.
    findings.retain(|it| cursor.after.as_ref().is_none_or(|after| it.key() > *after));
    let is_last_page = findings.len() <= BATCH;
    findings.truncate(BATCH);
    let next = if is_last_page {
        let mut told = cursor.told;
        told.extend(seen.iter().flat_map(gather::Seen::asked));
        // Those beyond are told of once more for each place.
        told.truncate(MOST_TOLD);
        let places: Vec<Place> = cursor.places.into_iter().skip(1).collect();
        let places = Some(places).filter(|places| !places.is_empty());
        places.map(|places| Cursor {
            places,
            after: None,
            told,
        })
    } else {
        Some(Cursor {
            after: findings.last().map(Finding::key),
            ..cursor
        })
    };
    let cluster_name = |finding: &Finding| {
        let entry = seen
            .as_ref()
            .ok()?
            .entries
            .get(finding.connection_id.as_ref()?);
        entry?.cluster_name.as_deref()
    };
    let notices = findings.iter().filter(|_| !input.remove);
    let removals = findings.iter().filter(|_| input.remove);
    Ok(Output {
        next,
        notices: notices
            .filter_map(|finding| finding.notice(cluster_name(finding), &input.execution))
            .collect(),
        to_remove: removals
            .filter_map(|finding| finding.removal.clone())
            .collect(),
        findings,
        sum,
    })
}
