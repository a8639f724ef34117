//! Time as the engine sees it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::macros::datetime;

/// A source of time that can be waited on.
pub trait Clock {
    /// The present moment.
    fn now(&self) -> OffsetDateTime;

    /// Returns when this much time has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The instant this much later, or the last one that there is.
pub(crate) fn later(at: OffsetDateTime, duration: Duration) -> OffsetDateTime {
    at.saturating_add(duration.try_into().unwrap_or(time::Duration::MAX))
}

/// Time that passes only when everybody waits for it: a sleep moves the clock
/// to its end instead of taking time. Clones show the same time.
///
/// Several sleeps at once end in the order of their deadlines, so a task that
/// sleeps longer than its timeout is cut off at the timeout, and one that
/// never answers is cut off too. For that to be exact, all that uses one clock
/// must run on one thread, and tasks must wait for nothing but this clock.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    now: OffsetDateTime,
    /// Who sleeps, by deadline; the number tells equal deadlines apart.
    sleepers: BTreeSet<(OffsetDateTime, u64)>,
    next_sleeper: u64,
}

impl VirtualClock {
    /// A clock that shows 2030-01-01T00:00:00Z, an instant without meaning
    /// that makes every run the same.
    #[must_use]
    pub fn new() -> VirtualClock {
        VirtualClock::starting_at(datetime!(2030-01-01 00:00:00 UTC))
    }

    /// A clock that shows this time.
    #[must_use]
    pub fn starting_at(now: OffsetDateTime) -> VirtualClock {
        VirtualClock {
            shared: Arc::new(Mutex::new(Shared {
                now,
                sleepers: BTreeSet::new(),
                next_sleeper: 0,
            })),
        }
    }

    /// Lets this much time pass.
    pub fn advance(&self, duration: Duration) {
        let mut shared = self.lock();
        shared.now = later(shared.now, duration);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic elsewhere cannot leave the few fields half-changed.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for VirtualClock {
    fn default() -> VirtualClock {
        VirtualClock::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> OffsetDateTime {
        self.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        Sleep {
            clock: self,
            deadline: later(self.now(), duration),
            sleeper: None,
        }
        .await;
    }
}

/// Sleeps by giving everybody else one more turn and then, if nobody has to
/// wake earlier, moving the clock.
struct Sleep<'a> {
    clock: &'a VirtualClock,
    deadline: OffsetDateTime,
    sleeper: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.clock.lock();
        if shared.now >= self.deadline {
            return Poll::Ready(());
        }
        match self.sleeper {
            None => {
                let sleeper = shared.next_sleeper;
                shared.next_sleeper += 1;
                shared.sleepers.insert((self.deadline, sleeper));
                drop(shared);
                self.sleeper = Some(sleeper);
            }
            Some(_) => {
                let earliest = shared.sleepers.first().map(|(deadline, _)| *deadline);
                if earliest == Some(self.deadline) {
                    shared.now = self.deadline;
                    return Poll::Ready(());
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(sleeper) = self.sleeper {
            self.clock.lock().sleepers.remove(&(self.deadline, sleeper));
        }
    }
}

/// Real time, or real time that runs faster: a sleep takes its duration
/// divided by the speed. Needs a Tokio runtime with its timer. Clones show the
/// same time.
#[derive(Clone, Debug)]
pub struct ScaledClock {
    started_at: OffsetDateTime,
    started: Instant,
    speed: f64,
}

impl ScaledClock {
    /// A clock that starts at the real present and runs `speed` times as fast
    /// as real time; 1.0 is real time.
    ///
    /// # Panics
    ///
    /// If the speed is not a positive, finite number.
    #[must_use]
    pub fn new(speed: f64) -> ScaledClock {
        assert!(
            speed.is_finite() && speed > 0.0,
            "the speed of a clock must be positive, not {speed}"
        );
        ScaledClock {
            started_at: OffsetDateTime::now_utc(),
            started: Instant::now(),
            speed,
        }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> OffsetDateTime {
        self.started_at + self.started.elapsed().mul_f64(self.speed)
    }

    async fn sleep(&self, duration: Duration) {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where real time passes"
        )]
        tokio::time::sleep(duration.div_f64(self.speed)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::race::within;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_virtual_sleep_moves_the_clock_and_takes_no_time() {
        let clock = VirtualClock::new();
        let start = clock.now();
        let real = Instant::now();
        block_on(clock.sleep(SECOND * 86_400));
        assert_eq!(clock.now() - start, SECOND * 86_400);
        assert!(real.elapsed() < SECOND);
    }

    #[test]
    fn clones_show_the_same_time() {
        let clock = VirtualClock::new();
        let other = clock.clone();
        clock.advance(SECOND);
        assert_eq!(clock.now(), other.now());
    }

    #[test]
    fn sleeps_at_the_same_time_end_in_the_order_of_their_deadlines() {
        let clock = VirtualClock::new();
        let order = RefCell::new(Vec::new());
        let sleep = async |seconds: u32| {
            clock.sleep(SECOND * seconds).await;
            order.borrow_mut().push(seconds);
        };
        block_on(async {
            tokio::join!(sleep(30), sleep(10), async {
                sleep(5).await;
                sleep(8).await;
            });
        });
        assert_eq!(*order.borrow(), [5, 10, 8, 30]);
    }

    #[test]
    fn what_answers_in_time_leaves_no_sleeper_behind() {
        let clock = VirtualClock::new();
        let start = clock.now();
        let answer = block_on(within(&clock, Some(SECOND * 60), clock.sleep(SECOND * 2)));
        assert_eq!(answer, Some(()));
        assert_eq!(clock.now() - start, SECOND * 2);
        assert!(clock.lock().sleepers.is_empty());
    }

    #[test]
    fn what_moves_the_clock_past_the_limit_itself_is_late() {
        let clock = VirtualClock::new();
        let late = within(&clock, Some(SECOND), async { clock.advance(SECOND * 2) });
        assert_eq!(block_on(late), None);
    }

    #[test]
    fn a_scaled_clock_runs_as_many_times_faster() {
        let clock = ScaledClock::new(10_000.0);
        let start = clock.now();
        let real = Instant::now();
        block_on(clock.sleep(SECOND * 100));
        assert!(clock.now() - start >= SECOND * 100);
        assert!(real.elapsed() < SECOND * 50);
    }
}
