//! The longest runs that may be, against the limits of Step Functions: every wait
//! lasts as long as the greatest limit allows, and calls fail as often as they may.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Clock, EventKind, Execution, Outcome, TaskFailure, Tasks, VirtualClock};
use serde_json::{Value, json};
use shared::Code;
use shared::progress::{Progress, Wait};
use shared::request::Limits;
use shared::settings::Settings;
use steps::definition;
use steps::{Steps, function_of};
use system_tests::run::{Goal, Stage, block_on, ready_after};
use time::OffsetDateTime;

/// Step Functions ends a run that has more events (developer guide, "Service quotas").
const MOST_EVENTS: usize = 25_000;

/// Room for what a longer definition may need one day.
const ROOM: usize = 4_000;

/// Answers for every function: all waits take as long as they may.
struct Slow<'a> {
    clock: &'a VirtualClock,
    began: OffsetDateTime,
    /// Where the way forward ends.
    fails: &'static str,
    /// Whether the connection was there before.
    changed: bool,
    /// How each call fails before it is answered, and how often.
    failing: Option<(&'static str, u32)>,
    failed: RefCell<BTreeMap<String, u32>>,
}

impl Slow<'_> {
    fn new<'a>(clock: &'a VirtualClock, fails: &'static str) -> Slow<'a> {
        Slow {
            clock,
            began: clock.now(),
            fails,
            changed: false,
            failing: None,
            failed: RefCell::default(),
        }
    }

    /// Everything that any function answers, and then some.
    fn everything(&self) -> Value {
        let limits = json!(Limits::MAX);
        let mut request = json!({
            "requested_by": "vpc-tag", "on_failure": "rollback",
            "private_dns": true, "tags": {}, "sql_user": null, "database": "defaultdb",
            "unless_changed": null, "unless_traffic_minutes": null, "force": true,
            "cluster_is_gone": false,
            "limits": limits,
        });
        for (field, seconds) in Limits::MAX.named() {
            request[field] = json!(seconds);
        }
        json!({
            "request": request, "unless_changed": null,
            "tags": {}, "twins": [],
            "connection": {
                "connection_id": "x", "account_id": null, "region": "eu-west-1",
                "vpc_id": "vpc-1", "cluster_id": "c",
            },
            "cluster_name": "n", "service_name": "s", "routing_id": "r", "private_host": "h",
            "notes": [], "account_id": "111122223333", "trust_account": null,
            "security_group": {"name": "g"}, "endpoint": {"service_name": "s"},
            "undo": {"anything": !self.changed, "registration": true, "private_dns": true},
            "change": {
                "endpoint": {}, "former_endpoint": {}, "former_group": {},
                "sources_added": ["a"], "sources_removed": ["b"],
            },
            "group_id": "sg-1", "endpoint_id": "vpce-1",
            "host": "h", "port": 1, "connection_string": "s", "undone": "it is gone",
            "endpoints": ["vpce-1"], "registered": registered(), "distrust_account": null,
            "outcome": { "phase": "p", "sentence": "s", "at": "t", "failure": null },
            "notice": {},
        })
    }

    fn function(&self, function: &str, arguments: &Value) -> Result<Value, TaskFailure> {
        if let Some((error, times)) = self.failing {
            let mut failed = self.failed.borrow_mut();
            let so_far = failed.entry(function.to_owned()).or_default();
            *so_far += 1;
            if *so_far <= times {
                return Err(TaskFailure::new(error, ""));
            }
            *so_far = 0;
        }
        let everything = self.everything();
        if let Some(wait) = arguments.get("wait") {
            let wait: Wait = serde_json::from_value(wait.clone()).expect("a wait");
            // Ready at the very last look.
            return Ok(match wait.pending::<Value>("it", Code::StateNotSettled) {
                Ok(pending) => json!(pending),
                Err(_) => json!(Progress::Ready(everything)),
            });
        }
        if function == self.fails && !self.has_failed(function) {
            return Err(TaskFailure::new("Rejected", "said so"));
        }
        Ok(everything)
    }

    /// Whether it is asked for the second time: to put back.
    fn has_failed(&self, function: &str) -> bool {
        let mut failed = self.failed.borrow_mut();
        failed.insert(format!("final/{function}"), 1).is_some()
    }
}

/// As many endpoints as the ledger keeps registrations of.
fn registered() -> Vec<String> {
    (0..inspect_network::MOST_REGISTRATIONS)
        .map(|n| format!("vpce-{}", n + 1))
        .collect()
}

