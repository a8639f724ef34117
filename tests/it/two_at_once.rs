//! Two runs in one VPC, call by call: every schedule in which the turn passes at most
//! twice, from the first run to the second one before any of its calls, and back
//! before any call of the second one. Where one waits the other goes on, and that
//! counts for nothing.
//!
//! Whatever the schedule, the runs must end as they do one after the other, in one
//! order or the other, and leave what they leave then. And one run that is stopped
//! before each of its calls, aborted or timed out, with the run that completes it: the
//! function that was at work then may act once more before any of its calls. Or nobody
//! hears of it, and the next run comes when the lease of the lost one has almost ended.
//!
//! Two reductions leave out what cannot differ. A call whose answer none of the runs can
//! change, and which changes nothing that one of them reads, may come before or after
//! whatever the other one calls: of the two places around it the first one is tried. And
//! while one run holds the lease, the other one can call nothing but for the lease, and
//! is refused, wherever that is between two waits of the first: one place is tried.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use engine::{Clock, Execution};
use serde_json::{Value, json};
use shared::ledger::Connection;
use system_tests::aftermath::{Broken, ensure, recorded};
use system_tests::books::{connections, lease_ends, lease_of};
use system_tests::change;
use system_tests::crash::OUTLIVES;
use system_tests::parallel::in_parallel;
use system_tests::run::{Goal, Stage, changes};
use system_tests::situations::{connected, sharing, two_clusters};
use system_tests::standing;
use system_tests::together::{Plan, STOPPED, check, check_leases, hear, settled, waited, word};
use system_tests::turns::{LONGEST_CALL, Left, Life, Made, Pass, Pilot, State, Table};
use system_tests::verdict::{Tally, none_is_broken};

/// What no run here changes, and what none reads.
const QUIET: [&str; 13] = [
    "secretsmanager:GetSecretValue",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEndpointServices",
    "ec2:DescribeVpcPeeringConnections",
    "route53:ListHostedZonesByVPC",
    "route53profiles:ListProfileAssociations",
    "route53resolver:ListResolverRules",
    "cloud:GET cluster",
    "cloudwatch:ListMetrics",
    "cloudwatch:GetMetricData",
    "events:putEvents",
];

/// How long a run may wait for the lease of one that is over: as long as that lasts, and
/// until the next look, which comes every 15 seconds (`WaitForLease`). The second that a
/// lease names is its last one.
const LONGEST_WAIT: Duration = Duration::from_secs(OUTLIVES.as_secs() + 1 + 15);

/// A turn that passes: of whom, before which of its calls, and to whom.
type Switch = (usize, usize, Pass);

/// A pilot that does as the schedule says.
struct Scheduled(std::vec::IntoIter<Switch>);

impl Pilot for Scheduled {
    fn passes(&mut self, who: usize, made: usize) -> Option<Pass> {
        let next = self.0.as_slice().first();
        let (.., pass) = *next.filter(|(of, at, _)| (*of, *at) == (who, made))?;
        self.0.next();
        Some(pass)
    }
}

fn to(to: usize, left: Left) -> Pass {
    Pass { to, left }
}

/// A world and the two runs in it.
struct Pairing {
    name: String,
    stage: Stage,
    plans: [Plan; 2],
    /// How they may end, and what they may leave: one after the other.
    serial: Vec<(Vec<String>, String)>,
}

impl Pairing {
    fn new(name: &str, stage: Stage, plans: [Plan; 2]) -> Self {
        let mut pairing = Self {
            name: name.to_owned(),
            stage,
            plans,
            serial: Vec::new(),
        };
        pairing.serial = [[0, 1], [1, 0]]
            .map(|order| {
                let stage = pairing.stage.forked();
                let mut ends = order.map(|who| {
                    let table = Table::new(
                        &stage.clock,
                        &[State::ToBegin],
                        Scheduled(vec![].into_iter()),
                    );
                    let life: Life<'_, Execution> = Box::pin(pairing.run(&stage, &table, 0, who));
                    let ends = table.play(vec![life]);
                    (who, ends[0].as_ref().map(word).unwrap_or_default())
                });
                ends.sort();
                (ends.map(|(_, end)| end).to_vec(), settled(&stage))
            })
            .to_vec();
        pairing
    }

