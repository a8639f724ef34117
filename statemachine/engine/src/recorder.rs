//! Keeps the history of one execution and tells its observer.

use std::cell::RefCell;

use crate::Clock;
use crate::error_names::RUNTIME;
use crate::event::{Event, EventKind, Observer};
use crate::run::Standing;
use crate::task::TaskFailure;

/// Longest history (developer guide, "Service quotas"). Step Functions counts
/// a few kinds of events more, so an execution that comes near this number
/// here is over it there.
const LONGEST_HISTORY: usize = 25_000;

/// Writes events down with the time of the clock.
pub(crate) struct Recorder<'a, C, O> {
    clock: &'a C,
    observer: &'a O,
    /// How many events there were before those of the history.
    earlier: usize,
    history: RefCell<Vec<Event>>,
}

impl<'a, C: Clock, O: Observer> Recorder<'a, C, O> {
    pub(crate) fn new(clock: &'a C, observer: &'a O, earlier: usize) -> Self {
        Recorder {
            clock,
            observer,
            earlier,
            history: RefCell::default(),
        }
    }

    pub(crate) fn record(&self, kind: EventKind) {
        let event = Event {
            at: self.clock.now(),
            kind,
        };
        self.observer.event(&event);
        self.history.borrow_mut().push(event);
    }

    /// An execution whose history is full cannot go on.
    pub(crate) fn has_room(&self) -> Result<(), TaskFailure> {
        if self.events() < LONGEST_HISTORY {
            return Ok(());
        }
        let cause = format!("the history has {LONGEST_HISTORY} events or more");
        Err(TaskFailure::new(RUNTIME, cause))
    }

    /// Tells the observer where the execution stands; it is worked out only for
    /// one that asks.
    pub(crate) fn stands(&self, standing: &dyn Fn(usize) -> Standing) {
        self.observer.stands(&|| standing(self.events()));
    }

    fn events(&self) -> usize {
        self.earlier + self.history.borrow().len()
    }

    pub(crate) fn into_history(self) -> Vec<Event> {
        self.history.into_inner()
    }
}
