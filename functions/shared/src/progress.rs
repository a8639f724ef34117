//! Ready or not yet: the answer of every step that may have to be asked again.
//!
//! *Not yet* is an answer, not an error. The function says how long to wait
//! until the next look; the definition waits. Reaching the limit is an error
//! like any other, so that it is caught and rolled back like any other.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Code, StepError, bounds, plain};

/// The answer of a step that may have to be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "value", rename_all = "kebab-case")]
pub enum Progress<T> {
    /// It is so; here is what the next steps need.
    Ready(T),
    /// Not yet.
    Pending(Pending),
}

impl<T> Progress<T> {
    /// What is ready, if it is.
    pub fn ready(self) -> Option<T> {
        match self {
            Progress::Ready(value) => Some(value),
            Progress::Pending(_) => None,
        }
    }

    /// The same, with what an undo has begun to take back: the first of it, if it is much.
    pub fn having_begun(mut self, what: &[String]) -> Self {
        if let Progress::Pending(pending) = &mut self {
            pending.begun = bounds::texts(what.iter().cloned(), bounds::LISTED);
        }
        self
    }
}

/// What is awaited, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What is awaited, and how it stands now, in a few plain words.
    pub waiting_for: String,
    /// Seconds to wait before the next look.
    pub wait_seconds: u64,
    /// Seconds since the first look.
    pub waited_seconds: u64,
    /// Seconds after which the wait is given up.
    pub limit_seconds: u64,
    /// What an undo has begun to take back so far, each in one short sentence. The
    /// definition hands it to the next look, which finds the thing gone and could
    /// not tell that it ever was there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<String>,
    /// What was seen of something that may still grow. The definition hands it to the
    /// next look, which could not tell otherwise whether it has stopped growing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
}

/// What was seen of something that may still grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// How much of it there was.
    pub size: usize,
    /// Since when it has been so much.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

/// How long a wait has lasted and may last. Part of the input of every step
/// that can answer *pending*; the definition fills it in from its own clock,
/// because a function that reads the clock cannot be tried in virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// When the wait began: at its first look, and for the next ones when that was
    /// answered. So a crowd, in which it takes a while until a function is called, costs
    /// nothing of the limit.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When this look began.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// Seconds after which the wait is given up.
    pub limit_seconds: u64,
}

impl Wait {
    /// Whole seconds since the wait began; a clock that stepped back counts as none.
    pub fn waited_seconds(&self) -> u64 {
        u64::try_from((self.now - self.since).whole_seconds()).unwrap_or(0)
    }

    /// Whether the wait has lasted so long that what is absent now is absent for
    /// certain. Either side may show what is fresh some seconds late, and an undo
    /// that believes the first *not found* after a lost answer would leave it behind.
    pub fn is_settled(&self) -> bool {
        self.waited_seconds() >= SETTLING_SECONDS
    }

    /// Pending, or past the limit the error `late`.
    ///
    /// # Errors
    /// `late`, when the limit is reached.
    pub fn pending<T>(
        &self,
        waiting_for: impl Into<String>,
        late: Code,
    ) -> Result<Progress<T>, StepError> {
        let waiting_for = bounds::text(&waiting_for.into(), bounds::DETAIL);
        let waited_seconds = self.waited_seconds();
        if waited_seconds >= self.limit_seconds {
            return Err(StepError::new(
                late,
                format!(
                    "after {waited_seconds} s (limit {} s) still: {waiting_for}",
                    self.limit_seconds
                ),
            ));
        }
        let next = seconds_until_next_look(waited_seconds);
        Ok(Progress::Pending(self.until(waiting_for, next)))
    }