    /// The same with the other one first.
    fn both_ways(self) -> [Self; 2] {
        let [first, second] = self.plans.clone();
        let swapped = Self {
            name: format!("{}, which comes first", self.name),
            stage: self.stage.forked(),
            plans: [second, first],
            serial: self
                .serial
                .iter()
                .map(|(ends, left)| (ends.iter().rev().cloned().collect(), left.clone()))
                .collect(),
        };
        [self, swapped]
    }

    async fn run(&self, stage: &Stage, table: &Table, place: usize, who: usize) -> Execution {
        let name = ["first", "second"][who];
        self.plans[who].run(stage, &table.place(place), name).await
    }

    /// Both of them in a world of their own, as the schedule says.
    fn play(&self, schedule: Vec<Switch>) -> (Stage, Vec<String>, Vec<Made>) {
        let stage = self.stage.forked();
        let states = [State::ToBegin; 2];
        let table = Table::new(&stage.clock, &states, Scheduled(schedule.into_iter()));
        let lives = [0, 1].map(|who| {
            let life: Life<'_, Execution> = Box::pin(self.run(&stage, &table, who, who));
            life
        });
        let ends = table.play(lives.into());
        let words = ends.iter().flatten().map(word).collect();
        (stage, words, table.log())
    }

    fn held(&self, stage: &Stage, ends: &[String]) -> Result<String, Broken> {
        let left = settled(stage);
        check(stage)?;
        let is_serial = |(words, world): &(Vec<String>, String)| words == ends && *world == left;
        ensure(self.serial.iter().any(is_serial), || {
            let serial = &self.serial;
            format!("{ends:?} with {left}\nis neither of {serial:#?}")
        })?;
        Ok(left)
    }
}

/// The places of one run's calls where the turn may pass, but for those right after a
/// quiet call.
fn places(log: &[Made], who: usize) -> Vec<&Made> {
    let mut before: Option<&Made> = None;
    let own = log.iter().filter(|made| made.who == who);
    let loud = own.filter(|made| {
        let after_quiet = before.is_some_and(|before| {
            before.at == made.at && QUIET.contains(&before.operation.as_str())
        });
        before = Some(made);
        !after_quiet
    });
    loud.collect()
}

/// The same for a run beside another one that needs the lease for all that it does. It is
/// held from the call after those that take it until it is given back last.
fn places_by_lease(log: &[Made], who: usize) -> Vec<&Made> {
    let mut places = places(log, who);
    let mut each = places.iter();
    let taken = each.position(|made| made.operation != "dynamodb:updateItem");
    let mut each = places.iter();
    let given_back = each.rposition(|made| made.operation == "dynamodb:deleteItem");
    if let (Some(taken), Some(given_back)) = (taken, given_back) {
        let mut held = places.split_off(taken);
        let after = held.split_off(given_back.saturating_sub(taken) + 1);
        held.dedup_by_key(|made| made.at);
        places.extend(held);
        places.extend(after);
    }
    places
}

/// Whether the turn can pass to somebody who stands like this.
fn is_reached(state: State, at: time::OffsetDateTime) -> bool {
    match state {
        State::Paused(_) => true,
        State::Waits(until) => until - at < LONGEST_CALL,
        State::Aborted(since) => at - since < LONGEST_CALL,
        State::Absent | State::ToBegin | State::Ended => false,
    }
}

fn described(switches: &[(&str, usize, String)]) -> String {
    let each = switches
        .iter()
        .map(|(who, at, operation)| format!("{who} until before its call {at} ({operation})"));
    let each: Vec<_> = each.collect();
    format!("{}, then the other one", each.join(", then "))
}

