//! Trusted owners.

use super::*;
use crate::cloud::TrustedOwner;

fn admin_stage(change: impl FnOnce(&mut Scenario)) -> Stage {
    let mut stage = Stage::with(change);
    stage.become_caller("admin");
    stage.ask_for_services(ADVANCED).expect("it may ask");
    stage.wait(120);
    stage
}

fn add(stage: &mut Stage, account: &str) -> Result<TrustedOwner, ApiError> {
    let caller = stage.caller.clone();
    stage
        .world
        .cloud_add_trusted_owner(&caller, ADVANCED, account)
}

fn list(stage: &mut Stage) -> Result<Vec<TrustedOwner>, ApiError> {
    let caller = stage.caller.clone();
    stage.world.cloud_list_trusted_owners(&caller, ADVANCED)
}

#[test]
fn without_entries_everybody_may_connect() {
    let mut stage = admin_stage(|_| {});
    assert_eq!(list(&mut stage), Ok(Vec::new()));
    assert!(stage.register(ADVANCED, DEDICATED_ENDPOINT).is_ok());
}

#[test]
fn with_entries_only_those_accounts_may_connect() {
    let mut stage = admin_stage(|_| {});
    let other = add(&mut stage, "999988887777").expect("it can be added");
    assert_eq!(status(stage.register(ADVANCED, DEDICATED_ENDPOINT)), 400);
    add(&mut stage, "111122223333").expect("it can be added");
    assert!(stage.register(ADVANCED, DEDICATED_ENDPOINT).is_ok());
    assert_eq!(other.cluster_id, ADVANCED);
    assert_ne!(other.id, other.external_owner_id);
}

#[test]
fn a_star_stands_for_every_account() {
    let mut stage = admin_stage(|scenario| {
        scenario.clusters[0].trusted_owners = Some(vec!["999988887777".to_owned()]);
    });
    assert_eq!(status(stage.register(ADVANCED, DEDICATED_ENDPOINT)), 400);
    add(&mut stage, "*").expect("it can be added");
    assert!(stage.register(ADVANCED, DEDICATED_ENDPOINT).is_ok());
}

#[test]
fn an_entry_is_removed_by_its_own_id_and_the_removed_one_is_the_answer() {
    let mut stage = admin_stage(|_| {});
    let owner = add(&mut stage, "999988887777").expect("it can be added");
    let caller = stage.caller.clone();
    let world = &mut stage.world;
    assert_eq!(
        world.cloud_delete_trusted_owner(&caller, ADVANCED, &owner.id),
        Ok(owner.clone())
    );
    assert_eq!(
        status(world.cloud_delete_trusted_owner(&caller, ADVANCED, &owner.id)),
        404
    );
    assert_eq!(
        status(world.cloud_delete_trusted_owner(&caller, ADVANCED, "999988887777")),
        400
    );
    assert_eq!(list(&mut stage), Ok(Vec::new()));
}

#[test]
fn the_same_account_twice_is_one_entry_and_a_wrong_account_is_none() {
    let mut stage = admin_stage(|_| {});
    let owner = add(&mut stage, "999988887777").expect("it can be added");
    assert_eq!(add(&mut stage, "999988887777"), Ok(owner));
    assert_eq!(list(&mut stage).map(|owners| owners.len()), Ok(1));
    for account in ["", "123", "12345678901x", "**"] {
        assert_eq!(status(add(&mut stage, account)), 400, "{account}");
    }
    let mut stage = admin_stage(|scenario| scenario.habits.second_owner_conflicts = true);
    assert!(add(&mut stage, "999988887777").is_ok());
    assert_eq!(status(add(&mut stage, "999988887777")), 409);
    assert_eq!(list(&mut stage).map(|owners| owners.len()), Ok(1));
}

#[test]
fn only_a_cluster_admin_may_change_the_list_and_an_operator_may_read_it() {
    let mut stage = admin_stage(|_| {});
    stage.become_caller("operator");
    assert!(list(&mut stage).is_ok());
    assert_eq!(status(add(&mut stage, "999988887777")), 403);
}

#[test]
fn an_organization_that_is_not_enrolled_is_told_so() {
    for not_enrolled in [404, 403] {
        let mut stage = admin_stage(|scenario| {
            scenario.habits.trusted_owners_enrolled = false;
            scenario.habits.not_enrolled_status = not_enrolled;
        });
        assert_eq!(status(list(&mut stage)), not_enrolled);
        assert_eq!(status(add(&mut stage, "999988887777")), not_enrolled);
    }
}

#[test]
fn clusters_without_dedicated_hardware_have_no_trusted_owners() {
    let mut stage = admin_stage(|_| {});
    let caller = stage.caller.clone();
    assert_eq!(
        status(stage.world.cloud_list_trusted_owners(&caller, STANDARD)),
        400
    );
}
