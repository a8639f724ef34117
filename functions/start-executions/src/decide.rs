//! What is to be done about one connection: pure, from the wish, the ledger and
//! the occasion.

use serde_json::{Value, json};
use shared::Code;
use shared::executions::{Machine, names};
use shared::ledger::{Connection, Phase};
use shared::request::{DeprovisionRequest, RequestedBy};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::refusal::Refusal;
use crate::report::word;
use crate::wish::{Wanted, ask_the_same};

/// Why the tags of a VPC are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// They may have been changed at this time.
    Change(OffsetDateTime),
    /// A run for this VPC came to an end.
    End {
        /// What it was a run of.
        machine: Machine,
        /// Its ARN.
        execution: String,
    },
    /// Lost events are searched for, at this time.
    Search(OffsetDateTime),
}

impl Occasion {
    /// Whether somebody touched the tags after the connection came to its end.
    fn is_later_than(&self, connection: &Connection) -> bool {
        match self {
            Occasion::Change(at) => *at > connection.updated_at,
            Occasion::End { .. } | Occasion::Search(_) => false,
        }
    }

    /// What tells this occasion from others, for when a run of the first name is
    /// over. The end of a run is none for its own kind, and that of a provisioning
    /// none at all: a run that cannot reach the ledger must not cause itself.
    fn mark(&self, starting: Machine) -> Option<String> {
        match self {
            Occasion::Change(at) => Some(text(*at)),
            Occasion::Search(at) => Some(names::hour(*at)),
            Occasion::End {
                machine: Machine::Deprovision,
                execution,
            } if starting == Machine::Provision => Some(execution.clone()),
            Occasion::End { .. } => None,
        }
    }
}

/// What is to be done about one connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// A run is to be started.
    Start(Start),
    /// Nothing, and why.
    Leave(&'static str),
    /// Nothing, and the person who set the tag is to be told.
    Refuse(Refusal),
}

/// A run that is to be started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    pub(crate) machine: Machine,
    pub(crate) input: Value,
    /// Tried in turn: the next one counts only if a run of the one before is over.
    pub(crate) names: Vec<String>,
}

/// Decides about a connection of a VPC whose tags were read. `connection` is what
/// the ledger has of it; a phase that is not over means that a run is at work.
pub(crate) fn decide(
    id: &str,
    wanted: Wanted<'_>,
    connection: Option<&Connection>,
    occasion: &Occasion,
) -> Step {
    let fresh =
        |machine: Machine, input: &Value| by_state(id, machine, input, connection, occasion);
    let Some(connection) = connection else {
        return match wanted {
            Wanted::Connected(request) => start(Machine::Provision, json!(request), fresh),
            Wanted::Disconnected | Wanted::Released | Wanted::Protected => {
                Step::Leave("there is no connection that a tag asked for")
            }
            Wanted::Unclear => Step::Leave("the tags cannot be followed"),
        };
    };
    if connection.request.requested_by == RequestedBy::Call {
        return decide_by_call(id, wanted, connection, occasion);
    }
    if !connection.phase.is_over() {
        return Step::Leave("an execution is at work; the tags are looked at again when it ends");
    }
    let goal = last_goal(connection);
    let once_more =
        |machine: Machine, input: &Value| by_retry(id, machine, input, connection, occasion);
    match wanted {
        Wanted::Connected(request)
            if goal == Machine::Deprovision || !ask_the_same(request, connection.last_asked()) =>
        {
            start(Machine::Provision, json!(request), fresh)
        }
        Wanted::Connected(request)
            if connection.phase == Phase::Ready && ask_the_same(request, &connection.request) =>
        {
            Step::Leave("it is connected as the tags ask for")
        }
        Wanted::Connected(request) => start(
            Machine::Provision,
            unless_changed(json!(request), connection),
            once_more,
        ),
        Wanted::Disconnected | Wanted::Released | Wanted::Protected
            if connection.phase == Phase::Disconnected =>
        {
            Step::Leave("nothing is left of it")
        }
        Wanted::Protected if goal == Machine::Provision => {
            protected(connection, "a tag protects it")
        }
        // Both tags went at once, as when a tool takes off all that it has not set itself.
        // Where protection went first, the last execution was asked without it, whatever
        // became of that.
        Wanted::Disconnected
            if connection.stands()
                && connection.request.protect
                && connection.last_asked().protect =>
        {
            protected(
                connection,
                "it was protected when its id was last seen. Set protect to false to let it go",
            )
        }
        Wanted::Disconnected | Wanted::Released if goal == Machine::Provision => {
            start(Machine::Deprovision, json!(connection.removal()), fresh)
        }
        // What was begun is finished.
        Wanted::Disconnected | Wanted::Released | Wanted::Protected => {
            let input = unless_changed(json!(connection.removal()), connection);
            start(Machine::Deprovision, input, once_more)
        }
        Wanted::Unclear => complete(connection).map_or(
            Step::Leave("the tags cannot be followed, so it stays as it is"),
            Step::Start,
        ),
    }
}

fn protected(connection: &Connection, why: &str) -> Step {
    let detail = format!("cluster {}: {why}", connection.cluster_id);
    Step::Refuse(Refusal::new(Code::ConnectionProtected, detail))
}

