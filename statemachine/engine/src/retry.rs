//! Decides what becomes of a failed task: again, elsewhere, or the end.

use std::time::Duration;

use crate::effects::Effects;
use crate::error_names;

/// One entry of `Retry`, defaults filled in (States Language, "Retriers").
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retrier {
    pub(crate) error_equals: Vec<String>,
    pub(crate) interval_seconds: u32,
    /// How often the task may be called again; 0 is never.
    pub(crate) max_attempts: u32,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<u32>,
    pub(crate) full_jitter: bool,
}

/// One entry of `Catch`.
#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) error_equals: Vec<String>,
    pub(crate) next: String,
    pub(crate) effects: Effects,
}

impl Retrier {
    /// The pause before the retry after so many earlier retries, without
    /// jitter.
    pub(crate) fn delay(&self, earlier: u32) -> Duration {
        let exponent = i32::try_from(earlier).unwrap_or(i32::MAX);
        let grown = f64::from(self.interval_seconds) * self.backoff_rate.powi(exponent);
        // The States Language allows no pause above this; it also keeps an
        // endless growth finite.
        let cap = self.max_delay_seconds.unwrap_or(LONGEST_DELAY_SECONDS);
        Duration::from_secs_f64(grown.min(f64::from(cap)))
    }
}

/// Largest `MaxDelaySeconds` (developer guide, "Handling errors").
pub(crate) const LONGEST_DELAY_SECONDS: u32 = 31_622_400;

/// How often each retrier has been used in one visit of a state.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    retriers: &'a [Retrier],
    used: Vec<u32>,
}

/// A task is to be called again.
#[derive(Debug, PartialEq)]
pub(crate) struct Again {
    /// Which retry of its retrier it is, from 1.
    pub(crate) attempt: u32,
    /// The pause before it, without jitter.
    pub(crate) delay: Duration,
    pub(crate) full_jitter: bool,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(retriers: &'a [Retrier]) -> Retries<'a> {
        Retries {
            retriers,
            used: vec![0; retriers.len()],
        }
    }

    /// The first retrier that matches decides, even if it is used up.
    pub(crate) fn after(&mut self, error: &str) -> Option<Again> {
        let index = self
            .retriers
            .iter()
            .position(|retrier| error_names::matches(&retrier.error_equals, error))?;
        let (retrier, used) = (&self.retriers[index], &mut self.used[index]);
        if *used >= retrier.max_attempts {
            return None;
        }
        let delay = retrier.delay(*used);
        *used += 1;
        Some(Again {
            attempt: *used,
            delay,
            full_jitter: retrier.full_jitter,
        })
    }

    /// How often the task was called again in this visit, over all retriers.
    pub(crate) fn count(&self) -> u32 {
        self.used.iter().sum()
    }
}

/// The catcher that takes an error.
pub(crate) fn catcher<'a>(catchers: &'a [Catcher], error: &str) -> Option<&'a Catcher> {
    catchers
        .iter()
        .find(|catcher| error_names::matches(&catcher.error_equals, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retrier(names: &[&str], max_attempts: u32) -> Retrier {
        Retrier {
            error_equals: names.iter().map(|&name| name.to_owned()).collect(),
            interval_seconds: 2,
            max_attempts,
            backoff_rate: 3.0,
            max_delay_seconds: Some(20),
            full_jitter: false,
        }
    }

    fn seconds(again: Option<Again>) -> Option<(u32, u64)> {
        again.map(|again| (again.attempt, again.delay.as_secs()))
    }

    #[test]
    fn pauses_grow_up_to_their_cap() {
        let retrier = retrier(&["A"], 9);
        let delays: Vec<u64> = (0..5).map(|n| retrier.delay(n).as_secs()).collect();
        assert_eq!(delays, [2, 6, 18, 20, 20]);
    }

    #[test]
    fn endless_growth_stays_finite() {
        let mut retrier = retrier(&["A"], 9);
        retrier.max_delay_seconds = None;
        assert_eq!(
            retrier.delay(u32::MAX).as_secs(),
            u64::from(LONGEST_DELAY_SECONDS)
        );
    }

    #[test]
    fn each_retrier_counts_for_itself() {
        let retriers = [retrier(&["A"], 1), retrier(&["States.ALL"], 2)];
        let mut retries = Retries::new(&retriers);
        assert_eq!(seconds(retries.after("A")), Some((1, 2)));
        assert_eq!(seconds(retries.after("B")), Some((1, 2)));
        assert_eq!(seconds(retries.after("B")), Some((2, 6)));
        assert_eq!(retries.count(), 3);
        // A second A does not fall through to States.ALL.
        assert_eq!(retries.after("A"), None);
        assert_eq!(retries.after("B"), None);
    }

    #[test]
    fn no_attempts_means_never_again() {
        let retriers = [retrier(&["A"], 0), retrier(&["States.ALL"], 5)];
        assert_eq!(Retries::new(&retriers).after("A"), None);
    }

    #[test]
    fn an_error_that_nothing_matches_is_not_retried() {
        let retriers = [retrier(&["A"], 1)];
        assert_eq!(Retries::new(&retriers).after("B"), None);
    }
}