    /// The wait for something that may still grow and can be used as it is: until it has
    /// been of one size for [`QUIET_SECONDS`], and never beyond the limit. `None` when it
    /// is over. `last` is what the look before has seen.
    pub fn while_growing(
        &self,
        waiting_for: &str,
        size: usize,
        last: Option<Growth>,
    ) -> Option<Pending> {
        let growth = last.filter(|last| last.size == size).unwrap_or(Growth {
            size,
            since: self.now,
        });
        let waited_seconds = self.waited_seconds();
        let quiet = Wait {
            since: growth.since,
            ..*self
        };
        if waited_seconds >= self.limit_seconds || quiet.waited_seconds() >= QUIET_SECONDS {
            return None;
        }
        let next = seconds_until_next_look(waited_seconds).max(GROWTH_SECONDS);
        Some(Pending {
            growth: Some(growth),
            ..self.until(bounds::text(waiting_for, bounds::DETAIL), next)
        })
    }

    /// Pending until the next look in so many seconds, or until the limit.
    fn until(&self, waiting_for: String, next: u64) -> Pending {
        let waited_seconds = self.waited_seconds();
        Pending {
            waiting_for,
            wait_seconds: next.min(self.limit_seconds.saturating_sub(waited_seconds)),
            waited_seconds,
            limit_seconds: self.limit_seconds,
            begun: Vec::new(),
            growth: None,
        }
    }

    /// The same where the other side has refused for now, in these words. As progress
    /// they would read like a failure, so they go to the log, and into the error when
    /// the limit is reached.
    ///
    /// # Errors
    /// `late`, when the limit is reached.
    pub fn pending_despite<T>(
        &self,
        waiting_for: impl Into<String>,
        refusal: &str,
        late: Code,
    ) -> Result<Progress<T>, StepError> {
        let waiting_for = waiting_for.into();
        if self.waited_seconds() >= self.limit_seconds {
            return self.pending(format!("{waiting_for} ({refusal})"), late);
        }
        tracing::info!("{}: {}", plain::text(&waiting_for), plain::text(refusal));
        self.pending(waiting_for, late)
    }
}

/// For how long something must have been absent before we believe that it is.
pub const SETTLING_SECONDS: u64 = 20;

/// For how long something that may still grow must have been of one size until it is
/// taken for the whole. Templates and scripts make one subnet some seconds after the
/// other; half a minute is longer than that, and short beside the minutes of a run.
pub const QUIET_SECONDS: u64 = 30;

/// The least time between two looks at it.
const GROWTH_SECONDS: u64 = 10;

