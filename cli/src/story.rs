//! What the events of an execution mean for somebody who watches.

use engine::{Event, EventKind};
use serde_json::Value;
use shared::Code;
use shared::ids::VpcId;
use shared::progress::Pending;
use shared::report::code_and_detail;
use shared::request::Limits;
use steps::words::{self, Part, Tale, Words};
use time::{Duration, OffsetDateTime};

use crate::display::text::count;
use crate::signal::Signal;

/// A step that was begun: all visits of one state in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub words: &'static Words,
    /// When its first visit began.
    pub began: OffsetDateTime,
    /// When it was over.
    pub ended: Option<OffsetDateTime>,
    pub standing: Standing,
    /// What there is to say about it in a few words.
    pub detail: String,
    /// How often it was asked.
    pub calls: u32,
    /// How often it was asked again after an error.
    pub retries: u32,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Under way, or awaited.
    Open,
    Done,
    Failed,
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A step begins.
    Begun,
    /// The last step answered *not yet*.
    Awaiting(Pending),
    /// The last step failed and will be tried again.
    Retrying {
        /// The code of the error.
        code: Code,
        /// Seconds until the next try.
        seconds: f64,
    },
    /// The last step is done.
    Done,
    /// The last step has failed for good.
    Failed,
}

/// The steps so far.
#[derive(Debug, Clone, Default)]
pub struct Story {
    tale: Tale,
    steps: Vec<Step>,
    began: Option<OffsetDateTime>,
    /// What will be made or changed, once that is known.
    plan: Option<Value>,
    /// How many endpoints a removal finds registered, once that is known.
    registered: Option<usize>,
    last_error: Option<(String, String)>,
    /// How long another run may be waited for, in seconds.
    lease_seconds: Option<u64>,
    /// The VPC, once the request has been read.
    vpc: Option<VpcId>,
    /// Whether it is only looked, at both sides.
    is_of_a_plan: bool,
}

impl Story {
    /// The story of this definition, before it begins.
    pub fn of(tale: Tale) -> Self {
        Self {
            tale,
            ..Self::default()
        }
    }

    /// The story of looking at both sides, as the definition `provision` begins.
    pub fn of_a_plan() -> Self {
        Self {
            is_of_a_plan: true,
            ..Self::of(Tale::Connect)
        }
    }

    /// Which definition is told of.
    pub fn tale(&self) -> Tale {
        self.tale
    }

    /// Takes an event in and says what it means, if anything.
    pub fn hear(&mut self, event: &Event) -> Option<News> {
        self.began.get_or_insert(event.at);
        let state = event.kind.state()?;
        match &event.kind {
            EventKind::StateEntered { .. } => match state {
                words::LEASE => None,
                WAIT_FOR_LEASE => self.enter(self.tale.of(words::LEASE)?, event.at),
                BUSY => self.give_up(event.at),
                _ => self.enter(self.tale.of(state)?, event.at),
            },
            EventKind::WaitStarted { seconds, .. } if state == WAIT_FOR_LEASE => {
                self.await_lease(*seconds, event.at)
            }
            EventKind::TaskScheduled { .. } => {
                self.open(state)?.calls += 1;
                None
            }
            EventKind::TaskSucceeded { output, .. } => self.answer(state, output, event.at),
            EventKind::TaskFailed { error, cause, .. }
            | EventKind::EvaluationFailed { error, cause, .. } => {
                self.last_error = Some((error.clone(), cause.clone()));
                None
            }
            EventKind::RetryScheduled { delay_seconds, .. } => {
                let (error, cause) = self.last_error.clone()?;
                self.open(state)?.retries += 1;
                let (code, _) = code_and_detail(&error, &cause);
                Some(News::Retrying {
                    code,
                    seconds: *delay_seconds,
                })
            }
            // Refused, so another run holds it; that is no failure yet.
            EventKind::Caught { next, .. } if state == words::LEASE && next == LEASE_TAKEN => None,
            EventKind::Caught { .. } => {
                let (error, cause) = self.last_error.take()?;
                let step = self.open(state)?;
                step.standing = Standing::Failed;
                step.ended = Some(event.at);
                step.detail = told_of_error(&error, &cause);
                Some(News::Failed)
            }
            EventKind::ExecutionStarted { .. }
            | EventKind::WaitStarted { .. }
            | EventKind::StateExited { .. }
            | EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionFailed { .. }
            | EventKind::ExecutionTimedOut => None,
        }
    }

