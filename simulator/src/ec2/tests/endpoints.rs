//! `CreateVpcEndpoint` and where endpoints are put.

use super::*;
use crate::scenario::{Quotas, Throttle};

/// EC2 API reference, `CreateVpcEndpoint`, `VpcEndpointType`.
#[test]
fn an_endpoint_without_a_type_is_a_gateway_and_fits_no_interface_service() {
    let mut stage = Stage::new();
    let made = stage.create(CreateVpcEndpoint {
        vpc_endpoint_type: None,
        ..request()
    });
    let error = made.unwrap_err();
    assert_eq!(error.code, "InvalidParameter");
    assert!(error.message.contains("Endpoint type (Gateway)"), "{error}");
}

#[test]
fn a_gateway_is_not_made_and_refused_by_name() {
    let mut stage = Stage::new();
    let services = stage.world.ec2.services.iter_mut();
    services.for_each(|service| service.kind = EndpointType::Gateway);
    let made = stage.create(CreateVpcEndpoint {
        vpc_endpoint_type: Some(EndpointType::Gateway),
        ..request()
    });
    let error = made.unwrap_err();
    assert_eq!(error.code, "InvalidParameter");
    assert!(error.message.contains("does not know"), "{error}");
}

/// EC2 API reference, `CreateVpcEndpoint`, `SecurityGroupIds`.
#[test]
fn an_endpoint_without_groups_gets_the_default_group_of_its_vpc() {
    let mut stage = Stage::new();
    let made = stage.create(CreateVpcEndpoint {
        security_group_ids: Vec::new(),
        ..request()
    });
    let groups = made.unwrap().groups;
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].group_name, "default");
}

/// "Share your services through AWS PrivateLink", acceptance.
#[test]
fn an_endpoint_of_a_service_with_acceptance_waits_for_it() {
    let mut stage = Stage::new();
    let made = stage.create(request()).unwrap();
    assert_eq!(made.state, EndpointState::PendingAcceptance);
    assert_eq!(made.network_interface_ids.len(), 2);
    let open = stage.create(CreateVpcEndpoint {
        service_name: OPEN_SERVICE.to_owned(),
        subnet_ids: vec![SUBNET_3.to_owned()],
        ..request()
    });
    assert_eq!(open.unwrap().state, EndpointState::Pending);
}

/// "Access AWS services through AWS PrivateLink": one subnet in each zone, and
/// only zones that the service is offered in.
#[test]
fn one_bad_subnet_fails_the_whole_call() {
    let mut stage = Stage::new();
    for (subnets, expected, words) in [
        (
            vec![SUBNET_1, SUBNET_3],
            "InvalidParameter",
            "does not support the availability zone of the subnet: subnet-0a00000000000003a",
        ),
        (
            vec![SUBNET_1, SUBNET_1_TOO],
            "DuplicateSubnetsInSameZone",
            "Found another VPC endpoint subnet in the availability zone of subnet-0a00000000000001b",
        ),
        (vec![SUBNET_ELSEWHERE], "InvalidParameter", "not in the VPC"),
        (
            vec!["subnet-0ffffffffffffffff"],
            "InvalidSubnetId.NotFound",
            "subnet-0ffff",
        ),
        (vec!["subnet-x"], "InvalidSubnetID.Malformed", "subnet-x"),
    ] {
        let made = stage.create(CreateVpcEndpoint {
            subnet_ids: subnets.iter().map(|id| (*id).to_owned()).collect(),
            ..request()
        });
        let error = made.unwrap_err();
        assert_eq!(error.code, expected);
        assert!(error.message.contains(words), "{error}");
    }
    assert!(stage.world.ec2.endpoints.is_empty());
}

