//! One world with all its faces.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::calls::{ApiError, Call, Refusal};
use crate::faults::{Fault, FaultKind, Moment, SeededFaults};
use crate::scenario::Scenario;
use crate::world::World;

/// One world with all its faces. A clone is another handle on the same world.
#[derive(Clone)]
pub struct Simulator {
    now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
    inner: Arc<Mutex<Inner>>,
}

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
            inner: Arc::new(Mutex::new(Inner {
                world,
                faults: scenario.faults.clone(),
                seeded: scenario.seeded_faults.clone(),
                calls: Vec::new(),
                counts: HashMap::new(),
            })),
        }
    }

    /// One call of one operation, such as `ec2:CreateVpcEndpoint`: brings the
    /// world up to the present, counts and records the call, applies a fault
    /// if one is due, before or after the effect, and runs the effect.
    pub fn call<T>(
        &self,
        operation: &str,
        effect: impl FnOnce(&mut World) -> Result<T, ApiError>,
    ) -> Result<T, Refusal> {
        let inner = &mut *self.settled();
        let nth = inner.count(operation);
        let fault = inner.fault(operation, nth);
        let outcome = match fault {
            Some((kind, Moment::Before)) => Err(kind.render(operation)),
            Some((kind, Moment::After)) => {
                // The effect may itself have been an error; the caller does
                // not learn about that either.
                let _ = effect(&mut inner.world);
                Err(kind.render(operation))
            }
            None => effect(&mut inner.world).map_err(Refusal::Answer),
        };
        inner.calls.push(Call {
            operation: operation.to_owned(),
            nth,
            at: inner.world.now,
            fault,
            refused: outcome.as_ref().err().map(|r| r.code().to_owned()),
        });
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

    /// Scripts one more fault.
    pub fn add_fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Replaces the seeded faults; `None` ends them.
    pub fn set_seeded_faults(&self, seeded: Option<SeededFaults>) {
        self.lock().seeded = seeded;
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
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
