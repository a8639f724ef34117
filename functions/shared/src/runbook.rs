//! The run book: every alarm, every phase of a connection and every health, with what it
//! means, what to look at and what to do. Codes have theirs in [`crate::catalogue`].
//!
//! The names are interface, like codes. `docs/run-book.md` is generated from here,
//! `crdb-privatelink explain` prints from here, and the alarms of the template say what
//! stands here.

use crate::ledger::{HealthStatus, Phase};

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An alarm of the stack, whose name begins with the name of the stack.
    Alarm,
    /// How far a connection has come, or how an execution ended.
    Phase,
    /// What a check saw.
    Health,
}

impl Kind {
    /// The word before the name in headings.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Alarm => "Alarm",
            Kind::Phase => "Phase",
            Kind::Health => "Health",
        }
    }
}

/// An entry of the run book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: Kind,
    /// Its name, as alarms, ledger, API and notices have it.
    pub name: &'static str,
    /// What is the case.
    pub meaning: &'static str,
    /// Where there is more to see.
    pub look: &'static str,
    /// What the reader can do.
    pub act: &'static str,
}

impl Entry {
    /// The entry of a phase.
    pub fn of_phase(phase: Phase) -> Self {
        let [meaning, look, act] = phase_told(phase);
        Self {
            kind: Kind::Phase,
            name: phase.as_str(),
            meaning,
            look,
            act,
        }
    }

    /// The entry of a health.
    pub fn of_health(status: HealthStatus) -> Self {
        let [meaning, look, act] = health_told(status);
        Self {
            kind: Kind::Health,
            name: status.as_str(),
            meaning,
            look,
            act,
        }
    }

    /// Where it stands: the page in `docs`, and the anchor of its heading.
    pub fn place(&self) -> String {
        let kind = self.kind.as_str().to_ascii_lowercase();
        format!("run-book.md#{kind}-{}", self.name)
    }
}

/// All entries: alarms, phases in the order of the story, healths.
pub fn entries() -> impl Iterator<Item = Entry> {
    let phases = Phase::ALL.into_iter().map(Entry::of_phase);
    let healths = HealthStatus::ALL.into_iter().map(Entry::of_health);
    ALARMS.into_iter().chain(phases).chain(healths)
}

/// An alarm and what it tells: what it means, where to look, what to do.
const fn alarm(
    name: &'static str,
    meaning: &'static str,
    look: &'static str,
    act: &'static str,
) -> Entry {
    Entry {
        kind: Kind::Alarm,
        name,
        meaning,
        look,
        act,
    }
}

