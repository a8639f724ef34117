//! What must be true of the world after a connection was taken away.

use std::collections::BTreeSet;

use engine::{Execution, Outcome};
use shared::ledger::{Connection, Phase};
use shared::report::{Ending, Explained, Removed};

use crate::aftermath::{Broken, Snapshot, ensure, recorded, was_hit};
use crate::books;
use crate::run::{LEASES_EXPIRE, Stage, explained};

/// The state that refuses.
const GUARD: &str = "GuardRemoval";

/// How a run of `deprovision` ended.
#[derive(Debug)]
pub enum Removal {
    /// Nothing of the connection is left; what was undone.
    Disconnected(Vec<String>),
    /// Something is left, or nothing was begun.
    Incomplete(Box<Explained>),
}

impl Removal {
    /// Reads the ending of a run; anything that is not one of the promised endings
    /// is a failed test.
    ///
    /// # Panics
    /// When it is not.
    pub fn of(execution: &Execution) -> Self {
        match &execution.outcome {
            Outcome::Succeeded(output) => {
                let removed: Removed =
                    serde_json::from_value(output.clone()).expect("a Removed as output");
                Removal::Disconnected(removed.undone)
            }
            Outcome::Failed { error, cause } => {
                let failure = explained(error, cause);
                let ending = match failure.failed_at == GUARD {
                    true => Ending::DisconnectRefused,
                    false => Ending::DisconnectIncomplete,
                };
                assert_eq!(error, ending.as_str());
                Removal::Incomplete(Box::new(failure))
            }
            Outcome::TimedOut => panic!("the machine timed out"),
        }
    }

    /// Whether nothing is left.
    pub fn is_complete(&self) -> bool {
        matches!(self, Removal::Disconnected(_))
    }

    /// What the report names as left.
    pub fn left(&self) -> Vec<&str> {
        match self {
            Removal::Disconnected(_) => Vec::new(),
            Removal::Incomplete(failure) => {
                failure.left.iter().map(|left| left.what.as_str()).collect()
            }
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Removal::Disconnected(_) => Phase::Disconnected,
            Removal::Incomplete(failure) if failure.failed_at == GUARD => Phase::DisconnectRefused,
            Removal::Incomplete(_) => Phase::DisconnectIncomplete,
        }
    }
}

/// A connection that is to be taken away, and how the world shall be afterwards.
pub struct Before {
    now: Snapshot,
    entry: Option<Connection>,
    gone: Snapshot,
}

impl Before {
    /// The world of the stage once all that is under way has happened; `gone` is
    /// what it shall be like without the connection.
    pub fn new(stage: &Stage, gone: &Snapshot) -> Self {
        Self {
            now: Snapshot::settled(stage),
            entry: recorded(stage),
            gone: gone.clone(),
        }
    }

    /// Holds the ending of a run against the world.
    ///
    /// # Errors
    /// Says what is wrong, for the reader of a failed test.
    pub fn check(&self, stage: &Stage, removal: &Removal) -> Result<(), Broken> {
        let after = Snapshot::settled(stage);
        let lacks = after.lacks(&self.gone);
        if !lacks.is_empty() {
            return Err(format!("what is not the connection's is gone: {lacks:?}"));
        }
        let left = after.left_since(&self.gone);
        match removal {
            Removal::Disconnected(_) if left.is_empty() => {}
            Removal::Incomplete(failure) => self.check_left(&after, &left, failure)?,
            Removal::Disconnected(_) => {
                return Err(format!("disconnected, and {left:?} is left"));
            }
        }
        self.check_lease(stage, &after)?;
        self.check_ledger(stage, removal)?;
        check_notice(stage, removal)
    }

    /// A run gives its lease back. One that had expired is taken over.
    fn check_lease(&self, stage: &Stage, after: &Snapshot) -> Result<(), Broken> {
        let (before, after) = (self.now.leases(), after.leases());
        let is_known = after
            .iter()
            .all(|(vpc, holder)| before.get(vpc) == Some(holder));
        ensure(is_known || was_hit(stage, "dynamodb:DeleteItem"), || {
            format!("leases before: {before:?}, after: {after:?}")
        })
    }

