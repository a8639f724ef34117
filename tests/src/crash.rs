//! Runs that are lost, like those of a process that is killed.

use std::cell::Cell;
use std::time::Duration;

use engine::{Clock, TaskFailure, Tasks};
use serde_json::Value;
use shared::ledger::Ledger;
use simulator::Moment;
use steps::Steps;
use tokio::sync::Notify;

use crate::run::{Goal, Stage, block_on};
use crate::{aftermath, books};

/// How long the lease of a run lasts after it was heard that the run was stopped
/// (`docs/operate.md`; `OUTLIVES_SECONDS` in `start-executions`).
pub const OUTLIVES: Duration = Duration::from_secs(60);

/// Tasks of which one is called and never answers.
struct Mortal<'a, T> {
    tasks: T,
    /// How many are carried out before that one.
    left: Cell<u32>,
    moment: Moment,
    lost: &'a Notify,
}

impl<T: Tasks> Tasks for Mortal<'_, T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            return self.tasks.invoke(resource, arguments).await;
        }
        if self.moment == Moment::After {
            // It was carried out, and nobody is there for the answer.
            let _ = self.tasks.invoke(resource, arguments).await;
        }
        self.lost.notify_one();
        std::future::pending().await
    }
}

/// A run that is lost at its task after this many, before it or after it. Says
/// whether it was: a run that has fewer tasks ends before.
pub fn is_lost(stage: &Stage, goal: Goal, name: &str, tasks: u32, moment: Moment) -> bool {
    let ports = stage.ports();
    let lost = Notify::new();
    let mortal = Mortal {
        tasks: Steps::in_process(&ports),
        left: Cell::new(tasks),
        moment,
        lost: &lost,
    };
    stage
        .run_until(goal, name, &mortal, lost.notified())
        .is_none()
}

/// The run lost at each of its tasks, before it and after it, each time in a world of
/// its own that is given to `then`. Answers how often it was lost.
pub fn lost_everywhere(fresh: &Stage, goal: Goal, mut then: impl FnMut(Stage, &str)) -> usize {
    let mut lost = 0;
    for moment in Moment::ALL {
        for tasks in 0.. {
            let stage = fresh.forked();
            if !is_lost(&stage, goal, "lost", tasks, moment) {
                break;
            }
            lost += 1;
            then(stage, &format!("lost {moment:?} task {tasks}"));
        }
    }
    lost
}

/// Does what `start-executions` does when it hears that a run was stopped: lets its
/// lease end in a minute and notes it in the ledger.
///
/// # Panics
/// When the request cannot be read.
pub fn bury(stage: &Stage) {
    let subject = aftermath::subject(stage).expect("a request");
    let leases = stage.simulator.look(books::leases);
    let Some(holder) = leases.get(&books::lease_of(&stage.request)) else {
        return;
    };
    let ports = stage.ports().acting_as("start-executions");
    block_on(async {
        let noted = ports
            .record_interruption(&subject.connection_id, holder)
            .await;
        noted.expect("the ledger can be written");
        let until = stage.clock.now() + OUTLIVES;
        let ends = ports.shorten_lease(&subject.region, &subject.vpc_id, holder, until);
        ends.await.expect("the lease can be shortened");
    });
}
