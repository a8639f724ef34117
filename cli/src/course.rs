//! Where a run is on its way.

use std::cell::Cell;
use std::rc::Rc;

use engine::{Event, EventKind};
use steps::words::{self, Tale};

/// Whether the state that a run is in leads towards its goal. The function that the state
/// calls does not tell: what puts a change back calls the functions that have made it.
/// Clones share it.
#[derive(Debug, Clone)]
pub struct Course {
    tale: Tale,
    goes_forward: Rc<Cell<bool>>,
}

impl Course {
    /// That of a run of this definition, before it begins.
    pub fn of(tale: Tale) -> Self {
        Self {
            tale,
            goes_forward: Rc::default(),
        }
    }

    /// Follows the run.
    pub fn hear(&self, event: &Event) {
        if let EventKind::StateEntered { state, .. } = &event.kind {
            self.goes_forward.set(words::goes_forward(self.tale, state));
        }
    }

    /// Whether the state that was entered last leads on.
    pub fn goes_forward(&self) -> bool {
        self.goes_forward.get()
    }
}
