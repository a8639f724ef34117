//! One run of a definition over a world in virtual time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use engine::{Clock, Execution, LoadError, Machine, Outcome, VirtualClock};
use in_process::InProcess;
use in_process::integrations::Integrations;
use serde_json::Value;
use shared::config::Config;
use shared::ownership::Tags;
use shared::report::{Explained, Ready};
use shared::settings::Settings;
use simulator::step_functions::ExecutionStatus;
use simulator::{Call, Fault, FaultKind, Moment, Scenario, Simulator};
use steps::Steps;
use tokio::runtime::Runtime;

use crate::authorization::{InRoles, judged};
use crate::policies::{HOME, REGION, STACK};

/// The secret that holds the API key in all scenarios.
pub const SECRET: &str = shared::config::DEFAULT_SECRET;

/// After this long every lease has expired that a run could not give back: longer than
/// any run may take.
pub const LEASES_EXPIRE: Duration = Duration::from_secs(40 * 3600);

thread_local! {
    static PROVISION: Machine =
        deployed("provision", steps::definition::provision(&Settings::default()));
    static DEPROVISION: Machine =
        deployed("deprovision", steps::definition::deprovision(&Settings::default()));
    /// Read once: tests begin in the same ones by the thousand.
    static SCENARIOS: RefCell<HashMap<String, Scenario>> = RefCell::default();
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
}

/// The definition of this name under the ARN that its machine has in the simulated worlds.
///
/// # Panics
/// When it could not be loaded.
pub fn deployed(name: &str, machine: Result<Machine, LoadError>) -> Machine {
    let machine = machine.expect("the definition loads");
    machine.with_arn(format!(
        "arn:aws:states:{REGION}:{HOME}:stateMachine:{STACK}-{name}"
    ))
}

/// What a run is to bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The run is one of `provision`.
    Connect,
    /// The run is one of `deprovision`.
    Disconnect,
}

impl Goal {
    fn with<T>(self, f: impl FnOnce(&Machine) -> T) -> T {
        match self {
            Goal::Connect => PROVISION.with(f),
            Goal::Disconnect => DEPROVISION.with(f),
        }
    }

    /// The ARN of the machine.
    pub fn machine_arn(self) -> String {
        self.with(|machine| machine.arn().to_owned())
    }

    /// A machine of its own, for one of several runs that are at work at the same time.
    pub fn machine(self) -> Machine {
        self.with(Machine::clone)
    }

    /// The name of the definition.
    pub fn name(self) -> &'static str {
        match self {
            Goal::Connect => "provision",
            Goal::Disconnect => "deprovision",
        }
    }

    /// The input of a run about the connection that a request of `provision` asks for.
    pub fn input(self, request: &Value) -> Value {
        if self == Goal::Connect {
            return request.clone();
        }
        let fields = [
            "cluster_id",
            "region",
            "vpc_id",
            "account_id",
            "requested_by",
            "force",
            "cluster_is_gone",
            "unless_traffic_minutes",
        ];
        let asked = fields
            .into_iter()
            .filter(|field| !request[*field].is_null());
        asked
            .map(|field| (field.to_owned(), request[field].clone()))
            .collect()
    }
}

/// A world with its clock.
pub struct Stage {
    /// The clock that world and engine share.
    pub clock: VirtualClock,
    pub simulator: Simulator,
    /// What is asked for in it.
    pub request: Value,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// A working private connection.
    Ready(Box<Ready>),
    /// The name of the failure, and its report.
    Failed(String, Box<Explained>),
}

impl Stage {
    /// The world of a shipped scenario.
    pub fn shipped(name: &str) -> Self {
        SCENARIOS.with_borrow_mut(|read| {
            let scenario = read.entry(name.to_owned());
            let scenario =
                scenario.or_insert_with(|| Scenario::shipped(name).expect("a shipped scenario"));
            Self::of(scenario)
        })
    }

