//! A world with a VPC whose tags are changed, events about it, and runs whose part
//! is played as the definitions would play it, as far as the ledger, the lease and
//! the status tag go.

use std::collections::BTreeMap;

use in_process::stage::{Stage, at_once};
use serde_json::{Value, json};
use shared::StepErrorName;
use shared::config::Config;
use shared::executions::Machine;
use shared::ids::VpcId;
use shared::ledger::{Connection, Phase};
use shared::ownership::{Tags, connection_id};
use shared::request::RequestedBy;
use simulator::Scenario;
use simulator::step_functions::{Execution, ExecutionStatus};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Door, Known, Report, handle};

pub(super) const PREFIX: &str = "cockroachdb-privatelink";
pub(super) const A: &str = "1a2b3c4d-0000-4000-8000-00000000000a";
pub(super) const B: &str = "1a2b3c4d-0000-4000-8000-00000000000b";
pub(super) const ACCOUNT: &str = "111122223333";

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With what it was to do.
    Well,
    /// With nothing done, and this recorded.
    Badly,
    /// From outside: nothing is recorded, and the lease stays.
    Stopped,
    /// With what it was to do, but it could not be recorded.
    Unrecorded,
}

pub(super) struct Scene {
    pub(super) stage: Stage,
    known: Known,
    /// Events that are on their way, in the order of what they tell.
    pub(super) events: Vec<Value>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(&[], |_| {})
    }

    pub(super) fn with(
        variables: &[(&'static str, &str)],
        change: impl FnOnce(&mut Scenario),
    ) -> Self {
        let stage = Stage::changed("fresh-vpc", change);
        let arn = |machine| stage.ports.machine_arn(machine);
        let alias = format!("{}:live", arn(Machine::Deprovision));
        let mut all = BTreeMap::from([
            ("OWN_ACCOUNT", ACCOUNT.to_owned()),
            ("OTHER_ACCOUNT_ROLE", "crdb-privatelink".to_owned()),
            ("PROVISION_MACHINE", arn(Machine::Provision)),
            ("DEPROVISION_MACHINE", alias),
        ]);
        let variables = variables.iter();
        all.extend(variables.map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            known: Known::new(Config::of(|name| all.get(name).cloned())),
            stage,
            events: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.stage.wait().now
    }

    pub(super) fn vpc(&self) -> VpcId {
        self.stage.request.vpc_id.clone()
    }

    pub(super) fn id(&self, cluster: &str) -> String {
        let region = &self.stage.request.region;
        connection_id(region, &self.vpc(), &cluster.parse().unwrap())
    }

    /// One call of the function.
    pub(super) fn answer(&self, input: &Value) -> Result<Report, shared::StepError> {
        let ports = &self.stage.ports;
        let door = Door {
            places: ports,
            ledger: ports,
            executions: ports,
        };
        at_once(handle(door, &self.known, self.now(), input))
    }

    /// One call about a change of these tags, which must succeed.
    pub(super) fn told(&self, call: &str, names: &[&str]) -> Report {
        self.answer(&self.api_call(call, names)).unwrap()
    }

    /// One run for this cluster, asked for by a tag and at work.
    pub(super) fn at_work(&mut self, cluster: &str) -> Execution {
        self.retag(&[("cluster-id", Some(cluster))]);
        self.answer(&self.events[0]).unwrap();
        let run = self.running().remove(0);
        self.work(&run, Ending::Well);
        run
    }

    /// The only run that was started.
    pub(super) fn run(&self) -> Execution {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// What the status tag of the VPC says, if anything.
    pub(super) fn refusal(&self) -> Option<String> {
        self.tags().get(&format!("{PREFIX}:status")).cloned()
    }

    /// The search for lost events in one of these places and those of the ledger.
    pub(super) fn search(&self, always: &str, turn: usize) -> Report {
        let search = json!({ "search": { "always": always, "turn": turn } });
        self.answer(&search).unwrap()
    }

    /// The same in the own place, which is the only one, without trouble.
    pub(super) fn find(&self) {
        let report = self.search("eu-west-1", 0);
        assert_eq!((report.places, report.trouble), (Some(1), None));
    }

    /// What the ledger has of a connection, read past all faults.
    pub(super) fn connection(&self, cluster: &str) -> Option<Connection> {
        self.stage.ports.recorded(&self.id(cluster))
    }

    pub(super) fn tags(&self) -> Tags {
        self.stage
            .look(|world| world.ec2.vpcs[self.vpc().as_str()].tags.clone())
    }

    /// Changes our tags of the VPC; `None` removes one.
    pub(super) fn retag(&mut self, tags: &[(&str, Option<&str>)]) {
        self.stage.advance(1);
        let vpc = self.vpc();
        self.stage.meddle(|world| {
            let own = &mut world.ec2.vpcs.get_mut(vpc.as_str()).unwrap().tags;
            for (name, value) in tags {
                let key = format!("{PREFIX}:{name}");
                match value {
                    Some(value) => own.insert(key, (*value).to_owned()),
                    None => own.remove(&key),
                };
            }
        });
        let keys: Vec<&str> = tags.iter().map(|(name, _)| *name).collect();
        let events = [self.tag_change(&keys), self.api_call("CreateTags", &keys)];
        self.events.extend(events);
    }

    fn text_of(&self, at: OffsetDateTime) -> String {
        at.format(&Rfc3339).unwrap()
    }

    /// The event about a change of these tags of ours, made now.
    pub(super) fn tag_change(&self, names: &[&str]) -> Value {
        let mut event = self.here(include_str!("../../events/tag-change.json"));
        let arn = format!("arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/{}", self.vpc());
        event["resources"] = json!([arn]);
        let keys = names.iter().map(|name| json!(format!("{PREFIX}:{name}")));
        event["detail"]["changed-tag-keys"] = keys.collect();
        event["detail"]["tags"] = json!(self.tags());
        event
    }

    /// CloudTrail's event about such a call, made now.
    pub(super) fn api_call(&self, call: &str, names: &[&str]) -> Value {
        let mut event = self.here(include_str!("../../events/create-tags.json"));
        event["detail"]["eventName"] = json!(call);
        let keys = names.iter();
        let keys = keys.map(|name| json!({ "key": format!("{PREFIX}:{name}") }));
        event["detail"]["requestParameters"] = json!({
            "resourcesSet": { "items": [
                { "resourceId": "subnet-0a10000000000000a" },
                { "resourceId": self.vpc() },
            ] },
            "tagSet": { "items": keys.collect::<Vec<_>>() },
        });
        event
    }

    /// The event, here and now.
    fn here(&self, event: &str) -> Value {
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["account"] = json!(ACCOUNT);
        event["region"] = json!("eu-west-1");
        event["time"] = json!(self.text_of(self.now()));
        event
    }

    pub(super) fn runs(&self) -> Vec<Execution> {
        self.stage.ports.started()
    }

    /// The runs that have not ended.
    pub(super) fn running(&self) -> Vec<Execution> {
        let mut runs = self.runs();
        runs.retain(|run| run.status == ExecutionStatus::Running);
        runs
    }

    /// The names of the machines of all runs so far, in order.
    pub(super) fn story(&self) -> Vec<&'static str> {
        let word = |run: &Execution| match is_deprovision(run) {
            true => "deprovision",
            false => "provision",
        };
        self.runs().iter().map(word).collect()
    }

    pub(super) fn holder(&self) -> Option<String> {
        let region = &self.stage.request.region;
        self.stage.ports.lease_holder(region, &self.vpc())
    }

    /// The lease is this run's for so many seconds.
    fn lease(&self, run: &Execution, seconds: i64) {
        let until = self.now().unix_timestamp() + seconds;
        let region = &self.stage.request.region;
        let ports = &self.stage.ports;
        ports.put_lease(region, &self.vpc(), &run.arn, until);
    }

    /// A run takes a step: it takes the lease and tells the ledger, or if it has
    /// done so, it ends. Without the lease it waits, for one that was stopped a minute.
    pub(super) fn work(&mut self, run: &Execution, ending: Ending) {
        self.stage.advance(1);
        match self.holder() {
            None => {
                self.lease(run, 100_000);
                self.stage.ports.begin_run(run);
            }
            Some(holder) if holder == run.arn => self.end(run, ending),
            Some(holder) if self.running().iter().all(|it| it.arn != holder) => {
                self.stage.advance(60);
            }
            Some(_) => {}
        }
    }

    fn end(&mut self, run: &Execution, ending: Ending) {
        let input: Value = serde_json::from_str(&run.input).unwrap();
        let cluster = input["cluster_id"].as_str().unwrap().to_owned();
        let (phase, status) = match (ending, is_deprovision(run)) {
            (Ending::Well, false) => (Some(Phase::Ready), ExecutionStatus::Succeeded),
            (Ending::Badly, false) => (Some(Phase::RolledBack), ExecutionStatus::Failed),
            (Ending::Badly, true) => (Some(Phase::DisconnectIncomplete), ExecutionStatus::Failed),
            (Ending::Well, true) | (Ending::Unrecorded, _) => (None, ExecutionStatus::Succeeded),
            (Ending::Stopped, _) => (None, ExecutionStatus::Aborted),
        };
        // A second run that takes the same connection away finds nothing to record.
        if let (Some(phase), Some(before)) = (phase, self.connection(&cluster)) {
            self.stage.ports.put_connection(&Connection {
                phase,
                updated_at: self.now(),
                stands_since: (phase == Phase::Ready).then(|| self.now()),
                ..before
            });
        }
        let taken_away = ending == Ending::Well && is_deprovision(run);
        if taken_away {
            self.stage.ports.forget_connection(&self.id(&cluster));
        }
        let by_tag = input["requested_by"] == json!(RequestedBy::VpcTag);
        if by_tag && (phase.is_some() || taken_away) {
            let now = self.text_of(self.now());
            let value = phase.map(|phase| format!("{} - {now}", phase.as_str()));
            let key = format!("status:{cluster}");
            self.retag(&[(&key, value.as_deref())]);
        }
        if ending != Ending::Stopped {
            self.lease(run, -1);
        }
        self.stage.ports.end_run(&run.arn, status);
        let event = self.status_change(run, status);
        self.events.push(event);
    }

    /// The event about the end of a run.
    pub(super) fn status_change(&self, run: &Execution, status: ExecutionStatus) -> Value {
        let mut event = self.here(include_str!("../../events/execution-status.json"));
        event["resources"] = json!([run.arn]);
        let detail = &mut event["detail"];
        detail["executionArn"] = json!(run.arn);
        detail["stateMachineArn"] = json!(run.machine);
        detail["name"] = json!(run.name);
        detail["status"] = json!(status.word());
        detail["input"] = json!(run.input);
        event
    }

    /// Delivers everything and lets all runs end well, until nothing happens any more.
    pub(super) fn come_to_rest(&mut self) {
        for _ in 0..200 {
            let events = std::mem::take(&mut self.events);
            let running = self.running();
            if events.is_empty() && running.is_empty() {
                return;
            }
            for event in events {
                // What fails is delivered once more, as AWS would do it.
                if let Err(error) = self.answer(&event) {
                    assert_eq!(error.name(), StepErrorName::Transient, "{error}");
                    self.answer(&event).unwrap();
                }
            }
            for run in running {
                self.work(&run, Ending::Well);
            }
        }
        panic!("no rest: {:?}", self.story());
    }
}

pub(super) fn is_deprovision(run: &Execution) -> bool {
    run.machine.ends_with("-deprovision")
}
