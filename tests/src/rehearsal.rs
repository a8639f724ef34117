//! Runs that can be gone on with from any of their calls: what is to be tried late
//! in a run does not cost the whole run each time.

use std::cell::RefCell;

use engine::{Event, Execution, Observer, Standing};
use in_process::InProcess;
use simulator::{Call, Fault};
use steps::Steps;

use crate::run::{Goal, Stage};

/// A run that was made once, with all that stood when its states began.
pub struct Rehearsal {
    goal: Goal,
    places: Vec<Place>,
    /// What it called, also before it began.
    pub calls: Vec<Call>,
    pub execution: Execution,
}

/// Everything there was when a state began.
struct Place {
    stage: Stage,
    ports: InProcess,
    standing: Standing,
    /// How much had been called.
    called: usize,
}

struct Watcher<'a> {
    stage: &'a Stage,
    ports: &'a InProcess,
    places: RefCell<Vec<Place>>,
}

impl Observer for Watcher<'_> {
    fn event(&self, _event: &Event) {}

    fn stands(&self, standing: &dyn Fn() -> Standing) {
        let mut places = self.places.borrow_mut();
        let called = self.stage.simulator.called();
        // Of the states between two calls only the last one is of use.
        places.pop_if(|last| last.called == called);
        let stage = self.stage.copied();
        places.push(Place {
            ports: self.ports.over(stage.simulator.clone()),
            stage,
            standing: standing(),
            called,
        });
    }
}

impl Rehearsal {
    /// Runs a definition on this stage.
    pub fn of(stage: &Stage, goal: Goal, name: &str) -> Self {
        let ports = stage.ports();
        let watcher = Watcher {
            stage,
            ports: &ports,
            places: RefCell::default(),
        };
        let steps = Steps::in_process(&ports);
        let execution = stage.run_watched(goal, name, &steps, &watcher);
        Self {
            goal,
            places: watcher.places.into_inner(),
            calls: stage.simulator.calls(),
            execution,
        }
    }

    /// The same run with one fault more, which hits nothing before the call with
    /// this index in [`calls`](Self::calls). The stage is one of its own; the
    /// history is that of the part that was run anew.
    ///
    /// # Panics
    /// When the run made no such call.
    pub fn with(&self, call: usize, fault: Fault) -> (Stage, Execution) {
        let before = self.places.partition_point(|place| place.called <= call);
        let place = before.checked_sub(1).and_then(|at| self.places.get(at));
        let place = place.expect("a call of the run itself");
        let stage = place.stage.copied().with(fault);
        let ports = place.ports.over(stage.simulator.clone());
        let steps = Steps::in_process(&ports);
        let execution = stage.resume(self.goal, place.standing.clone(), &steps);
        (stage, execution)
    }
}
