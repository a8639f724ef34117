//! The calls that start an execution: each answers at once, and the execution goes on.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use shared::executions::{Executions, Machine, names};
use shared::gateway::{Answer, ConnectionRequest, Refusal, Request};
use shared::ids::in_lower_case;
use shared::ledger::{Connection, Ledger, Phase};
use shared::request::{DeprovisionRequest, ProvisionRequest, RequestedBy, traffic_minutes};
use shared::{Code, StepError};

use crate::{Door, runs};

/// Seconds after which the first record of an execution can be expected.
const RETRY_AFTER: &str = "5";

/// An execution is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Accepted {
    /// The connection; its record is where the header Location says.
    #[schemars(extend("pattern" = "^[0-9a-f]{16}$"))]
    pub connection_id: String,
    /// The ARN of the execution.
    pub execution: String,
    /// Always `accepted`: how the execution goes on is in the connection's record.
    #[schemars(extend("enum" = ["accepted"]))]
    pub status: String,
}

impl<L: Ledger, E: Executions> Door<'_, L, E> {
    /// Asks for a connection.
    pub(crate) async fn create(&self, request: &Request) -> Result<Answer, Refusal> {
        let key = idempotency_key(request)?;
        let ConnectionRequest(asked) = ConnectionRequest::read(request)?;
        self.config.admits(&asked)?;
        let id = asked.subject().connection_id;
        let known = self.ledger.connection(&id).await?;
        known
            .as_ref()
            .map_or(Ok(()), |known| may_ask(known, &asked))?;
        let input = as_input(&asked)?;
        let execution = match key {
            Some(key) => {
                let name = names::by_key(&request.owner(), &key);
                runs::start_once(self.executions, Machine::Provision, &name, &key, &input).await?
            }
            None => self.provision(known, &asked, &input).await?,
        };
        accepted(request, &id, execution)
    }

    /// Starts an execution of provision without a key. A second call with the same
    /// request finds the first one's run: by its name until the ledger has it, and
    /// by the ledger from then on.
    async fn provision(
        &self,
        known: Option<Connection>,
        asked: &ProvisionRequest,
        input: &Value,
    ) -> Result<String, Refusal> {
        let id = asked.subject().connection_id;
        if let Some(known) = &known
            && !known.phase.is_over()
            && known.last_asked() == asked
        {
            let last = &known.execution;
            let same = runs::under_way(self.executions, Machine::Provision, last, input).await?;
            if let Some(execution) = same {
                return Ok(execution);
            }
        }
        let last = known.map_or_else(String::new, |known| known.execution);
        let hour = names::hour(self.now);
        let name = names::by_call(&id, &last, &input.to_string(), &hour);
        runs::start(self.executions, Machine::Provision, &name, input).await
    }

    /// Has a connection removed. A second call finds the first one's run, like
    /// that of [`Door::provision`]. What the ledger knows to be protected is refused
    /// here; tags are for the execution to look at.
    pub(crate) async fn remove(&self, request: &Request, id: &str) -> Result<Answer, Refusal> {
        let Conditions {
            force,
            cluster_is_gone,
            unless_traffic_minutes,
        } = conditions(request)?;
        let known = self.find(id).await?;
        // What was asked for in vain is nobody's: its entry may go.
        if !known.leaves_nothing() {
            asked_by_call(&known)?;
        }
        if known.request.protect && !force && !known.removal_has_begun() {
            let detail = format!("by protect: true in the request of connection {id}");
            return Err(Refusal::new(Code::ConnectionProtected, detail));
        }
        let input = as_input(&DeprovisionRequest {
            force,
            cluster_is_gone,
            unless_traffic_minutes,
            requested_by: RequestedBy::Call,
            ..known.removal()
        })?;
        let last = &known.execution;
        let same = if known.phase == Phase::Disconnecting {
            runs::under_way(self.executions, Machine::Deprovision, last, &input).await?
        } else {
            None
        };
        let execution = match same {
            Some(execution) => execution,
            None => {
                let hour = names::hour(self.now);
                let name = names::removal_by_call(id, last, &input.to_string(), &hour);
                runs::start(self.executions, Machine::Deprovision, &name, &input).await?
            }
        };
        accepted(request, id, execution)
    }

    /// Has a connection checked now. Calls of the same second are one execution.
    pub(crate) async fn check(&self, request: &Request, id: &str) -> Result<Answer, Refusal> {
        let known = self.find(id).await?;
        let input = json!({ "connection_ids": [known.connection_id] });
        let second = self.now.unix_timestamp().to_string();
        let name = names::check(id, &second);
        let execution = runs::start(self.executions, Machine::CheckFleet, &name, &input).await?;
        accepted(request, id, execution)
    }
}

