use in_process::stage::entry;
use shared::ledger::Milestone;
use shared::request::{DeprovisionRequest, ProvisionRequest};
use time::macros::datetime;

use super::*;

const ID: &str = "0123456789abcdef";
const ENDED: OffsetDateTime = datetime!(2026-11-22 18:00 UTC);

fn execution(name: &str) -> String {
    format!("arn:aws:states:us-east-1:111122223333:execution:m:{name}")
}

fn request(cidrs: &[&str], requested_by: RequestedBy) -> ProvisionRequest {
    ProvisionRequest::parse(&json!({
        "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
        "region": "us-east-1",
        "vpc_id": "vpc-0a71e831cb5152c43",
        "sources": { "cidrs": cidrs },
        "requested_by": requested_by,
    }))
    .unwrap()
}

fn wish() -> ProvisionRequest {
    request(&[], RequestedBy::VpcTag)
}

fn connection(phase: Phase) -> Connection {
    Connection {
        connection_id: ID.into(),
        timeline: vec![],
        execution: execution("first"),
        ..entry(wish(), phase, ENDED)
    }
}

fn by_call(phase: Phase) -> Connection {
    Connection {
        request: request(&[], RequestedBy::Call),
        ..connection(phase)
    }
}

fn interrupted_while_taken_away() -> Connection {
    let at = ENDED;
    let phase = Phase::Disconnecting;
    Connection {
        timeline: vec![Milestone { phase, at }],
        ..connection(Phase::Interrupted)
    }
}

fn early() -> Occasion {
    Occasion::Change(ENDED)
}

fn late() -> Occasion {
    Occasion::Change(datetime!(2026-11-22 18:00:01 UTC))
}

fn end_of(machine: Machine) -> Occasion {
    Occasion::End {
        machine,
        execution: execution("last"),
    }
}

/// What is most often decided.
const PROVISION: &str = "provision tag tag";
const DEPROVISION: &str = "deprovision tag tag";
const LEAVE: &str = "leave";

/// What is decided, in a word: the machine and the kinds of names, or what else.
fn word_of(step: &Step) -> String {
    match step {
        Step::Start(start) => {
            let kinds = start.names.iter().filter_map(|name| name.split('-').next());
            let kinds: Vec<&str> = kinds.collect();
            format!("{} {}", word(start.machine), kinds.join(" "))
        }
        Step::Leave(_) => "leave".into(),
        Step::Refuse(refusal) => refusal.code.to_string(),
    }
}

/// Whether a run that takes the connection away came as far as this.
fn took_away(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Disconnecting | Phase::Disconnected | Phase::DisconnectIncomplete
    )
}

fn names_of(step: Step) -> Vec<String> {
    let Step::Start(start) = step else {
        panic!("{step:?}");
    };
    start.names
}

fn decided(wanted: Wanted<'_>, connection: Option<&Connection>, occasion: &Occasion) -> String {
    word_of(&decide(ID, wanted, connection, occasion))
}

/// A change by tags that failed: what was in force is, and what the tags ask for has been
/// tried.
#[test]
fn a_change_that_failed_is_tried_again_once_somebody_touches_the_tags() {
    let changed = request(&["10.0.0.0/16"], RequestedBy::VpcTag);
    let stands = Connection {
        asked: Some(changed.clone()),
        ..connection(Phase::Ready)
    };
    let ended = end_of(Machine::Provision);
    for (wish, occasion, expected) in [
        (&changed, &ended, "leave"),
        (&changed, &early(), "leave"),
        (&changed, &late(), "provision tag tag"),
        (&wish(), &late(), "provision tag tag"),
    ] {
        let said = decided(Wanted::Connected(wish), Some(&stands), occasion);
        assert_eq!(said, expected, "{occasion:?}");
    }
    // What was interrupted is completed with what it was asked for.
    let interrupted = Connection {
        phase: Phase::Interrupted,
        ..stands
    };
    let start = complete(&interrupted).expect("a run");
    assert_eq!(start.input["sources"], json!(changed)["sources"]);
}