/// EC2 API reference, "Error codes": `InsufficientFreeAddressesInSubnet`.
#[test]
fn interfaces_take_addresses_and_give_them_back_once_drained() {
    let mut stage = Stage::new();
    let id = stage.available();
    let full = "InsufficientFreeAddressesInSubnet";
    assert_eq!(code(stage.create(request())), full);
    stage.delete(&id);
    stage.wait(45);
    assert_eq!(stage.state(&id), EndpointState::Deleted);
    assert_eq!(code(stage.create(request())), full, "not drained yet");
    stage.wait(20);
    assert!(stage.create(request()).is_ok());
}

/// EC2 API reference, "Error codes": `InvalidServiceName`. Who may not use a
/// service is told that there is none.
#[test]
fn a_service_that_is_not_there_or_not_allowed_does_not_exist() {
    let mut stage = Stage::with(|scenario| {
        scenario.endpoint_services[0].allowed_accounts = Some(vec!["999999999999".to_owned()]);
    });
    let forbidden = stage.create(request()).unwrap_err();
    assert_eq!(forbidden.code, "InvalidServiceName");
    let words = format!("The Vpc Endpoint Service '{SERVICE}' does not exist");
    assert_eq!(forbidden.message, words);
    let absent = stage.create(CreateVpcEndpoint {
        service_name: "com.amazonaws.vpce.eu-west-1.vpce-svc-0fff".to_owned(),
        ..request()
    });
    assert_eq!(code(absent), "InvalidServiceName");
    let far = EndpointService::for_cluster("us-east-1", "far", Vec::new(), None);
    stage.world.ec2.publish_service(far);
    let elsewhere = stage.create(CreateVpcEndpoint {
        service_name: "far".to_owned(),
        ..request()
    });
    assert_eq!(code(elsewhere), "InvalidServiceName");
}

/// "AWS PrivateLink quotas": 50 interface endpoints in a VPC.
#[test]
fn the_quota_of_endpoints_counts_those_that_are_not_gone() {
    let mut stage = Stage::with(|scenario| scenario.quotas.endpoints_per_vpc = 2);
    let first = stage.create(in_one_subnet()).unwrap().vpc_endpoint_id;
    stage.create(in_one_subnet()).unwrap();
    assert_eq!(
        code(stage.create(in_one_subnet())),
        "VpcEndpointLimitExceeded"
    );
    stage.wait(3);
    stage.delete(&first);
    assert_eq!(
        code(stage.create(in_one_subnet())),
        "VpcEndpointLimitExceeded",
        "still deleting"
    );
    stage.wait(45);
    assert!(stage.create(in_one_subnet()).is_ok());
    assert_eq!(Quotas::default().endpoints_per_vpc, 50);
}

/// EC2 API reference, "Error codes": `NetworkInterfaceLimitExceeded`.
#[test]
fn the_quota_of_interfaces_counts_all_endpoints_of_the_account() {
    let mut stage = Stage::with(|scenario| scenario.quotas.interfaces_per_region = 2);
    stage.create(in_one_subnet()).unwrap();
    assert_eq!(
        code(stage.create(request())),
        "NetworkInterfaceLimitExceeded"
    );
}

/// "Amazon VPC quotas": 5 groups on an interface; "Error codes" for the rest.
#[test]
fn groups_of_an_endpoint_must_exist_fit_and_be_few() {
    let mut stage = Stage::new();
    let with = |groups: &[String]| CreateVpcEndpoint {
        security_group_ids: groups.to_vec(),
        ..request()
    };
    let fresh = stage.create_group("fresh").unwrap();
    let too_early = stage.create(with(std::slice::from_ref(&fresh)));
    assert_eq!(
        code(too_early),
        "InvalidSecurityGroupID.NotFound",
        "not visible yet"
    );
    let elsewhere = stage.create(with(&[GROUP_ELSEWHERE.to_owned()]));
    assert_eq!(code(elsewhere), "InvalidParameter");
    let mut six = vec![GROUP.to_owned(), fresh];
    for n in 0..4 {
        six.push(stage.create_group(&format!("group {n}")).unwrap());
    }
    stage.wait(3);
    let many = stage.create(with(&six));
    assert_eq!(code(many), "SecurityGroupsPerInterfaceLimitExceeded");
    assert_eq!(stage.create(with(&six[..5])).unwrap().groups.len(), 5);
}