fn count(
    tally: &mut Tally,
    schedule: impl Fn() -> String,
    ends: &[String],
    held: Result<(), Broken>,
) {
    tally.add("schedules", 1);
    tally.ended(ends.join(", "));
    tally.held(held, schedule);
}

/// The worlds that were emptied already.
type Emptied = Mutex<BTreeSet<String>>;

/// Takes all connections away, once for each different world: nothing may be left.
fn emptied(stage: &Stage, left: String, known: &Emptied) -> Result<(), Broken> {
    if !known.lock().expect("a set").insert(left) {
        return Ok(());
    }
    for (id, entry) in stage.simulator.look(connections) {
        let of_one = stage.for_request(&json!(entry.request));
        let end = word(&of_one.deprovision(&format!("last-{id}")));
        if end != "Disconnected" {
            return Err(format!("taken away in the end: {end}"));
        }
    }
    settled(stage);
    check(stage)
}

/// All schedules whose first switch is before this call of the first run.
fn try_out(pairing: &Pairing, first: &Made, known: &Emptied) -> Tally {
    let mut tally = Tally::default();
    let away = (0, first.nth, to(1, Left::Paused));
    let mut try_one = |schedule: Vec<Switch>, described: &dyn Fn() -> String| {
        let (stage, ends, log) = pairing.play(schedule);
        let held = pairing.held(&stage, &ends);
        let held = held.and_then(|left| emptied(&stage, left, known));
        let what = || format!("{}: {}", pairing.name, described());
        count(&mut tally, what, &ends, held);
        log
    };
    let one = || ("the first run", first.nth, first.operation.clone());
    let log = try_one(vec![away], &|| described(&[one()]));
    let seconds = places_by_lease(&log, 1).into_iter();
    for second in seconds.filter(|made| is_reached(made.states[0], made.at)) {
        let back = (1, second.nth, to(0, Left::Paused));
        let two = || ("the second run", second.nth, second.operation.clone());
        try_one(vec![away, back], &|| described(&[one(), two()]));
    }
    tally
}

/// The only connection of the ledger.
fn only_entry(stage: &Stage) -> Connection {
    let entries = stage.simulator.look(connections);
    entries.into_values().next().expect("an entry")
}

/// Its last run, as the ledger has it.
fn last_run(stage: &Stage) -> Value {
    json!({ "execution": only_entry(stage).execution })
}

fn pairings() -> Vec<Pairing> {
    use Goal::{Connect, Disconnect};
    let mut all = Vec::new();
    for scenario in ["standard-cluster", "half-made-by-hand"] {
        let stage = Stage::shipped(scenario).brisk();
        let plan = Plan::new(Connect, &stage.request);
        let name = format!("provision beside provision ({scenario})");
        all.push(Pairing::new(&name, stage, [plan.clone(), plan]));
    }

    let (stage, requests) = two_clusters();
    let plans = requests.each_ref().map(|it| Plan::new(Connect, it));
    let name = "provision beside provision of another cluster";
    all.extend(Pairing::new(name, stage.brisk(), plans).both_ways());

    let stage = connected(Stage::shipped("standard-cluster").brisk());
    let plans = [Connect, Disconnect].map(|goal| Plan::new(goal, &stage.request));
    let mut sweeps = plans.clone();
    sweeps[1].input["unless_changed"] = last_run(&stage);
    let fork = stage.forked();
    all.extend(Pairing::new("provision beside deprovision", stage, plans).both_ways());
    all.extend(Pairing::new("provision beside removal by a sweep", fork, sweeps).both_ways());

    let (stage, requests) = two_clusters();
    let first = connected(stage.brisk().for_request(&requests[0]));
    let plans = [
        Plan::new(Connect, &requests[1]),
        Plan::new(Disconnect, &requests[0]),
    ];
    let name = "provision beside deprovision of another cluster";
    all.extend(Pairing::new(name, first, plans).both_ways());

    let (first, second) = sharing();
    let plans = [&first, &second].map(|it| Plan::new(Disconnect, &it.request));
    let name = "deprovision beside deprovision of another cluster";
    all.extend(Pairing::new(name, first, plans).both_ways());

    let stage = change::changing();
    let plans = [Plan::new(Connect, &stage.request), repair(&stage)];
    all.extend(Pairing::new("change beside repair", stage, plans).both_ways());

    let stage = connected(Stage::shipped("standard-cluster").brisk());
    let plans = [Plan::new(Disconnect, &stage.request), repair(&stage)];
    all.extend(Pairing::new("deprovision beside repair", stage, plans).both_ways());
    all
}

