//! The door for people and programs: connections over HTTP.
//!
//! Asks for connections, shows how they stand, has them checked and removed.
//! It reads our own records (the ledger, the error catalogue) and starts runs
//! under names that make a repeated call harmless; it never calls EC2 or the Cloud
//! API, and nothing else can be read through it. The document of the API is
//! `infra/openapi.yaml`.

use shared::config::Config;
use shared::executions::Executions;
use shared::gateway::{Answer, Refusal, Request, Route, route};
use shared::ids::in_lower_case;
use shared::ledger::{Connection, Ledger};
use shared::{Code, StepError};
use time::OffsetDateTime;

mod explain;
mod list;
mod runs;
mod start;
mod steps;
mod view;

pub use explain::Explanation;
pub use start::Accepted;
pub use view::{ConnectionPage, ConnectionSummary, ConnectionView};

/// What can be asked of this function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Asks for a connection.
    Create,
    /// Lists connections.
    List,
    /// Shows one connection.
    Read,
    /// Has a connection removed.
    Remove,
    /// Has a connection checked now.
    Check,
    /// Explains an error code.
    Explain,
}

pub const ROUTES: [Route<Action>; 6] = [
    at("POST", "/connections", Action::Create),
    at("GET", "/connections", Action::List),
    at("GET", "/connections/{connection_id}", Action::Read),
    at("DELETE", "/connections/{connection_id}", Action::Remove),
    at("POST", "/connections/{connection_id}/check", Action::Check),
    at("GET", "/errors/{code}", Action::Explain),
];

const fn at(method: &'static str, path: &'static str, to: Action) -> Route<Action> {
    Route { method, path, to }
}

/// What the function works with.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a, L, E> {
    /// The record of connections.
    pub ledger: &'a L,
    /// Step Functions.
    pub executions: &'a E,
    /// What is allowed, and to whom.
    pub config: &'a Config,
    /// The time of the call.
    pub now: OffsetDateTime,
}

impl<L: Ledger, E: Executions> Door<'_, L, E> {
    /// Answers one request.
    ///
    /// # Errors
    /// What is not granted, with its HTTP status.
    pub async fn handle(&self, request: &Request) -> Result<Answer, Refusal> {
        self.config.admits_caller(&request.groups)?;
        let (action, parameter) = route::find(&ROUTES, request)?;
        // Ids of connections and codes are written so.
        let parameter = in_lower_case(&parameter);
        match action {
            Action::Create => self.create(request).await,
            Action::List => self.list(request).await,
            Action::Read => {
                let connection = self.find(&parameter).await?;
                Ok(Answer::json(200, &ConnectionView::of(connection))?)
            }
            Action::Remove => self.remove(request, &parameter).await,
            Action::Check => self.check(request, &parameter).await,
            Action::Explain => explain::answer(&parameter),
        }
    }

    /// A connection of the ledger.
    async fn find(&self, id: &str) -> Result<Connection, Refusal> {
        let found = if is_connection_id(id) {
            self.ledger.connection(id).await?
        } else {
            None
        };
        let unknown = || StepError::new(Code::ConnectionNotFound, format!("no connection {id}"));
        Ok(found.ok_or_else(unknown)?)
    }
}

/// Whether it has the form of a connection id: 16 hexadecimal digits.
fn is_connection_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
