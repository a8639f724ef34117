//! Security groups.

use super::*;
use crate::scenario::Quotas;

fn named(name: &str, description: &str) -> CreateSecurityGroup {
    CreateSecurityGroup {
        group_name: name.to_owned(),
        group_description: description.to_owned(),
        vpc_id: VPC.to_owned(),
        ..CreateSecurityGroup::default()
    }
}

/// VPC user guide, "Security groups".
#[test]
fn names_are_unique_in_a_vpc_whatever_the_case_of_their_letters() {
    let mut stage = Stage::new();
    stage.create_group("cockroach").unwrap();
    let again = stage.create_group("CockRoach").unwrap_err();
    assert_eq!(again.code, "InvalidGroup.Duplicate");
    assert!(again.message.contains(VPC), "{again}");
    let elsewhere = CreateSecurityGroup {
        vpc_id: DEFAULT_VPC.to_owned(),
        ..named("cockroach", "elsewhere")
    };
    assert!(
        stage
            .world
            .create_security_group(&stage.caller, &elsewhere)
            .is_ok()
    );
}

/// The same page: length, signs, reserved names.
#[test]
fn names_and_descriptions_keep_rules() {
    let mut stage = Stage::new();
    let long = "x".repeat(256);
    for (name, description, expected) in [
        ("default", "d", "InvalidGroup.Reserved"),
        ("sg-mine", "d", "InvalidParameterValue"),
        ("it's", "d", "InvalidParameterValue"),
        ("größe", "d", "InvalidParameterValue"),
        (long.as_str(), "d", "InvalidParameterValue"),
        ("", "d", "MissingParameter"),
        ("plain", "", "MissingParameter"),
        ("plain", "don't", "InvalidParameterValue"),
    ] {
        let made = stage
            .world
            .create_security_group(&stage.caller, &named(name, description));
        assert_eq!(code(made), expected, "{name}: {description}");
    }
    assert!(stage.create_group("a B1._-:/()#,@[]+=&;{}!$*").is_ok());
}

/// "Amazon VPC quotas".
#[test]
fn there_is_a_quota_of_groups_in_a_region() {
    // Two VPCs, each with its default group and one made by hand.
    let mut stage = Stage::with(|scenario| scenario.quotas.groups_per_region = 5);
    assert!(stage.create_group("fifth").is_ok());
    assert_eq!(
        code(stage.create_group("sixth")),
        "SecurityGroupLimitExceeded"
    );
    assert_eq!(Quotas::default().groups_per_region, 2_500);
}

/// VPC user guide, "Security groups": nothing comes in, everything goes out.
#[test]
fn a_new_group_lets_nothing_in_and_everything_out() {
    let mut stage = Stage::new();
    let id = stage.create_group("fresh").unwrap();
    let rules = &stage.world.ec2.groups[&id].rules;
    assert_eq!(rules.len(), 1);
    assert!(rules[0].is_egress);
    assert_eq!(rules[0].protocol, "-1");
    assert_eq!(rules[0].source.text(), "0.0.0.0/0");
}

/// EC2 API reference, "Eventual consistency", names the ids of groups.
#[test]
fn a_fresh_group_cannot_be_seen_for_a_while() {
    let mut stage = Stage::new();
    let id = stage.create_group("fresh").unwrap();
    assert_eq!(code(stage.delete_group(&id)), "InvalidGroup.NotFound");
    let count = |stage: &mut Stage| {
        let by_name = [
            Filter::one("vpc-id", VPC),
            Filter::one("group-name", "fresh"),
        ];
        stage.told(World::describe_security_groups, by_name).len()
    };
    assert_eq!(count(&mut stage), 0);
    assert_eq!(
        code(stage.create_group("fresh")),
        "InvalidGroup.Duplicate",
        "seen by writes"
    );
    stage.wait(3);
    assert_eq!(count(&mut stage), 1);
}

