//! Keeps the history of one execution and tells its observer.

use std::cell::{Cell, RefCell};

use crate::Clock;
use crate::error_names::RUNTIME;
use crate::event::{Event, EventKind, Observer};
use crate::run::Standing;
use crate::task::TaskFailure;

/// Longest history. The last event must be the end: an execution that comes to
/// 24,999 events succeeds with the next one or fails with it (developer guide,
/// "Avoid reaching the history quota").
const LONGEST_HISTORY: usize = 25_000;

/// Writes events down with the time of the clock.
pub(crate) struct Recorder<'a, C, O> {
    clock: &'a C,
    observer: &'a O,
    /// How many events there are by the count of Step Functions, those before
    /// the history included.
    events: Cell<usize>,
    history: RefCell<Vec<Event>>,
}

impl<'a, C: Clock, O: Observer> Recorder<'a, C, O> {
    pub(crate) fn new(clock: &'a C, observer: &'a O, earlier: usize) -> Self {
        Recorder {
            clock,
            observer,
            events: Cell::new(earlier),
            history: RefCell::default(),
        }
    }

    pub(crate) fn record(&self, kind: EventKind) {
        self.events.set(self.events.get() + kind.count());
        let event = Event {
            at: self.clock.now(),
            kind,
        };
        self.observer.event(&event);
        self.history.borrow_mut().push(event);
    }

    /// Whether so many more events leave room for the end. An execution whose
    /// history is full cannot go on, and nothing catches that.
    pub(crate) fn has_room(&self, more: usize) -> Result<(), TaskFailure> {
        if self.events.get() + more < LONGEST_HISTORY {
            return Ok(());
        }
        let cause = format!(
            "the execution reached the maximum number of history events ({LONGEST_HISTORY})"
        );
        Err(TaskFailure::new(RUNTIME, cause))
    }

    /// Tells the observer where the execution stands; it is worked out only for
    /// one that asks.
    pub(crate) fn stands(&self, standing: &dyn Fn(usize) -> Standing) {
        self.observer.stands(&|| standing(self.events.get()));
    }

    pub(crate) fn into_history(self) -> Vec<Event> {
        self.history.into_inner()
    }
}
