//! Endpoint services: who must ask for them, and how they come.

use super::*;
use crate::cloud::{ClusterState, ServiceStatus};
use crate::scenario::ServiceOutcome;

fn words(services: &[PrivateEndpointService]) -> Vec<(&str, &str)> {
    services
        .iter()
        .map(|service| (service.region_name.as_str(), service.status.as_str()))
        .collect()
}

#[test]
fn a_standard_cluster_has_its_service_and_may_not_ask_for_it() {
    let mut stage = Stage::new();
    let services = stage.services(STANDARD);
    assert_eq!(words(&services), [("eu-west-1", "AVAILABLE")]);
    assert_eq!(
        services[0].endpoint_service_id.split('-').next(),
        Some("vpce")
    );
    assert_eq!(
        services[0].availability_zone_ids,
        ["euw1-az1", "euw1-az2", "euw1-az3"]
    );
    assert!(
        stage
            .world
            .ec2
            .service_anywhere(&services[0].name)
            .is_some()
    );
    assert_eq!(status(stage.ask_for_services(STANDARD)), 400);
}

#[test]
fn a_basic_cluster_has_none_and_gets_none() {
    let mut stage = Stage::new();
    assert!(stage.services(BASIC).is_empty());
    assert_eq!(status(stage.ask_for_services(BASIC)), 400);
    assert_eq!(status(stage.register(BASIC, ENDPOINT)), 400);
}

#[test]
fn an_advanced_cluster_gets_them_region_by_region_once_it_asks() {
    let mut stage = Stage::new();
    assert!(stage.services(ADVANCED).is_empty());
    let asked = stage.ask_for_services(ADVANCED).expect("it may ask");
    assert_eq!(words(&asked), [("eu-west-1", "CREATING")]);
    assert!(stage.world.ec2.service_anywhere(&asked[0].name).is_none());
    stage.wait(30);
    assert_eq!(
        words(&stage.services(ADVANCED)),
        [("eu-west-1", "CREATING"), ("us-east-1", "CREATING")]
    );
    stage.wait(60);
    assert_eq!(
        words(&stage.services(ADVANCED)),
        [("eu-west-1", "AVAILABLE"), ("us-east-1", "CREATING")]
    );
    assert!(stage.world.ec2.service_anywhere(&asked[0].name).is_some());
    stage.wait(30);
    assert_eq!(
        words(&stage.services(ADVANCED)),
        [("eu-west-1", "AVAILABLE"), ("us-east-1", "AVAILABLE")]
    );
}

#[test]
fn asking_twice_is_harmless() {
    let mut stage = Stage::new();
    stage.ask_for_services(ADVANCED).expect("it may ask");
    stage.wait(80);
    let again = stage.ask_for_services(ADVANCED).expect("it may ask again");
    assert_eq!(
        words(&again),
        [("eu-west-1", "CREATING"), ("us-east-1", "CREATING")]
    );
    stage.wait(40);
    let names = |services: Vec<PrivateEndpointService>| -> Vec<String> {
        services.into_iter().map(|service| service.name).collect()
    };
    let before = names(stage.services(ADVANCED));
    assert_eq!(words(&stage.services(ADVANCED)).len(), 2);
    assert_eq!(
        names(stage.ask_for_services(ADVANCED).expect("once more")),
        before
    );
}

#[test]
fn a_service_that_cannot_be_made_says_so_and_is_not_in_aws() {
    let mut stage = Stage::with(|scenario| {
        scenario.clusters[0].service_outcome = ServiceOutcome::CreateFailed;
    });
    stage.ask_for_services(ADVANCED).expect("it may ask");
    stage.wait(3600);
    let services = stage.services(ADVANCED);
    assert_eq!(services[0].status, ServiceStatus::CreateFailed);
    assert!(
        stage
            .world
            .ec2
            .service_anywhere(&services[0].name)
            .is_none()
    );
}

#[test]
fn a_service_may_be_made_for_ever() {
    let mut stage = Stage::with(|scenario| {
        scenario.clusters[0].service_outcome = ServiceOutcome::Never;
    });
    stage.ask_for_services(ADVANCED).expect("it may ask");
    stage.wait(24 * 3600);
    assert_eq!(
        words(&stage.services(ADVANCED)),
        [("eu-west-1", "CREATING"), ("us-east-1", "CREATING")]
    );
}

#[test]
fn every_word_for_a_service_can_be_said_unknown_ones_too() {
    for word in [
        "CREATING",
        "AVAILABLE",
        "CREATE_FAILED",
        "DELETING",
        "DELETE_FAILED",
        "MIGRATING",
    ] {
        let mut stage = Stage::with(|scenario| {
            scenario.clusters[0].regions[0].service.status = Some(ServiceStatus::from(word));
        });
        assert_eq!(words(&stage.services(ADVANCED)), [("eu-west-1", word)]);
    }
}

#[test]
fn the_word_for_a_service_that_comes_can_be_replaced() {
    let mut stage = Stage::with(|scenario| {
        let word = Some(ServiceStatus::from("QUEUED"));
        scenario.clusters[0].words.service_creating = word;
    });
    let asked = stage.ask_for_services(ADVANCED).expect("it may ask");
    assert_eq!(words(&asked), [("eu-west-1", "QUEUED")]);
    stage.wait(90);
    assert_eq!(
        words(&stage.services(ADVANCED)),
        [("eu-west-1", "AVAILABLE"), ("us-east-1", "QUEUED")]
    );
    assert_eq!(stage.world.cloud.unknown_words(), ["QUEUED"]);
}

#[test]
fn a_locked_cluster_takes_no_request_for_services_until_it_is_unlocked() {
    let mut stage = Stage::with(|scenario| scenario.clusters[0].state = ClusterState::Locked);
    assert_eq!(status(stage.ask_for_services(ADVANCED)), 503);
    stage.wait(60);
    assert!(stage.ask_for_services(ADVANCED).is_ok());
}
