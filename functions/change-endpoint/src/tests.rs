//! Decisions, and whole changes.

use in_process::stage::{Stage, a_claim, assert_strict, at_once};
use proptest::prelude::*;
use shared::StepErrorName;
use shared::ec2::{EndpointState, Subnet};
use shared::ids::SubnetId;
use shared::plan::EndpointGroup;
use simulator::FaultKind;
use simulator::scenario::SubnetSpec;

use super::*;

const ENDPOINT: &str = "vpce-0a10000000000000e";
const A: &str = "subnet-0a10000000000000a";
const B: &str = "subnet-0a10000000000000b";
const C: &str = "subnet-0a10000000000000c";
const A2: &str = "subnet-0a10000000000001a";

fn ids(ids: &[&str]) -> Vec<SubnetId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

/// The world `connected`, with a second subnet in the first zone and the endpoint in
/// these subnets.
fn stage(has: &[&str]) -> Stage {
    Stage::changed("connected", |scenario| {
        let vpc = &mut scenario.vpcs[0];
        let twin = SubnetSpec {
            id: A2.to_owned(),
            cidr: "10.20.48.0/20".parse().unwrap(),
            ..vpc.subnets[0].clone()
        };
        vpc.subnets.push(twin);
        vpc.endpoints[0].subnets = has.iter().map(|id| (*id).to_owned()).collect();
    })
}

fn input(stage: &Stage, wanted: &[&str], private_dns: Option<bool>, wait: Wait) -> Input {
    Input {
        connection: stage.request.subject(),
        endpoint_id: ENDPOINT.parse().unwrap(),
        shape: EndpointShape {
            subnet_ids: ids(wanted),
            private_dns,
            group: None,
            protected: None,
        },
        begun: Vec::new(),
        wait,
    }
}

fn change(stage: &Stage, wanted: &[&str], private_dns: Option<bool>) -> Result<Undone, StepError> {
    stage.until_ready(async |wait| {
        handle(&stage.ports, input(stage, wanted, private_dns, wait)).await
    })
}

fn subnets(stage: &Stage) -> Vec<String> {
    let endpoint = &stage.things().endpoints[ENDPOINT];
    let mut subnets: Vec<String> = endpoint.subnet_ids().map(str::to_owned).collect();
    subnets.sort();
    subnets
}

#[test]
fn an_endpoint_is_led_to_its_subnets_and_back() {
    let stage = stage(&[A, B]);
    for wanted in [&[A2, C][..], &[A, B], &[C], &[A, B, C], &[A2]] {
        change(&stage, wanted, None).unwrap();
        let mut sorted = wanted.to_vec();
        sorted.sort_unstable();
        assert_eq!(subnets(&stage), sorted);
        assert!(stage.things().endpoints[ENDPOINT].private_dns);
    }
}

#[test]
fn private_dns_is_switched_last_and_the_mark_tells_that_it_is_meant() {
    let stage = stage(&[A, B]);
    let key = stage.claim.without_private_dns_key();
    for on in [false, true] {
        let undone = change(&stage, &[A, B], Some(on)).unwrap().undone;
        assert!(undone.contains("private DNS"), "{undone}");
        let endpoint = &stage.things().endpoints[ENDPOINT];
        assert_eq!(endpoint.private_dns, on);
        assert_eq!(endpoint.tags.contains_key(&key), !on);
    }
}

#[test]
fn that_a_connection_is_protected_is_marked_on_what_was_made_and_on_what_was_adopted() {
    for origin in [Origin::Made, Origin::Adopted] {
        let stage = stage(&[A, B]);
        stage.meddle(|world| {
            let endpoint = world.ec2.endpoints.get_mut(ENDPOINT).unwrap();
            endpoint.tags.extend(stage.claim.tags(origin));
        });
        for protected in [true, false, true] {
            let changed = stage.until_ready(async |wait| {
                let mut input = input(&stage, &[A, B], None, wait);
                input.shape.protected = Some(protected);
                handle(&stage.ports, input).await
            });
            assert!(changed.unwrap().undone.contains("protected"));
            let tags = stage.things().endpoints[ENDPOINT].tags.clone();
            assert_eq!(stage.claim.is_protected(&tags), protected);
        }
    }
}