    /// All steps that were begun, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The VPC, once the request has been read.
    pub fn vpc(&self) -> Option<&VpcId> {
        self.vpc.as_ref()
    }

    /// The last step that was begun.
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// When the story began.
    pub fn began(&self) -> Option<OffsetDateTime> {
        self.began
    }

    /// How many steps towards the connection are done.
    pub fn done(&self) -> usize {
        let done = |step: &&Step| step.words.part == Part::Story && step.standing == Standing::Done;
        self.steps.iter().filter(done).count()
    }

    /// How many steps lead to the connection, as far as is known by now.
    pub fn total(&self) -> usize {
        match self.tale {
            // How many places there are shows on the way.
            Tale::Sweep => self.steps.len(),
            Tale::Connect if self.is_of_a_plan => 2,
            Tale::Connect => words::story_steps(self.tale, self.plan.as_ref()),
            // Each registration is a step of its own.
            Tale::Disconnect => {
                words::story_steps(self.tale, None) - 1 + self.registered.unwrap_or(1)
            }
        }
    }

    /// Whether the story has turned back. Taking away goes on whatever fails.
    pub fn is_undoing(&self) -> bool {
        self.tale == Tale::Connect
            && self.last().is_some_and(|step| {
                step.words.part == Part::Undo || step.standing == Standing::Failed
            })
    }

    fn enter(&mut self, words: &'static Words, at: OffsetDateTime) -> Option<News> {
        if self.open(words.state).is_some() {
            return None;
        }
        self.steps.push(Step {
            words,
            began: at,
            ended: None,
            standing: Standing::Open,
            detail: String::new(),
            calls: 0,
            retries: 0,
        });
        Some(News::Begun)
    }

    /// No function says that the lease is awaited, so it is said here.
    fn await_lease(&mut self, seconds: f64, at: OffsetDateTime) -> Option<News> {
        let limit_seconds = self
            .lease_seconds
            .unwrap_or(Limits::default().lease_seconds);
        let step = self.open(words::LEASE)?;
        // The look that found it taken was before the step began.
        step.calls = step.calls.max(1);
        Some(News::Awaiting(Pending {
            waiting_for: "another execution is changing this VPC".to_owned(),
            wait_seconds: seconds as u64,
            waited_seconds: u64::try_from((at - step.began).whole_seconds()).unwrap_or(0),
            limit_seconds,
            begun: Vec::new(),
            growth: None,
        }))
    }

    fn give_up(&mut self, at: OffsetDateTime) -> Option<News> {
        let step = self.open(words::LEASE)?;
        step.standing = Standing::Failed;
        step.ended = Some(at);
        step.detail = Code::ConnectionBusy.to_string();
        Some(News::Failed)
    }

    fn open(&mut self, state: &str) -> Option<&mut Step> {
        self.steps
            .last_mut()
            .filter(|step| step.words.state == state && step.standing == Standing::Open)
    }