impl Tasks for Slow<'_> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if let Some(function) = function_of(resource) {
            return self.function(function, &arguments);
        }
        if resource.ends_with(":getItem") {
            let left = registered().into_iter();
            let left = left.map(|id| json!({ "endpoint_id": id, "trusted_account": null }));
            let left = Value::from_iter(left).to_string();
            return Ok(json!({ "Item": { "registrations": { "S": left } } }));
        }
        let is_lease = arguments["UpdateExpression"]
            .as_str()
            .is_some_and(|update| update.contains("holder"));
        let waited = (self.clock.now() - self.began).whole_seconds();
        let longest = i64::try_from(Limits::MAX.lease_seconds).expect("a few hours");
        if is_lease && waited < longest {
            let error = "DynamoDB.ConditionalCheckFailedException";
            return Err(TaskFailure::new(error, ""));
        }
        Ok(json!({}))
    }
}

/// The greatest fleet, as `docs/operate.md` says it: connections, places, and orphans.
const CONNECTIONS: usize = 5_000;
const PLACES: usize = 500;
const ORPHANS: usize = 500;

/// Answers for the functions of `check-fleet` and `sweep`, each call at the second
/// attempt.
#[derive(Default)]
struct Fleet {
    /// In how many calls one pass of a sweep tells its findings.
    pages: usize,
    /// How often each was called.
    called: RefCell<BTreeMap<String, usize>>,
}

impl Fleet {
    /// The answer to the `nth` call that is answered.
    fn answer(&self, function: &str, nth: usize, arguments: &Value) -> Value {
        match function {
            "check-fleet" => {
                // After the last batch, one more call notes what was announced.
                let batches = CONNECTIONS / check_fleet::BATCH;
                let is_batch = nth <= batches;
                let change = json!({ "detail_type": "Connection Drifted", "notice": {} });
                json!({
                    "next": is_batch.then_some("x"),
                    "changes": list(is_batch, change),
                    "to_repair": list(is_batch, json!("x")),
                    "counts": {}, "trouble": null,
                })
            }
            "find-orphans" => {
                let removes = arguments["remove"] == true;
                let finding = json!({ "kind": "k", "code": "c", "sentence": "s", "kept": null });
                json!({
                    "next": (!nth.is_multiple_of(self.pages)).then_some(nth),
                    "sum": {
                        "removable": ORPHANS, "unrecorded": CONNECTIONS,
                        "recorded": CONNECTIONS, "unseen": [],
                    },
                    "findings": [finding],
                    "notices": list(!removes, json!({})),
                    "to_remove": list(removes, json!({})),
                })
            }
            "rebuild-ledger" => json!({
                "next": (nth < PLACES).then_some(nth),
                "sum": { "unseen": [] },
                "entries": [{}],
            }),
            // What it is asked for is started, or one of all places is searched.
            _ => json!({ "done": [{ "execution": "x" }], "places": PLACES }),
        }
    }
}

/// A list of one thing, if it is there.
fn list(is_there: bool, thing: Value) -> Value {
    if is_there { json!([thing]) } else { json!([]) }
}

impl Tasks for Fleet {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let attempt = {
            let mut called = self.called.borrow_mut();
            let called = called.entry(resource.to_owned()).or_default();
            *called += 1;
            *called
        };
        if attempt % 2 == 1 {
            return Err(TaskFailure::new("Transient", ""));
        }
        Ok(match function_of(resource) {
            Some(function) => self.answer(function, attempt / 2, &arguments),
            None => json!({}),
        })
    }
}

#[test]
fn the_greatest_fleet_is_checked_and_swept_within_the_longest_history() {
    let region = "eu-west-1".parse().expect("a Region");
    let told = Settings::default();
    let check = definition::check_fleet(&region, "", true, &told).expect("it loads");
    let sweep = definition::sweep(&region, "", &told).expect("it loads");
    // The most calls that tell of everything in a lost ledger: in each place one
    // finding, and all others in one of them.
    let lost = PLACES + (CONNECTIONS - PLACES) / find_orphans::BATCH;
    let complete = json!({ "apply": true, "ledger_is_complete": true });
    for (machine, input, pages, expected, least) in [
        // Every connection has drifted and is repaired, and then each place is searched.
        (&check, json!({}), 0, "", 20_000),
        // An orphan in each place is told of, and then removed.
        (&sweep, complete, ORPHANS, "", 20_000),
        (
            &sweep,
            json!({ "apply": true }),
            lost,
            "SweepFailed",
            19_000,
        ),
        (&sweep, json!({ "rebuild": true }), 0, "", 5_000),
    ] {
        let fleet = Fleet {
            pages,
            ..Fleet::default()
        };
        let clock = VirtualClock::new();
        let machine = machine.clone().with_jitter(|full: Duration| full);
        let run = engine::run(&machine, "fleet", input.clone(), &fleet, &clock, &());
        let execution = block_on(run);
        assert_eq!(error(&execution), expected, "{input}");
        let events = events(&execution);
        assert!(events + ROOM < MOST_EVENTS, "{input}: {events} events");
        assert!(events >= least, "{input}: {events} events are not the most");
    }
}

