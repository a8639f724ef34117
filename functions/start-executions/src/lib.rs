//! Decides whether an execution is to be started, for whatever cause, and starts it
//! under a name that makes duplicates harmless.
//!
//! | Input | What happens | Where |
//! | --- | --- | --- |
//! | EventBridge *Tag Change on Resource*, CloudTrail `CreateVpc`, `CreateTags`, `DeleteTags` | the VPC's tags are read as they are now, and followed | `jobs/change.rs` |
//! | *Step Functions Execution Status Change* of our machines | the lease of a run that is over is given back, a minute later if it was stopped; one that was interrupted is completed, once; the VPC's tags are looked at again | `jobs/ended.rs` |
//! | `{"repair": ["connection id", …]}` | provisioning runs again, at most once in an hour | `jobs/repair.rs` |
//! | `{"remove": [request of deprovision, …]}` | these orphans are taken away, at most once in an hour | `jobs/remove.rs` |
//! | `{"search": {"always": "Region …", "turn": 0}}` | events may be lost, so every VPC that carries our tags, or is in the ledger because of them, is looked at, in one of all places that the stack serves: these, those of the ledger, and the listed accounts in every Region that is named without an account; the answer says how many there are | `jobs/search.rs` |
//!
//! Which job it is says `cause.rs`. What is to be done about one connection is decided
//! in `decide.rs`, from what the tags ask for (`wish.rs`) and what the ledger has.
//!
//! # Why it ends well in whatever order things come
//!
//! An event is only a hint. What counts is how the tags are now, what the ledger
//! says, and that every connection has at most one run at work:
//!
//! - While a run is at work on a connection, its tags are left alone: the end of the
//!   run is an event too, and then they are looked at again. So the last look comes
//!   after the last change, whatever came before.
//! - A run is started when the last one was to do something else (make it, take it
//!   away), or asked for something else. The same again is tried only once after
//!   an interruption, and after a failure only if somebody touched the tags later
//!   than it. So our own answers, which are changes of tags and ends of runs, never
//!   cause the same run again, and there is no circle.
//! - The name of a run follows from its cause ([`shared::executions::names`]): what is
//!   asked for, and the run and time that the ledger has of the connection. Any number
//!   of events meets the same name until a run has changed the ledger; two processes
//!   that decide at once start one run. If a run of that name is over and the ledger is
//!   as before, the occasion (time of the event, hour of the search) makes a second name.
//! - Should two runs be started after all, the lease lets one wait for the other, and
//!   the second one finds done what it was to do.
//!
//! What a call asked for is never touched by tags. What tags ask for and cannot
//! have is told in the tag `<prefix>:status`.

use serde_json::Value;
use shared::StepError;
use shared::config::Config;
use shared::ec2::VpcTags;
use shared::executions::Executions;
use shared::ledger::Ledger;
use shared::place::{Place, Places};
use shared::request::ProvisionRequest;
use shared::vpc_tags::TagKeys;
use time::OffsetDateTime;

use cause::Cause;
use jobs::Tally;

mod cause;
mod decide;
mod jobs;
mod refusal;
mod report;
mod wish;

pub use report::{Action, Entry, Report, Trouble};

/// What the surroundings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    config: Config,
    keys: TagKeys,
}

impl Known {
    /// What this configuration says.
    pub fn new(config: Config) -> Self {
        let keys = TagKeys::new(&config.tag_prefix);
        Self { config, keys }
    }

    /// Whether what a request asks for may be connected.
    fn admits(&self, request: &ProvisionRequest) -> Result<(), StepError> {
        self.config.admits(request)
    }

    /// The same place with its account, as the requests that tags cause have it.
    fn with_account(&self, place: Place) -> Result<Place, StepError> {
        Ok(Place {
            account_id: match place.account_id {
                Some(account) => Some(account),
                None => self.config.own_account()?,
            },
            region: place.region,
        })
    }
}

/// Who is asked.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a, P, L, X> {
    /// EC2.
    pub places: &'a P,
    pub ledger: &'a L,
    /// The machines.
    pub executions: &'a X,
}

/// An event, or what a definition asks for, as the table above says.
pub type Input = serde_json::Value;

/// Answers one input.
///
/// # Errors
/// `invalid-request` for an input that is not understood. `aws-resource-busy` for
/// a VPC that was just made and is not shown yet. Those of the ports: what can be
/// done is done before the first of them is returned, and the whole input may come
/// again.
pub async fn handle<P: Places<Ec2: VpcTags>, L: Ledger, X: Executions>(
    door: Door<'_, P, L, X>,
    known: &Known,
    now: OffsetDateTime,
    input: &Value,
) -> Result<Report, StepError> {
    let Door {
        ledger, executions, ..
    } = door;
    let mut tally = Tally::default();
    let cause = match Cause::read(input, known)? {
        Cause::Change(change) => {
            jobs::change(&door, known, &change, now, &mut tally).await;
            "the tags of a VPC may have been changed".to_owned()
        }
        Cause::Ended(ended) => {
            let ending = jobs::ended(&door, known, &ended, now, &mut tally).await;
            tally.keep(ending);
            format!("the execution {} is {}", ended.execution, ended.status)
        }
        Cause::Repair(ids) => {
            let admits = |request: &ProvisionRequest| known.admits(request);
            jobs::repair(ledger, executions, admits, &ids, now, &mut tally).await;
            "connections are to be repaired".to_owned()
        }
        Cause::Remove(requests) => {
            jobs::remove(executions, &requests, now, &mut tally).await;
            "orphans are to be removed".to_owned()
        }
        Cause::Search(search) => return jobs::search(&door, known, &search, now).await,
        Cause::Nothing(why) => why,
    };
    let report = Report::of(cause, tally.done);
    // Whoever sends an event does not read the answer; the log keeps it.
    tracing::info!("{}", serde_json::json!(report));
    tally.trouble.map_or(Ok(report), Err)
}

#[cfg(test)]
mod tests;