    /// The world of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let clock = VirtualClock::new();
        let time = clock.clone();
        let simulator = Simulator::new(scenario, move || engine::Clock::now(&time));
        Self {
            clock,
            simulator: judged(simulator),
            request: Value::Object(scenario.request.clone()),
        }
    }

    /// Another world that begins as this one is now, without faults, and with
    /// nothing called yet.
    pub fn forked(&self) -> Self {
        let clock = VirtualClock::starting_at(engine::Clock::now(&self.clock));
        let time = clock.clone();
        Self {
            simulator: self.simulator.fork(move || engine::Clock::now(&time)),
            clock,
            request: self.request.clone(),
        }
    }

    /// Another world in which all this has happened, with the faults that are still
    /// to come.
    pub fn copied(&self) -> Self {
        let clock = VirtualClock::starting_at(engine::Clock::now(&self.clock));
        let time = clock.clone();
        Self {
            simulator: self.simulator.copy(move || engine::Clock::now(&time)),
            clock,
            request: self.request.clone(),
        }
    }

    /// The same world, where the long waits take half to two thirds of their time: for
    /// tests that try something at every call. The looks of a wait differ by what the world
    /// shows them, and it still shows each of that several times; more looks at the same
    /// are left out.
    pub fn brisk(self) -> Self {
        self.simulator.meddle(|world| {
            world.pace.service_creating = Duration::from_secs(48);
            world.pace.acceptance = Duration::from_secs(15);
            world.pace.endpoint_building = Duration::from_secs(28);
            world.pace.private_dns = Duration::from_secs(40);
        });
        self
    }

    /// The same world with another request.
    pub fn for_request(&self, request: &Value) -> Self {
        Self {
            clock: self.clock.clone(),
            simulator: self.simulator.clone(),
            request: request.clone(),
        }
    }

    /// The same world with a field of the request set.
    pub fn asking(mut self, field: &str, value: Value) -> Self {
        self.request[field] = value;
        self
    }

    /// The same world with a fault.
    pub fn with(self, fault: Fault) -> Self {
        self.simulator.add_fault(fault);
        self
    }

    /// From the `nth` call of this operation on, each is denied.
    pub fn denies(&self, operation: &str, nth: u32) {
        let fault = Fault::from_then_on(operation, nth, FaultKind::Denied, Moment::Before);
        self.simulator.add_fault(fault);
    }

    /// The same world, where this is so.
    pub fn denying(self, operation: &str, nth: u32) -> Self {
        self.denies(operation, nth);
        self
    }

    /// A field of the request that is a text; empty if it is not there.
    pub fn text(&self, field: &str) -> String {
        let text = self.request[field].as_str();
        text.unwrap_or_default().to_owned()
    }

    /// The tags of the VPC that is asked for.
    ///
    /// # Panics
    /// When it is not there.
    pub fn vpc_tags(&self) -> Tags {
        let vpc = self.text("vpc_id");
        self.simulator
            .look(|world| world.ec2.vpcs[&vpc].tags.clone())
    }

    /// Sets a tag of that VPC, or takes it off, as a person would.
    ///
    /// # Panics
    /// When it is not there.
    pub fn tag_vpc(&self, key: &str, value: Option<&str>) {
        let vpc = self.text("vpc_id");
        self.simulator.meddle(|world| {
            let tags = &mut world.ec2.vpcs.get_mut(&vpc).expect("the VPC").tags;
            match value {
                Some(value) => tags.insert(key.to_owned(), value.to_owned()),
                None => tags.remove(key),
            }
        });
    }

    /// How often an operation was called so far.
    pub fn count(&self, operation: &str) -> u32 {
        let calls = self.simulator.calls().into_iter();
        let calls = calls.filter(|call| call.operation == operation);
        u32::try_from(calls.count()).unwrap_or(u32::MAX)
    }

    /// The ports of the functions.
    pub fn ports(&self) -> InProcess {
        InProcess::new(self.simulator.clone(), SECRET)
    }

    /// What the definition calls without a function.
    pub fn integrations(&self) -> Integrations {
        Integrations::new(self.simulator.clone())
    }

    /// Runs `provision` to its end.
    pub fn provision(&self, name: &str) -> Execution {
        self.run(Goal::Connect, name)
    }

    /// Runs `deprovision` to its end, for the connection that the request asks for.
    pub fn deprovision(&self, name: &str) -> Execution {
        self.run(Goal::Disconnect, name)
    }

    /// Runs one of the two definitions to its end.
    pub fn run(&self, goal: Goal, name: &str) -> Execution {
        let ports = self.ports();
        let steps = Steps::in_process(&ports);
        self.run_by(goal, name, &steps)
    }

    /// Runs what functions have started and nobody has run yet, each to its end: by its
    /// machine, under its name and with its input, as Step Functions would.
    ///
    /// # Panics
    /// When it is of a machine that makes no connection and takes none away.
    pub fn run_started(&self) -> Vec<Execution> {
        let ports = self.ports();
        let mut ran = Vec::new();
        for run in ports.started() {
            if run.status != ExecutionStatus::Running {
                continue;
            }
            let goals = [Goal::Connect, Goal::Disconnect].into_iter();
            let goal = { goals }.find(|goal| goal.machine_arn() == run.machine);
            let goal = goal.unwrap_or_else(|| panic!("{run:?}"));
            let input: Value = serde_json::from_str(&run.input).expect("an input in JSON");
            let machine = goal.machine();
            let machine = (goal.name(), &machine);
            let execution = self.execute(machine, &run.name, input, Config::of(|_| None));
            ports.end_run(&run.arn, status_of(&execution));
            ran.push(execution);
        }
        ran
    }

    /// Runs `provision` for two requests at once, the second one so much later.
    pub fn provision_both(&self, requests: [&Value; 2], later: Duration) -> [Execution; 2] {
        self.both(requests.map(|request| (Goal::Connect, request)), later)
    }

    /// Runs two definitions at once, the second one so much later.
    pub fn both(&self, runs: [(Goal, &Value); 2], later: Duration) -> [Execution; 2] {
        let ports = self.ports();
        let steps = Steps::in_process(&ports);
        let run = async |name, (goal, request): (Goal, &Value), after| {
            let machine = goal.machine();
            self.clock.sleep(after).await;
            let input = goal.input(request);
            let steps = InRoles::new(goal.name(), &self.simulator, &steps);
            engine::run(&machine, name, input, &steps, &self.clock, &()).await
        };
        let (first, second) = block_on(async {
            tokio::join!(
                run("first", runs[0], Duration::ZERO),
                run("second", runs[1], later)
            )
        });
        [first, second]
    }

    /// Runs `provision` with other tasks.
    pub fn provision_by(&self, name: &str, tasks: &impl engine::Tasks) -> Execution {
        self.run_by(Goal::Connect, name, tasks)
    }

    /// Runs another definition of `provision` to its end.
    pub fn provision_as(&self, machine: &Machine, name: &str) -> Execution {
        let input = Goal::Connect.input(&self.request);
        self.execute(("provision", machine), name, input, Config::of(|_| None))
    }

    /// Runs a machine, by the name of its definition, to its end; the functions that start
    /// others find this in their environment.
    pub fn execute(
        &self,
        (of, machine): (&'static str, &Machine),
        name: &str,
        input: Value,
        config: Config,
    ) -> Execution {
        let ports = self.ports();
        let steps = Steps {
            config,
            ..Steps::in_process(&ports)
        };
        let steps = InRoles::new(of, &self.simulator, &steps);
        block_on(engine::run(machine, name, input, &steps, &self.clock, &()))
    }

    /// Runs a definition with other tasks.
    pub fn run_by(&self, goal: Goal, name: &str, tasks: &impl engine::Tasks) -> Execution {
        self.run_watched(goal, name, tasks, &())
    }

    /// The same, for somebody who watches.
    pub fn run_watched(
        &self,
        goal: Goal,
        name: &str,
        tasks: &impl engine::Tasks,
        observer: &impl engine::Observer,
    ) -> Execution {
        goal.with(|machine| {
            let input = goal.input(&self.request);
            let tasks = InRoles::new(goal.name(), &self.simulator, tasks);
            let run = engine::run(machine, name, input, &tasks, &self.clock, observer);
            block_on(run)
        })
    }

    /// Goes on with a run that stood there at this time, in this world.
    pub fn resume(
        &self,
        goal: Goal,
        standing: engine::Standing,
        tasks: &impl engine::Tasks,
    ) -> Execution {
        goal.with(|machine| {
            let tasks = InRoles::new(goal.name(), &self.simulator, tasks);
            let rest = engine::resume(machine, standing, &tasks, &self.clock, &());
            block_on(rest)
        })
    }

    /// The same, for a run that is lost if `lost` comes first.
    pub fn run_until(
        &self,
        goal: Goal,
        name: &str,
        tasks: &impl engine::Tasks,
        lost: impl Future<Output = ()>,
    ) -> Option<Execution> {
        goal.with(|machine| {
            let input = goal.input(&self.request);
            let tasks = InRoles::new(goal.name(), &self.simulator, tasks);
            block_on(async {
                tokio::select! {
                    biased;
                    execution = engine::run(machine, name, input, &tasks, &self.clock, &()) => Some(execution),
                    () = lost => None,
                }
            })
        })
    }
}

