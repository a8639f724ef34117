//! Registering and removing endpoints.

use super::*;
use crate::cloud::{AfterRemoval, SecondRegistration};
use crate::ec2::DeleteVpcEndpoints;
use crate::scenario::ConnectionSpec;

fn delete_in_ec2(stage: &mut Stage, endpoint: &str) {
    let caller = stage.world.ec2.caller();
    let request = DeleteVpcEndpoints {
        vpc_endpoint_ids: vec![endpoint.to_owned()],
    };
    let deleted = stage
        .world
        .delete_vpc_endpoints(&caller, &request)
        .expect("it can be deleted");
    assert!(deleted.is_empty());
}

#[test]
fn a_registration_is_pending_then_awaits_acceptance_and_shows_it_late() {
    let mut stage = Stage::new();
    let connection = stage.registered(STANDARD, ENDPOINT);
    assert_eq!(connection.status, ConnectionStatus::Pending);
    assert_eq!(connection.external_owner_id, "111122223333");
    assert_eq!(connection.service_name, stage.services(STANDARD)[0].name);
    stage.wait(15);
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT),
        "STATUS_PENDING_ACCEPTANCE"
    );
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::PendingAcceptance);
    stage.wait(15);
    assert_eq!(
        stage.in_ec2(ENDPOINT),
        EndpointState::Pending,
        "AWS shows the acceptance first"
    );
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT),
        "STATUS_PENDING_ACCEPTANCE"
    );
    stage.wait(10);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_AVAILABLE");
    stage.wait(35);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Available);
}

#[test]
fn an_endpoint_must_exist_and_lead_to_a_service_of_the_cluster() {
    let mut stage = Stage::new();
    assert_eq!(
        status(stage.register(STANDARD, "vpce-0aaaaaaaaaaaaaaaa")),
        404
    );
    assert_eq!(status(stage.register(STANDARD, STRANGE_ENDPOINT)), 404);
    assert_eq!(status(stage.register(STANDARD, "endpoint")), 400);
    assert_eq!(status(stage.register(STANDARD, "")), 400);
    assert_eq!(
        status(stage.register(ADVANCED, DEDICATED_ENDPOINT)),
        404,
        "nobody asked for the service"
    );
    assert_eq!(stage.listed(STANDARD, STRANGE_ENDPOINT), "");
}

#[test]
fn an_endpoint_that_cockroach_cannot_see_yet_is_not_found_for_a_while() {
    for unknown in [404, 400] {
        let mut stage = Stage::with(|scenario| scenario.habits.unknown_endpoint_status = unknown);
        let visible = stage.world.now + Duration::from_secs(3);
        stage
            .world
            .ec2
            .endpoints
            .get_mut(ENDPOINT)
            .expect("it is there")
            .visible = visible;
        assert_eq!(status(stage.register(STANDARD, ENDPOINT)), unknown);
        stage.wait(3);
        assert!(stage.register(STANDARD, ENDPOINT).is_ok());
    }
}

#[test]
fn the_list_may_show_a_registration_late() {
    let mut stage = Stage::with(|scenario| {
        scenario.pace.registration_listed = Duration::from_secs(5);
    });
    stage.registered(STANDARD, ENDPOINT);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "");
    stage.wait(5);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_PENDING");
}

#[test]
fn registering_again_answers_as_the_habit_says() {
    for (habit, expected) in [
        (SecondRegistration::Repeated, None),
        (SecondRegistration::Refused, Some(400)),
        (SecondRegistration::Conflict, Some(409)),
    ] {
        let mut stage = Stage::with(|scenario| scenario.habits.second_registration = habit);
        stage.registered(STANDARD, ENDPOINT);
        let again = stage.register(STANDARD, ENDPOINT);
        assert_eq!(again.err().map(|error| error.status), expected);
        stage.wait(120);
        let again = stage.register(STANDARD, ENDPOINT);
        assert_eq!(again.err().map(|error| error.status), expected);
        assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_AVAILABLE");
    }
}

#[test]
fn a_removal_takes_time_and_ends_in_a_rejected_endpoint() {
    for (habit, left) in [
        (AfterRemoval::Absent, ""),
        (AfterRemoval::Rejected, "STATUS_REJECTED"),
        (AfterRemoval::Deleted, "STATUS_DELETED"),
    ] {
        let mut stage = Stage::with(|scenario| scenario.habits.after_removal = habit);
        stage.register_and_wait();
        stage.removed(STANDARD, ENDPOINT);
        assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_DELETING");
        assert_eq!(
            status(stage.register(STANDARD, ENDPOINT)),
            400,
            "it is on its way out"
        );
        assert!(
            stage.remove(STANDARD, ENDPOINT).is_ok(),
            "asking twice is harmless"
        );
        stage.wait(20);
        assert_eq!(stage.listed(STANDARD, ENDPOINT), left);
        assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Rejected);
    }
}

