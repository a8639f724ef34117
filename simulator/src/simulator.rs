//! One world with all its faces.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::authorization::{Authorization, Judge};
use crate::calls::{ApiError, Call, Refusal};
use crate::faults::{Fault, FaultKind, Moment, SeededFaults, Service};
use crate::scenario::Scenario;
use crate::world::World;

/// One world with all its faces. A clone is another handle on the same world.
#[derive(Clone)]
pub struct Simulator {
    now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
    by: Option<Arc<str>>,
    judge: Option<Arc<dyn Judge>>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Clone)]
struct Inner {
    world: World,
    faults: Vec<Fault>,
    seeded: Option<SeededFaults>,
    calls: Vec<Call>,
    counts: HashMap<String, u32>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

impl Simulator {
    /// The world of a scenario. `now` is its clock, real or virtual.
    pub fn new(
        scenario: &Scenario,
        now: impl Fn() -> OffsetDateTime + Send + Sync + 'static,
    ) -> Simulator {
        let world = World::new(scenario, now());
        Simulator {
            now: Arc::new(now),
            by: None,
            judge: None,
            inner: Arc::new(Mutex::new(Inner {
                world,
                faults: scenario.faults.clone(),
                seeded: None,
                calls: Vec::new(),
                counts: HashMap::new(),
            })),
        }
    }

    /// Another handle on the same world, whose calls are noted as made by
    /// somebody, for example by a function.
    pub fn acting_as(&self, who: &str) -> Simulator {
        Simulator {
            by: Some(who.into()),
            ..self.clone()
        }
    }

    /// The same world, whose calls are judged: what each one needs is told to this
    /// judge.
    #[must_use]
    pub fn judged_by(mut self, judge: Arc<dyn Judge>) -> Simulator {
        self.judge = Some(judge);
        self
    }

    /// Tells the judge what somebody needs who is not seen to call: a service that
    /// starts a run, for example.
    pub fn needs(&self, authorization: Authorization) {
        if let Some(judge) = &self.judge {
            judge.needs(self.by.as_deref(), authorization);
        }
    }

    /// One call of one operation, such as `ec2:CreateVpcEndpoint`: brings the
    /// world up to the present, counts and records the call, applies a fault
    /// if one is due, before or after the effect, and runs the effect.
    ///
    /// # Panics
    /// When the operation belongs to no service, of which a fault could be scripted.
    pub fn call<T>(
        &self,
        operation: &str,
        effect: impl FnOnce(&mut World) -> Result<T, ApiError>,
    ) -> Result<T, Refusal> {
        let (service, name) =
            Service::of(operation).unwrap_or_else(|| panic!("`{operation}` belongs to no service"));
        let mut settled = self.settled();
        let inner = &mut *settled;
        let nth = inner.count(operation);
        let fault = inner.fault(operation, nth);
        inner.world.needed = self.judge.is_some().then(Vec::new);
        let outcome = match fault {
            Some((kind, Moment::Before)) => Err(kind.render(service, name)),
            Some((kind, Moment::After)) => {
                // The effect may itself have been an error; the caller does
                // not learn about that either.
                let _ = effect(&mut inner.world);
                Err(kind.render(service, name))
            }
            None => effect(&mut inner.world).map_err(Refusal::Answer),
        };
        inner.calls.push(Call {
            operation: operation.to_owned(),
            by: self.by.clone(),
            nth,
            at: inner.world.now,
            fault,
            refused: outcome.as_ref().err().map(|r| r.code().to_owned()),
        });
        let needed = inner.world.needed.take();
        drop(settled);
        needed.into_iter().flatten().for_each(|it| self.needs(it));
        outcome
    }

    /// Looks at the world as it is now, without that being a call.
    pub fn look<T>(&self, f: impl FnOnce(&World) -> T) -> T {
        f(&self.settled().world)
    }

    /// Changes the world from outside, as a person in a console would.
    pub fn meddle<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        f(&mut self.settled().world)
    }

    pub fn add_fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Ends all scripted faults, also those that last.
    pub fn end_faults(&self) {
        self.lock().faults.clear();
    }