/// The run that `start-executions` starts for a connection that is to be repaired.
fn repair(stage: &Stage) -> Plan {
    let mut plan = Plan::new(Goal::Connect, &json!(only_entry(stage).request));
    plan.input["unless_changed"] = last_run(stage);
    plan
}

#[test]
fn a_run_whose_calls_take_turns_is_the_run_alone() {
    let alone = Stage::shipped("standard-cluster");
    let plan = Plan::new(Goal::Connect, &alone.request);
    let pairing = Pairing::new("", alone.forked(), [plan.clone(), plan]);
    let (stage, ends, log) = pairing.play(Vec::new());
    alone.provision("first");
    alone.provision("second");
    assert_eq!(ends, ["Ready", "Ready"]);
    assert_eq!(stage.simulator.calls(), alone.simulator.calls());
    assert_eq!(log.len(), alone.simulator.calls().len());
}

#[test]
fn two_runs_end_as_one_after_the_other_whenever_the_turn_passes() {
    let mut broken = Vec::new();
    let known = Emptied::default();
    for pairing in pairings() {
        let began = Instant::now();
        let (stage, ends, log) = pairing.play(Vec::new());
        let held = pairing.held(&stage, &ends).map(drop);
        let mut alone = Tally::default();
        let what = || format!("{}: no switch", pairing.name);
        count(&mut alone, what, &ends, held);
        let firsts = places_by_lease(&log, 0);
        let tried = in_parallel(&firsts, |first| try_out(&pairing, first, &known));
        let tally: Tally = tried.into_iter().chain([alone]).sum();
        tally.tell(&format!("two at once, {}", pairing.name), began);
        broken.extend(tally.broken);
    }
    none_is_broken(&broken);
}

/// A run that is stopped, and what follows from it.
struct Stopped {
    name: String,
    stage: Stage,
    plan: Plan,
    /// The entry of a connection that stands before the run and is to stand after it.
    former: Option<Connection>,
    /// What may be there in the end: as before, or as if it had not been stopped.
    may_be: [String; 2],
    /// Whether all was well before: what drifts is not.
    was_well: bool,
}

/// What follows a run that is stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// `start-executions` hears of the end with this status, and completes it.
    Heard(&'static str),
    /// Nobody hears of it. Somebody else runs the same when the lease has almost ended.
    Unheard,
}

/// How it went with a run that was stopped.
struct Played {
    stage: Stage,
    ends: Vec<String>,
    log: Vec<Made>,
    /// What is wrong with what was between it and the run that follows.
    between: Result<(), Broken>,
    /// How long the next run waited for the lease.
    waited: time::Duration,
}

impl Stopped {
    fn new(name: &str, stage: Stage, plan: Plan) -> Self {
        let fork = stage.forked();
        let before = settled(&fork);
        let mut stopped = Self {
            name: name.to_owned(),
            stage,
            plan,
            former: None,
            may_be: [before, String::new()],
            was_well: check(&fork).is_ok(),
        };
        let done = stopped.play(Vec::new(), Follows::Heard(STOPPED[0]));
        stopped.may_be[1] = settled(&done.stage);
        stopped
    }

    /// One that repairs a connection that stands.
    fn repair(name: &str, stage: Stage) -> Self {
        let plan = repair(&stage);
        let former = recorded(&stage);
        Self {
            former,
            ..Self::new(name, stage, plan)
        }
    }