    fn answer(&mut self, state: &str, output: &Value, at: OffsetDateTime) -> Option<News> {
        if output["status"] == "pending" {
            return serde_json::from_value(output["value"].clone())
                .ok()
                .map(News::Awaiting);
        }
        if ["ReadRequest", "ReadRemoval"].contains(&state) {
            let vpc = output["request"]["vpc_id"].as_str();
            self.vpc = vpc.and_then(|id| id.parse().ok());
            self.lease_seconds = output["request"]["limits"]["lease_seconds"].as_u64();
        }
        if state == "InspectConnection" {
            self.registered = Some(output["registered"].as_array().map_or(0, Vec::len));
        }
        if state == "InspectNetwork" {
            self.plan = Some(output["value"].clone());
        }
        let step = self.open(state)?;
        step.standing = Standing::Done;
        step.ended = Some(at);
        step.detail = told_of_answer(state, output);
        Some(News::Done)
    }
}

/// The states of waiting for another run.
const WAIT_FOR_LEASE: &str = "WaitForLease";
const BUSY: &str = "ConnectionBusy";
const LEASE_TAKEN: &str = "IsLeaseAwaited";

impl Step {
    /// How long it took, once it is over.
    pub fn took(&self) -> Option<Duration> {
        self.ended.map(|ended| ended - self.began)
    }
}

