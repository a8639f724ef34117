//! One file for each job, and what they have in common: what was done so far, how a
//! connection stands, one look at a VPC's tags, and the start of an execution.

use shared::StepError;
use shared::executions::{self, Executions};
use shared::ids::{ClusterId, VpcId};

use crate::decide::Start;
use crate::report::{Action, Entry, word};

mod change;
mod ended;
mod follow;
mod remove;
mod repair;
mod search;
mod standing;

pub(crate) use change::change;
pub(crate) use ended::ended;
pub(crate) use remove::remove;
pub(crate) use repair::repair;
pub(crate) use search::search;

/// What was done so far, and the first thing that could not be done. One VPC or
/// connection that makes trouble does not keep the others waiting.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) done: Vec<Entry>,
    pub(crate) trouble: Option<StepError>,
}

impl Tally {
    pub(crate) fn keep<T>(&mut self, result: Result<T, StepError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!("{error}");
                self.trouble.get_or_insert(error);
                None
            }
        }
    }

    fn vpc(&mut self, vpc: &VpcId, action: Action) {
        self.done.push(Entry {
            vpc_id: Some(vpc.clone()),
            cluster_id: None,
            connection_id: None,
            action,
        });
    }

    fn connection(&mut self, id: &str, vpc: &VpcId, cluster: &ClusterId, action: Action) {
        self.done.push(Entry {
            vpc_id: Some(vpc.clone()),
            cluster_id: Some(cluster.clone()),
            connection_id: Some(id.to_owned()),
            action,
        });
    }
}

/// Starts a run under the first name that is free. Where all are taken, a run
/// for the same cause was there before.
async fn start(executions: &impl Executions, start: &Start) -> Result<Action, StepError> {
    let machine = word(start.machine);
    let mut last = String::new();
    for name in &start.names {
        let started = executions.start(start.machine, name, &start.input).await?;
        match started {
            executions::Start::Running { execution } => {
                return Ok(Action::Started {
                    machine,
                    name: name.clone(),
                    execution,
                });
            }
            executions::Start::NameTaken => last.clone_from(name),
        }
    }
    Ok(Action::AlreadyStarted {
        machine,
        name: last,
    })
}
