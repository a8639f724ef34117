//! Looks at both sides of the connections that worked, one batch a call, and says
//! how each one stands: as it was asked for, drifted, or not to be seen.
//!
//! It changes nothing of what it looks at. It writes one thing, the health in our
//! own ledger, and only there.
//!
//! A connection that a run is at work on is not judged but counted, and so is one
//! that a run has given up. A place or a cluster that cannot be asked leaves only
//! its own connections unknown. Being unknown is no verdict: nothing is announced
//! for it, and the verdict from before is kept.

use futures_util::future::join;
use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::cloud::Cloud;
use shared::ec2::{Endpoints, Network, SecurityGroups};
use shared::ids::in_lower_case;
use shared::ledger::{Connection, HealthStatus, Ledger, Page};
use shared::notice::Notice;
use shared::place::Places;
use shared::vpc_tags::TagKeys;
use time::OffsetDateTime;

mod cloud_side;
mod counts;
mod health;
mod judge;
mod network_side;
mod row;
#[cfg(test)]
mod tests;
mod zones;

pub use counts::Counts;
pub use row::Row;

/// The connections that one call judges. An event for each of them fits into one
/// `PutEvents` (Amazon EventBridge API reference: at most 10 entries).
pub const BATCH: usize = 10;

/// The entries of one page of the ledger, and the most that one call reads: those that
/// are only counted must not take up the events of an execution.
const PAGE: u32 = 100;
const MOST_READ: usize = 1000;

/// Which connections to check, and what came of the batches before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where to go on; `None` on the first call.
    pub after: Option<String>,
    /// The connections to check; all of the ledger if there are none.
    pub connection_ids: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The run that checks, for the announcements.
    pub execution: String,
    /// The sum of the calls before; `None` on the first one.
    pub counts: Option<Counts>,
    /// The changes of the last call, once they are announced.
    pub announced: Vec<Change>,
}

/// What this batch was like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Where to go on; `None` if nothing is left to be done.
    pub next: Option<String>,
    /// How many connections were judged.
    pub checked: u32,
    /// What is to be announced.
    pub changes: Vec<Change>,
    /// The drifted connections that a run of `provision` may set right.
    pub to_repair: Vec<String>,
    /// The sum of all calls so far.
    pub counts: Counts,
    /// The first verdict that could not be written down, if any: the connection and
    /// why. The next check judges it anew.
    pub trouble: Option<String>,
    /// How each connection stands, for the log alone.
    #[serde(skip)]
    pub rows: Vec<Row>,
}

/// A verdict that is to be announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub connection_id: String,
    pub health: HealthStatus,
    /// The kind of event.
    pub detail_type: String,
    /// What the event says.
    pub notice: Notice,
}

/// Checks one batch. `prefix` is what people's tags begin with.
///
/// # Errors
/// Those of reading the ledger. What is wrong with a connection, a place or a
/// cluster, or a verdict that cannot be written down, is not an error here but part
/// of the answer.
pub async fn handle<P, C>(
    ledger: &impl Ledger,
    places: &P,
    cloud: &C,
    prefix: &str,
    input: Input,
) -> Result<Output, StepError>
where
    P: Places<Ec2: Network + Endpoints + SecurityGroups>,
    C: Cloud,
{
    let keys = &TagKeys::new(prefix);
    let mut trouble = Trouble::default();
    for change in &input.announced {
        let noted = note_announced(ledger, change).await;
        trouble.keep(&change.connection_id, noted);
    }
    let page = page(ledger, &input).await?;
    let to_judge: Vec<&Connection> = page
        .connections
        .iter()
        .filter(|connection| is_judged(connection))
        .collect();
    let (networks, clusters) = join(
        network_side::look(places, &to_judge, keys),
        cloud_side::look(cloud, &to_judge),
    )
    .await;

    let mut output = Output {
        next: page.next,
        checked: 0,
        changes: Vec::new(),
        to_repair: Vec::new(),
        counts: input.counts.unwrap_or_default(),
        trouble: None,
        rows: Vec::new(),
    };
    for connection in &page.connections {
        let execution = &input.execution;
        if !is_judged(connection) {
            output.counts.add_unjudged(connection, input.now);
            let name = connection.cluster_name.as_deref();
            output
                .rows
                .extend(Row::of(connection, name, None, execution));
            continue;
        }
        let cluster = cloud_side::of(connection, &clusters);
        let name = cloud_side::name(connection, cluster);
        let network = network_side::of(connection, &networks);
        let judgement = judge::judge(connection, network, cluster, keys);
        let health = health::next(connection, &judgement, input.now);
        output
            .rows
            .extend(Row::of(connection, name, Some(&health), execution));
        let id = &connection.connection_id;
        let recorded = ledger.record_health(id, &health).await;
        output.checked += 1;
        output.counts.add(connection, &health, &judgement);
        if !trouble.keep(id, recorded) {
            // The next check comes to the same verdict, and tells it once.
            continue;
        }
        if health.status == HealthStatus::Drifted && judgement.is_for_provision() {
            output.to_repair.push(connection.connection_id.clone());
        }
        output
            .changes
            .extend(health::change(connection, name, &health, execution));
    }
    if output.next.is_none() && !output.changes.is_empty() {
        // One more call, which finds nothing to check, notes what was announced.
        let last = page.connections.last();
        output.next = last.map(|connection| connection.connection_id.clone());
    }
    output.trouble = trouble.0;
    Ok(output)
}