    /// Everything that is left has a name in the report. Where nothing is named,
    /// nothing was changed.
    fn check_left(
        &self,
        after: &Snapshot,
        left: &BTreeSet<String>,
        failure: &Explained,
    ) -> Result<(), Broken> {
        let named: Vec<&str> = failure.left.iter().map(|left| left.what.as_str()).collect();
        let is_told = match named.is_empty() {
            true => {
                let same = after.clone().without_leases() == self.now.clone().without_leases();
                same && failure.undone.is_empty()
            }
            false => left.iter().all(|what| is_named(what, &named)),
        };
        ensure(is_told, || {
            format!("named as left: {named:?}, really left: {left:?}\n{failure:#?}")
        })
    }

    fn check_ledger(&self, stage: &Stage, removal: &Removal) -> Result<(), Broken> {
        let entry = recorded(stage);
        let phase = entry.as_ref().map(|entry| entry.phase);
        let is = |right: bool| {
            ensure(right, || {
                format!("{:?}, and the ledger has {entry:#?}", removal.phase())
            })
        };
        let failure = match removal {
            Removal::Disconnected(_) => {
                let stays = was_hit(stage, "dynamodb:DeleteItem")
                    && (phase == Some(Phase::Disconnected)
                        || was_hit(stage, "dynamodb:UpdateItem"));
                return is(entry.is_none() || stays);
            }
            Removal::Incomplete(failure) => failure,
        };
        match failure.failed_at.as_str() {
            "TakeLease" | "ReadEntry" | GUARD => is(entry == self.entry),
            // The last try may have taken effect.
            "RecordDisconnecting" => is(entry.is_some() == self.entry.is_some()),
            _ if self.entry.is_none() => is(entry.is_none()),
            _ if was_hit(stage, "dynamodb:UpdateItem") => is(entry.is_some()),
            _ => {
                let outcome = entry.as_ref().and_then(|entry| entry.outcome.as_ref());
                let told = outcome.and_then(|outcome| outcome.failure.as_ref());
                is(phase == Some(Phase::DisconnectIncomplete) && told == Some(&**failure))
            }
        }
    }
}

/// Whether the report names it, by its id or by the connection whose tags it carries.
fn is_named(what: &str, named: &[&str]) -> bool {
    let any = |is: &dyn Fn(&str) -> bool| named.iter().any(|named| is(named));
    let of_connection =
        |kind: &str| any(&|named| named.starts_with(&format!("{kind} of connection ")));
    let id = what.rsplit(' ').next().unwrap_or_default();
    if what.starts_with("security group ") {
        return of_connection("security group");
    }
    if what.starts_with("private endpoint connection ") {
        return any(&|named| named == what) || of_connection("private endpoint connection");
    }
    if what.starts_with("trusted owner ") {
        return any(&|named| named == what) || of_connection("private endpoint connection");
    }
    any(&|named| named.starts_with("endpoint ") && named.contains(id)) || of_connection("endpoint")
}

/// The bus was told how it ended.
fn check_notice(stage: &Stage, removal: &Removal) -> Result<(), Broken> {
    if was_hit(stage, "events:PutEvents") {
        return Ok(());
    }
    let notices = stage.simulator.look(books::notices);
    let (kind, notice) = notices.last().ok_or("nothing was announced")?;
    let (expected, code) = match removal {
        Removal::Disconnected(_) => ("Connection Removed", None),
        Removal::Incomplete(failure) => ("Connection Failed", Some(failure.code.clone())),
    };
    let right = kind == expected
        && notice.code == code
        && notice.phase == Some(removal.phase())
        && notice.fix.is_some() == code.is_some();
    ensure(right, || format!("{kind} was announced: {notice:#?}"))
}

/// Runs `deprovision` once more, now that nothing is in the way: it must end with
/// nothing left, and no entry and no lease either.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn finish(stage: &Stage, gone: &Snapshot) -> Result<(), Broken> {
    stage.simulator.end_faults();
    if !stage.simulator.look(books::leases).is_empty() {
        // Nobody could give it back, so it has to expire.
        stage.clock.advance(LEASES_EXPIRE);
    }
    let before = Before::new(stage, gone);
    let removal = Removal::of(&stage.deprovision("once-more"));
    if !removal.is_complete() {
        return Err(format!("the second run: {removal:#?}"));
    }
    before.check(stage, &removal)?;
    let leases = stage.simulator.look(books::leases);
    match (recorded(stage), leases.is_empty()) {
        (None, true) => Ok(()),
        (entry, _) => Err(format!("after the second run: {entry:#?}, {leases:?}")),
    }
}
