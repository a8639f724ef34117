//! A world in virtual time, for the tests of single steps.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::StepError;
use shared::ledger::{self, Milestone, Phase};
use shared::ownership::Claim;
use shared::progress::{Progress, Wait};
use shared::report::{Ready, SQL_PORT};
use shared::request::ProvisionRequest;
use simulator::cloud::Connection;
use simulator::ec2::{Endpoint, SecurityGroup};
use simulator::scenario::EndpointSpec;
use simulator::{Fault, FaultKind, Moment, Scenario, Simulator, World};
use time::OffsetDateTime;

use super::InProcess;

/// When every world begins, in seconds since 1970.
const BEGIN: i64 = 1_800_000_000;

/// A world with its ports and its clock.
pub struct Stage {
    /// The ports of the world.
    pub ports: InProcess,
    /// What is asked for in it.
    pub request: ProvisionRequest,
    /// The connection that is asked for.
    pub claim: Claim,
    now: Arc<AtomicI64>,
    since: AtomicI64,
}

/// Everything that a step may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Things {
    /// The endpoints that are neither gone nor going.
    pub endpoints: BTreeMap<String, Endpoint>,
    pub groups: BTreeMap<String, SecurityGroup>,
    /// The registrations, by cluster.
    pub registrations: Vec<(String, Connection)>,
    /// The accounts that may connect, by cluster.
    pub trusted: Vec<(String, String)>,
}

/// The entry of a connection of which nothing more is known than that a run has come
/// so far with it.
pub fn entry(request: ProvisionRequest, phase: Phase, at: OffsetDateTime) -> ledger::Connection {
    let connection = request.subject();
    ledger::Connection {
        connection_id: connection.connection_id,
        account_id: None,
        region: connection.region,
        vpc_id: connection.vpc_id,
        cluster_id: connection.cluster_id,
        cluster_name: None,
        request,
        asked: None,
        phase,
        timeline: vec![Milestone { phase, at }],
        execution: "arn:aws:states:eu-west-1:111122223333:execution:provision:1".to_owned(),
        started_at: at,
        updated_at: at,
        endpoint_id: None,
        security_group_id: None,
        service_name: None,
        stands_since: (phase == Phase::Ready).then_some(at),
        ready: None,
        registrations: Vec::new(),
        outcome: None,
        health: None,
    }
}

impl Stage {
    /// The world of a shipped scenario.
    pub fn shipped(name: &str) -> Self {
        Self::changed(name, |_| {})
    }

    /// The world of a shipped scenario with a change.
    pub fn changed(name: &str, change: impl FnOnce(&mut Scenario)) -> Self {
        let mut scenario = Scenario::shipped(name).expect("a shipped scenario");
        // A test makes many calls in one moment.
        scenario.habits.requests_per_second = 0;
        change(&mut scenario);
        let request = serde_json::Value::Object(scenario.request.clone());
        let request = ProvisionRequest::parse(&request).expect("a valid request");
        let now = Arc::new(AtomicI64::new(BEGIN));
        let clock = Arc::clone(&now);
        let simulator = Simulator::new(&scenario, move || moment(&clock));
        Self {
            ports: InProcess::new(simulator, shared::config::DEFAULT_SECRET),
            claim: request.subject().claim(),
            request,
            now,
            since: AtomicI64::new(BEGIN),
        }
    }

    /// The world of a shipped scenario with a change of its first endpoint.
    pub fn with_endpoint(name: &str, change: impl FnOnce(&mut EndpointSpec, &Claim)) -> Self {
        Self::changed(name, |scenario| {
            let claim = claim(scenario);
            change(&mut scenario.vpcs[0].endpoints[0], &claim);
        })
    }