/// Seconds until the next look of a wait that has lasted so long: three in the first five
/// minutes, in which nearly every wait ends, and then a twentieth of the time waited, at
/// most two minutes.
///
/// Chosen by `tests/examples/pace.rs` from 10,000 connections: what is awaited is seen 2.1 s
/// late in the median and 3.9 s in 99 of 100 waits, for 0.4 cents a connection. Looks cost
/// more than money: each one counts towards rate limits, and takes nine of the 25,000 events
/// that a run may have. The longest run that the limits allow has some 20,300.
pub fn seconds_until_next_look(waited_seconds: u64) -> u64 {
    if waited_seconds < 300 {
        return 3;
    }
    (waited_seconds / 20).min(120)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn after(seconds: i64, limit_seconds: u64) -> Wait {
        let since = datetime!(2026-01-01 00:00 UTC);
        Wait {
            since,
            now: since + time::Duration::seconds(seconds),
            limit_seconds,
        }
    }

    fn pending(wait: Wait) -> Result<Progress<()>, StepError> {
        wait.pending("the endpoint (pending)", Code::EndpointNotAcceptedInTime)
    }

    #[test]
    fn the_limit_is_an_error_that_says_what_was_awaited() {
        let error = pending(after(600, 600)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "endpoint-not-accepted-in-time: after 600 s (limit 600 s) still: the endpoint (pending)"
        );
    }

    #[test]
    fn the_words_of_a_refusal_are_told_only_when_the_wait_is_given_up() {
        let ask = |seconds| {
            let late = Code::RegistrationRefused;
            after(seconds, 600).pending_despite::<()>("not seen yet", "answered 404", late)
        };
        let Ok(Progress::Pending(pending)) = ask(3) else {
            panic!("{:?}", ask(3))
        };
        assert_eq!(pending.waiting_for, "not seen yet");
        assert_eq!(
            ask(600).unwrap_err().detail,
            "after 600 s (limit 600 s) still: not seen yet (answered 404)"
        );
    }

    #[test]
    fn a_clock_that_steps_back_does_not_end_the_wait() {
        assert!(pending(after(-5, 600)).is_ok());
    }

    #[test]
    fn an_undo_of_hundreds_of_things_has_a_short_answer() {
        let begun = vec!["\"\\\u{1}\u{1f600}".repeat(500); 300];
        let awaited = begun.join(", ");
        let wait = after(3, 600);
        let pending = wait.pending::<()>(awaited, Code::EndpointNotGoneInTime);
        let answer = pending.unwrap().having_begun(&begun);
        let undone = crate::plan::Undone::of(&begun, "nothing");
        let bytes = serde_json::to_string(&(answer, undone)).unwrap().len();
        assert!(bytes <= bounds::ANSWER / 2, "{bytes} bytes");
    }

    /// Looks at something that has so many parts from these seconds on: when it is taken
    /// for the whole, and how many parts it has then.
    fn taken_for_the_whole(parts: &[(i64, usize)], limit: u64) -> (i64, usize) {
        let (mut waited, mut last) = (0, None);
        loop {
            let so_far = parts.iter().filter(|(from, _)| *from <= waited);
            let size = so_far.map(|(_, size)| *size).max().unwrap_or(0);
            let Some(pending) = after(waited, limit).while_growing("more", size, last) else {
                return (waited, size);
            };
            waited += i64::try_from(pending.wait_seconds).unwrap();
            last = pending.growth;
        }
    }

    #[test]
    fn what_grows_is_taken_for_the_whole_once_it_is_quiet_or_the_limit_is_reached() {
        assert_eq!(taken_for_the_whole(&[(0, 2)], 600), (30, 2));
        let trickle = [(0, 1), (7, 2), (28, 3), (57, 4), (900, 5)];
        assert_eq!(taken_for_the_whole(&trickle, 600), (90, 4));
        let endless: Vec<(i64, usize)> = (0..10).zip(1..).map(|(n, k)| (n * 10, k)).collect();
        assert_eq!(taken_for_the_whole(&endless, 45), (45, 5));
        assert_eq!(taken_for_the_whole(&[(0, 1)], 10), (10, 1));
        // It counts from the look that saw this size first.
        let last = after(0, 600).while_growing("more", 3, None).unwrap().growth;
        assert!(after(40, 600).while_growing("more", 3, last).is_none());
        assert!(after(40, 600).while_growing("more", 2, last).is_some());
    }

    #[test]
    fn progress_is_tagged_for_the_definition() {
        let json = serde_json::to_value(pending(after(3, 600)).unwrap()).unwrap();
        assert_eq!(json["status"], "pending");
        assert_eq!(json["value"]["wait_seconds"], 3);
        let ready = serde_json::to_value(Progress::Ready(Wait::clone(&after(0, 1)))).unwrap();
        assert_eq!(ready["status"], "ready");
    }

    #[test]
    fn the_next_look_comes_soon_at_first_and_later_as_the_wait_drags_on() {
        for (waited, seconds) in [
            (0, 3),
            (299, 3),
            (300, 15),
            (900, 45),
            (2400, 120),
            (7199, 120),
        ] {
            assert_eq!(seconds_until_next_look(waited), seconds, "after {waited} s");
        }
    }

    proptest! {
        #[test]
        fn a_wait_never_passes_its_limit_and_never_spins(limit in 1u64..7200) {
            let mut waited = 0;
            let mut looks = 0;
            while let Ok(Progress::Pending(pending)) = pending(after(waited, limit)) {
                prop_assert!((1..=120).contains(&pending.wait_seconds));
                waited += i64::try_from(pending.wait_seconds).unwrap();
                looks += 1;
            }
            prop_assert_eq!(u64::try_from(waited).unwrap(), limit);
            prop_assert!(looks <= 1 + limit / 3, "{} looks in {} s", looks, limit);
            prop_assert!(looks <= 125 + limit / 120, "{} looks in {} s", looks, limit);
        }
    }
}