    /// The run, and what follows from it.
    fn play(&self, schedule: Vec<Switch>, follows: Follows) -> Played {
        let stage = self.stage.forked();
        let states = [State::ToBegin, State::Absent];
        let table = Table::new(&stage.clock, &states, Scheduled(schedule.into_iter()));
        let between = Cell::new(Ok(()));
        let waits = Cell::new(time::Duration::ZERO);
        let run: Life<'_, Option<Execution>> = Box::pin(async {
            let place = table.place(0);
            Some(self.plan.run(&stage, &place, "stopped").await)
        });
        let next: Life<'_, Option<Execution>> = Box::pin(async {
            let place = table.place(1);
            let (plan, name) = match follows {
                Follows::Heard(status) => {
                    let heard = hear(&stage, &place, &self.plan, "stopped", status).await;
                    between.set(self.check_between(&stage, heard.is_some()));
                    if heard.is_none() {
                        // There is nothing to complete. Somebody asks for it again.
                        waits.set(waited(&stage.forked().run(self.plan.goal, "next")));
                    }
                    heard?
                }
                Follows::Unheard => {
                    let key = lease_of(&stage.request);
                    let ends = stage.simulator.look(|world| lease_ends(world, &key));
                    if let Some(ends) = ends {
                        let lasts = u64::try_from(ends - place.now().unix_timestamp());
                        let lasts = Duration::from_secs(lasts.unwrap_or_default());
                        place.sleep(lasts.saturating_sub(OUTLIVES)).await;
                    }
                    (Plan::new(self.plan.goal, &stage.request), "next".to_owned())
                }
            };
            let execution = plan.run(&stage, &place, &name).await;
            waits.set(waited(&execution));
            Some(execution)
        });
        let ends = table.play(vec![run, next]);
        let ends = ends.iter().flatten().flatten().map(word).collect();
        let log = table.log();
        Played {
            ends,
            log,
            between: between.into_inner(),
            waited: waits.get(),
            stage,
        }
    }

    /// What stood still stands when the end of the run was heard, whether it is
    /// completed or has changed nothing.
    fn check_between(&self, stage: &Stage, is_completed: bool) -> Result<(), Broken> {
        let Some(former) = &self.former else {
            return Ok(());
        };
        let is_untouched = recorded(stage).is_some_and(|it| it.execution == former.execution);
        match (is_completed, is_untouched) {
            (true, _) => standing::kept(stage, former).map(drop),
            (false, true) => standing::check(stage, former),
            (false, false) => standing::in_force(stage, former).map(drop),
        }
    }

    fn held(&self, played: Played, known: &Emptied) -> Result<(), Broken> {
        let stage = &played.stage;
        let left = settled(stage);
        match self.was_well || left != self.may_be[0] {
            true => check(stage)?,
            false => check_leases(stage)?,
        }
        if !self.may_be.contains(&left) {
            return Err(format!("{left}\nis neither of {:#?}", self.may_be));
        }
        played.between?;
        ensure(played.waited <= LONGEST_WAIT, || {
            format!("the next run waited {} for the lease", played.waited)
        })?;
        if let Some(former) = &self.former {
            standing::in_force(stage, former)?;
        }
        emptied(stage, left, known)
    }

    /// The run is stopped before this call, and what is left of its function happens
    /// never, or before any call that follows. Answers how long a run waited at most, too.
    fn try_out(&self, log: &[Made], at: usize, known: &Emptied) -> (Tally, time::Duration) {
        let (mut tally, mut waited) = (Tally::default(), time::Duration::ZERO);
        let first = &log[at];
        let mut try_one = |schedule: Vec<Switch>, follows: Follows, later: &str| {
            let played = self.play(schedule, follows);
            let schedule = || {
                let Made { nth, operation, .. } = first;
                let name = &self.name;
                format!("{name}, stopped before call {nth} ({operation}){later}")
            };
            let (ends, log) = (played.ends.clone(), played.log.clone());
            waited = waited.max(played.waited);
            count(&mut tally, schedule, &ends, self.held(played, known));
            log
        };
        let killed = (0, first.nth, to(1, Left::Killed));
        try_one(vec![killed], Follows::Unheard, ", and nobody hears of it");
        let stopped = (0, first.nth, to(1, Left::Aborted));
        let follows = STOPPED.map(|status| {
            let follows = Follows::Heard(status);
            try_one(vec![stopped], follows, &format!(" ({status})"))
        });
        let mut rest = log[at..].iter();
        let mut rest = rest
            .by_ref()
            .take_while(|it| it.in_function && it.at == first.at);
        if !rest.any(|it| changes(&it.operation)) {
            return (tally, waited);
        }
        let later = places(&follows[0], 1).into_iter();
        let later = later.filter(|it| is_reached(it.states[0], it.at));
        // The status makes no difference to what is left of the function: in turns.
        for (later, status) in later.zip(STOPPED.into_iter().cycle()) {
            let acts = (1, later.nth, to(0, Left::Paused));
            let what = format!(
                " ({status}), whose function goes on before call {} ({}) of what follows",
                later.nth, later.operation
            );
            try_one(vec![stopped, acts], Follows::Heard(status), &what);
        }
        (tally, waited)
    }
}