/// As by the role of an older version in another account.
#[test]
fn a_mark_of_protection_that_may_not_be_put_on_holds_nothing_up() {
    let stage = stage(&[A, B]);
    let asked = |protected: bool, wait: Wait| {
        let mut input = input(&stage, &[A2, C], None, wait);
        input.shape.protected = Some(protected);
        input
    };
    stage.fails("ec2:CreateTags", FaultKind::Denied);
    let changed = stage.until_ready(async |wait| handle(&stage.ports, asked(true, wait)).await);
    let told = changed.unwrap().undone;
    assert!(told.contains("was refused: aws-access-denied"), "{told}");
    assert_eq!(subnets(&stage), [C, A2]);
    let tags = stage.things().endpoints[ENDPOINT].tags.clone();
    assert!(!stage.claim.is_protected(&tags));

    // One that stays would protect what nobody asks to protect any more.
    stage.meddle(|world| {
        let endpoint = world.ec2.endpoints.get_mut(ENDPOINT).unwrap();
        endpoint.tags.extend(stage.claim.protection_tags(true));
    });
    stage.fails("ec2:DeleteTags", FaultKind::Denied);
    let kept = stage.until_ready(async |wait| handle(&stage.ports, asked(false, wait)).await);
    assert_eq!(kept.unwrap_err().code, Code::AwsAccessDenied);
}

#[test]
fn what_is_as_it_is_to_be_stays_so_and_is_believed_after_a_while() {
    let stage = stage(&[A, B]);
    stage.twice(async || {
        let input = input(&stage, &[B, A], Some(true), stage.wait());
        handle(&stage.ports, input).await.unwrap()
    });
    let before = stage.things();
    change(&stage, &[A, B], Some(true)).unwrap();
    assert_eq!(stage.things(), before);
}

/// Somebody has put another group on in the place of ours.
#[test]
fn our_group_is_put_back_first_and_taken_off_last() {
    const OURS: &str = "sg-0a10000000000000d";
    let stage = stage(&[A, B]);
    let other = stage.look(|world| {
        let mut groups = world.ec2.groups.values();
        groups.find(|it| it.name == "default").unwrap().id.clone()
    });
    let put = |groups: &[&str]| {
        let groups: Vec<String> = groups.iter().map(|it| (*it).to_owned()).collect();
        stage.meddle(|world| world.ec2.endpoints.get_mut(ENDPOINT).unwrap().groups = groups);
    };
    let groups = || stage.things().endpoints[ENDPOINT].groups.clone();
    let asked = |wanted: &[&str], on: bool, wait: Wait| {
        let mut input = input(&stage, wanted, None, wait);
        let id = OURS.parse().unwrap();
        input.shape.group = Some(EndpointGroup { id, on });
        input
    };
    let lead = |on: bool| {
        let led =
            stage.until_ready(async |wait| handle(&stage.ports, asked(&[A, B], on, wait)).await);
        (led, stage.calls("ec2:ModifyVpcEndpoint"))
    };
    put(&[&other]);
    let at_first = at_once(handle(&stage.ports, asked(&[C], true, stage.wait())));
    let Progress::Pending(pending) = at_first.unwrap() else {
        panic!("{:?}", groups());
    };
    let getting = "is getting security group sg-0a10000000000000d";
    assert!(pending.waiting_for.ends_with(getting));
    assert_eq!(groups(), [other.as_str(), OURS]);
    let (led, changes) = lead(true);
    let told = led.unwrap().undone;
    let with = ", with security group sg-0a10000000000000d";
    assert!(told.ends_with(with), "{told}");
    assert_eq!(changes, 1, "what is on is not put on again");

    let (led, changes) = lead(false);
    led.unwrap();
    assert_eq!((groups(), changes), (vec![other.clone()], 2));
    // The only one cannot go.
    put(&[OURS]);
    let (led, changes) = lead(false);
    led.unwrap();
    assert_eq!((groups(), changes), (vec![OURS.to_owned()], 2));
    // What somebody else has made keeps its own.
    put(&[&other]);
    let adopted = stage.claim.tags(Origin::Adopted);
    stage.meddle(|world| world.ec2.endpoints.get_mut(ENDPOINT).unwrap().tags = adopted);
    let (led, _) = lead(true);
    assert_eq!(led.unwrap_err().code, Code::OwnershipTagsMissing);
    assert_eq!(groups(), [other]);
}

#[test]
fn a_call_that_was_cut_off_is_completed_by_the_next_ones() {
    let stage = stage(&[A, B]);
    stage.cut_off("ec2:ModifyVpcEndpoint");
    let error = change(&stage, &[A2, C], None).unwrap_err();
    assert_eq!(error.name(), StepErrorName::Transient);
    change(&stage, &[A2, C], None).unwrap();
    assert_eq!(subnets(&stage), [C, A2]);
}

