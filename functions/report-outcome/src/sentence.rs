//! One sentence, or a few, for people who read an event, a tag or a list.

use shared::ledger::Phase;
use shared::report::Explained;
use shared::{bounds, notice};

use crate::Input;

/// What happened; if it failed, why, what to do, and what is there now.
pub(crate) fn of(input: &Input, failure: Option<&Explained>) -> String {
    let Some(connection) = &input.connection else {
        return told("The request could not be read", input, failure);
    };
    let (vpc, region) = (&connection.vpc_id, &connection.region);
    let cluster = notice::cluster(&connection.cluster_id, input.cluster_name.as_deref());
    if let Some(ready) = &input.ready {
        let connected = format!(
            "Connected {vpc} in {region} to cluster {cluster}: host {}, port {}.",
            ready.host, ready.port
        );
        return match ready.notes.is_empty() {
            true => connected,
            false => {
                let notes = bounds::text(&ready.notes.join("; "), bounds::DETAIL);
                format!("{connected} Note: {notes}.")
            }
        };
    }
    if let Some(removed) = &input.removed {
        let told = removed.told();
        return format!("Disconnected {vpc} in {region} from cluster {cluster}: {told}.");
    }
    let goal = if matches!(
        input.phase,
        Phase::DisconnectIncomplete | Phase::DisconnectRefused
    ) {
        format!("Not disconnected: {vpc} in {region} from cluster {cluster}")
    } else if input.worked_before {
        format!("Not changed: the connection of {vpc} in {region} to cluster {cluster}")
    } else {
        format!("Not connected: {vpc} in {region} to cluster {cluster}")
    };
    told(&goal, input, failure)
}

/// What was not reached, why, what to do, and what is there now.
fn told(goal: &str, input: &Input, failure: Option<&Explained>) -> String {
    let Some(failure) = failure else {
        return format!("{goal}.");
    };
    let now = now(input, failure);
    let detail = if failure.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", failure.detail.trim_end_matches('.'))
    };
    format!(
        "{goal}{detail} ({}). What to do: {} {now}",
        failure.code, failure.fix
    )
}

/// What is there now.
fn now(input: &Input, failure: &Explained) -> String {
    let phase = input.phase;
    if !failure.left.is_empty() {
        let left: Vec<&str> = failure.left.iter().map(|left| left.what.as_str()).collect();
        let left = bounds::text(&left.join(", "), bounds::DETAIL);
        return if phase == Phase::DisconnectIncomplete {
            format!(
                "Still there: {left}. Then disconnect again; what is already gone does no harm."
            )
        } else if input.worked_before {
            format!("Not as before: {left}. Then run again, with this request or the former one.")
        } else {
            format!("Left behind, for a person to remove: {left}.")
        };
    }
    let now = if phase == Phase::KeptAfterFailure {
        "What was made is kept, as asked for."
    } else if failure.undone.is_empty() {
        "Nothing was changed."
    } else if input.worked_before && input.seen_to_work {
        "The connection works as it did before; nothing that this execution changed is left."
    } else if input.worked_before {
        "Nothing that this execution changed is left. The connection has not been seen to work since; the next check looks."
    } else {
        "Nothing that this execution made is left."
    };
    now.to_owned()
}