/// The alarms of the stack. Meaning and act are also what an alarm says itself.
pub const ALARMS: [Entry; 19] = [
    alarm(
        "rollback-incomplete",
        "An execution could not undo or remove everything: something is left behind. This is the only ending that needs a person.",
        "The notice and GET /connections/{id}: `left` in the outcome names each thing, with a code and a fix of its own.",
        "Do what the notice says about what is left; then ask for the connection again, or remove it.",
    ),
    alarm(
        "something-left",
        "The ledger has connections of which something is left behind. The alarm rings until none is left.",
        "GET /connections with phase=rollback-incomplete and phase=disconnect-incomplete, and the table of what is not healthy on the dashboard.",
        "Remove what their outcome names, then connect again or remove the connection.",
    ),
    alarm(
        "runs-failed",
        "Three executions of provision failed within an hour. Each has sent its own notice, except those that another execution came before; several together mean that something general is wrong.",
        "\"What failed last\" on the dashboard: do they have one code, one cluster or one account in common?",
        "Do what the fix of their code says, then ask for these connections again.",
    ),
    alarm(
        "runs-timed-out",
        "An execution of provision reached the time limit of its state machine, which undoes nothing.",
        "The execution in Step Functions: the state that it was in for so long.",
        "The stack starts one execution that completes it. If that fails too, start provision for the same VPC and cluster again; it takes up what is there. Do not redrive the old execution: its lease is over.",
    ),
    alarm(
        "removals-failed",
        "Three executions of deprovision failed or were refused within an hour. Each has sent its own notice; several together mean that something general is wrong.",
        "\"What failed last\" on the dashboard: do they have one code, one cluster or one account in common?",
        "Do what the fix of their code says, then remove these connections again.",
    ),
    alarm(
        "removals-timed-out",
        "An execution of deprovision reached the time limit of its state machine.",
        "The execution in Step Functions: the state that it was in for so long.",
        "The stack starts one execution that completes it. If that fails too, start deprovision for the same VPC and cluster again; it finishes the job. Do not redrive the old execution: its lease is over.",
    ),
    alarm(
        "key-refused",
        "An execution failed because the Cloud API refused the key, or the secret has none.",
        "The code of the notice: api-key-refused, api-key-lacks-role, or one that begins with secret-.",
        "Make a new key for the service account (role Cluster Operator) and put it into the secret, by the command in the output PutApiKey of the stack; then ask for the connection again.",
    ),
    alarm(
        "keys-refused-by-checks",
        "Connections cannot be checked because the Cloud API refuses the key, or the secret has none. They go on working; what breaks is not seen.",
        "GET /connections?health=unknown: the findings name the code and the cluster.",
        "Put a new key into the secret, by the command in the output PutApiKey of the stack. The next check ends the alarm.",
    ),
    alarm(
        "drift",
        "A connection is not as it should be.",
        "The notice, GET /connections?health=drifted, and the table of what is not healthy on the dashboard say which one, and what differs.",
        "Do what the fix of its code says. Connecting it again sets right what can be; with OnDrift=repair the stack does that itself.",
    ),
    alarm(
        "orphans",
        "A sweep has found what connections have left behind. Endpoints among it are billed.",
        "The notices and the last execution of the state machine sweep say what, in which account and Region.",
        "Do what the fix of each finding says; the state machine sweep with {\"apply\": true} removes what it may.",
    ),
    alarm(
        "checks-failed",
        "A check could not look at all connections, announce what it found, or start what tags ask for.",
        "The last failed execution of the state machine check-fleet: its cause says why.",
        "Nothing at first: the next check makes up for it. If it goes on, do what the cause says.",
    ),
    alarm(
        "checks-timed-out",
        "A check reached the time limit of its state machine before it had looked at all connections.",
        "The execution of the state machine check-fleet: usually a service does not answer.",
        "See whether AWS or CockroachDB Cloud reports a disturbance. If it goes on, report it with the history of the execution.",
    ),
    alarm(
        "sweeps-timed-out",
        "A sweep reached the time limit of its state machine before it had looked everywhere.",
        "The execution of the state machine sweep says how far it came.",
        "Start the state machine sweep with fewer accounts and Regions, in `places`.",
    ),
    alarm(
        "sweeps-failed",
        "A sweep could not look at an account, a Region or a cluster, or the ledger looks lost.",
        "The cause of the execution of the state machine sweep says which, with a code.",
        "Do what the fix of the code says, then sweep again.",
    ),
    alarm(
        "pending-too-long",
        "An execution has been at work for more than four hours.",
        "GET /connections lists what it waits for, and for how long.",
        "Every wait has a limit, and then the execution undoes what it made. If nobody needs the connection any more, take the cluster's id out of the VPC's tag, which is followed when the execution ends; or DELETE /connections/{id}, which waits for its end, for an hour (connection-busy: ask again). Do not stop it in Step Functions: nothing would be undone, and the stack would start it again.",
    ),
    alarm(
        "not-checked",
        "The connections have not been checked for a day. A new stack begins with this alarm, and its first check ends it.",
        "The executions of the state machine check-fleet, and its schedule in EventBridge Scheduler.",
        "Enable the schedule, or start the state machine check-fleet with {} as input.",
    ),
    alarm(
        "events-lost",
        "Events could not be handled and stay in the queue for two weeks.",
        "The messages of the queue (output LostEventsQueueUrl): each says why.",
        "Do what the messages say. The next check makes up for events about VPCs; then purge the queue.",
    ),
    alarm(
        "throttled",
        "AWS or the Cloud API throttled ten attempts to make an endpoint or to look at one within a quarter of an hour.",
        "\"Throttled\" on the dashboard, and which other automation calls EC2 or the Cloud API.",
        "Nothing at first: executions try again by themselves. If it goes on, start fewer at once, or have the quota of CreateVpcEndpoint raised.",
    ),
    alarm(
        "api-fails",
        "The API answered five calls with a status of 500 or above within five minutes.",
        "The log of the function connections-api or plan-connection says why.",
        "Do what the log says; report a crash as a bug.",
    ),
];

/// For phases in which an execution is at work.
const AT_WORK: [&str; 2] = [
    "GET /connections/{id} has the timeline, and says what the execution waits for.",
    "Nothing to do: every wait has a limit.",
];

/// Where an outcome is told.
const OUTCOME: &str = "The outcome in the notice, in GET /connections/{id} and in the cause of the execution: `failed_at`, `code` and `detail`.";

/// Where is told what is left.
const LEFT: &str = "`left` in the outcome names each thing, with a code and a fix of its own; `code` says what failed first.";

