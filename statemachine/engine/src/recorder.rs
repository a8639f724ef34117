//! Keeps the history of one execution and tells its observer.

use std::cell::RefCell;

use crate::event::{Event, EventKind, Observer};
use crate::{Clock, event};

/// Writes events down with the time of the clock.
pub(crate) struct Recorder<'a, C, O> {
    clock: &'a C,
    observer: &'a O,
    history: RefCell<Vec<event::Event>>,
}

impl<'a, C: Clock, O: Observer> Recorder<'a, C, O> {
    pub(crate) fn new(clock: &'a C, observer: &'a O) -> Self {
        Recorder {
            clock,
            observer,
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

    pub(crate) fn len(&self) -> usize {
        self.history.borrow().len()
    }

    pub(crate) fn into_history(self) -> Vec<Event> {
        self.history.into_inner()
    }
}
