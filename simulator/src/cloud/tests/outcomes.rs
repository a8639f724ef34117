//! What can become of a registration besides success.

use super::*;
use crate::scenario::EndpointOutcome;

fn stage(outcome: EndpointOutcome) -> Stage {
    Stage::with(|scenario| scenario.clusters[1].endpoint_outcome = outcome)
}

#[test]
fn every_outcome_is_seen_on_both_sides() {
    use EndpointOutcome::{Accepted, Expired, Failed, Ignored, Rejected, RejectedLater};
    for (outcome, word, state) in [
        (Accepted, "STATUS_AVAILABLE", EndpointState::Available),
        (Rejected, "STATUS_REJECTED", EndpointState::Rejected),
        (Failed, "STATUS_FAILED", EndpointState::Failed),
        (Expired, "STATUS_EXPIRED", EndpointState::Expired),
        (
            Ignored,
            "STATUS_PENDING_ACCEPTANCE",
            EndpointState::PendingAcceptance,
        ),
        (RejectedLater, "STATUS_REJECTED", EndpointState::Rejected),
    ] {
        let mut stage = stage(outcome);
        stage.registered(STANDARD, ENDPOINT);
        stage.wait(3600);
        assert_eq!(stage.listed(STANDARD, ENDPOINT), word, "{outcome:?}");
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
        stage.registered(STANDARD, ENDPOINT);
        stage.wait(60);
        assert_eq!(
            status(stage.register(STANDARD, ENDPOINT)),
            400,
            "the entry is in the way"
        );
        stage.removed(STANDARD, ENDPOINT);
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
    let connection = stage.registered(STANDARD, ENDPOINT);
    assert_eq!(connection.status.as_str(), "STATUS_SOMETHING_NEW");
    stage.wait(20);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_SOMETHING_NEW");
    stage.wait(100);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_USABLE");
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Available);
}

#[test]
fn things_can_vanish_and_change_from_outside() {
    let mut stage = Stage::new();
    stage.register_and_wait();
    let clusters = &mut stage.world.cloud;
    let record = clusters.cluster_mut(STANDARD).expect("it is there");
    record.connection_mut(ENDPOINT).expect("it is there").status = ConnectionStatus::Failed;
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_FAILED");
    let clusters = &mut stage.world.cloud;
    let record = clusters.cluster_mut(STANDARD).expect("it is there");
    record.forget_connection(ENDPOINT);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "");
}

#[test]
fn an_endpoint_that_nobody_accepts_expires_on_both_sides() {
    let mut stage = Stage::with(|scenario| {
        scenario.clusters[1].endpoint_outcome = EndpointOutcome::Ignored;
        scenario.pace.acceptance_expiry = Duration::from_secs(3600);
    });
    stage.registered(STANDARD, ENDPOINT);
    stage.wait(3590);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::PendingAcceptance);
    stage.wait(60);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Expired);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_EXPIRED");
}
