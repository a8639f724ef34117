//! The world as our own ports, without a wire: cheap enough to try every fault
//! at every call.
//!
//! Errors go through the same tables as those of the real adapters, so that a
//! code of EC2 or a status of the Cloud API means the same on both ways.

mod cloud;
mod doors;
mod endpoints;
mod executions;
mod groups;
pub mod integrations;
mod inventory;
mod ledger;
mod network;
mod places;
mod resolver;
pub mod stage;
mod traffic;
mod vpc_tags;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use shared::ec2::errors;
use shared::ids::ClusterId;
use shared::secret::{ApiKey, Secrets};
use shared::{Code, StepError};

use simulator::ec2::{Describe, Described, Filter};
use simulator::{ApiError, Caller, Refusal, Simulator, World};

/// Who says when a call is made, where several runs share one world and one thread.
pub trait Turns: Send + Sync {
    /// Asked before each call, until it is ready; then the call is made at once.
    fn poll_turn(&self, operation: &str, context: &mut Context<'_>) -> Poll<()>;
}

/// All ports of one world, for one account and Region.
pub struct InProcess {
    simulator: Simulator,
    caller: Caller,
    secret_id: String,
    key: Mutex<Option<ApiKey>>,
    turns: Option<Arc<dyn Turns>>,
}

impl InProcess {
    /// Ports for the account and Region of the scenario; the Cloud API key is in
    /// the secret of that name.
    pub fn new(simulator: Simulator, secret_id: &str) -> Self {
        let caller = simulator.look(|world| world.ec2.caller());
        Self {
            simulator,
            caller,
            secret_id: secret_id.to_owned(),
            key: Mutex::new(None),
            turns: None,
        }
    }

    /// The same ports, whose calls wait for their turns.
    #[must_use]
    pub fn in_turns(mut self, turns: Arc<dyn Turns>) -> Self {
        self.turns = Some(turns);
        self
    }

    /// The same ports, whose calls are noted as made by somebody, for example by
    /// a function. Like a process of its own they read the API key themselves.
    pub fn acting_as(&self, who: &str) -> Self {
        Self {
            simulator: self.simulator.acting_as(who),
            ..self.seen_by(self.caller.clone())
        }
    }

    /// The same ports, with what they know by now, over another world.
    pub fn over(&self, simulator: Simulator) -> Self {
        let key = self.key.lock();
        let key = key.unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            simulator,
            key: Mutex::new(key),
            ..self.seen_by(self.caller.clone())
        }
    }

    /// The same world as another caller sees it.
    fn seen_by(&self, caller: Caller) -> Self {
        Self {
            simulator: self.simulator.clone(),
            caller,
            secret_id: self.secret_id.clone(),
            key: Mutex::new(None),
            turns: self.turns.clone(),
        }
    }

    /// The world behind the ports.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// One call of EC2; `None` where it says that the thing does not exist.
    async fn ask<R, T>(
        &self,
        action: &str,
        operation: Operation<R, T>,
        request: &R,
    ) -> Result<Option<T>, StepError> {
        self.ask_unless(errors::is_absent, action, operation, request)
            .await
    }

    /// One call of EC2; `None` where it is refused with such a code.
    async fn ask_unless<R, T>(
        &self,
        is_none: fn(&str) -> bool,
        action: &str,
        operation: Operation<R, T>,
        request: &R,
    ) -> Result<Option<T>, StepError> {
        match self.call(action, operation, request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Refusal::Answer(error)) if is_none(&error.code) => Ok(None),
            Err(refusal) => Err(self.failure(action, &refusal)),
        }
    }

    /// One call of EC2.
    async fn ec2<R, T>(
        &self,
        action: &str,
        operation: Operation<R, T>,
        request: &R,
    ) -> Result<T, StepError> {
        self.call(action, operation, request)
            .await
            .map_err(|refusal| self.failure(action, &refusal))
    }

    /// What a Describe operation tells of the things that pass all these filters.
    async fn described<T>(
        &self,
        action: &str,
        operation: Operation<Describe, Described<T>>,
        filters: impl Into<Vec<Filter>>,
    ) -> Result<Vec<T>, StepError> {
        let request = Describe::filtered(filters);
        Ok(self.ec2(action, operation, &request).await?.items)
    }

    /// One call of any service, when its turn has come.
    async fn called<T>(
        &self,
        operation: &str,
        effect: impl FnOnce(&mut World) -> Result<T, ApiError>,
    ) -> Result<T, Refusal> {
        if let Some(turns) = &self.turns {
            poll_fn(|context| turns.poll_turn(operation, context)).await;
        }
        self.simulator.call(operation, effect)
    }

    /// A refusal of EC2. Whoever calls here has good credentials.
    fn failure(&self, action: &str, refusal: &Refusal) -> StepError {
        match refusal {
            Refusal::Answer(error) => {
                let region = &self.caller.region;
                errors::classify_in(region, true, action, &error.code, &error.message)
            }
            Refusal::TimedOut | Refusal::CutOff => errors::no_answer(action, &refusal.to_string()),
        }
    }

    async fn call<R, T>(
        &self,
        action: &str,
        operation: Operation<R, T>,
        request: &R,
    ) -> Result<T, Refusal> {
        self.called(&format!("ec2:{action}"), |world| {
            operation(world, &self.caller, request)
        })
        .await
    }
}

/// What was answered; an answer that did not come is an error.
fn answered<T>(call: &str, outcome: Result<T, Refusal>) -> Result<Result<T, ApiError>, StepError> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(Refusal::Answer(error)) => Ok(Err(error)),
        Err(silence @ (Refusal::TimedOut | Refusal::CutOff)) => {
            let detail = format!("{call} gave no answer: {silence}");
            Err(StepError::new(Code::AwsUnavailable, detail))
        }
    }
}

/// An operation of EC2 with its request.
type Operation<R, T> = fn(&mut World, &Caller, &R) -> Result<T, ApiError>;

impl InProcess {
    /// The one key of this world, which is for all its clusters.
    async fn read_key(&self) -> Result<ApiKey, StepError> {
        let request = json!({ "SecretId": self.secret_id });
        let asked = self
            .called("secretsmanager:GetSecretValue", |world| {
                let home = world.ec2.caller();
                world.get_secret_value(&home, &request)
            })
            .await;
        match answered("Secrets Manager GetSecretValue", asked)? {
            Ok(answer) => {
                let bytes = answer["SecretBinary"].as_str();
                let bytes = bytes.and_then(|bytes| BASE64_STANDARD.decode(bytes).ok());
                let text = answer["SecretString"].as_str();
                ApiKey::of_secret(&self.secret_id, text, bytes.as_deref())
            }
            Err(error) => Err(shared::secret::errors::classify(
                &self.secret_id,
                &error.code,
                &error.message,
            )),
        }
    }
}

impl Secrets for InProcess {
    async fn api_key(&self, _cluster: &ClusterId) -> Result<ApiKey, StepError> {
        self.read_key().await
    }
}
