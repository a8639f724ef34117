//! What can become of a registration besides success.

use super::*;
use crate::scenario::EndpointOutcome;

fn stage(outcome: EndpointOutcome) -> Stage {
    Stage::with(|scenario| scenario.clusters[1].endpoint_outcome = outcome)
}

#[test]
fn every_outcome_is_seen_on_both_sides() {
    for (outcome, word, state) in [
        (
            EndpointOutcome::Accepted,
            "STATUS_AVAILABLE",
            EndpointState::Available,
        ),
        (
            EndpointOutcome::Rejected,
            "STATUS_REJECTED",
            EndpointState::Rejected,
        ),
        (
            EndpointOutcome::Failed,
            "STATUS_FAILED",
            EndpointState::Failed,
        ),
        (
            EndpointOutcome::Expired,
            "STATUS_EXPIRED",
            EndpointState::Expired,
        ),
        (
            EndpointOutcome::Ignored,
            "STATUS_PENDING_ACCEPTANCE",
            EndpointState::PendingAcceptance,
        ),
        (
            EndpointOutcome::RejectedLater,
            "STATUS_REJECTED",
            EndpointState::Rejected,
        ),
    ] {
        let mut stage = stage(outcome);
        stage
            .register(STANDARD, ENDPOINT)
            .expect("it can be registered");
        stage.wait(3600);
        assert_eq!(
            stage.listed(STANDARD, ENDPOINT).as_deref(),
            Some(word),
            "{outcome:?}"
        );
        assert_eq!(stage.in_ec2(ENDPOINT), state, "{outcome:?}");
    }
}

#[test]
fn an_endpoint_that_is_rejected_later_was_available_first() {
    let mut stage = stage(EndpointOutcome::RejectedLater);
    stage.register_and_wait();
    stage.wait(200);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Rejected);
}

#[test]
fn an_endpoint_that_failed_or_expired_cannot_be_registered_again() {
    for outcome in [EndpointOutcome::Failed, EndpointOutcome::Expired] {
        let mut stage = stage(outcome);
        stage
            .register(STANDARD, ENDPOINT)
            .expect("it can be registered");
        stage.wait(60);
        assert_eq!(
            status(stage.register(STANDARD, ENDPOINT)),
            400,
            "the entry is in the way"
        );
        stage
            .remove(STANDARD, ENDPOINT)
            .expect("the entry can be removed");
        stage.wait(20);
        assert_eq!(
            status(stage.register(STANDARD, ENDPOINT)),
            400,
            "the endpoint is of no use"
        );
    }
}

#[test]
fn words_for_a_registration_can_be_replaced_by_unknown_ones() {
    let mut stage = Stage::with(|scenario| {
        let words = &mut scenario.clusters[1].words;
        words.registering = Some(ConnectionStatus::from("STATUS_SOMETHING_NEW"));
        words.registered = Some(ConnectionStatus::from("STATUS_USABLE"));
    });
    let connection = stage
        .register(STANDARD, ENDPOINT)
        .expect("it can be registered");
    assert_eq!(connection.status.as_str(), "STATUS_SOMETHING_NEW");
    stage.wait(20);
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT).as_deref(),
        Some("STATUS_SOMETHING_NEW")
    );
    stage.wait(100);
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT).as_deref(),
        Some("STATUS_USABLE")
    );
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Available);
}

#[test]
fn things_can_vanish_and_change_from_outside() {
    let mut stage = Stage::new();
    stage.register_and_wait();
    let record = stage
        .world
        .cloud
        .cluster_mut(STANDARD)
        .expect("it is there");
    record.connection_mut(ENDPOINT).expect("it is there").status = ConnectionStatus::Failed;
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT).as_deref(),
        Some("STATUS_FAILED")
    );
    let record = stage
        .world
        .cloud
        .cluster_mut(STANDARD)
        .expect("it is there");
    record.forget_connection(ENDPOINT);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), None);
}

#[test]
fn an_endpoint_that_nobody_accepts_expires_on_both_sides() {
    let mut stage = Stage::with(|scenario| {
        scenario.clusters[1].endpoint_outcome = EndpointOutcome::Ignored;
        scenario.pace.acceptance_expiry = Duration::from_secs(3600);
    });
    stage
        .register(STANDARD, ENDPOINT)
        .expect("it can be registered");
    stage.wait(3590);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::PendingAcceptance);
    stage.wait(60);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Expired);
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT).as_deref(),
        Some("STATUS_EXPIRED")
    );
}