fn stopped_runs() -> Vec<Stopped> {
    use Goal::{Connect, Disconnect};
    let (stage, requests) = two_clusters();
    let shared = connected(stage.brisk().for_request(&requests[0])).for_request(&requests[1]);
    let connected = |name: &str| connected(Stage::shipped(name).brisk());
    let asked = |name: &str, stage: Stage, goal: Goal| {
        let plan = Plan::new(goal, &stage.request);
        Stopped::new(name, stage, plan)
    };
    let mut all = vec![
        asked(
            "provision",
            Stage::shipped("standard-cluster").brisk(),
            Connect,
        ),
        asked(
            "provision, Advanced",
            Stage::shipped("fresh-vpc").brisk(),
            Connect,
        ),
        asked("provision, shared", shared, Connect),
        asked("change", change::changing(), Connect),
        asked("deprovision", connected("standard-cluster"), Disconnect),
        asked("deprovision, shared", sharing().0, Disconnect),
    ];

    let stage = connected("standard-cluster");
    let mut plan = Plan::new(Disconnect, &stage.request);
    plan.input["unless_changed"] = last_run(&stage);
    plan.input["unless_traffic_minutes"] = json!(24 * 60);
    all.push(Stopped::new("removal by a sweep", stage, plan));

    // Where the endpoint is gone, another one is in use in between.
    let stays = [
        "private DNS is off",
        "a rule is gone",
        "adopted, private DNS is off",
    ];
    let drifted = change::drifted().into_iter();
    let drifted = drifted.filter(|(drift, _)| stays.contains(&drift.as_str()));
    let asked_for = all.len();
    all.extend(drifted.map(|(drift, stage)| Stopped::repair(&format!("repair, {drift}"), stage)));
    assert_eq!(
        all.len() - asked_for,
        stays.len(),
        "a drift is called otherwise"
    );
    all
}

#[test]
fn a_run_that_is_stopped_is_completed_whatever_its_function_still_does() {
    let mut broken = Vec::new();
    for stopped in stopped_runs() {
        let began = Instant::now();
        let known = Emptied::default();
        let log = stopped.play(Vec::new(), Follows::Unheard).log;
        let calls: Vec<usize> = (0..log.len()).collect();
        let tried = in_parallel(&calls, |at| stopped.try_out(&log, *at, &known));
        let (tallies, waits): (Vec<Tally>, Vec<_>) = tried.into_iter().unzip();
        let tally: Tally = tallies.into_iter().sum();
        let (name, waited) = (&stopped.name, waits.into_iter().max().unwrap_or_default());
        assert!(waited.is_positive(), "{name}: nobody waited");
        let told = format!("stopped, {name} (the next run waits {waited} at most for the lease)");
        tally.tell(&told, began);
        broken.extend(tally.broken);
    }
    none_is_broken(&broken);
}
