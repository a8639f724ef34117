//! What is said to others: events on the default bus of EventBridge, which are kept
//! for whoever looks.

mod events;

pub use events::Event;

pub(crate) use events::render_fault;

/// Everything that was said.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// The events that EventBridge took, in order.
    pub events: Vec<Event>,
}

impl Notices {
    /// An id in the form of a UUID.
    fn id(&self) -> String {
        let number = self.events.len();
        format!("00000000-0000-4000-8000-{number:012x}")
    }
}

#[cfg(test)]
mod tests;