/// Every phase: what is done with an early hint, and with one after the last
/// writing of the ledger, when it is wanted and when it is not.
#[test]
fn what_tags_asked_for_follows_the_tags() {
    use Phase::*;
    let at_work = [LEAVE; 4];
    let failed = [LEAVE, PROVISION, DEPROVISION, DEPROVISION];
    let ready = [LEAVE, LEAVE, DEPROVISION, DEPROVISION];
    let incomplete = [PROVISION, PROVISION, LEAVE, DEPROVISION];
    let gone = [PROVISION, PROVISION, LEAVE, LEAVE];
    let (again, later) = ("provision again", "provision again tag tag");
    let interrupted = [again, later, DEPROVISION, DEPROVISION];
    let (again, later) = ("deprovision again", "deprovision again tag tag");
    let while_taken_away = [PROVISION, PROVISION, again, later];
    for (connection, [early_wish, late_wish, early_end, late_end]) in [
        (connection(Requested), at_work),
        (connection(ClusterInspected), at_work),
        (connection(NetworkInspected), at_work),
        (connection(SecurityGroupMade), at_work),
        (connection(EndpointMade), at_work),
        (connection(Registered), at_work),
        (connection(Accepted), at_work),
        (connection(Disconnecting), at_work),
        (connection(Ready), ready),
        (connection(RolledBack), failed),
        (connection(KeptAfterFailure), failed),
        (connection(RollbackIncomplete), failed),
        (connection(DisconnectIncomplete), incomplete),
        (connection(Disconnected), gone),
        (connection(Interrupted), interrupted),
        (interrupted_while_taken_away(), while_taken_away),
    ] {
        let wish = wish();
        let connected = Wanted::Connected(&wish);
        for (wanted, occasion, expected) in [
            (connected, early(), early_wish),
            (connected, late(), late_wish),
            (Wanted::Disconnected, early(), early_end),
            (Wanted::Disconnected, late(), late_end),
        ] {
            let said = decided(wanted, Some(&connection), &occasion);
            let phase = connection.phase;
            assert_eq!(said, expected, "{phase:?} {occasion:?} {wanted:?}");
        }
    }
}

/// The tags that are gone tell nothing any more, so the ledger does: until protection was
/// taken off first, or they say in so many words that there is none.
#[test]
fn what_was_protected_when_its_tags_went_stays() {
    let protected = |phase| {
        let mut connection = connection(phase);
        connection.request.protect = true;
        connection
    };
    let stands = Connection {
        stands_since: Some(ENDED),
        ..protected(Phase::RollbackIncomplete)
    };
    let going = Connection {
        stands_since: Some(ENDED),
        ..protected(Phase::DisconnectIncomplete)
    };
    let failed = |asked: bool| {
        let mut request = wish();
        request.protect = asked;
        Connection {
            asked: Some(request),
            ..stands.clone()
        }
    };
    let (stays, goes) = ("connection-protected", "deprovision tag tag");
    for (connection, disconnected, released) in [
        (protected(Phase::Ready), stays, goes),
        (stands.clone(), stays, goes),
        (failed(true), stays, goes),
        // Protection was taken off first, and the execution for that failed.
        (failed(false), goes, goes),
        // Nobody has come to rely on it, or its removal has begun.
        (protected(Phase::RolledBack), goes, goes),
        (going, goes, goes),
        (protected(Phase::Disconnected), "leave", "leave"),
        (connection(Phase::Ready), goes, goes),
    ] {
        for (wanted, expected) in [
            (Wanted::Disconnected, disconnected),
            (Wanted::Released, released),
        ] {
            let said = decided(wanted, Some(&connection), &late());
            assert_eq!(said, expected, "{:?} {wanted:?}", connection.phase);
        }
    }
}

#[test]
fn another_wish_is_followed_whatever_became_of_the_last_one() {
    let other = request(&["10.0.0.0/8"], RequestedBy::VpcTag);
    for phase in Phase::ALL {
        let connection = connection(phase);
        let said = decided(Wanted::Connected(&other), Some(&connection), &early());
        let expected = if phase.is_over() { PROVISION } else { LEAVE };
        assert_eq!(said, expected, "{phase:?}");
    }
}