/// How Step Functions says that it ended.
pub fn status_of(execution: &Execution) -> ExecutionStatus {
    match execution.outcome {
        Outcome::Succeeded(_) => ExecutionStatus::Succeeded,
        Outcome::Failed { .. } => ExecutionStatus::Failed,
        Outcome::TimedOut => ExecutionStatus::TimedOut,
    }
}

/// Drives a future that waits for nothing but virtual time.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Reads the ending of a run; anything that is not one of the promised endings
/// is a failed test.
pub fn ending(execution: &Execution) -> Ending {
    match &execution.outcome {
        Outcome::Succeeded(output) => {
            let ready = serde_json::from_value(output.clone()).expect("a Ready as output");
            Ending::Ready(Box::new(ready))
        }
        Outcome::Failed { error, cause } => {
            Ending::Failed(error.clone(), Box::new(explained(error, cause)))
        }
        Outcome::TimedOut => panic!("the machine timed out"),
    }
}

/// Reads the cause of a run that failed.
///
/// # Panics
/// When it is not in the form that all of them have.
pub fn explained(error: &str, cause: &str) -> Explained {
    Explained::parse(cause)
        .unwrap_or_else(|why| panic!("{error} without a report ({why}): {cause}"))
}

/// What a run answered that has ended well.
///
/// # Panics
/// When it has not.
#[track_caller]
pub fn ready_after(execution: &Execution) -> Ready {
    match ending(execution) {
        Ending::Ready(ready) => *ready,
        Ending::Failed(name, failure) => panic!("{name}: {failure:#?}"),
    }
}

