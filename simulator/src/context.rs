//! What a service is told with a call, and what it says about it.

use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::calls::Caller;

/// A call of a service that knows nothing of the rest of the world.
pub(crate) struct Context<'w> {
    pub(crate) caller: &'w Caller,
    /// Where the stack is: the account and Region of the scenario.
    pub(crate) home: Caller,
    pub(crate) now: OffsetDateTime,
    needed: &'w mut Option<Vec<Authorization>>,
}

impl<'w> Context<'w> {
    /// A call. What it needs is noted if anybody wants to know.
    pub(crate) fn new(
        caller: &'w Caller,
        home: Caller,
        now: OffsetDateTime,
        needed: &'w mut Option<Vec<Authorization>>,
    ) -> Context<'w> {
        Context {
            caller,
            home,
            now,
            needed,
        }
    }

    /// Whether the caller is where the stack is.
    pub(crate) fn is_at_home(&self) -> bool {
        *self.caller == self.home
    }

    /// Notes what the call needs, if anybody wants to know.
    pub(crate) fn needs(&mut self, what: impl FnOnce() -> Vec<Authorization>) {
        if let Some(noted) = self.needed.as_mut() {
            noted.extend(what());
        }
    }
}