fn events(execution: &Execution) -> usize {
    let history = &execution.history;
    history.iter().map(|event| event.kind.count()).sum()
}

fn error(execution: &Execution) -> &str {
    match &execution.outcome {
        Outcome::Failed { error, .. } => error,
        Outcome::Succeeded(_) => "",
        Outcome::TimedOut => "timed out",
    }
}

/// How each call may fail before it is answered: not at all, as often as it is tried
/// again, and throttled as long as that is waited for.
const FAILINGS: [Option<(&str, u32)>; 3] = [
    None,
    Some(("Transient", 7)),
    Some(("Lambda.TooManyRequestsException", 30)),
];

/// Runs a machine as slowly as it may go, with pauses that are as long as they may
/// be or half of that, which is what they are on average.
fn longest(goal: Goal, fails: &'static str, changed: bool) -> Vec<(usize, String)> {
    let mut runs = Vec::new();
    for failing in FAILINGS {
        for part in [1, 2] {
            let clock = VirtualClock::new();
            let tasks = Slow {
                changed,
                failing,
                ..Slow::new(&clock, fails)
            };
            let machine = goal.machine();
            let machine = machine.with_jitter(move |full: Duration| full / part);
            let run = engine::run(&machine, "slow", json!({}), &tasks, &clock, &());
            let execution = block_on(run);
            let ended = error(&execution).to_owned();
            runs.push((events(&execution), ended));
        }
    }
    runs
}

#[test]
fn the_longest_run_that_is_allowed_stays_below_the_longest_history() {
    // Undone as a whole, and put back to what it was.
    for changed in [false, true] {
        for (events, ended) in longest(Goal::Connect, "trim-security-group", changed) {
            assert_eq!(ended, "RolledBack");
            assert!(events + ROOM < MOST_EVENTS, "{events} events");
            assert!(events > 8_000, "{events} events are not the longest run");
        }
    }
    for (events, ended) in longest(Goal::Disconnect, "", false) {
        assert_eq!(ended, "");
        assert!(events + ROOM < MOST_EVENTS, "{events} events");
        assert!(events > 4_000, "{events} events are not the longest run");
    }
}

/// Tells everybody who calls a function so many times that too many do.
struct Crowded<'a, T> {
    tasks: &'a T,
    times: u32,
    called: RefCell<BTreeMap<String, u32>>,
    refused: Cell<u32>,
}

impl<T: Tasks> Tasks for Crowded<'_, T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if function_of(resource).is_some() {
            let called = {
                let mut called = self.called.borrow_mut();
                let called = called.entry(resource.to_owned()).or_default();
                *called += 1;
                *called
            };
            if called <= self.times {
                self.refused.set(self.refused.get() + 1);
                let cause = "Rate Exceeded.";
                return Err(TaskFailure::new("Lambda.TooManyRequestsException", cause));
            }
        }
        self.tasks.invoke(resource, arguments).await
    }
}

#[test]
fn a_run_waits_in_a_crowd_and_does_not_fail() {
    // The time until a function is called counts towards the limit of its step, but for
    // the first look.
    let stage = Stage::shipped("fresh-vpc");
    let ports = stage.ports();
    let steps = Steps::in_process(&ports);
    let crowded = Crowded {
        tasks: &steps,
        times: 15,
        called: RefCell::default(),
        refused: Cell::new(0),
    };
    let execution = stage.provision_by("crowded", &crowded);
    ready_after(&execution);
    assert!(crowded.refused.get() > 15 * 8, "{}", crowded.refused.get());

    // What went wrong otherwise is counted for itself.
    let retries = execution.history.iter().filter(
        |event| matches!(&event.kind, EventKind::RetryScheduled { error, .. } if error != "Lambda.TooManyRequestsException"),
    );
    assert_eq!(retries.count(), 0);
}
