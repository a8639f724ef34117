use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::*;
use crate::World;

#[test]
fn every_shipped_scenario_is_a_world_that_its_own_request_fits() {
    let names: Vec<_> = Scenario::names().collect();
    assert_eq!(names[0], "fresh-vpc", "the first is the default");
    assert_eq!(names.len(), 15);
    for name in names {
        let scenario = Scenario::shipped(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let world = World::new(&scenario, OffsetDateTime::UNIX_EPOCH);
        let asked = |field: &str| scenario.request[field].as_str().unwrap_or_default();
        assert!(
            world.ec2.vpcs.contains_key(asked("vpc_id")),
            "{name}: the VPC exists"
        );
        assert!(
            world.cloud.cluster(asked("cluster_id")).is_some(),
            "{name}: the cluster exists"
        );
        assert_eq!(asked("region"), scenario.region, "{name}");
        assert!(
            !scenario.story.contains('\n') && !scenario.story.contains("  "),
            "{name}"
        );
        for vpc in &scenario.vpcs {
            for endpoint in &vpc.endpoints {
                let service = world.ec2.service_anywhere(&endpoint.service_name);
                assert!(service.is_some(), "{name}: {} leads somewhere", endpoint.id);
            }
        }
    }
}

#[test]
fn a_scenario_that_breaks_a_rule_is_refused_by_field_value_and_rule() {
    let text = Scenario::shipped_text("fresh-vpc").unwrap();
    for (from, to, field) in [
        (
            "zone = \"euw1-az2\"",
            "zone = \"euw1-az9\"",
            "vpcs[0].subnets[1].zone",
        ),
        ("10.20.16.0/20", "10.99.16.0/20", "vpcs[0].subnets[1].cidr"),
        ("10.20.16.0/20", "10.20.0.0/24", "vpcs[0].subnets[1].cidr"),
        (
            "subnet-0a10000000000000b",
            "subnet-0a10000000000000a",
            "vpcs[0].subnets[1].id",
        ),
        (
            "\"vpc-0a1b2c3d4e5f60718\"\ncidr",
            "\"vpc-1\"\ncidr",
            "vpcs[0].id",
        ),
        (
            "id = \"1a2b3c4d-0000",
            "id = \"1A2B3C4D-0000",
            "clusters[0].id",
        ),
        (
            "vpce.eu-west-1",
            "vpce.us-east-1",
            "clusters[0].regions[0].service.name",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        match Scenario::parse(&text.replace(from, to)) {
            Err(ScenarioError::Rule { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn a_field_that_does_not_exist_is_refused_with_its_line() {
    let error = Scenario::parse("title = \"a\"\nstory = \"b\"\nvpcz = []\n").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("vpcz") && text.contains("line 3"), "{text}");
}

#[test]
fn a_name_that_is_not_shipped_is_answered_with_those_that_are() {
    let error = Scenario::shipped("utopia").unwrap_err().to_string();
    assert!(
        error.contains("utopia") && error.contains("slow-world"),
        "{error}"
    );
}

#[test]
fn zone_ids_are_made_of_the_short_name_of_the_region() {
    for (region, id) in [
        ("eu-west-1", "euw1-az1"),
        ("us-east-1", "use1-az1"),
        ("ap-southeast-2", "apse2-az1"),
        ("us-gov-west-1", "usgw1-az1"),
    ] {
        assert_eq!(ZoneSpec::usual(region)[0].id, id);
    }
}

#[test]
fn a_world_is_made_in_no_time() {
    let scenario = Scenario::shipped("fresh-vpc").unwrap();
    let begin = Instant::now();
    for _ in 0..200 {
        std::hint::black_box(World::new(&scenario, OffsetDateTime::UNIX_EPOCH));
    }
    // Far above what it takes in earnest: this is a debug build on a busy machine.
    assert!(
        begin.elapsed() / 200 < Duration::from_millis(1),
        "{:?}",
        begin.elapsed() / 200
    );
}
