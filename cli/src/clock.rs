//! The time of a story that is told faster than it happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::{Clock, ScaledClock};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// Time that runs faster while something is awaited, and in real time while a
/// call is under way: a call takes as long as it takes, and its time limit must
/// not shrink with the speed. Clones show the same time.
#[derive(Debug, Clone)]
pub struct StoryClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pace: Mutex<Pace>,
    speed: f64,
    wall: ScaledClock,
    woken: Notify,
}

#[derive(Debug)]
struct Pace {
    /// A moment of the story, and when it was on the wall.
    at: OffsetDateTime,
    on_the_wall: Instant,
    calls: usize,
    /// Whether the next sleep is a wait of the story that may be cut short.
    next_may_wake: bool,
}

impl StoryClock {
    /// A clock that starts at the real present; 1.0 is real time.
    pub fn new(speed: f64) -> Self {
        let pace = Pace {
            at: OffsetDateTime::now_utc(),
            on_the_wall: Instant::now(),
            calls: 0,
            next_may_wake: false,
        };
        Self {
            shared: Arc::new(Shared {
                pace: Mutex::new(pace),
                speed,
                wall: ScaledClock::new(1.0),
                woken: Notify::new(),
            }),
        }
    }

    /// How many times faster than on the wall time runs while something is awaited.
    pub fn speed(&self) -> f64 {
        self.shared.speed
    }

    /// Lets time run no faster than on the wall until the result is dropped.
    #[must_use]
    pub fn during_a_call(&self) -> Call {
        self.change(|pace| pace.calls += 1);
        Call {
            clock: self.clone(),
        }
    }

    /// Says that the next sleep is a wait of the story. Other sleeps are time
    /// limits, and those must never end early.
    pub fn a_wait_follows(&self) {
        self.lock().next_may_wake = true;
    }

    /// Ends the wait that is under way, or else the next one.
    pub fn wake(&self) {
        self.shared.woken.notify_one();
    }

    fn change(&self, change: impl FnOnce(&mut Pace)) {
        let mut pace = self.lock();
        pace.at = self.read(&pace);
        pace.on_the_wall = Instant::now();
        change(&mut pace);
    }

    fn read(&self, pace: &Pace) -> OffsetDateTime {
        let speed = if pace.calls > 0 {
            self.shared.speed.min(1.0)
        } else {
            self.shared.speed
        };
        pace.at + pace.on_the_wall.elapsed().mul_f64(speed)
    }

    async fn reach(&self, deadline: OffsetDateTime) {
        while let Ok(rest) = Duration::try_from(deadline - self.now()) {
            if rest.is_zero() {
                return;
            }
            // Time may run slower than thought, never faster.
            self.shared
                .wall
                .sleep(rest.div_f64(self.shared.speed))
                .await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        // A panic elsewhere cannot leave the few fields half-changed.
        self.shared
            .pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for StoryClock {
    fn now(&self) -> OffsetDateTime {
        self.read(&self.lock())
    }

    async fn sleep(&self, duration: Duration) {
        let may_wake = std::mem::take(&mut self.lock().next_may_wake);
        let deadline = self.now() + duration;
        if !may_wake {
            return self.reach(deadline).await;
        }
        tokio::select! {
            () = self.reach(deadline) => {}
            () = self.shared.woken.notified() => {}
        }
    }
}

/// A call that is under way.
#[derive(Debug)]
pub struct Call {
    clock: StoryClock,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.clock.change(|pace| pace.calls -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn waits_are_told_faster_and_calls_are_not() {
        let clock = StoryClock::new(1000.0);
        let (start, wall) = (clock.now(), Instant::now());
        clock.sleep(MINUTE).await;
        assert!(clock.now() - start >= MINUTE);
        assert!(wall.elapsed() < MINUTE / 2);

        let call = clock.during_a_call();
        let (start, wall) = (clock.now(), Instant::now());
        while wall.elapsed() < Duration::from_millis(20) {}
        assert!(clock.now() - start < MINUTE / 6);
        drop(call);
    }

    #[tokio::test]
    async fn a_wait_can_be_cut_short_and_a_time_limit_cannot() {
        let clock = StoryClock::new(1000.0);
        let start = clock.now();
        let limit = clock.sleep(MINUTE);
        tokio::pin!(limit);
        // The limit begins first, as that of the whole machine does.
        tokio::select! {
            biased;
            () = &mut limit => unreachable!("a minute has not passed"),
            () = async {} => {}
        }
        clock.a_wait_follows();
        let wait = clock.sleep(MINUTE * 600);
        tokio::join!(wait, async { clock.wake() });
        assert!(clock.now() - start < MINUTE * 600);
        limit.await;
        assert!(clock.now() - start >= MINUTE);
    }

    /// The call before it may be under way when somebody wants to be done.
    #[tokio::test]
    async fn a_wait_that_is_still_to_come_is_cut_short_and_no_other_one() {
        let clock = StoryClock::new(1000.0);
        let start = clock.now();
        clock.wake();
        clock.a_wait_follows();
        clock.sleep(MINUTE * 600).await;
        assert!(clock.now() - start < MINUTE * 600);
        clock.a_wait_follows();
        let again = clock.now();
        clock.sleep(MINUTE).await;
        assert!(clock.now() - again >= MINUTE);
    }
}