#[test]
fn registering_after_a_removal_attaches_the_same_endpoint_again() {
    for habit in [
        AfterRemoval::Absent,
        AfterRemoval::Rejected,
        AfterRemoval::Deleted,
    ] {
        let mut stage = Stage::with(|scenario| scenario.habits.after_removal = habit);
        stage.register_and_wait();
        stage.removed(STANDARD, ENDPOINT);
        stage.wait(20);
        stage.register_and_wait();
    }
}

#[test]
fn a_removal_during_the_registration_wins() {
    let mut stage = Stage::new();
    stage.registered(STANDARD, ENDPOINT);
    stage.wait(29);
    stage.removed(STANDARD, ENDPOINT);
    stage.wait(600);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "");
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Rejected);
}

#[test]
fn removing_what_is_not_registered_is_not_found() {
    let mut stage = Stage::new();
    let absent = stage
        .remove(STANDARD, ENDPOINT)
        .expect_err("it is not there");
    assert_eq!((absent.status, absent.code.as_str()), (404, "5"));
}

#[test]
fn an_endpoint_that_is_deleted_first_leaves_a_stale_entry_until_that_is_removed() {
    let mut stage = Stage::with(|scenario| scenario.habits.after_removal = AfterRemoval::Rejected);
    stage.register_and_wait();
    delete_in_ec2(&mut stage, ENDPOINT);
    stage.wait(60);
    assert_eq!(
        stage.listed(STANDARD, ENDPOINT),
        "STATUS_AVAILABLE",
        "nobody noticed yet"
    );
    stage.wait(60);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_STALE");
    stage.wait(24 * 3600);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_STALE");
    assert_eq!(status(stage.register(STANDARD, ENDPOINT)), 400);
    stage.removed(STANDARD, ENDPOINT);
    stage.wait(20);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "");
}

#[test]
fn an_endpoint_that_is_deleted_during_the_registration_becomes_stale_too() {
    let mut stage = Stage::new();
    stage.registered(STANDARD, ENDPOINT);
    delete_in_ec2(&mut stage, ENDPOINT);
    stage.wait(600);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "STATUS_STALE");
}

#[test]
fn clusters_behind_one_service_each_have_their_own_registration_of_one_endpoint() {
    let mut stage = Stage::new();
    assert_eq!(
        stage.services(STANDARD)[0].name,
        stage.services(NEIGHBOUR)[0].name
    );
    stage.register_and_wait();
    assert_eq!(stage.listed(NEIGHBOUR, ENDPOINT), "");
    stage.registered(NEIGHBOUR, ENDPOINT);
    stage.wait(120);
    assert_eq!(stage.listed(NEIGHBOUR, ENDPOINT), "STATUS_AVAILABLE");

    stage.removed(STANDARD, ENDPOINT);
    stage.wait(20);
    assert_eq!(stage.listed(STANDARD, ENDPOINT), "");
    assert_eq!(
        stage.in_ec2(ENDPOINT),
        EndpointState::Available,
        "the neighbour still uses it"
    );
    assert_eq!(stage.listed(NEIGHBOUR, ENDPOINT), "STATUS_AVAILABLE");

    stage.removed(NEIGHBOUR, ENDPOINT);
    stage.wait(20);
    assert_eq!(stage.in_ec2(ENDPOINT), EndpointState::Rejected);
}

#[test]
fn a_scenario_may_begin_with_registrations_in_every_state() {
    for word in [
        "STATUS_AVAILABLE",
        "STATUS_REJECTED",
        "STATUS_DELETED",
        "STATUS_FAILED",
        "STATUS_EXPIRED",
        "STATUS_STALE",
        "STATUS_SOMETHING_NEW",
    ] {
        let mut stage = Stage::with(|scenario| {
            scenario.clusters[1].connections = vec![spec(word)];
        });
        stage.wait(3600);
        assert_eq!(stage.listed(STANDARD, ENDPOINT), word);
    }
    for (word, end) in [
        ("STATUS_PENDING", "STATUS_AVAILABLE"),
        ("STATUS_PENDING_ACCEPTANCE", "STATUS_AVAILABLE"),
        ("STATUS_DELETING", ""),
    ] {
        let mut stage = Stage::with(|scenario| {
            scenario.clusters[1].connections = vec![spec(word)];
        });
        assert_eq!(stage.listed(STANDARD, ENDPOINT), word);
        stage.wait(3600);
        assert_eq!(stage.listed(STANDARD, ENDPOINT), end);
    }
}

fn spec(word: &str) -> ConnectionSpec {
    ConnectionSpec {
        endpoint_id: ENDPOINT.to_owned(),
        status: ConnectionStatus::from(word),
        region: None,
    }
}
