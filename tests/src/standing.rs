//! What must be true of the record of a connection that stood, after a run on it that
//! did not end ready.

use std::cell::Cell;
use std::time::Duration;

use engine::Clock;
use find_orphans::{Finding, Known, Ports, Sum};
use shared::config::{Config, DEFAULT_TAG_PREFIX};
use shared::ledger::{Connection, Phase};

use crate::aftermath::{Broken, ensure, recorded, was_hit};
use crate::policies::REGION;
use crate::run::{Stage, block_on};

/// What [`counted`] counts.
pub const ASKED: &str = "times asked whether a connection stands";

thread_local! {
    static TIMES: Cell<usize> = const { Cell::new(0) };
}

/// What comes of some work on this thread, and how often it asked whether a connection
/// still stands.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = TIMES.get();
    let done = work();
    (done, TIMES.get() - before)
}

/// What was in force is in force; the connection is checked, and no sweep takes it
/// for anything but live.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn check(stage: &Stage, former: &Connection) -> Result<(), Broken> {
    TIMES.set(TIMES.get() + 1);
    let entry = kept(stage, former)?;
    if !entry.phase.is_over() && was_hit(stage, "dynamodb:UpdateItem") {
        // Its end could not be written; the search for lost runs completes it.
        return Ok(());
    }
    let is = |right, what: &str| held(right, what, &entry, former);
    is(
        matches!(
            entry.phase,
            Phase::Ready | Phase::RollbackIncomplete | Phase::KeptAfterFailure
        ),
        "no such ending leaves a connection that stands",
    )?;
    is(checked(&stage.forked(), &entry)? == 1, "it is not checked")
}

/// The part of it that is true also while a run on the connection is not over: what
/// was in force is in force, and no sweep takes it for anything but live.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn kept(stage: &Stage, former: &Connection) -> Result<Connection, Broken> {
    let entry = in_force(stage, former)?;
    let is = |right, what: &str| held(right, what, &entry, former);
    is(
        entry.ready == former.ready,
        "clients are told something else",
    )?;
    is(
        entry.endpoint_id == former.endpoint_id || was_hit(stage, "dynamodb:UpdateItem"),
        "another endpoint",
    )?;
    let orphans = orphans(stage, &entry)?;
    is(orphans.is_empty(), &format!("a sweep finds {orphans:?}"))?;
    Ok(entry)
}

/// What must be true after a run that ended ready: the connection is checked, and no
/// sweep takes it for anything but live.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn live(stage: &Stage) -> Result<(), Broken> {
    TIMES.set(TIMES.get() + 1);
    if was_hit(stage, "dynamodb:UpdateItem") {
        // Its end could not be written; the search for lost runs completes it.
        return Ok(());
    }
    let entry = recorded(stage).ok_or("the ledger has forgotten a connection that works")?;
    let orphans = orphans(stage, &entry)?;
    if !orphans.is_empty() {
        return Err(format!("a sweep finds {orphans:?} of {entry:#?}"));
    }
    match checked(&stage.forked(), &entry)? {
        1 => Ok(()),
        _ => Err(format!("it is not checked: {entry:#?}")),
    }
}

/// What a sweep says of a connection when nothing is in the way any more, and when the
/// cluster has noticed what became of endpoints.
fn orphans(stage: &Stage, entry: &Connection) -> Result<Vec<Finding>, Broken> {
    let later = stage.forked();
    later.clock.advance(Duration::from_secs(3600));
    let (mut orphans, _) = swept(&later)?;
    orphans.retain(|it| is_about(it, entry));
    Ok(orphans)
}

/// The part of it that is true also after a run that ended ready, and that asked for
/// what was in force. Answers the entry.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn in_force(stage: &Stage, former: &Connection) -> Result<Connection, Broken> {
    let entry = recorded(stage).ok_or("the ledger has forgotten a connection that stands")?;
    let is = |right, what: &str| held(right, what, &entry, former);
    is(
        entry.request == former.request,
        "another request is in force",
    )?;
    is(
        entry.account_id == former.account_id,
        "it is in another account",
    )?;
    is(
        entry.stands_since == former.stands_since,
        "it does not stand",
    )?;
    Ok(entry)
}

/// Whether a finding tells of this connection: of itself, or of a private endpoint
/// connection at its cluster that no entry explains. What is told of other connections,
/// also to the same cluster, was there without this one.
fn is_about(finding: &Finding, entry: &Connection) -> bool {
    match &finding.connection_id {
        Some(id) => *id == entry.connection_id,
        None => finding.cluster_id == entry.cluster_id,
    }
}

/// What is wrong if something is, with both entries.
fn held(right: bool, what: &str, entry: &Connection, former: &Connection) -> Result<(), Broken> {
    ensure(right, || format!("{what}: {entry:#?}\nbefore: {former:#?}"))
}

/// What a sweep says of all that there is in the Region.
///
/// # Errors
/// Those of the sweep.
pub fn swept(stage: &Stage) -> Result<(Vec<Finding>, Sum), Broken> {
    let ports = stage.ports().acting_as("find-orphans");
    let known = Known::new(&Config::of(|_| None)).map_err(|error| error.to_string())?;
    let mut findings = Vec::new();
    let mut input = find_orphans::Input {
        cursor: None,
        only: Vec::new(),
        always: REGION.to_owned(),
        minimum_age_hours: 1,
        remove: false,
        now: stage.clock.now(),
        execution: "sweep".to_owned(),
        sum: None,
    };
    loop {
        let asked = Ports {
            places: &ports,
            cloud: &ports,
            ledger: &ports,
        };
        let look = find_orphans::handle(asked, &known, input.clone());
        let output = block_on(look).map_err(|error| error.to_string())?;
        findings.extend(output.findings);
        match output.next {
            Some(next) => (input.cursor, input.sum) = (Some(next), Some(output.sum)),
            None => return Ok((findings, output.sum)),
        }
    }
}

/// Of how many connections a check tells how they stand, asked about this one.
fn checked(stage: &Stage, entry: &Connection) -> Result<u32, Broken> {
    let ports = stage.ports().acting_as("check-fleet");
    let input = check_fleet::Input {
        after: None,
        connection_ids: vec![entry.connection_id.clone()],
        now: stage.clock.now(),
        execution: "check".to_owned(),
        counts: None,
        announced: Vec::new(),
    };
    let look = check_fleet::handle(&ports, &ports, &ports, DEFAULT_TAG_PREFIX, input);
    let output = block_on(look).map_err(|error| error.to_string())?;
    Ok(output.checked)
}