#[test]
fn what_is_not_there_is_made_if_it_is_wanted() {
    let wish = wish();
    let said = decided(Wanted::Connected(&wish), None, &early());
    assert_eq!(said, PROVISION);
    assert_eq!(decided(Wanted::Disconnected, None, &late()), "leave");
    assert_eq!(decided(Wanted::Unclear, None, &late()), "leave");
}

#[test]
fn what_is_unclear_stays_but_is_not_left_half_made() {
    for phase in Phase::ALL {
        let said = decided(Wanted::Unclear, Some(&connection(phase)), &late());
        let is_completed = phase == Phase::Interrupted;
        let expected = if is_completed {
            "provision again"
        } else {
            LEAVE
        };
        assert_eq!(said, expected, "{phase:?}");
    }
    let going = interrupted_while_taken_away();
    let said = decided(Wanted::Unclear, Some(&going), &late());
    assert_eq!(said, "deprovision again");
}

#[test]
fn what_a_call_asked_for_is_never_taken_away_or_changed() {
    let (same, other) = (wish(), request(&["10.0.0.0/8"], RequestedBy::VpcTag));
    for phase in Phase::ALL {
        let connection = by_call(phase);
        for wanted in [Wanted::Disconnected, Wanted::Unclear] {
            let said = decided(wanted, Some(&connection), &late());
            assert_eq!(said, LEAVE, "{phase:?}");
        }
        let refused = "asked-for-by-call";
        let stands = phase == Phase::Ready || !phase.is_over() && !took_away(phase);
        let nothing_left = matches!(phase, Phase::RolledBack | Phase::Disconnected);
        let (as_asked, changed) = match (nothing_left, stands) {
            (true, _) => (PROVISION, PROVISION),
            (false, true) => (LEAVE, refused),
            (false, false) => (refused, refused),
        };
        let said = decided(Wanted::Connected(&same), Some(&connection), &late());
        assert_eq!(said, as_asked, "{phase:?}");
        let said = decided(Wanted::Connected(&other), Some(&connection), &late());
        assert_eq!(said, changed, "{phase:?}");
    }
}

/// What the connection asks for, as long as nobody has changed it.
fn unchanged(connection: &Connection) -> serde_json::Value {
    let mut input = json!(connection.request);
    input["unless_changed"] = json!({ "execution": connection.execution });
    input
}

#[test]
fn a_removal_is_completed_unless_somebody_has_connected_again() {
    let mut connection = interrupted_while_taken_away();
    connection.request.limits.lease_seconds = 10;
    let start = complete(&connection).unwrap();
    assert_eq!(start.machine, Machine::Deprovision);
    // The run that was stopped keeps the lease for a while.
    let waits = start.input["limits"]["lease_seconds"].as_u64();
    assert!(waits >= Some(LEAST_LEASE_SECONDS), "{waits:?}");
    let seen = json!({ "execution": connection.execution });
    assert_eq!(start.input["unless_changed"], seen);
}

#[test]
fn an_interrupted_run_is_completed_once() {
    let mut connection = connection(Phase::Interrupted);
    let first = complete(&connection).unwrap();
    assert_eq!(first.machine, Machine::Provision);
    assert_eq!(first.input, unchanged(&connection));
    connection.execution = execution(&first.names[0]);
    assert_eq!(complete(&connection), None);
    let wish = wish();
    let wanted = Wanted::Connected(&wish);
    for occasion in [early(), end_of(Machine::Provision), Occasion::Search(ENDED)] {
        assert_eq!(decided(wanted, Some(&connection), &occasion), "leave");
    }
    let said = decided(wanted, Some(&connection), &late());
    assert_eq!(said, PROVISION);
    for phase in Phase::ALL {
        connection.phase = phase;
        connection.execution = execution("first");
        let is_completed = complete(&connection).is_some();
        assert_eq!(is_completed, phase == Phase::Interrupted, "{phase:?}");
    }
}