    pub fn advance(&self, seconds: u64) {
        let seconds = i64::try_from(seconds).expect("not for ever");
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A wait of at most ten minutes, which began with the world or when it was
    /// last begun anew.
    pub fn wait(&self) -> Wait {
        Wait {
            since: moment(&self.since),
            now: moment(&self.now),
            limit_seconds: 600,
        }
    }

    /// Begins the wait anew.
    pub fn begin(&self) {
        self.since
            .store(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Asks a step until it is ready, at the pace that it asks for.
    ///
    /// # Errors
    /// The error of the step.
    pub fn until_ready<T>(
        &self,
        mut step: impl AsyncFnMut(Wait) -> Result<Progress<T>, StepError>,
    ) -> Result<T, StepError> {
        self.begin();
        loop {
            match at_once(step(self.wait()))? {
                Progress::Ready(answer) => return Ok(answer),
                Progress::Pending(pending) => self.advance(pending.wait_seconds),
            }
        }
    }

    /// Calls a step twice and holds the second call to changing nothing. In
    /// between, what the first one made becomes visible.
    pub fn twice<T>(&self, mut step: impl AsyncFnMut() -> T) -> (T, T) {
        let first = at_once(step());
        self.advance(5);
        let things = self.things();
        let second = at_once(step());
        assert_eq!(self.things(), things, "the second call changed something");
        (first, second)
    }

    /// The first call of this operation takes effect, and its answer is lost.
    pub fn cut_off(&self, operation: &str) {
        let fault = Fault::once(operation, 1, FaultKind::CutOff, Moment::After);
        self.ports.simulator().add_fault(fault);
    }

    /// This operation fails so from now on, without effect.
    pub fn fails(&self, operation: &str, kind: FaultKind) {
        let fault = Fault::from_then_on(operation, 1, kind, Moment::Before);
        self.ports.simulator().add_fault(fault);
    }

    /// The same for its next call only.
    pub fn fails_once(&self, operation: &str, kind: FaultKind) {
        let fault = Fault::once(operation, 1, kind, Moment::Before);
        self.ports.simulator().add_fault(fault);
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> usize {
        let calls = self.ports.simulator().calls();
        calls.iter().filter(|it| it.operation == operation).count()
    }

    /// Looks at the world as it is now.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.ports.simulator().look(look)
    }

    /// Changes the world from outside, as a person in a console would.
    pub fn meddle<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.ports.simulator().meddle(change)
    }

    /// Everything that a step may change, as it is now.
    pub fn things(&self) -> Things {
        self.look(|world| {
            let clusters = || world.cloud.clusters();
            let mut endpoints = world.ec2.endpoints.clone();
            endpoints.retain(|_, endpoint| endpoint.state.is_there());
            Things {
                endpoints,
                groups: world.ec2.groups.clone(),
                registrations: clusters()
                    .flat_map(|it| {
                        it.connections()
                            .map(move |connection| (it, connection.clone()))
                    })
                    .map(|(it, connection)| (it.cluster.id.clone(), connection))
                    .collect(),
                trusted: clusters()
                    .flat_map(|it| it.trusted_owners.iter().flatten().map(move |o| (it, o)))
                    .map(|(it, owner)| (it.cluster.id.clone(), owner.external_owner_id.clone()))
                    .collect(),
            }
        })
    }
}

fn moment(clock: &AtomicI64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(clock.load(Ordering::Relaxed)).expect("a date")
}

/// The connection that is asked for in a scenario, to be written into it.
///
/// # Panics
/// When the scenario asks for nothing that is valid.
pub fn claim(scenario: &Scenario) -> Claim {
    let request = serde_json::Value::Object(scenario.request.clone());
    let request = ProvisionRequest::parse(&request).expect("a valid request");
    request.subject().claim()
}

/// The claim of a connection that no world has.
pub fn a_claim() -> Claim {
    Claim {
        cluster_id: "1a2b3c4d-0000-4000-8000-00000000000a"
            .parse()
            .expect("an id"),
        connection_id: "c0ffee".to_owned(),
    }
}

/// The claim of a connection to another cluster.
pub fn another_claim() -> Claim {
    Claim {
        cluster_id: "1a2b3c4d-0000-4000-8000-00000000000b"
            .parse()
            .expect("an id"),
        connection_id: "0ff1ce".to_owned(),
    }
}

/// What a run that ended ready has told of a connection.
pub fn ready(connection: &ledger::Connection, host: &str, notes: Vec<String>) -> Ready {
    let endpoint = connection.endpoint_id.clone();
    Ready {
        connection_id: connection.connection_id.clone(),
        cluster_id: connection.cluster_id.clone(),
        region: connection.region.clone(),
        vpc_id: connection.vpc_id.clone(),
        endpoint_id: endpoint.unwrap_or_else(|| self::endpoint("available").id),
        host: host.to_owned(),
        port: SQL_PORT,
        connection_string: format!("postgresql://USER@{host}:{SQL_PORT}/defaultdb"),
        notes,
    }
}

/// An endpoint in this state, in EC2's word for it, with nothing else to it.
pub fn endpoint(state: &str) -> shared::ec2::Endpoint {
    shared::ec2::Endpoint {
        id: "vpce-0a10000000000000e".parse().expect("an id"),
        owner: "111122223333".parse().ok(),
        is_interface: true,
        service_name: "com.amazonaws.vpce.eu-west-1.vpce-svc-0c0c0a0a0b0b00d01".to_owned(),
        state: shared::ec2::EndpointState::parse(state),
        failure: None,
        subnet_ids: Vec::new(),
        group_ids: Vec::new(),
        private_dns: false,
        dns_names: Vec::new(),
        tags: BTreeMap::new(),
    }
}

/// Drives a future that has nothing to wait for, because no function waits and
/// these ports answer at once.
///
/// # Panics
/// When the future waits.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a step waited"),
    }
}

/// Holds an input to refusing every one of its fields under another name: a
/// misspelled field that is optional would be lost without a word.
///
/// # Panics
/// When a misspelled field is taken, or the input does not read back.
pub fn assert_strict<T: Serialize + DeserializeOwned + Debug>(input: &T) {
    let json = serde_json::to_value(input).expect("JSON");
    serde_json::from_value::<T>(json.clone()).expect("reads back");
    let fields = json.as_object().expect("an object");
    for name in fields.keys() {
        let mut misspelled = fields.clone();
        if let Some(value) = misspelled.remove(name) {
            misspelled.insert(format!("{name}s"), value);
        }
        let read = serde_json::from_value::<T>(misspelled.into());
        assert!(
            read.is_err(),
            "`{name}s` in place of `{name}` is taken: {read:?}"
        );
    }
}