/// EC2 API reference, `DeleteSecurityGroup`: an interface is in the way, also
/// one that has not drained.
#[test]
fn a_group_cannot_go_before_what_uses_it_has_drained() {
    let mut stage = Stage::new();
    let id = stage.available();
    assert_eq!(code(stage.delete_group(GROUP)), "DependencyViolation");
    stage.delete(&id);
    assert_eq!(code(stage.delete_group(GROUP)), "DependencyViolation");
    stage.wait(45);
    assert_eq!(stage.state(&id), EndpointState::Deleted);
    assert_eq!(
        code(stage.delete_group(GROUP)),
        "DependencyViolation",
        "not drained yet"
    );
    stage.wait(20);
    assert_eq!(stage.delete_group(GROUP), Ok(()));
    assert_eq!(code(stage.delete_group(GROUP)), "InvalidGroup.NotFound");
}

/// EC2 API reference, `DeleteSecurityGroup`: another group is in the way.
#[test]
fn a_group_cannot_go_while_another_one_speaks_of_it() {
    let mut stage = Stage::new();
    let other = stage.create_group("other").unwrap();
    stage.wait(3);
    let from_group = rules::from_group(GROUP, None);
    stage.authorize(&other, vec![from_group]).unwrap();
    assert_eq!(code(stage.delete_group(GROUP)), "DependencyViolation");
    stage.delete_group(&other).unwrap();
    assert_eq!(stage.delete_group(GROUP), Ok(()));
}

/// What is in the way can be asked for: by the filters of EC2, each for one direction.
#[test]
fn what_keeps_a_group_can_be_found() {
    let other = "sg-0a000000000000002";
    for (is_egress, filter) in [
        (false, "ip-permission.group-id"),
        (true, "egress.ip-permission.group-id"),
    ] {
        let mut stage = Stage::with(|scenario| {
            let spec = serde_json::json!({
                "id": other,
                "name": "other",
                "rules": [{ "is_egress": is_egress, "from_port": 26257, "source": GROUP }],
            });
            let groups = &mut scenario.vpcs[0].groups;
            groups.push(serde_json::from_value(spec).unwrap());
        });
        assert_eq!(code(stage.delete_group(GROUP)), "DependencyViolation");
        let mut found = |filter: &str| {
            let filters = [Filter::one(filter, GROUP)];
            let groups = stage.told(World::describe_security_groups, filters);
            let ids = groups.into_iter().map(|group| group.id);
            ids.collect::<Vec<String>>()
        };
        assert_eq!(found(filter), [other]);
        for another in ["ip-permission.group-id", "egress.ip-permission.group-id"] {
            assert_eq!(found(another).is_empty(), another != filter);
        }
    }
}

/// VPC peering guide, "Work with stale security group rules".
#[test]
fn a_group_may_go_while_another_vpc_speaks_of_it() {
    let mut stage = Stage::with(|scenario| {
        let rule = serde_json::json!({ "from_port": 26257, "source": GROUP });
        let elsewhere = &mut scenario.vpcs[1].groups[0];
        elsewhere.rules.push(serde_json::from_value(rule).unwrap());
    });
    assert_eq!(stage.delete_group(GROUP), Ok(()));
}

#[test]
fn interfaces_tell_whose_they_are_until_they_have_drained() {
    let mut stage = Stage::with(|scenario| {
        let instance = serde_json::json!({
            "id": "eni-0a000000000000001",
            "description": "an instance",
            "groups": [GROUP],
        });
        let interfaces = &mut scenario.vpcs[0].interfaces;
        interfaces.push(serde_json::from_value(instance).unwrap());
    });
    fn told(stage: &mut Stage) -> Vec<String> {
        let filters = [Filter::one("group-id", GROUP)];
        let interfaces = stage.told(World::describe_network_interfaces, filters);
        interfaces.into_iter().map(|it| it.description).collect()
    }
    let id = stage.available();
    let of_endpoint = format!("VPC Endpoint Interface {id}");
    let both = [of_endpoint.as_str(), of_endpoint.as_str(), "an instance"];
    assert_eq!(told(&mut stage), both);
    stage.delete(&id);
    stage.wait(45);
    assert_eq!(told(&mut stage), both, "not drained yet");
    stage.wait(20);
    assert_eq!(told(&mut stage), ["an instance"]);
    assert_eq!(code(stage.delete_group(GROUP)), "DependencyViolation");
}

#[test]
fn the_default_group_cannot_be_deleted() {
    let mut stage = Stage::new();
    let mut groups = stage.world.ec2.groups.values();
    let default = groups.find(|group| group.is_default()).unwrap().id.clone();
    assert_eq!(code(stage.delete_group(&default)), "CannotDelete");
}
