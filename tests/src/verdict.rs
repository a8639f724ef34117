//! What tests of many runs tell of them in the end. `.ci/run` reads the line.

use std::collections::BTreeMap;
use std::io::Write;
use std::iter::Sum;
use std::time::Instant;

use simulator::Fault;

use crate::aftermath::Broken;
use crate::standing::ASKED;

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many there were of what.
    pub numbers: BTreeMap<&'static str, usize>,
    /// How often each ending was reached.
    pub endings: BTreeMap<String, usize>,
    /// The promises that were not kept.
    pub broken: Vec<String>,
}

impl Tally {
    /// So many more of something.
    pub fn add(&mut self, what: &'static str, number: usize) {
        *self.numbers.entry(what).or_default() += number;
    }

    /// One more that ended like this.
    pub fn ended(&mut self, ending: String) {
        *self.endings.entry(ending).or_default() += 1;
    }

    /// Whether a promise was held, and in which run.
    pub fn held(&mut self, held: Result<(), Broken>, run: impl FnOnce() -> String) {
        if let Err(broken) = held {
            self.broken.push(format!("{}: {broken}", run()));
        }
    }

    /// What came of these faults, each in a run and in one that followed: how it ended, or
    /// the promise that was broken, and how often it was asked whether a connection stands.
    pub fn tried(
        &mut self,
        what: &str,
        faults: &[Fault],
        results: Vec<(Result<String, Broken>, usize)>,
    ) {
        self.add("runs", 2 * faults.len());
        for ((result, asked), fault) in results.into_iter().zip(faults) {
            self.add(ASKED, asked);
            let held = result.map(|ending| self.ended(ending));
            self.held(held, || format!("{what}, {fault:?}"));
        }
    }

    /// Tells what the runs came to, and fails if a promise was broken.
    ///
    /// # Panics
    /// When one was; it names the first three.
    pub fn conclude(&self, title: &str, began: Instant) {
        self.tell(title, began);
        none_is_broken(&self.broken);
    }

    /// Tells what the runs came to. Written past the capture of passing tests: these
    /// counts are for everybody.
    pub fn tell(&self, title: &str, began: Instant) {
        let numbers = self
            .numbers
            .iter()
            .map(|(what, number)| format!("{number} {what}"));
        let (numbers, endings) = (numbers.collect::<Vec<_>>().join(", "), &self.endings);
        let (leaks, seconds) = (self.broken.len(), began.elapsed().as_secs());
        let told = format!("{title}: {numbers}, {endings:?}, {leaks} leaks, {seconds} s");
        let _ = writeln!(std::io::stderr(), "{told}");
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut all, tally| {
            for (what, number) in tally.numbers {
                all.add(what, number);
            }
            for (ending, number) in tally.endings {
                *all.endings.entry(ending).or_default() += number;
            }
            all.broken.extend(tally.broken);
            all
        })
    }
}

/// Fails if a promise was broken.
///
/// # Panics
/// When one was; it names the first three.
pub fn none_is_broken(broken: &[String]) {
    let first = &broken[..broken.len().min(3)];
    assert!(
        broken.is_empty(),
        "{} broken promises, the first: {first:#?}",
        broken.len()
    );
}