    /// Another world that begins as this one is now, with a clock of its own:
    /// without scripted faults, and with nothing called yet.
    pub fn fork(&self, now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Simulator {
        let fork = self.copy(now);
        let mut inner = fork.lock();
        inner.faults.clear();
        inner.calls.clear();
        inner.counts.clear();
        drop(inner);
        fork
    }

    /// Another world in which all this has happened, with a clock of its own, and
    /// with the faults that are still to come.
    pub fn copy(&self, now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Simulator {
        Simulator {
            now: Arc::new(now),
            by: self.by.clone(),
            judge: self.judge.clone(),
            inner: Arc::new(Mutex::new(self.settled().clone())),
        }
    }

    /// Replaces the seeded faults; `None` ends them.
    pub fn set_seeded_faults(&self, seeded: Option<SeededFaults>) {
        self.lock().seeded = seeded;
    }

    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many calls there were so far.
    pub fn called(&self) -> usize {
        self.lock().calls.len()
    }

    /// The present of this world.
    pub fn now(&self) -> OffsetDateTime {
        (self.now)()
    }

    fn settled(&self) -> MutexGuard<'_, Inner> {
        let now = self.now();
        let mut inner = self.lock();
        inner.world.settle(now);
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that panics while it looks at the world must not make every
        // later look panic too.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count(&mut self, operation: &str) -> u32 {
        if let Some(count) = self.counts.get_mut(operation) {
            *count += 1;
            return *count;
        }
        self.counts.insert(operation.to_owned(), 1);
        1
    }

    fn fault(&self, operation: &str, nth: u32) -> Option<(FaultKind, Moment)> {
        let overall = u32::try_from(self.calls.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        self.faults
            .iter()
            .find(|fault| fault.hits(operation, nth, overall))
            .map(|fault| (fault.kind, fault.moment))
            .or_else(|| self.seeded.as_ref()?.strike(operation, nth))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::ec2::{CreateSecurityGroup, Describe};

    const VPC: &str = "vpc-0a1b2c3d4e5f60718";

    fn stage() -> (Simulator, Arc<AtomicI64>) {
        let scenario = Scenario::shipped("fresh-vpc").unwrap();
        let seconds = Arc::new(AtomicI64::new(1_800_000_000));
        let clock = Arc::clone(&seconds);
        let sim = Simulator::new(&scenario, move || {
            OffsetDateTime::from_unix_timestamp(clock.load(Ordering::Relaxed)).unwrap()
        });
        (sim, seconds)
    }

    fn describe(sim: &Simulator) -> Result<usize, Refusal> {
        sim.call("ec2:DescribeVpcs", |world| {
            let caller = world.ec2.caller();
            let answer = world.describe_vpcs(&caller, &Describe::default())?;
            Ok(answer.items.len())
        })
    }

    fn create(sim: &Simulator) -> Result<String, Refusal> {
        sim.call("ec2:CreateSecurityGroup", |world| {
            let caller = world.ec2.caller();
            let request = CreateSecurityGroup {
                group_name: "a".into(),
                group_description: "b".into(),
                vpc_id: VPC.into(),
                ..CreateSecurityGroup::default()
            };
            Ok(world.create_security_group(&caller, &request)?.id)
        })
    }

    fn groups(sim: &Simulator) -> usize {
        sim.look(|world| world.ec2.groups.len())
    }

    /// Otherwise it would have no words for a fault, and no scenario could script one.
    #[test]
    #[should_panic(expected = "belongs to no service")]
    fn a_call_of_a_service_that_nobody_knows_is_a_mistake() {
        let _ = stage().0.call("sqs:SendMessage", |_| Ok(()));
    }

    #[test]
    fn a_fault_before_the_effect_leaves_the_world_as_it_was() {
        let (sim, _) = stage();
        let before = groups(&sim);
        let (kind, moment) = (FaultKind::Timeout, Moment::Before);
        sim.add_fault(Fault::once("ec2:CreateSecurityGroup", 1, kind, moment));
        assert_eq!(create(&sim), Err(Refusal::TimedOut));
        assert_eq!(groups(&sim), before);
        assert!(create(&sim).is_ok(), "only the first call is hit");
    }

    #[test]
    fn a_fault_after_the_effect_only_hides_it() {
        let (sim, _) = stage();
        let before = groups(&sim);
        let (kind, moment) = (FaultKind::CutOff, Moment::After);
        sim.add_fault(Fault::once("ec2:CreateSecurityGroup", 1, kind, moment));
        assert_eq!(create(&sim), Err(Refusal::CutOff));
        assert_eq!(groups(&sim), before + 1);
        let again = create(&sim).unwrap_err();
        assert_eq!(again.code(), "InvalidGroup.Duplicate");
    }

    #[test]
    fn a_fork_goes_its_own_way_from_where_it_began() {
        let (sim, seconds) = stage();
        let (kind, moment) = (FaultKind::Denied, Moment::Before);
        sim.add_fault(Fault::from_then_on(
            "ec2:CreateSecurityGroup",
            2,
            kind,
            moment,
        ));
        create(&sim).unwrap();
        let before = groups(&sim);
        let now = OffsetDateTime::from_unix_timestamp(seconds.load(Ordering::Relaxed)).unwrap();
        let fork = sim.fork(move || now);
        assert_eq!((groups(&fork), fork.calls()), (before, vec![]));
        assert_eq!(
            create(&fork).unwrap_err().code(),
            "InvalidGroup.Duplicate",
            "what was made is there"
        );
        fork.meddle(|world| world.ec2.groups.clear());
        assert!(create(&fork).is_ok(), "no fault is left");
        assert_eq!(groups(&sim), before);
        assert_eq!(create(&sim).unwrap_err().code(), "UnauthorizedOperation");
        sim.end_faults();
        assert_eq!(create(&sim).unwrap_err().code(), "InvalidGroup.Duplicate");
    }

    #[test]
    fn a_copy_goes_on_where_the_other_one_stands() {
        let (sim, seconds) = stage();
        let fault = |nth| {
            let operation = "ec2:DescribeVpcs";
            Fault::once(operation, nth, FaultKind::Denied, Moment::Before)
        };
        sim.add_fault(fault(2));
        describe(&sim).unwrap();
        let now = OffsetDateTime::from_unix_timestamp(seconds.load(Ordering::Relaxed)).unwrap();
        let copy = sim.copy(move || now);
        copy.add_fault(fault(3));
        let answers = |sim: &Simulator| [(); 2].map(|()| describe(sim).is_ok());
        assert_eq!(answers(&copy), [false, false]);
        assert_eq!(answers(&sim), [false, true]);
        let nth: Vec<_> = copy.calls().iter().map(|call| call.nth).collect();
        assert_eq!(nth, [1, 2, 3]);
    }

    #[test]
    fn calls_are_counted_and_looks_are_not() {
        let (sim, _) = stage();
        assert_eq!(describe(&sim), Ok(1));
        groups(&sim);
        let (kind, moment) = (FaultKind::Denied, Moment::Before);
        sim.add_fault(Fault::once("ec2:DescribeVpcs", 2, kind, moment));
        assert!(describe(&sim).is_err());
        let calls = sim.calls();
        let seen: Vec<_> = calls
            .iter()
            .map(|c| (c.nth, c.fault, c.refused.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                (1, None, None),
                (
                    2,
                    Some((FaultKind::Denied, Moment::Before)),
                    Some("UnauthorizedOperation")
                ),
            ]
        );
    }

    #[test]
    fn time_runs_with_the_clock_and_never_backwards() {
        let (sim, seconds) = stage();
        let begin = sim.look(|world| world.now);
        seconds.fetch_add(60, Ordering::Relaxed);
        assert_eq!(sim.look(|world| world.now), begin + Duration::from_secs(60));
        seconds.fetch_sub(100, Ordering::Relaxed);
        assert_eq!(sim.look(|world| world.now), begin + Duration::from_secs(60));
    }
}