#[test]
fn the_only_zone_is_not_given_up() {
    let stage = stage(&[A]);
    let error = change(&stage, &[A2], None).unwrap_err();
    assert_eq!(error.code, Code::OnlyZoneSwapped);
    assert_eq!(subnets(&stage), [A]);
}

#[test]
fn what_is_not_ours_is_not_changed() {
    let claim = &stage(&[A, B]).claim;
    // Nobody's, and one that somebody else has made and that we use.
    for tags in [Default::default(), claim.tags(Origin::Adopted)] {
        let stage = stage(&[A, B]);
        stage.meddle(|world| {
            let endpoint = world.ec2.endpoints.get_mut(ENDPOINT).unwrap();
            endpoint.tags = tags;
        });
        let before = stage.things();
        for wanted in [&[A, B, C][..], &[A]] {
            let error = change(&stage, wanted, None).unwrap_err();
            assert_eq!(error.code, Code::OwnershipTagsMissing);
        }
        assert_eq!(stage.things(), before);
    }
}

#[test]
fn an_endpoint_that_stays_busy_is_given_up_at_the_limit_and_a_dead_one_at_once() {
    use simulator::ec2::EndpointState as State;
    for (state, code) in [
        (State::Partial, Code::EndpointNotChangedInTime),
        (State::Rejected, Code::EndpointRejected),
    ] {
        let stage = stage(&[A, B]);
        stage.meddle(|world| world.ec2.endpoints.get_mut(ENDPOINT).unwrap().state = state);
        assert_eq!(change(&stage, &[C], None).unwrap_err().code, code);
    }
}

#[test]
fn a_misspelled_field_is_refused() {
    let stage = stage(&[A, B]);
    assert_strict(&input(&stage, &[C], Some(false), stage.wait()));
}

fn subnet(zone: u32, nth: u32) -> Subnet {
    Subnet {
        id: format!("subnet-{:08x}", zone * 16 + nth).parse().unwrap(),
        zone_id: Some(format!("euw1-az{zone}").parse().unwrap()),
        available: true,
        cidr: None,
        free_addresses: 100,
        ipv6_only: false,
        on_outpost: false,
        tags: Default::default(),
    }
}

proptest! {
    /// From any subnets to any others, if two zones are among them all: each step is
    /// one that EC2 takes, and one zone is left at least.
    #[test]
    fn every_way_ends_without_an_outage(
        has in prop::collection::btree_map(1u32..5, 0u32..3, 1..5),
        wanted in prop::collection::btree_map(1u32..5, 0u32..3, 1..5),
    ) {
        let all: Vec<Subnet> = (1..5).flat_map(|zone| (0..3).map(move |nth| subnet(zone, nth))).collect();
        let of = |zones: &std::collections::BTreeMap<u32, u32>| -> Vec<SubnetId> {
            zones.iter().map(|(zone, nth)| subnet(*zone, *nth).id).collect()
        };
        let claim = a_claim();
        let shape = EndpointShape { subnet_ids: of(&wanted), private_dns: None, group: None, protected: None };
        let mut endpoint = Endpoint {
            state: EndpointState::Available,
            subnet_ids: of(&has),
            ..in_process::stage::endpoint("available")
        };
        let zone = |id: &SubnetId| all.iter().find(|it| it.id == *id).unwrap().zone_id.clone();
        let hopeless = has.len() == 1 && wanted.len() == 1 && has.keys().eq(wanted.keys()) && has != wanted;
        for _ in 0..20 {
            match next(&endpoint, &all, &shape, &claim) {
                Ok(Step::Add(ids)) => endpoint.subnet_ids.extend(ids),
                Ok(Step::Remove(ids)) => endpoint.subnet_ids.retain(|id| !ids.contains(id)),
                Ok(_) => break,
                Err(error) => {
                    prop_assert!(hopeless);
                    prop_assert_eq!(error.code, Code::OnlyZoneSwapped);
                    return Ok(());
                }
            }
            let mut zones: Vec<_> = endpoint.subnet_ids.iter().map(zone).collect();
            zones.sort();
            zones.dedup();
            prop_assert!(!zones.is_empty() && zones.len() == endpoint.subnet_ids.len());
        }
        endpoint.subnet_ids.sort();
        prop_assert_eq!(endpoint.subnet_ids, of(&wanted));
    }
}