/// What a call asked for stays as it is; what is gone may be made by the tags.
fn decide_by_call(
    id: &str,
    wanted: Wanted<'_>,
    connection: &Connection,
    occasion: &Occasion,
) -> Step {
    let Wanted::Connected(request) = wanted else {
        return Step::Leave("it was asked for by a call");
    };
    if connection.leaves_nothing() {
        let names = |machine: Machine, input: &Value| {
            by_state(id, machine, input, Some(connection), occasion)
        };
        return start(Machine::Provision, json!(request), names);
    }
    let is_there = connection.phase == Phase::Ready || !connection.phase.is_over();
    if is_there
        && last_goal(connection) == Machine::Provision
        && ask_the_same(request, &connection.request)
    {
        return Step::Leave("a call asked for the same");
    }
    let (cluster, phase) = (&connection.cluster_id, connection.phase.as_str());
    let detail = format!("cluster {cluster}: {phase}");
    Step::Refuse(Refusal::new(Code::AskedForByCall, detail))
}

/// For how long a completing run waits for the lease at least, in seconds: longer than
/// the run that was stopped keeps it.
const LEAST_LEASE_SECONDS: u64 = 120;

/// The run that completes what an interrupted one left half-made. It happens once:
/// if that is interrupted as well, something is wrong that one more run does not
/// mend.
pub(crate) fn complete(connection: &Connection) -> Option<Start> {
    let first = connection.phase == Phase::Interrupted && !names::is_again(&connection.execution);
    first.then(|| {
        let machine = last_goal(connection);
        let input = if machine == Machine::Deprovision {
            json!(connection.removal())
        } else {
            let mut request = connection.last_asked().clone();
            let limits = &mut request.limits;
            limits.lease_seconds = limits.lease_seconds.max(LEAST_LEASE_SECONDS);
            json!(request)
        };
        let name = names::again(&connection.connection_id, &connection.execution);
        Start {
            machine,
            input: unless_changed(input, connection),
            names: vec![name],
        }
    })
}

/// What is to be done about a connection that is to be repaired: provisioning finds
/// what stands and makes what is missing. At most once in an hour, whatever becomes
/// of it; the ledger's run cannot be part of the name, because each repair is one.
pub(crate) fn repair(connection: &Connection, now: OffsetDateTime) -> Step {
    if last_goal(connection) == Machine::Deprovision {
        return Step::Leave("it was last asked to be removed");
    }
    if !connection.phase.is_over() {
        return Step::Leave("an execution is at work");
    }
    Step::Start(Start {
        machine: Machine::Provision,
        input: unless_changed(json!(connection.request), connection),
        names: vec![names::repair(&connection.connection_id, &names::hour(now))],
    })
}

/// The same for a run that waits for others and must not undo what they have done
/// meanwhile.
fn unless_changed(mut input: Value, connection: &Connection) -> Value {
    input["unless_changed"] = json!(connection.seen());
    input
}

/// The run that takes an orphan away. What a sweep sees again before anything has
/// changed is the same run, and it is tried once in an hour.
pub(crate) fn remove(request: &DeprovisionRequest, now: OffsetDateTime) -> Start {
    let id = request.subject().connection_id;
    let seen = request.unless_changed.as_ref();
    let execution = seen.and_then(|seen| seen.execution.as_deref());
    let name = names::sweep(&id, execution.unwrap_or_default(), &names::hour(now));
    Start {
        machine: Machine::Deprovision,
        input: json!(request),
        names: vec![name],
    }
}

/// What the last run was to do. An interrupted one is known by its milestones.
pub(crate) fn last_goal(connection: &Connection) -> Machine {
    if connection.removal_has_begun() {
        Machine::Deprovision
    } else {
        Machine::Provision
    }
}

fn start(machine: Machine, input: Value, names: impl Fn(Machine, &Value) -> Vec<String>) -> Step {
    let names = names(machine, &input);
    if names.is_empty() {
        return Step::Leave("it failed, and nobody has touched the tags since");
    }
    Step::Start(Start {
        machine,
        input,
        names,
    })
}

/// Names for a new wish: by what is asked for and how the connection stands, and
/// if a run of that name is over, by the occasion too. Without the second one a
/// connection that was taken away could not be made again for 90 days, because
/// a ledger without it always looks the same.
fn by_state(
    id: &str,
    machine: Machine,
    input: &Value,
    connection: Option<&Connection>,
    occasion: &Occasion,
) -> Vec<String> {
    let input = input.to_string();
    let execution = connection.map_or("", |it| it.execution.as_str());
    let updated_at = connection.map_or(String::new(), |it| text(it.updated_at));
    let state = [word(machine), &input, execution, &updated_at];
    let first = names::by_tags(id, &state);
    let second = occasion.mark(machine).map(|mark| {
        let [a, b, c, d] = state;
        names::by_tags(id, &[a, b, c, d, &mark])
    });
    std::iter::once(first).chain(second).collect()
}

/// Names for the same wish once more: one try after an interruption, and one for
/// each time that somebody touches the tags after a failure.
fn by_retry(
    id: &str,
    machine: Machine,
    input: &Value,
    connection: &Connection,
    occasion: &Occasion,
) -> Vec<String> {
    let mut names = complete(connection).map_or_else(Vec::new, |start| start.names);
    if occasion.is_later_than(connection) {
        names.extend(by_state(id, machine, input, Some(connection), occasion));
    }
    names
}

fn text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests;
