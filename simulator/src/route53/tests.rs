//! What Route 53 tells about the zones of a VPC.

use time::OffsetDateTime;

use super::*;
use crate::World;
use crate::calls::Caller;
use crate::scenario::Scenario;

const SCENARIO: &str = r#"
title = "Route 53"
story = "A VPC with two zones of its owner and an endpoint with private DNS."

[[vpcs]]
id = "vpc-0a000000000000001"
cidr = "10.0.0.0/16"
hosted_zones = ["Corp.Example", "example.com."]
subnets = [{ id = "subnet-0a00000000000001a", zone = "euw1-az1", cidr = "10.0.0.0/24" }]
[[vpcs.endpoints]]
id = "vpce-0a000000000000001"
service_name = "com.amazonaws.eu-west-1.execute-api"
subnets = ["subnet-0a00000000000001a"]
private_dns = true
[[vpcs.endpoints]]
id = "vpce-0a000000000000002"
service_name = "com.amazonaws.eu-west-1.execute-api"
subnets = ["subnet-0a00000000000001a"]

[[endpoint_services]]
name = "com.amazonaws.eu-west-1.execute-api"
private_dns_name = "*.execute-api.eu-west-1.amazonaws.com"
"#;

fn world() -> World {
    let scenario = Scenario::parse(SCENARIO).unwrap();
    World::new(&scenario, OffsetDateTime::UNIX_EPOCH)
}

fn request() -> ListHostedZonesByVpc {
    ListHostedZonesByVpc {
        vpc_id: "vpc-0a000000000000001".to_owned(),
        vpc_region: "eu-west-1".to_owned(),
        ..Default::default()
    }
}

fn ask(
    world: &mut World,
    request: &ListHostedZonesByVpc,
) -> Result<ListHostedZonesByVpcResult, ApiError> {
    let caller = world.ec2.caller();
    world.list_hosted_zones_by_vpc(&caller, request)
}

/// API reference, `HostedZoneOwner`.
#[test]
fn zones_of_the_account_and_of_endpoints_are_told_apart_by_their_owner() {
    let mut world = world();
    let answer = ask(&mut world, &request()).unwrap();
    let seen: Vec<(&str, &Owner)> = answer
        .hosted_zone_summaries
        .iter()
        .map(|zone| (zone.name.as_str(), &zone.owner))
        .collect();
    let account = Owner::Account(world.ec2.account.clone());
    let service = Owner::Service("vpce.amazonaws.com".to_owned());
    assert_eq!(
        seen,
        [
            ("corp.example.", &account),
            ("example.com.", &account),
            ("execute-api.eu-west-1.amazonaws.com.", &service),
        ]
    );
    assert_eq!((answer.max_items, answer.next_token), (100, None));
}

/// API reference: a token identifies the first zone of the next page.
#[test]
fn pages_follow_one_another_and_end() {
    let mut world = world();
    let all = ask(&mut world, &request()).unwrap().hosted_zone_summaries;
    let mut seen = Vec::new();
    let mut next = ListHostedZonesByVpc {
        max_items: Some(2),
        ..request()
    };
    loop {
        let page = ask(&mut world, &next).unwrap();
        assert!(page.hosted_zone_summaries.len() <= 2);
        seen.extend(page.hosted_zone_summaries);
        next.next_token = page.next_token;
        if next.next_token.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
}

/// API reference: the errors of the operation; terraform-provider-aws, test of
/// `aws_route53_zone_association`: what is said of a VPC that is gone.
#[test]
fn what_cannot_be_told_has_the_code_that_route_53_gives() {
    let mut world = world();
    let stranger = Caller {
        account: "999988887777".to_owned(),
        ..world.ec2.caller()
    };
    let refused = world.list_hosted_zones_by_vpc(&stranger, &request());
    assert_eq!(refused.unwrap_err().code, "AccessDenied");
    type Change = fn(&mut ListHostedZonesByVpc);
    let rows: [(Change, u16, &str); 5] = [
        (
            |asked| asked.vpc_id = "vpc-0a00000000000000f".into(),
            403,
            "AccessDenied",
        ),
        (
            |asked| asked.vpc_region = "us-east-1".into(),
            403,
            "AccessDenied",
        ),
        (|asked| asked.vpc_id = "no-vpc".into(), 400, "InvalidInput"),
        (|asked| asked.max_items = Some(0), 400, "InvalidInput"),
        (
            |asked| asked.next_token = Some("made up".into()),
            400,
            "InvalidPaginationToken",
        ),
    ];
    for (change, status, code) in rows {
        let mut asked = request();
        change(&mut asked);
        let error = ask(&mut world, &asked).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (status, code));
    }
}

/// API reference, "Common errors" and the errors of the operations.
#[test]
fn every_fault_has_the_code_and_the_status_that_route_53_gives_it() {
    for (kind, status, code) in [
        (FaultKind::Throttle, 400, "Throttling"),
        (FaultKind::Denied, 403, "AccessDenied"),
        (FaultKind::NotFound, 400, "InvalidVPCId"),
        (FaultKind::Conflict, 400, "PriorRequestNotComplete"),
        (FaultKind::ServerError, 500, "InternalFailure"),
        (FaultKind::CutOff, 503, "ServiceUnavailable"),
        (FaultKind::UnknownCode, 400, "SomethingNewException"),
    ] {
        let error = render_fault(kind, "ListHostedZonesByVPC");
        assert_eq!((error.status, error.code.as_str()), (status, code));
    }
    let error = render_fault(FaultKind::NotFound, "GetHostedZone");
    assert_eq!(
        (error.status, error.code.as_str()),
        (404, "NoSuchHostedZone")
    );
}

/// API reference, `ListHostedZonesByName`: in the order of the labels from the last on.
#[test]
fn zones_of_an_account_are_listed_from_a_name_on() {
    let mut world = world();
    let mut ask = |dns_name: &str, max_items| {
        let caller = world.ec2.caller();
        let request = ListHostedZonesByName {
            dns_name: dns_name.to_owned(),
            max_items,
        };
        let answer = world.list_hosted_zones_by_name(&caller, &request);
        let names = |zones: Vec<(String, String)>| -> Vec<String> {
            zones.into_iter().map(|(_, name)| name).collect()
        };
        answer.map(|answer| (names(answer.hosted_zones), answer.next.is_some()))
    };
    let (com, corp) = ("example.com.".to_owned(), "corp.example.".to_owned());
    let both = vec![com.clone(), corp.clone()];
    assert_eq!(ask("a.com", None), Ok((both, false)));
    assert_eq!(ask("Example.com", Some(1)), Ok((vec![com], true)));
    assert_eq!(ask("corp.example", Some(1)), Ok((vec![corp], false)));
    assert_eq!(ask("db.corp.example", None), Ok((vec![], false)));
    assert_eq!(
        ask("corp.example", Some(0)).unwrap_err().code,
        "InvalidInput"
    );
}
