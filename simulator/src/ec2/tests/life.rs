//! How endpoints live: states, visibility, change, deletion.

use super::*;

/// "Interface VPC endpoints", lifecycle.
#[test]
fn an_accepted_endpoint_is_built_and_then_available() {
    let mut stage = Stage::new();
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    stage.wait(600);
    assert_eq!(stage.state(&id), EndpointState::PendingAcceptance);
    assert!(stage.world.accept_endpoint(&id));
    stage.wait(44);
    assert_eq!(stage.state(&id), EndpointState::Pending);
    stage.wait(1);
    assert_eq!(stage.state(&id), EndpointState::Available);
    assert!(
        !stage.world.accept_endpoint(&id),
        "there is nothing to accept"
    );
}

/// "Accept or reject connection requests": a provider may reject at any time.
#[test]
fn an_endpoint_can_be_rejected_even_when_it_is_available() {
    let mut stage = Stage::new();
    let id = stage.available();
    assert!(stage.world.reject_endpoint(&id));
    stage.wait(3600);
    assert_eq!(stage.state(&id), EndpointState::Rejected);
}

#[test]
fn what_was_foreseen_before_a_rejection_does_not_happen_after_it() {
    let mut stage = Stage::new();
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    stage.world.accept_endpoint(&id);
    stage.wait(10);
    stage.world.reject_endpoint(&id);
    stage.wait(100);
    assert_eq!(stage.state(&id), EndpointState::Rejected);
}

/// EC2 API reference, `VpcEndpoint`, `State` and `LastError`.
#[test]
fn an_endpoint_can_expire_and_can_fail_and_says_why() {
    let mut stage = Stage::new();
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    stage.wait(8 * 24 * 3600);
    assert_eq!(stage.describe(&id).unwrap().state, EndpointState::Expired);
    assert!(!stage.world.accept_endpoint(&id), "it is too late");
    stage.delete(&id);
    stage.wait(100);
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    stage.world.fail_endpoint(&id, "InternalError", "no room");
    stage.wait(3);
    let failed = stage.describe(&id).unwrap();
    assert_eq!(failed.state, EndpointState::Failed);
    assert_eq!(failed.last_error.unwrap().message, "no room");
}

/// "AWS PrivateLink pricing": an endpoint costs in every state until it is
/// deleted, and only its owner can delete it.
#[test]
fn an_endpoint_that_came_to_nothing_stays_until_it_is_deleted() {
    let mut stage = Stage::new();
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    stage.world.reject_endpoint(&id);
    stage.wait(365 * 24 * 3600);
    let seen = stage.describe(&id).unwrap();
    assert_eq!(seen.state, EndpointState::Rejected);
    assert_eq!(
        seen.network_interface_ids.len(),
        2,
        "it still has its interfaces"
    );
}

/// EC2 API reference, "Eventual consistency".
#[test]
fn a_fresh_endpoint_cannot_be_seen_for_a_while() {
    let mut stage = Stage::new();
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    assert_eq!(code(stage.describe(&id)), "InvalidVpcEndpointId.NotFound");
    assert_eq!(
        code(stage.private_dns(&id, true)),
        "InvalidVpcEndpointId.NotFound"
    );
    assert_eq!(
        stage.delete(&id)[0].error.code,
        "InvalidVpcEndpoint.NotFound"
    );
    stage.wait(3);
    assert!(stage.describe(&id).is_ok());
}

/// EC2 API reference: "Error codes" has both codes, and `DeleteVpcEndpoints`
/// answers with the list of what it could not delete.
#[test]
fn a_deletion_succeeds_and_says_inside_what_it_could_not_delete() {
    let mut stage = Stage::new();
    let id = stage.available();
    let absent = "vpce-0fffffffffffffff0";
    let both = DeleteVpcEndpoints {
        vpc_endpoint_ids: vec![absent.to_owned(), id.clone()],
    };
    let answer = stage
        .world
        .delete_vpc_endpoints(&stage.caller, &both)
        .unwrap();
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0].resource_id, absent);
    assert_eq!(answer[0].error.code, "InvalidVpcEndpoint.NotFound");
    assert_eq!(stage.state(&id), EndpointState::Deleting);
    assert!(stage.delete(&id).is_empty(), "it is going already");
    let malformed = DeleteVpcEndpoints {
        vpc_endpoint_ids: vec!["vpce-".to_owned()],
    };
    let refused = stage.world.delete_vpc_endpoints(&stage.caller, &malformed);
    assert_eq!(code(refused), "InvalidVpcEndpointId.Malformed");
}

#[test]
fn a_deleted_endpoint_stays_listed_for_a_while() {
    let mut stage = Stage::new();
    let id = stage.available();
    stage.delete(&id);
    stage.wait(45);
    assert_eq!(stage.describe(&id).unwrap().state, EndpointState::Deleted);
    assert_eq!(
        stage.delete(&id)[0].error.code,
        "InvalidVpcEndpoint.NotFound"
    );
    stage.wait(600);
    assert_eq!(code(stage.describe(&id)), "InvalidVpcEndpointId.NotFound");
}

/// EC2 API reference, `ModifyVpcEndpoint`; operators report that a zone has to
/// be freed in one call and filled again in another.
#[test]
fn a_zone_is_freed_in_one_call_and_filled_in_another() {
    let mut stage = Stage::new();
    let id = stage.available();
    let remove = |request: &mut ModifyVpcEndpoint| {
        request.remove_subnet_ids = vec![SUBNET_1.to_owned()];
    };
    let add = |request: &mut ModifyVpcEndpoint| {
        request.add_subnet_ids = vec![SUBNET_1_TOO.to_owned()];
    };
    let both = stage.modify(&id, |request| {
        remove(request);
        add(request);
    });
    assert_eq!(code(both), "DuplicateSubnetsInSameZone");
    stage.modify(&id, remove).unwrap();
    assert_eq!(stage.state(&id), EndpointState::Pending);
    assert_eq!(code(stage.modify(&id, add)), "IncorrectState");
    stage.wait(30);
    stage.modify(&id, add).unwrap();
    stage.wait(30);
    let seen = stage.describe(&id).unwrap();
    assert_eq!(seen.state, EndpointState::Available);
    assert_eq!(seen.subnet_ids, [SUBNET_2, SUBNET_1_TOO]);
}

#[test]
fn groups_change_at_once_and_one_has_to_stay() {
    let mut stage = Stage::new();
    let id = stage.available();
    let other = stage.create_group("other").unwrap();
    stage.wait(3);
    let remove = |request: &mut ModifyVpcEndpoint| {
        request.remove_security_group_ids = vec![GROUP.to_owned()];
    };
    assert_eq!(code(stage.modify(&id, remove)), "InvalidParameter");
    let replace = |request: &mut ModifyVpcEndpoint| {
        remove(request);
        request.add_security_group_ids = vec![other.clone()];
    };
    stage.modify(&id, replace).unwrap();
    let seen = stage.describe(&id).unwrap();
    assert_eq!(seen.state, EndpointState::Available);
    assert_eq!(seen.groups[0].group_id, other);
}