/// What a phase means, where to look, and what to do.
fn phase_told(phase: Phase) -> [&'static str; 3] {
    let [look, nothing] = AT_WORK;
    match phase {
        Phase::Requested => [
            "An execution has taken the lease of the VPC and looks at the cluster.",
            look,
            nothing,
        ],
        Phase::ClusterInspected => [
            "The cluster offers its endpoint service. The execution looks at the VPC.",
            look,
            nothing,
        ],
        Phase::NetworkInspected => [
            "Everything is decided, and nothing is made yet.",
            look,
            nothing,
        ],
        Phase::SecurityGroupMade => ["The security group exists.", look, nothing],
        Phase::EndpointMade => ["The endpoint exists.", look, nothing],
        Phase::Registered => [
            "The cluster knows the endpoint. The execution waits until both sides say available.",
            look,
            nothing,
        ],
        Phase::Accepted => [
            "Both sides are available. Private DNS follows, if it was asked for.",
            look,
            nothing,
        ],
        Phase::Ready => [
            "The connection works: both sides are available, and private DNS is on if it was asked for.",
            "GET /connections/{id} has host, port and connection string, and what the last check saw.",
            "Nothing to do.",
        ],
        Phase::RolledBack => [
            "A step failed, and nothing that the execution made is left. The execution ended as RolledBack.",
            OUTCOME,
            "Do what the fix of the code says, then ask again. A connection that worked before stays in force as it was.",
        ],
        Phase::KeptAfterFailure => [
            "A step failed, and what was made is kept, as the request asked for; an endpoint is billed. The execution ended as KeptAfterFailure.",
            OUTCOME,
            "When you have seen enough, ask again, which takes up what is there; or remove the connection.",
        ],
        Phase::RollbackIncomplete => [
            "A step failed, and an undo failed as well, so something is left. The execution ended as RollbackIncomplete, and a person is needed.",
            LEFT,
            "Do what the fixes of what is left say. Then ask again with the same request, or remove the connection: the next execution takes back what is left.",
        ],
        Phase::Disconnecting => ["The connection is being removed.", look, nothing],
        Phase::Disconnected => [
            "Nothing of the connection is left, and its entry goes, too.",
            "The notice says what was taken back.",
            "Nothing to do.",
        ],
        Phase::DisconnectIncomplete => [
            "The connection, or a part of it, could not be removed. The execution ended as DisconnectIncomplete.",
            LEFT,
            "Do what the fixes of what is left say, then remove the connection again; what is already gone does no harm.",
        ],
        Phase::DisconnectRefused => [
            "The connection was not removed, because it is protected, carries traffic, or could not be looked at. Nothing was changed. The execution ended as DisconnectRefused.",
            OUTCOME,
            "Ask whoever protects or uses it; then do what the fix of the code says.",
        ],
        Phase::Interrupted => [
            "The execution was stopped, or timed out, so that it could neither go on nor undo. What it made may be there.",
            "The execution in Step Functions: how far it came, and who stopped it (CloudTrail, StopExecution).",
            "Nothing at first: once its lease is over, the stack starts one execution that completes it. If that is interrupted as well, ask again or remove the connection. Do not redrive the old execution.",
        ],
    }
}

/// What a health means, where to look, and what to do.
fn health_told(status: HealthStatus) -> [&'static str; 3] {
    match status {
        HealthStatus::Healthy => [
            "The last check saw the connection as it was asked for, on both sides. What was announced as drifted is over.",
            "GET /connections/{id} may have remarks of the check, about what does no harm.",
            "Nothing to do.",
        ],
        HealthStatus::Drifted => [
            "The last check saw a connection that worked and is not as it was asked for any more.",
            "The findings in the notice and in GET /connections/{id}, the worst first, each with its code.",
            "Do what the fix of the code says. With OnDrift=repair the stack connects it again where that helps.",
        ],
        HealthStatus::Unknown => [
            "The last check could not look at the connection, or it has not settled yet. The verdict from before is kept, and nothing is announced.",
            "The findings in GET /connections/{id} say what could not be asked, with a code.",
            "Do what the fix of the code says; the next check looks again.",
        ],
    }
}

/// The run book as a document for readers, `docs/run-book.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Run book\n\n\
         Generated from `functions/shared/src/runbook.rs`; a test keeps the two together.\n\
         Codes are in [errors.md](errors.md). `crdb-privatelink explain NAME` prints one of these.\n\n\
         The name of an alarm stands behind that of the stack, as in `STACK-drift`. Every alarm also says when it is over, and a\n\
         connection that has drifted is announced again when it is healthy (`Connection Recovered`).\n\
         Phases say how far a connection has come, or how the last execution ended.\n",
    );
    for entry in entries() {
        text.push_str(&format!(
            "\n## {} {}\n\n**Meaning:** {}\n\n**Look at:** {}\n\n**What to do:** {}\n",
            entry.kind.as_str(),
            entry.name,
            entry.meaning,
            entry.look,
            entry.act,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_has_a_place_of_its_own_and_full_sentences() {
        let mut places = BTreeSet::new();
        for entry in entries() {
            assert!(places.insert(entry.place()), "{}", entry.place());
            for text in [entry.meaning, entry.look, entry.act] {
                let ends = text.ends_with(['.', '?']);
                assert!(ends && text.len() > 10, "{}: {text}", entry.name);
            }
        }
        let names = ALARMS.len() + Phase::ALL.len() + HealthStatus::ALL.len();
        assert_eq!(places.len(), names);
        assert!(places.contains("run-book.md#phase-rollback-incomplete"));
        assert!(places.contains("run-book.md#alarm-rollback-incomplete"));
    }

    /// Who reads it shall not be led to stop an execution, which undoes nothing, or to
    /// continue one without its lease.
    #[test]
    fn nobody_is_told_to_stop_or_redrive_an_execution() {
        for entry in entries() {
            let told = entry.act.to_ascii_lowercase();
            for advice in ["stop", "redrive"] {
                for (at, _) in told.match_indices(advice) {
                    assert!(told[..at].ends_with("do not "), "{}: {told}", entry.name);
                }
            }
        }
    }
}