/// What a step answered, in a few words.
fn told_of_answer(state: &str, output: &Value) -> String {
    let value = &output["value"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match state {
        "ReadRequest" | "ReadRemoval" => {
            let request = &output["request"];
            format!(
                "{} in {}",
                text(&request["vpc_id"]),
                text(&request["region"])
            )
        }
        "FindOrphans" => {
            let seen = told_of_sum(output, [("places", "place"), ("findings", "finding")]);
            match output["to_remove"].as_array().map_or(0, Vec::len) {
                0 => seen,
                number => format!("{seen}, {number} to remove"),
            }
        }
        "RebuildLedger" => {
            told_of_sum(output, [("places", "place"), ("connections", "connection")])
        }
        "StartExecutionsForRemovals" => {
            count(output["done"].as_array().map_or(0, Vec::len), "connection")
        }
        "GuardRemoval" => text(&output["because"]),
        "InspectConnection" => {
            let found = output["endpoints"].as_array().into_iter().flatten();
            let found: Vec<&str> = found.filter_map(Value::as_str).collect();
            match found.is_empty() {
                true => "no endpoint of it is in the VPC".to_owned(),
                false => found.join(", "),
            }
        }
        "InspectCluster" => {
            let service = text(&value["service_name"]);
            let id = service.rsplit('.').next().unwrap_or_default();
            format!("{} offers {id}", text(&value["cluster_name"]))
        }
        "InspectNetwork" => told_of_plan(value),
        "CreateSecurityGroup" => text(&value["group_id"]),
        "CreateEndpoint" => text(&output["endpoint_id"]),
        "RegisterEndpoint" => "the cluster knows the endpoint".to_owned(),
        "CheckStatus" => "both sides are available".to_owned(),
        "EnablePrivateDns" => match output["changed"].as_bool() {
            Some(false) => "was on already".to_owned(),
            Some(true) | None => String::new(),
        },
        "CheckStatusWithPrivateDns" => text(&value["host"]),
        _ => {
            let undone = if value.is_null() {
                &output["undone"]
            } else {
                &value["undone"]
            };
            text(undone)
        }
    }
}

/// `1 place, 2 findings`: numbers of the sum so far.
fn told_of_sum(output: &Value, numbers: [(&str, &str); 2]) -> String {
    let told = numbers.map(|(field, thing)| {
        let number = output["sum"][field].as_u64().unwrap_or_default();
        count(usize::try_from(number).unwrap_or(usize::MAX), thing)
    });
    told.join(", ")
}

fn told_of_plan(plan: &Value) -> String {
    let endpoint = &plan["endpoint"];
    if let Some(existing) = endpoint["existing"].as_str() {
        return format!("{existing} is there and is used");
    }
    let zones: Vec<&str> = endpoint["zone_ids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match zones.as_slice() {
        [] => String::new(),
        [zone] => format!("a subnet in {zone}"),
        zones => format!("a subnet in each of {}", zones.join(", ")),
    }
}

fn told_of_error(error: &str, cause: &str) -> String {
    let (code, detail) = code_and_detail(error, cause);
    if let Some(signal) = Signal::of(&detail).filter(|_| code == Code::Interrupted) {
        return format!("interrupted by {}", signal.name());
    }
    if detail.is_empty() {
        code.to_string()
    } else {
        format!("{code}: {detail}")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    pub(crate) fn at(seconds: i64, kind: EventKind) -> Event {
        Event {
            at: datetime!(2030-01-01 00:00 UTC) + Duration::seconds(seconds),
            kind,
        }
    }

    pub(crate) fn entered(state: &str) -> EventKind {
        EventKind::StateEntered {
            state: state.into(),
            r#type: "Task".into(),
            input: json!({}),
        }
    }

    pub(crate) fn answered(state: &str, output: Value) -> EventKind {
        EventKind::TaskSucceeded {
            state: state.into(),
            output,
        }
    }

    pub(crate) fn failed(state: &str, error: &str, cause: &str) -> EventKind {
        EventKind::TaskFailed {
            state: state.into(),
            error: error.into(),
            cause: cause.into(),
        }
    }

    pub(crate) fn caught(state: &str, error: &str, next: &str) -> EventKind {
        EventKind::Caught {
            state: state.into(),
            error: error.into(),
            next: next.into(),
        }
    }

    pub(crate) fn pending(awaited: &str) -> Value {
        json!({"status": "pending", "value": {
            "waiting_for": awaited, "wait_seconds": 2, "waited_seconds": 0, "limit_seconds": 900,
        }})
    }

    impl Story {
        fn told(&mut self, seconds: i64, kind: EventKind) -> Option<News> {
            self.hear(&at(seconds, kind))
        }
    }

    #[test]
    fn visits_of_one_state_in_a_row_are_one_step() {
        let mut story = Story::default();
        assert_eq!(story.told(0, entered("InspectCluster")), Some(News::Begun));
        let news = story.told(0, answered("InspectCluster", pending("x")));
        assert!(matches!(news, Some(News::Awaiting(pending)) if pending.waiting_for == "x"));
        assert_eq!(story.told(5, entered("InspectCluster")), None);
        let ready = json!({"status": "ready", "value": {"cluster_name": "shop", "service_name": "com.amazonaws.vpce-svc-1"}});
        assert_eq!(
            story.told(6, answered("InspectCluster", ready)),
            Some(News::Done)
        );
        let [step] = story.steps() else {
            panic!("{:?}", story.steps())
        };
        assert_eq!(step.detail, "shop offers vpce-svc-1");
        assert_eq!(step.took(), Some(Duration::seconds(6)));
        assert_eq!(story.done(), 1);
        assert_eq!(story.total(), Story::default().total());
    }

    #[test]
    fn a_failure_is_told_by_code_and_turns_the_story_back() {
        let mut story = Story::default();
        story.told(0, entered("CreateEndpoint"));
        let cause = json!({"errorMessage": "aws-throttled: EC2 said so"}).to_string();
        story.told(0, failed("CreateEndpoint", "Transient", &cause));
        let retry = EventKind::RetryScheduled {
            state: "CreateEndpoint".into(),
            error: "Transient".into(),
            attempt: 1,
            delay_seconds: 2.0,
        };
        assert_eq!(
            story.told(0, retry),
            Some(News::Retrying {
                code: Code::AwsThrottled,
                seconds: 2.0
            })
        );
        story.told(2, failed("CreateEndpoint", "Transient", &cause));
        let caught = caught("CreateEndpoint", "Transient", "DecideUndo");
        assert_eq!(story.told(2, caught), Some(News::Failed));
        assert_eq!(story.last().unwrap().detail, "aws-throttled: EC2 said so");
        assert!(story.is_undoing());
    }

    #[test]
    fn another_run_is_told_of_only_when_it_must_be_waited_for() {
        const TAKEN: &str = "DynamoDB.ConditionalCheckFailedException";
        let wait = EventKind::WaitStarted {
            state: "WaitForLease".into(),
            seconds: 15.0,
        };
        let refused = || {
            [
                entered("TakeLease"),
                failed("TakeLease", TAKEN, ""),
                caught("TakeLease", TAKEN, "IsLeaseAwaited"),
            ]
        };
        let mut free = Story::default();
        assert_eq!(free.told(0, entered("TakeLease")), None);
        assert_eq!(free.told(0, answered("TakeLease", json!({}))), None);
        assert!(free.steps().is_empty());

        let mut story = Story::default();
        let request = json!({"request": {"limits": {"lease_seconds": 60}}});
        story.told(0, answered("ReadRequest", request));
        for event in refused() {
            assert_eq!(story.told(0, event), None);
        }
        assert_eq!(story.told(0, entered("WaitForLease")), Some(News::Begun));
        let news = story.told(0, wait.clone());
        assert!(matches!(news, Some(News::Awaiting(pending)) if pending.limit_seconds == 60));
        for event in refused() {
            assert_eq!(story.told(15, event), None);
        }
        assert_eq!(story.told(15, entered("WaitForLease")), None);
        let mut given_up = story.clone();
        let news = story.told(30, answered("TakeLease", json!({})));
        assert_eq!(news, Some(News::Done));
        assert!(!story.is_undoing());
        assert_eq!(story.done(), 0, "it is no step of the story");
        assert_eq!(story.total(), Story::default().total());

        assert_eq!(
            given_up.told(60, entered("ConnectionBusy")),
            Some(News::Failed)
        );
        assert_eq!(given_up.last().unwrap().detail, "connection-busy");
    }

    #[test]
    fn taking_away_counts_what_there_is_and_goes_on_when_a_step_fails() {
        let mut story = Story::of(Tale::Disconnect);
        let with_one = story.total();
        story.told(0, entered("InspectConnection"));
        let found = json!({"endpoints": ["vpce-1"], "registered": ["vpce-1", "vpce-2"]});
        story.told(0, answered("InspectConnection", found));
        assert_eq!(story.total(), with_one + 1);
        assert_eq!(story.last().unwrap().detail, "vpce-1");
        story.told(1, entered("DeregisterEndpoint"));
        story.told(
            1,
            failed("DeregisterEndpoint", "Rejected", "api-key-refused: no"),
        );
        let caught = caught("DeregisterEndpoint", "Rejected", "IsRegistrationLeft");
        assert_eq!(story.told(1, caught), Some(News::Failed));
        assert!(!story.is_undoing());
        story.told(1, entered("InspectConnection"));
        let nothing = json!({"endpoints": [], "registered": []});
        story.told(2, answered("InspectConnection", nothing));
        assert_eq!(story.total(), with_one - 1);
    }

    #[test]
    fn steps_that_the_plan_does_not_need_are_not_counted() {
        let mut story = Story::default();
        story.told(0, entered("InspectNetwork"));
        let plan = json!({"status": "ready", "value": {
            "endpoint": {"existing": "vpce-1", "zone_ids": []},
            "security_group": null,
            "private_host": null,
        }});
        story.told(0, answered("InspectNetwork", plan));
        // The group, and private DNS with the wait for it.
        assert_eq!(story.total(), Story::default().total() - 3);
        assert_eq!(story.last().unwrap().detail, "vpce-1 is there and is used");
    }

    #[test]
    fn steps_that_only_a_change_has_are_counted_when_the_plan_has_them() {
        let mut story = Story::default();
        story.told(0, entered("InspectNetwork"));
        let plan = json!({"status": "ready", "value": {
            "security_group": {}, "private_host": "h",
            "change": {"endpoint": {}, "sources_removed": ["10.0.0.0/8"]},
        }});
        story.told(0, answered("InspectNetwork", plan));
        assert_eq!(story.total(), Story::default().total() + 2);
    }
}