/// Whether a call may ask this for a connection that the ledger knows. What is not
/// there may be asked for in any way.
fn may_ask(known: &Connection, asked: &ProvisionRequest) -> Result<(), Refusal> {
    let id = &known.connection_id;
    if known.leaves_nothing() {
        return Ok(());
    }
    if let (Some(there), Some(here)) = (&known.account_id, &asked.account_id)
        && there != here
    {
        let detail = format!("account_id: {here}, but connection {id} is in account {there}");
        return Err(Refusal::new(Code::AccountDiffers, detail));
    }
    asked_by_call(known)
}

/// What a tag asks for is the tag's: a call neither changes nor removes it.
fn asked_by_call(known: &Connection) -> Result<(), Refusal> {
    if known.request.requested_by == RequestedBy::Call {
        return Ok(());
    }
    let (vpc, id) = (&known.vpc_id, &known.connection_id);
    let detail = format!("a tag on {vpc} asks for connection {id}");
    Err(Refusal::new(Code::AskedForByTag, detail))
}

fn as_input(request: &impl Serialize) -> Result<Value, StepError> {
    serde_json::to_value(request).map_err(|error| {
        let detail = format!("the request is not JSON: {error}");
        StepError::new(Code::StepCrashed, detail)
    })
}

fn accepted(request: &Request, id: &str, execution: String) -> Result<Answer, Refusal> {
    let body = Accepted {
        connection_id: id.to_owned(),
        execution,
        status: "accepted".to_owned(),
    };
    let answer = Answer::json(202, &body)?;
    Ok(answer
        .with("location", &request.url(&format!("/connections/{id}")))
        .with("retry-after", RETRY_AFTER))
}

/// When a connection is to go.
struct Conditions {
    /// Even if it is protected.
    force: bool,
    /// Even if its cluster is not shown.
    cluster_is_gone: bool,
    /// Not if something went through it in the last so many minutes.
    unless_traffic_minutes: Option<u32>,
}

fn conditions(request: &Request) -> Result<Conditions, Refusal> {
    let query = request.query(&["force", "cluster_is_gone", "unless_traffic_minutes"])?;
    let is_set = |name: &str| match query.get(name).map(|set| in_lower_case(set)).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            let detail = format!("{name}: `{other}` is not true or false");
            Err(Refusal::new(Code::InvalidRequest, detail))
        }
    };
    let minutes = query.get("unless_traffic_minutes");
    let minutes = minutes.map(|minutes| traffic_minutes(minutes));
    Ok(Conditions {
        force: is_set("force")?,
        cluster_is_gone: is_set("cluster_is_gone")?,
        unless_traffic_minutes: minutes.transpose()?,
    })
}

/// The key of a request that may be sent again, if it has one.
fn idempotency_key(request: &Request) -> Result<Option<String>, Refusal> {
    let Some(key) = request.header("idempotency-key") else {
        return Ok(None);
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if (1..=64).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(Some(key));
    }
    let detail = format!("Idempotency-Key: `{key}` is not 1 to 64 letters, digits, `-` or `_`");
    Err(Refusal::new(Code::InvalidRequest, detail))
}
