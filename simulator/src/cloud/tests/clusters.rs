//! Reading clusters.

use super::*;
use crate::cloud::ClusterState;

fn get(stage: &mut Stage, id: &str) -> Result<super::super::Cluster, ApiError> {
    let caller = stage.caller.clone();
    stage.world.cloud_get_cluster(&caller, id)
}

fn found(stage: &mut Stage, id: &str) -> super::super::Cluster {
    get(stage, id).expect("it is there")
}

#[test]
fn only_plans_without_dedicated_hardware_have_a_routing_id() {
    let mut stage = Stage::new();
    for (cluster, has_one) in [(ADVANCED, false), (STANDARD, true), (BASIC, true)] {
        let routing_id = found(&mut stage, cluster).routing_id;
        assert_eq!(routing_id.is_some(), has_one, "{cluster}");
    }
}

#[test]
fn the_private_host_is_the_public_one_with_a_prefix_unless_the_scenario_says_otherwise() {
    let mut stage = Stage::with(|scenario| {
        scenario.clusters[1].regions[0].internal_dns = Some(String::new());
    });
    let region = found(&mut stage, ADVANCED).regions.remove(0);
    assert_eq!(region.internal_dns, format!("internal-{}", region.sql_dns));
    assert_eq!(found(&mut stage, STANDARD).regions[0].internal_dns, "");
}

#[test]
fn an_unknown_cluster_and_a_malformed_id_are_different_errors() {
    let mut stage = Stage::new();
    let unknown = get(&mut stage, NOBODY).expect_err("nobody is there");
    assert_eq!((unknown.status, unknown.code.as_str()), (404, "5"));
    assert!(
        unknown
            .message
            .starts_with("internal call failed: cluster '"),
        "{}",
        unknown.message
    );
    for id in [
        "",
        "cluster",
        "11111111-1111-4111-8111-11111111111g",
        "11111111111141118111111111111111",
    ] {
        assert_eq!(status(get(&mut stage, id)), 400, "{id}");
    }
}

#[test]
fn a_cluster_that_is_being_made_can_be_read_but_has_no_networking_yet() {
    let mut stage = Stage::with(|scenario| scenario.clusters[0].state = ClusterState::Creating);
    assert_eq!(found(&mut stage, ADVANCED).state, ClusterState::Creating);
    let early = stage
        .ask_for_services(ADVANCED)
        .expect_err("it is too early");
    assert_eq!((early.status, early.code.as_str()), (404, "5"));
    stage.wait(600);
    assert_eq!(found(&mut stage, ADVANCED).state, ClusterState::Created);
    assert!(stage.ask_for_services(ADVANCED).is_ok());
}

#[test]
fn a_locked_cluster_refuses_changes_with_the_word_lock_and_unlocks_in_time() {
    for lock_status in [503, 400] {
        let mut stage = Stage::with(|scenario| {
            scenario.habits.lock_status = lock_status;
            scenario.clusters[1].state = ClusterState::Locked;
        });
        let locked = stage
            .register(STANDARD, ENDPOINT)
            .expect_err("it is locked");
        assert_eq!(locked.status, lock_status);
        assert!(locked.message.contains("lock"), "{}", locked.message);
        assert_eq!(
            stage.listed(STANDARD, ENDPOINT),
            "",
            "reading is possible all the time"
        );
        stage.wait(60);
        assert!(stage.register(STANDARD, ENDPOINT).is_ok());
    }
}

#[test]
fn a_state_that_nobody_knows_is_told_as_it_is() {
    let mut stage = Stage::with(|scenario| {
        scenario.clusters[0].state = ClusterState::Unknown("HIBERNATING".to_owned());
    });
    assert_eq!(found(&mut stage, ADVANCED).state.as_str(), "HIBERNATING");
    assert_eq!(stage.world.cloud.unknown_words(), ["HIBERNATING"]);
}

#[test]
fn roles_decide_what_a_key_may_do() {
    let mut stage = Stage::new();
    stage.become_caller("developer");
    assert!(get(&mut stage, STANDARD).is_ok());
    assert_eq!(status(stage.register(STANDARD, ENDPOINT)), 403);
    stage.become_caller("stranger");
    assert_eq!(status(get(&mut stage, STANDARD)), 401);
}