/// Seconds between the beginnings of two runs: from *at once* to *nearly done*.
pub const OFFSETS: [u64; 7] = [0, 1, 5, 30, 90, 150, 240];

/// Whether a run had to wait for the other one.
pub fn has_waited(execution: &Execution) -> bool {
    let states = execution.history.iter();
    let mut states = states.filter_map(|event| event.kind.state());
    states.any(|state| state == "WaitForLease")
}

/// Every kind of fault of an operation, before and after its effect. What only reads has
/// none that an answer could be lost after.
pub fn all_faults(operation: &str) -> impl Iterator<Item = (FaultKind, Moment)> + use<> {
    let moments: &'static [Moment] = match changes(operation) || keeps_books(operation) {
        true => &Moment::ALL,
        false => &[Moment::Before],
    };
    let kinds = FaultKind::ALL.into_iter();
    kinds.flat_map(move |kind| moments.iter().map(move |moment| (kind, *moment)))
}

/// Every fault at each of these calls: one that passes, or one that lasts. What happens if
/// an operation fails from some call on is tried at the first call of each operation, and
/// at every later one that changes something.
pub fn faults_at(calls: &[Call], lasts: bool) -> Vec<Fault> {
    let fault: fn(String, u32, FaultKind, Moment) -> Fault = match lasts {
        true => Fault::from_then_on,
        false => Fault::once,
    };
    let is_tried = |call: &&Call| !lasts || may_fail_from(call);
    let tried = calls.iter().filter(is_tried);
    let faults = tried.flat_map(|call| {
        all_faults(&call.operation)
            .map(move |(kind, at)| fault(call.operation.clone(), call.nth, kind, at))
    });
    faults.collect()
}

/// Whether it makes a difference that an operation fails from this call on.
pub fn may_fail_from(call: &Call) -> bool {
    call.nth == 1 || changes(&call.operation) || keeps_books(&call.operation)
}

/// Whether an operation of a service changes something there.
pub fn changes(operation: &str) -> bool {
    let reads = ["Describe", "Get", "GET", "List", "AssumeRole"];
    !keeps_books(operation) && !reads.iter().any(|reads| operation.contains(reads))
}

/// Whether an operation is about ledger, leases and announcements, which change
/// nothing about the connection.
pub fn keeps_books(operation: &str) -> bool {
    operation.starts_with("dynamodb:") || operation.starts_with("events:")
}
