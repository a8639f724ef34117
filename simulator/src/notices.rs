//! What is said to others: events on the default bus of EventBridge, and
//! messages to the topic of SNS. Both are kept for whoever looks.

mod events;
mod topics;

pub use events::Event;
pub use topics::Message;

pub(crate) use events::render_fault as render_events_fault;
pub(crate) use topics::render_fault as render_topics_fault;

use crate::scenario::Scenario;

/// Everything that was said.
#[derive(Debug, Clone)]
pub struct Notices {
    /// The events that EventBridge took, in order.
    pub events: Vec<Event>,
    /// The messages that SNS took, in order.
    pub messages: Vec<Message>,
    /// The ARN of the topic.
    pub topic: String,
}

impl Notices {
    pub(crate) fn new(scenario: &Scenario) -> Notices {
        Notices {
            events: Vec::new(),
            messages: Vec::new(),
            topic: format!(
                "arn:aws:sns:{}:{}:{}",
                scenario.region, scenario.account, scenario.stack.notices_topic
            ),
        }
    }

    /// An id in the form of a UUID.
    fn id(&self) -> String {
        let number = self.events.len() + self.messages.len();
        format!("00000000-0000-4000-8000-{number:012x}")
    }
}

#[cfg(test)]
mod tests;