/// The end of a provisioning must not be a reason to provision under a new name:
/// a run that ends before it reaches the ledger would cause itself for ever.
#[test]
fn the_end_of_a_run_causes_no_run_of_its_own_kind() {
    let wish = wish();
    let wanted = Wanted::Connected(&wish);
    let names = |occasion: &Occasion| names_of(decide(ID, wanted, None, occasion));
    let after_provision = names(&end_of(Machine::Provision));
    let after_deprovision = names(&end_of(Machine::Deprovision));
    assert_eq!(after_provision.len(), 1);
    assert_eq!(after_deprovision.len(), 2);
    assert_eq!(after_provision[0], after_deprovision[0]);
    for phase in [Phase::RolledBack, Phase::RollbackIncomplete, Phase::Ready] {
        let connection = connection(phase);
        let said = decided(wanted, Some(&connection), &end_of(Machine::Provision));
        assert_eq!(said, "leave", "{phase:?}");
    }
    let incomplete = connection(Phase::DisconnectIncomplete);
    let ended = end_of(Machine::Deprovision);
    let said = decided(Wanted::Disconnected, Some(&incomplete), &ended);
    assert_eq!(said, "leave");
}

#[test]
fn the_first_name_follows_from_wish_and_state_and_the_second_from_the_occasion_too() {
    let (one, other) = (wish(), request(&["10.0.0.0/8"], RequestedBy::VpcTag));
    let names = |request, connection: Option<&Connection>, occasion: &Occasion| {
        names_of(decide(ID, Wanted::Connected(request), connection, occasion))
    };
    let of_one = names(&one, None, &early());
    assert_eq!(of_one, names(&one, None, &early()));
    let later = names(&one, None, &late());
    assert_eq!(of_one[0], later[0], "a second event of the same change");
    assert_ne!(of_one[1], later[1]);
    assert_ne!(of_one[0], names(&other, None, &early())[0]);
    let mut connection = connection(Phase::RolledBack);
    let after = names(&one, Some(&connection), &late());
    assert_ne!(of_one[0], after[0]);
    connection.updated_at -= time::Duration::seconds(1);
    assert_ne!(after[0], names(&one, Some(&connection), &late())[0]);
    let half_an_hour = time::Duration::minutes(30);
    let search = |at| names(&one, None, &Occasion::Search(at));
    assert_eq!(search(ENDED), search(ENDED + half_an_hour));
    assert_ne!(search(ENDED)[1], search(ENDED + half_an_hour * 2)[1]);
}

#[test]
fn what_is_taken_away_is_asked_for_in_full() {
    let connection = Connection {
        account_id: "111122223333".parse().ok(),
        ..connection(Phase::Ready)
    };
    let Step::Start(start) = decide(ID, Wanted::Disconnected, Some(&connection), &early()) else {
        panic!();
    };
    let request: DeprovisionRequest = serde_json::from_value(start.input).unwrap();
    assert_eq!(request, connection.removal());
    assert_eq!(request.account_id, connection.account_id);
    assert_eq!(request.requested_by, RequestedBy::VpcTag);
}

#[test]
fn a_repair_runs_once_in_an_hour_and_only_on_what_shall_stand() {
    for phase in Phase::ALL {
        let said = word_of(&repair(&connection(phase), ENDED));
        let stands = phase.is_over() && !took_away(phase);
        let expected = if stands { "provision repair" } else { LEAVE };
        assert_eq!(said, expected, "{phase:?}");
    }
    let names = |connection: &Connection, at| names_of(repair(connection, at));
    let mut connection = connection(Phase::Ready);
    let first = names(&connection, ENDED);
    let Step::Start(start) = repair(&connection, ENDED) else {
        panic!("left");
    };
    assert_eq!(start.input, unchanged(&connection));
    // What the repair itself writes into the ledger must not be a new reason.
    connection.execution = execution(&first[0]);
    connection.updated_at += time::Duration::minutes(5);
    let minutes = time::Duration::minutes(5);
    assert_eq!(names(&connection, ENDED + minutes), first);
    assert_ne!(names(&connection, ENDED + minutes * 12), first);
}