/// Whether a connection is one that works, or should: whatever became of the last run.
fn is_judged(connection: &Connection) -> bool {
    connection.stands() && connection.phase.is_over()
}

/// The first thing that could not be written down. It does not keep the others
/// from being judged.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    /// Whether it was written.
    fn keep(&mut self, connection_id: &str, written: Result<(), StepError>) -> bool {
        let Err(error) = written else { return true };
        tracing::warn!("{connection_id}: {error}");
        self.0.get_or_insert(format!("{error} ({connection_id})"));
        false
    }
}

/// The connections of this call.
async fn page(ledger: &impl Ledger, input: &Input) -> Result<Page, StepError> {
    let after = input.after.as_deref();
    if input.connection_ids.is_empty() {
        return page_of_all(ledger, after).await;
    }
    let ids = input.connection_ids.iter();
    let ids: Vec<String> = ids.map(|id| in_lower_case(id)).collect();
    let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| after.is_none_or(|after| *id > after));
    let is_last = ids.len() <= BATCH;
    ids.truncate(BATCH);
    let mut connections = Vec::new();
    for id in &ids {
        // One that was forgotten meanwhile needs no check.
        connections.extend(ledger.connection(id).await?);
    }
    Ok(Page {
        connections,
        next: ids
            .last()
            .filter(|_| !is_last)
            .map(|last| (*last).to_owned()),
    })
}

/// The same of the whole ledger: until enough are to be judged.
async fn page_of_all(ledger: &impl Ledger, after: Option<&str>) -> Result<Page, StepError> {
    let mut page = Page {
        connections: Vec::new(),
        next: after.map(str::to_owned),
    };
    let mut to_judge = 0;
    loop {
        let more = ledger.connections(page.next.as_deref(), PAGE).await?;
        page.next = more.next;
        let mut entries = more.connections.into_iter();
        for entry in entries.by_ref() {
            to_judge += usize::from(is_judged(&entry));
            page.connections.push(entry);
            if to_judge == BATCH {
                break;
            }
        }
        if entries.len() > 0 {
            let last = page.connections.last();
            page.next = last.map(|entry| entry.connection_id.clone());
        }
        let is_full = to_judge == BATCH || page.connections.len() >= MOST_READ;
        if is_full || page.next.is_none() {
            return Ok(page);
        }
    }
}

/// Notes that a change was announced, unless the verdict is another one by now.
async fn note_announced(ledger: &impl Ledger, change: &Change) -> Result<(), StepError> {
    let connection = ledger.connection(&change.connection_id).await?;
    match connection.and_then(|connection| connection.health) {
        Some(mut health) if health.to_announce && health.status == change.health => {
            health.to_announce = false;
            ledger.record_health(&change.connection_id, &health).await
        }
        Some(_) | None => Ok(()),
    }
}
