//! The door for events: decides whether something is to be started or stopped, and
//! starts it under a name that makes duplicates harmless.
//!
//! | Input | What happens |
//! | --- | --- |
//! | EventBridge *Tag Change on Resource*, CloudTrail `CreateVpc`, `CreateTags`, `DeleteTags` | the VPC's tags are read as they are now, and followed |
//! | *Step Functions Execution Status Change* of our machines | the lease of a run that is over is given back, a minute later if it was stopped; one that was interrupted is completed, once; the VPC's tags are looked at again |
//! | `{"repair": ["connection id", …]}` | provisioning runs again, at most once in an hour |
//! | `{"remove": [request of deprovision, …]}` | these orphans are taken away, at most once in an hour |
//! | `{"search": {"always": "Region …", "turn": 0}}` | events may be lost, so every VPC that carries our tags, or is in the ledger because of them, is looked at, in one of all places that the stack serves: these, those of the ledger, and the listed accounts in every Region that is named without an account; the answer says how many there are |
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
//! - The name of a run follows from its cause: what is asked for, and the run and
//!   time that the ledger has of the connection. Any number of events meets the same
//!   name until a run has changed the ledger; two processes that decide at once
//!   start one run. If a run of that name is over and the ledger is as before, the
//!   occasion (time of the event, hour of the search) makes a second name.
//! - Should two runs be started after all, the lease lets one wait for the other, and
//!   the second one finds done what it was to do.
//!
//! What a call asked for is never touched by tags. What tags ask for and cannot
//! have is told in the tag `<prefix>:status`.

use shared::StepError;
use shared::config::Config;
use shared::ec2::VpcTags;
use shared::executions::Executions;
use shared::ledger::Ledger;
use shared::place::Places;
use shared::settings::Settings;
use time::OffsetDateTime;

mod cause;
mod decide;
mod door;
mod names;
mod report;
mod tags;
mod wish;

pub use report::{Action, Entry, Report, Trouble};
pub use tags::TagKeys;

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

    /// The same, where these settings do not know better.
    pub fn told(&self, settings: &Settings) -> Self {
        Self::new(self.config.told(settings))
    }
}

/// Everything that is needed to answer an input.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a, P, L, X> {
    /// EC2.
    pub places: &'a P,
    /// The ledger.
    pub ledger: &'a L,
    /// The machines.
    pub executions: &'a X,
    /// What the surroundings say.
    pub known: &'a Known,
    /// The present.
    pub now: OffsetDateTime,
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
    input: &serde_json::Value,
) -> Result<Report, StepError> {
    door.answer(input).await
}

#[cfg(test)]
mod tests;