fn with_token(token: &str) -> CreateVpcEndpoint {
    CreateVpcEndpoint {
        client_token: Some(token.to_owned()),
        ..request()
    }
}

/// "Ensuring idempotency in Amazon EC2 API requests".
#[test]
fn a_client_token_makes_the_second_call_the_same_call() {
    let mut stage = Stage::new();
    let first = stage.create(with_token("one")).unwrap();
    stage.world.accept_endpoint(&first.vpc_endpoint_id);
    let second = stage.create(with_token("one")).unwrap();
    assert_eq!(second.vpc_endpoint_id, first.vpc_endpoint_id);
    assert_eq!(
        second.state,
        EndpointState::Pending,
        "the answer is of today"
    );
    let other = CreateVpcEndpoint {
        client_token: Some("one".to_owned()),
        ..in_one_subnet()
    };
    assert_eq!(
        code(stage.create(other.clone())),
        "IdempotentParameterMismatch"
    );
    let upper_case = CreateVpcEndpoint {
        client_token: Some("ONE".to_owned()),
        ..other
    };
    let third = stage.create(upper_case).unwrap();
    assert_ne!(third.vpc_endpoint_id, first.vpc_endpoint_id);
}

/// Nobody says how long tokens are kept, so a caller has to reckon with this.
#[test]
fn a_token_still_finds_the_endpoint_that_was_deleted_since() {
    let mut stage = Stage::new();
    let first = stage.create(with_token("one")).unwrap();
    stage.wait(3);
    stage.delete(&first.vpc_endpoint_id);
    stage.wait(3600);
    let second = stage.create(with_token("one")).unwrap();
    assert_eq!(second.vpc_endpoint_id, first.vpc_endpoint_id);
    assert_eq!(second.state, EndpointState::Deleted);
}

/// "Ensuring idempotency in Amazon EC2 API requests": up to 64 ASCII characters.
#[test]
fn a_client_token_is_short_and_plain() {
    let mut stage = Stage::new();
    for bad in ["", &"x".repeat(65), "schlüssel", "a\n"] {
        assert_eq!(
            code(stage.create(with_token(bad))),
            "InvalidClientToken",
            "{bad:?}"
        );
    }
    assert!(stage.create(with_token(&"x".repeat(64))).is_ok());
}

/// "Request throttling for the Amazon EC2 API", with the figures that people
/// who were throttled report for new endpoints: 4 at once, 0.3 each second.
#[test]
fn new_endpoints_are_throttled_by_account_and_region() {
    let mut stage = Stage::with(|scenario| scenario.throttle = Throttle::default());
    for _ in 0..4 {
        stage.create(in_one_subnet()).unwrap();
    }
    let refused = stage.create(in_one_subnet()).unwrap_err();
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (503, "RequestLimitExceeded")
    );
    stage.wait(3);
    assert_eq!(code(stage.create(in_one_subnet())), "RequestLimitExceeded");
    stage.wait(1);
    assert!(stage.create(in_one_subnet()).is_ok());
    let neighbour = Caller {
        account: "999999999999".to_owned(),
        ..stage.caller.clone()
    };
    let elsewhere = stage
        .world
        .create_vpc_endpoint(&neighbour, &in_one_subnet());
    assert_eq!(
        code(elsewhere),
        "InvalidVpcID.NotFound",
        "it has a bucket of its own"
    );
}

/// "AWS Outposts": interface endpoints do not live on an Outpost, even if its
/// home zone is one of the service.
#[test]
fn a_subnet_on_an_outpost_gets_no_interface() {
    let mut stage = Stage::with(|scenario| {
        scenario.vpcs[0].subnets[0].outpost_arn = Some("arn:aws:outposts:…".to_owned());
    });
    assert_eq!(code(stage.create(in_one_subnet())), "InvalidParameter");
}
