//! Whole inspections of worlds.

use in_process::stage::{Stage, assert_strict, at_once};
use shared::config::DEFAULT_TAG_PREFIX;
use shared::ec2::Source;
use shared::ownership::Origin;
use shared::plan::EndpointGroup;
use simulator::ec2::{Principals, Verification, Vpc};
use simulator::scenario::{PeeringSpec, PrefixListSpec, RuleSpec, SubnetSpec};
use simulator::{FaultKind, Scenario, World};

use super::*;

const ENDPOINT: &str = "vpce-0a10000000000000e";

const HOST: &str = "internal-payments-2718.j77.aws-eu-west-1.cockroachlabs.cloud";
const LIST: &str = "pl-0123456789abcdef0";
/// A group of another account.
const GROUP: &str = "222222222222/sg-0b000001";

/// A cluster with this service, of which nothing else is known.
pub(crate) fn facts(service: &str) -> ClusterFacts {
    ClusterFacts {
        cluster_name: "payments".to_owned(),
        service_name: service.parse().unwrap(),
        zone_ids: Default::default(),
        private_host: Some(HOST.to_owned()),
        routing_id: None,
        trusted_accounts: None,
        registered: Default::default(),
        half_registered: Default::default(),
    }
}

pub(crate) fn input(stage: &Stage, wait: Wait) -> Input {
    Input {
        connection: stage.request.subject(),
        request: stage.request.clone(),
        cluster: facts(&stage.look(|world| world.ec2.services[0].name.clone())),
        recorded: Vec::new(),
        endpoint_id: None,
        patient: true,
        growth: None,
        wait,
    }
}

pub(crate) async fn look(stage: &Stage, input: Input) -> Result<Progress<NetworkPlan>, StepError> {
    let allowed = AllowedSources::default();
    handle(&stage.ports, &allowed, DEFAULT_TAG_PREFIX, input).await
}

fn inspect(stage: &Stage) -> Result<NetworkPlan, StepError> {
    inspect_while(stage, |_| {})
}

/// The same, as the definition asks; before each look something may happen.
fn inspect_while(stage: &Stage, mut happens: impl FnMut(u64)) -> Result<NetworkPlan, StepError> {
    let before = stage.things();
    let mut growth = None;
    let plan = stage.until_ready(async |wait| {
        happens(wait.waited_seconds());
        let input = Input {
            growth,
            ..input(stage, wait)
        };
        let progress = look(stage, input).await;
        if let Ok(Progress::Pending(pending)) = &progress {
            growth = pending.growth;
        }
        progress
    });
    assert_eq!(stage.things(), before, "an inspection changes nothing");
    plan
}

/// What one look waits for, if it waits.
fn awaited(stage: &Stage, patient: bool) -> Option<String> {
    let input = Input {
        patient,
        ..input(stage, stage.wait())
    };
    match at_once(look(stage, input)).unwrap() {
        Progress::Ready(_) => None,
        Progress::Pending(pending) => Some(pending.waiting_for),
    }
}

/// A VPC without an endpoint to the service, and a cluster that has one.
fn fresh(change: impl FnOnce(&mut Scenario)) -> Stage {
    Stage::changed("standard-cluster", change)
}

/// That an inspection is refused so, and what it says.
#[track_caller]
fn refused(stage: &Stage, code: Code) -> String {
    let error = inspect(stage).unwrap_err();
    assert_eq!(error.code, code, "{error}");
    error.detail
}

/// How many subnets are planned.
fn planned(stage: &Stage) -> usize {
    inspect(stage).unwrap().endpoint.subnet_ids.len()
}

/// Whom the planned group lets in.
fn sources(plan: &NetworkPlan) -> Vec<String> {
    let group = plan.security_group.as_ref().unwrap();
    group.sources.iter().map(Source::to_string).collect()
}

fn seconds(seconds: u64) -> Option<std::time::Duration> {
    Some(std::time::Duration::from_secs(seconds))
}

fn undo(private_dns: bool) -> UndoPlan {
    UndoPlan {
        anything: true,
        registration: true,
        private_dns,
    }
}

#[test]
fn a_fresh_vpc_gets_one_subnet_for_each_zone_and_all_its_networks_as_sources() {
    let stage = fresh(|scenario| {
        scenario.vpcs[0].secondary_cidrs = vec!["100.64.0.0/18".parse().unwrap()];
        scenario.vpcs[0].former_cidrs = vec!["10.99.0.0/16".parse().unwrap()];
    });
    let plan = inspect(&stage).unwrap();
    assert_eq!(sources(&plan), ["10.20.0.0/16", "100.64.0.0/18"]);
    assert_eq!(plan.endpoint.existing, None);
    assert_eq!(plan.endpoint.subnet_ids.len(), 3);
    assert_eq!(plan.undo, undo(false));
    assert_eq!((plan.private_host.is_some(), plan.notes), (true, vec![]));
}

#[test]
fn looking_twice_gives_the_same_plan() {
    for name in ["standard-cluster", "half-made-by-hand", "shared-endpoint"] {
        let stage = Stage::shipped(name);
        let (first, second) = stage.twice(async || look(&stage, input(&stage, stage.wait())).await);
        assert_eq!(first, second, "{name}");
    }
}

#[test]
fn subnets_that_come_late_are_waited_for_and_missed_at_the_limit() {
    let late = |after| growing(&[(0, after), (1, after), (2, after)]);
    assert_eq!(planned(&late(60)), 3);
    refused(&late(6000), Code::SubnetsNotReadyInTime);
}

/// The subnets come in this zone and at that second.
fn growing(subnets: &[(usize, u64)]) -> Stage {
    fresh(|scenario| {
        let vpc = &mut scenario.vpcs[0];
        let subnets = subnets.iter().map(|(zone, after)| SubnetSpec {
            appears_after: seconds(*after),
            ..vpc.subnets[*zone].clone()
        });
        vpc.subnets = subnets.collect();
    })
}

#[test]
fn subnets_that_come_one_after_the_other_are_all_waited_for() {
    for (subnets, zones, seconds) in [
        (&[(0, 20), (1, 27), (2, 34)][..], 3, 34..60),
        // Long after the first look.
        (&[(0, 200), (1, 225), (2, 250)], 3, 250..280),
        // A VPC that is finished with two zones is soon quiet, whatever its age.
        (&[(0, 0), (2, 0)], 2, 30..45),
        // What has all zones need not be quiet.
        (&[(0, 0), (1, 0), (2, 0)], 3, 0..1),
        // What comes much later is found by a check.
        (&[(0, 0), (1, 599), (2, 9000)], 1, 30..45),
    ] {
        let stage = growing(subnets);
        let plan = inspect(&stage).unwrap();
        assert_eq!(plan.endpoint.zone_ids.len(), zones, "{subnets:?}");
        let waited = stage.wait().waited_seconds();
        assert!(seconds.contains(&waited), "{subnets:?}: {waited} s");
    }
}

#[test]
fn a_wait_for_more_zones_says_so_and_a_plan_does_not_wait() {
    let stage = growing(&[(0, 0), (1, 0)]);
    let told = awaited(&stage, true).unwrap();
    assert!(told.contains("no usable subnet in euw1-az3 yet"), "{told}");
    assert_eq!(awaited(&stage, false), None);
}

#[test]
fn subnets_in_other_zones_or_that_are_still_pending_may_be_only_the_first() {
    let stage = growing(&[(2, 0), (0, 15), (1, 22)]);
    stage.meddle(|world| {
        let zones = ["euw1-az1", "euw1-az2"].map(str::to_owned);
        world.ec2.services[0].zone_ids = zones.to_vec();
    });
    assert_eq!(planned(&stage), 2);
    // Both at once, and one after the other: the last one when the first look is long ago.
    for after in [[25, 25], [25, 50]] {
        let stage = fresh(|scenario| {
            for (subnet, after) in scenario.vpcs[0].subnets[1..].iter_mut().zip(after) {
                subnet.available_after = seconds(after);
            }
        });
        assert_eq!(planned(&stage), 3);
    }
}

#[test]
fn zones_of_a_service_that_come_later_are_waited_for() {
    let stage = fresh(|_| {});
    let offer = |world: &mut World, zones: &[&str]| {
        let zones = zones.iter().map(|zone| (*zone).to_owned());
        world.ec2.services[0].zone_ids = zones.collect();
    };
    stage.meddle(|world| offer(world, &["euw1-az1"]));
    // The Cloud API names all zones.
    let mut input = input(&stage, stage.wait());
    let zones = ["euw1-az1", "euw1-az2", "euw1-az3"];
    input.cluster.zone_ids = zones.iter().map(|zone| zone.parse().unwrap()).collect();
    let first = at_once(look(&stage, input.clone())).unwrap();
    let Progress::Pending(pending) = first else {
        panic!("one zone is taken for all");
    };
    stage.meddle(|world| offer(world, &zones));
    input.growth = pending.growth;
    let plan = at_once(look(&stage, input)).unwrap().ready();
    assert_eq!(plan.unwrap().endpoint.zone_ids.len(), 3);
}

/// Terraform and CloudFormation make a VPC with its tags and then finish it; a service
/// is known to the Cloud API before EC2 shows it; and subnets are named that EC2 does not
/// show yet.
#[test]
fn what_is_not_finished_is_looked_at_again_before_it_is_refused() {
    fn vpc(world: &mut World) -> &mut Vpc {
        world.ec2.vpcs.values_mut().next().unwrap()
    }
    // What is so, or not yet.
    type Set = fn(&mut World, bool);
    let cases: [(Code, Set); 5] = [
        (Code::VpcDnsSupportDisabled, |world, on| {
            vpc(world).dns_support = on;
        }),
        (Code::VpcDnsHostnamesDisabled, |world, on| {
            vpc(world).dns_hostnames = on;
        }),
        (Code::ServiceNotVisible, |world, on| {
            let nobody = || Principals::Accounts(Vec::new());
            let principals = Some(Principals::All).filter(|_| on);
            world.ec2.services[0].principals = principals.unwrap_or_else(nobody);
        }),
        (Code::PrivateDnsNotOffered, |world, on| {
            world.ec2.services[0].verification = match on {
                true => Verification::Verified,
                false => Verification::PendingVerification,
            };
        }),
        (Code::VpcNotFound, |world, on| {
            vpc(world).region = if on { "eu-west-1" } else { "none" }.to_owned();
        }),
    ];
    for (code, set) in cases {
        let begin = || {
            let stage = fresh(|_| {});
            stage.meddle(|world| set(world, false));
            stage
        };
        let stage = begin();
        let finished = inspect_while(&stage, |waited| {
            if waited >= 25 {
                stage.meddle(|world| set(world, true));
            }
        });
        assert_eq!(finished.map(|_| ()), Ok(()), "{code}");
        let never = begin();
        refused(&never, code);
        let waited = never.wait().waited_seconds();
        assert!((60..90).contains(&waited), "{code}: {waited} s");
        // A plan tells at once what stands in the way.
        let input = Input {
            patient: false,
            ..input(&never, never.wait())
        };
        let refused = at_once(look(&never, input)).unwrap_err();
        assert_eq!(refused.code, code);
    }
    let mut stage = growing(&[(0, 0), (1, 0), (2, 20)]);
    let named = ["a", "c"].map(|end| format!("subnet-0a10000000000000{end}"));
    stage.request.subnet_ids = named.map(|id| id.parse().unwrap()).to_vec();
    assert_eq!(planned(&stage), 2);
    // Whoever names subnets wants no others.
    let waited = stage.wait().waited_seconds();
    assert!((20..30).contains(&waited), "{waited} s");
    let mut stage = fresh(|scenario| {
        let pending = &mut scenario.vpcs[0].subnets[0];
        pending.available_after = seconds(25);
    });
    stage.request.subnet_ids = vec!["subnet-0a10000000000000a".parse().unwrap()];
    assert_eq!(planned(&stage), 1);
}

/// Whoever makes a group or a list names it at once.
#[test]
fn sources_that_ec2_shows_late_are_looked_at_again() {
    let own = "sg-0b000001";
    let mut stage = fresh(|scenario| {
        let group = serde_json::json!({ "id": own, "name": "clients" });
        let group = serde_json::from_value(group).unwrap();
        scenario.vpcs[0].groups.push(group);
    });
    stage.meddle(|world| {
        let visible = world.now + std::time::Duration::from_secs(10);
        world.ec2.groups.get_mut(own).unwrap().visible = visible;
    });
    stage.request.sources.security_group_ids = vec![own.parse().unwrap()];
    assert_eq!(inspect(&stage).map(|_| ()), Ok(()));
    let mut stage = fresh(|scenario| scenario.prefix_lists = vec![prefix_list(20)]);
    stage.request.sources.prefix_list_ids = vec![LIST.parse().unwrap()];
    let move_to = |region: &str| {
        stage.meddle(|world| {
            let lists = world.ec2.prefix_lists.iter_mut();
            lists.for_each(|list| list.region = region.to_owned());
        });
    };
    move_to("none");
    let plan = inspect_while(&stage, |waited| {
        if waited >= 10 {
            move_to("eu-west-1");
        }
    });
    assert_eq!(plan.map(|_| ()), Ok(()));
}

/// Three small subnets for a transit gateway have the lowest ids.
fn beside_a_transit_gateway(change: impl FnOnce(&mut [SubnetSpec])) -> Stage {
    fresh(|scenario| {
        let subnets = &mut scenario.vpcs[0].subnets;
        let small = subnets.iter().enumerate().map(|(n, large)| SubnetSpec {
            id: format!("subnet-0000000000000010{n}"),
            cidr: format!("10.20.255.{}/28", n * 16).parse().unwrap(),
            ..large.clone()
        });
        let small: Vec<SubnetSpec> = small.collect();
        subnets.extend(small);
        change(subnets);
    })
}

#[test]
fn the_small_subnets_of_a_transit_gateway_are_left_alone_unless_a_tag_names_them() {
    let planned = |stage: &Stage| -> Vec<String> {
        let ids = inspect(stage).unwrap().endpoint.subnet_ids;
        ids.iter().map(ToString::to_string).collect()
    };
    let large = ["a", "b", "c"].map(|end| format!("subnet-0a10000000000000{end}"));
    assert_eq!(planned(&beside_a_transit_gateway(|_| {})), large);
    let key = "cockroachdb-privatelink:subnet".to_owned();
    let stage = beside_a_transit_gateway(|subnets| {
        subnets[0].tags.insert(key.clone(), "no".to_owned());
        subnets[4].tags.insert(key.clone(), "yes".to_owned());
    });
    let [small_a, small_b] = [0, 1].map(|n| format!("subnet-0000000000000010{n}"));
    assert_eq!(planned(&stage), [small_a, small_b, large[2].clone()]);
    let unreadable = beside_a_transit_gateway(|subnets| {
        subnets[3].tags.insert(key.clone(), "tgw".to_owned());
    });
    let said = refused(&unreadable, Code::TagValueInvalid);
    assert!(said.contains(&key), "{said}");
}

/// What would be chosen today does not count.
#[test]
fn an_endpoint_that_works_stays_in_its_subnets() {
    let stage = Stage::changed("connected", |scenario| {
        let subnets = &mut scenario.vpcs[0].subnets;
        let key = "cockroachdb-privatelink:subnet".to_owned();
        let larger = SubnetSpec {
            id: "subnet-00000000000000001".to_owned(),
            cidr: "10.20.128.0/17".parse().unwrap(),
            tags: [(key, "true".to_owned())].into(),
            ..subnets[0].clone()
        };
        subnets.push(larger);
        subnets[0].free_addresses = Some(0);
    });
    let plan = inspect(&stage).unwrap();
    let endpoints = stage.things().endpoints;
    let has = endpoints[ENDPOINT].subnet_ids();
    assert!(
        plan.endpoint
            .subnet_ids
            .iter()
            .map(|id| id.as_str())
            .eq(has)
    );
    assert!(plan.change.unwrap().is_nothing());
}

/// The endpoint of `connected`, or one that others share or made, is in the first subnets of
/// the VPC; tags shut these out.
#[test]
fn an_endpoint_leaves_what_tags_shut_out_and_whoever_shares_it_is_told_that_it_stays() {
    let key = "cockroachdb-privatelink:subnet".to_owned();
    let shut_out = |name: &str, out: &[usize]| {
        Stage::changed(name, |scenario| {
            let vpc = &mut scenario.vpcs[0];
            for n in out {
                let id = &vpc.endpoints[0].subnets[*n];
                let subnet = vpc.subnets.iter_mut().find(|it| it.id == *id).unwrap();
                subnet.tags.insert(key.clone(), "FALSE".to_owned());
            }
        })
    };
    let first = |stage: &Stage| {
        let endpoint = stage.things().endpoints.into_values().next().unwrap();
        endpoint.subnet_ids().next().unwrap().to_owned()
    };
    let stage = shut_out("connected", &[0]);
    let plan = inspect(&stage).unwrap();
    let change = plan.change.unwrap();
    let (shape, former) = (change.endpoint.unwrap(), change.former_endpoint.unwrap());
    let out = first(&stage);
    assert!(former.subnet_ids.iter().any(|id| id.as_str() == out));
    assert_eq!(shape.subnet_ids, plan.endpoint.subnet_ids);
    assert!(!shape.subnet_ids.is_empty());
    assert!(shape.subnet_ids.iter().all(|id| id.as_str() != out));
    let leaves = format!("leaves {out}, shut out by tags");
    assert!(plan.notes.iter().any(|note| note.ends_with(&leaves)));

    let nowhere = shut_out("connected", &[0, 1, 2]);
    let plan = inspect(&nowhere).unwrap();
    assert!(plan.change.unwrap().is_nothing());
    let stays = format!(
        "no other subnet of the VPC can take it. {}",
        Code::SubnetUnusable.fix()
    );
    assert!(plan.notes.iter().any(|note| note.ends_with(&stays)));

    let shared = shut_out("shared-endpoint", &[0]);
    let plan = inspect(&shared).unwrap();
    assert_eq!(plan.change.and_then(|it| it.endpoint), None);
    let keeps = format!("keeps {}, because ", first(&shared));
    assert!(plan.notes.iter().any(|note| note.contains(&keeps)));
}

/// Whatever somebody has put on in its place, and whether that lets anybody in.
#[test]
fn our_group_goes_back_on_an_endpoint_that_we_made() {
    let detached = |change: fn(&mut World)| {
        let stage = Stage::shipped("connected");
        stage.meddle(|world| {
            let default = world.ec2.groups.values().find(|it| it.name == "default");
            let default = default.unwrap().id.clone();
            world.ec2.endpoints.get_mut(ENDPOINT).unwrap().groups = vec![default];
            change(world);
        });
        stage
    };
    let plan = inspect(&detached(|_| {})).unwrap();
    assert!(plan.security_group.is_some());
    let change = plan.change.unwrap();
    let group = |on| {
        let id = "sg-0a10000000000000d".parse().unwrap();
        Some(EndpointGroup { id, on })
    };
    let (shape, former) = (change.endpoint.unwrap(), change.former_endpoint.unwrap());
    assert_eq!((shape.group, former.group), (group(true), group(false)));
    assert_eq!(shape.subnet_ids, former.subnet_ids);
    let told = "gets security group sg-0a10000000000000d back";
    assert!(plan.notes.iter().any(|note| note.ends_with(told)));

    // One of somebody else's, whatever its name, and an endpoint that is none of ours.
    for change in [
        |world: &mut World| {
            let ours = world.ec2.groups.get_mut("sg-0a10000000000000d");
            ours.unwrap().tags.clear();
        },
        |world: &mut World| {
            let tags = &mut world.ec2.endpoints.get_mut(ENDPOINT).unwrap().tags;
            let key = "cockroachdb-privatelink:origin".to_owned();
            tags.insert(key, "adopted".to_owned());
        },
    ] {
        refused(&detached(change), Code::ExistingEndpointUnusable);
    }
}

#[test]
fn an_endpoint_is_adopted_by_what_all_rules_of_its_groups_let_in_together() {
    let with_rules = |networks: &[&str]| {
        let stage = Stage::changed("half-made-by-hand", |scenario| {
            let rules = &mut scenario.vpcs[0].groups[0].rules;
            let rule = rules.remove(0);
            rules.extend(networks.iter().map(|network| RuleSpec {
                source: (*network).to_owned(),
                ..rule.clone()
            }));
        });
        inspect(&stage).map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(with_rules(&["10.20.0.0/17", "10.20.128.0/17"]), Ok(()));
    assert_eq!(with_rules(&["10.0.0.0/8"]), Ok(()));
    let unusable = Err(Code::ExistingEndpointUnusable);
    assert_eq!(with_rules(&["10.20.0.0/17", "10.20.192.0/18"]), unusable);
}

#[test]
fn an_endpoint_made_by_hand_is_planned_with_its_own_groups_and_subnets() {
    let plan = inspect(&Stage::shipped("half-made-by-hand")).unwrap();
    assert_eq!(plan.endpoint.existing.unwrap().as_str(), ENDPOINT);
    assert_eq!(plan.endpoint.subnet_ids.len(), 2);
    assert_eq!((plan.security_group, plan.undo), (None, undo(true)));
    assert!(plan.notes[0].contains("adopted"), "{:?}", plan.notes);
}

#[test]
fn an_endpoint_of_another_connection_is_shared_and_its_group_with_it() {
    let plan = inspect(&Stage::shipped("shared-endpoint")).unwrap();
    assert_eq!(plan.endpoint.existing.unwrap().as_str(), ENDPOINT);
    assert!(plan.security_group.is_some());
    let told = "shared with cluster 5a0e8400";
    assert!(plan.notes[0].contains(told), "{:?}", plan.notes);
}

#[test]
fn a_dead_endpoint_of_ours_is_replaced() {
    let stage = Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
        endpoint.tags = claim.tags(Origin::Made);
        endpoint.state = simulator::ec2::EndpointState::Rejected;
    });
    assert_eq!(inspect(&stage).unwrap().endpoint.existing, None);
}

#[test]
fn an_endpoint_that_shuts_planned_sources_out_or_has_no_room_for_tags_is_refused() {
    let unusable = Code::ExistingEndpointUnusable;
    let shut_out = "do not admit TCP 26257 from 10.20.0.0/16";
    let unclear = "on TCP 26257, and 10.20.0.0/16 only as far as it is in there; ask for these";
    for (source, told) in [
        ("10.20.0.0/24", shut_out.to_owned()),
        (LIST, format!("let in prefix list {LIST} {unclear}")),
        (GROUP, format!("let in security group {GROUP} {unclear}")),
    ] {
        let stage = Stage::changed("half-made-by-hand", |scenario| {
            scenario.vpcs[0].groups[0].rules[0].source = source.to_owned();
        });
        let said = refused(&stage, unusable);
        assert!(said.contains(&told), "{said}");
        assert_eq!(said.contains("do not admit"), told == shut_out, "{said}");
    }
    let stage = Stage::with_endpoint("half-made-by-hand", |endpoint, _| {
        let tags = (0..48).map(|n| (format!("team:{n}"), String::new()));
        endpoint.tags = tags.collect();
    });
    refused(&stage, unusable);
}

#[test]
fn an_endpoint_is_adopted_by_those_whom_its_groups_let_in() {
    let mut stage = Stage::changed("half-made-by-hand", |scenario| {
        scenario.prefix_lists = vec![prefix_list(20)];
        let rules = &mut scenario.vpcs[0].groups[0].rules;
        rules[0].source = LIST.to_owned();
        let mut rule = rules[0].clone();
        rule.source = GROUP.to_owned();
        rules.push(rule);
    });
    let sources = &mut stage.request.sources;
    sources.prefix_list_ids = vec![LIST.parse().unwrap()];
    sources.security_group_ids = vec![GROUP.parse().unwrap()];
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.endpoint.existing.unwrap().as_str(), ENDPOINT);
    assert_eq!(plan.security_group, None);
}

fn prefix_list(max_entries: u32) -> PrefixListSpec {
    PrefixListSpec {
        id: LIST.to_owned(),
        name: "clients".to_owned(),
        account: None,
        region: None,
        address_family: "IPv4".to_owned(),
        max_entries,
    }
}

#[test]
fn lists_and_groups_of_others_become_sources_and_what_that_means_is_said() {
    let asking = |lists: &[&str], groups: &[&str]| {
        let mut stage = fresh(|scenario| scenario.prefix_lists = vec![prefix_list(100)]);
        let asked = &mut stage.request.sources;
        asked.prefix_list_ids = lists.iter().map(|id| id.parse().unwrap()).collect();
        asked.security_group_ids = groups.iter().map(|id| id.parse().unwrap()).collect();
        stage
    };
    let plan = inspect(&asking(&[LIST], &[GROUP])).unwrap();
    assert_eq!(sources(&plan), [GROUP, LIST]);
    let notes = plan.notes.join("\n");
    let list = format!("on prefix list {LIST}");
    let group = format!("group {GROUP} can");
    for said in [list.as_str(), &group, "for 100 IPv4 rules"] {
        assert!(notes.contains(said), "{notes}");
    }

    let own = asking(&[], &["111122223333/sg-0b000001"]);
    let said = refused(&own, Code::SourceGroupNotFound);
    assert!(
        said.contains("has no security group sg-0b000001 in"),
        "{said}"
    );
    let absent = asking(&["pl-0123456789abcdef1"], &[]);
    let said = refused(&absent, Code::PrefixListNotFound);
    assert!(said.contains("pl-0123456789abcdef1"), "{said}");
}

#[test]
fn what_is_allowed_holds_for_lists_and_groups_too() {
    let mut stage = fresh(|scenario| scenario.prefix_lists = vec![prefix_list(1)]);
    stage.request.sources.prefix_list_ids = vec![LIST.parse().unwrap()];
    for (allowed, is_refused) in [("0.0.0.0/0", true), (LIST, false)] {
        let allowed = AllowedSources(vec![allowed.parse().unwrap()]);
        let input = input(&stage, stage.wait());
        let looked = handle(&stage.ports, &allowed, DEFAULT_TAG_PREFIX, input);
        let refused = at_once(looked).err();
        let expected = is_refused.then_some(Code::SourceNotAllowed);
        assert_eq!(refused.map(|error| error.code), expected);
    }
}

#[test]
fn what_stands_in_the_way_is_named() {
    let full = fresh(|it| {
        let subnets = it.vpcs[0].subnets.iter_mut();
        subnets.for_each(|it| it.free_addresses = Some(0));
    });
    refused(&full, Code::NoFreeAddresses);
    type Asking = fn(&mut ProvisionRequest);
    let asking: [(Code, Asking); 4] = [
        (Code::VpcNotFound, |it| {
            it.vpc_id = "vpc-00000000".parse().unwrap();
        }),
        (Code::VpcInOtherAccount, |it| {
            it.account_id = "999988887777".parse().ok();
        }),
        (Code::SubnetNotFound, |it| {
            it.subnet_ids = vec!["subnet-00000000".parse().unwrap()];
        }),
        (Code::SourceGroupNotFound, |it| {
            it.sources.security_group_ids = vec!["sg-00000000".parse().unwrap()];
        }),
    ];
    for (code, change) in asking {
        let mut stage = fresh(|_| {});
        change(&mut stage.request);
        refused(&stage, code);
    }
}

/// EC2 shows it to participants, and would refuse the endpoint at the very end.
#[test]
fn a_vpc_that_another_account_shares_is_refused_whatever_the_request_names() {
    const OWNER: &str = "444455556666";
    for asked in [None, Some(OWNER), Some("111122223333")] {
        let mut stage = fresh(|scenario| {
            scenario.vpcs[0].account = Some(OWNER.to_owned());
            scenario.vpcs[0].shared_with = vec!["111122223333".to_owned()];
        });
        stage.request.account_id = asked.map(|account| account.parse().unwrap());
        let said = refused(&stage, Code::VpcShared);
        let named = format!("is owned by account {OWNER} and shared with 111122223333");
        assert!(said.contains(&named), "{said}");
    }
}

#[test]
fn ipv6_only_subnets_cannot_take_an_endpoint() {
    let ipv6_only = |count: usize| {
        fresh(|scenario| {
            for subnet in scenario.vpcs[0].subnets.iter_mut().take(count) {
                subnet.ipv6_native = true;
                subnet.ipv6_cidr = Some("2001:db8::/64".parse().unwrap());
            }
        })
    };
    assert_eq!(planned(&ipv6_only(2)), 1);
    let said = refused(&ipv6_only(3), Code::SubnetUnusable);
    assert!(said.contains("has no IPv4 network"), "{said}");
    let mut stage = ipv6_only(1);
    stage.request.subnet_ids = vec!["subnet-0a10000000000000a".parse().unwrap()];
    refused(&stage, Code::SubnetUnusable);
}

#[test]
fn what_sources_outside_of_the_vpc_and_ipv6_ones_mean_is_said_once_each() {
    let mut stage = fresh(|_| {});
    let told = |stage: &Stage| inspect(stage).unwrap().notes;
    assert_eq!(told(&stage), [""; 0]);
    let asked = ["10.20.0.0/24", "192.168.0.0/16", "10.99.0.0/16"];
    let asked = asked.into_iter().chain(["2001:db8::/56"]);
    stage.request.sources.cidrs = asked.map(|it| it.parse().unwrap()).collect();
    let notes = told(&stage);
    assert_eq!(notes.len(), 2, "{notes:?}");
    let outside = "clients of 10.99.0.0/16, 192.168.0.0/16 that are outside of this VPC";
    assert!(notes[0].starts_with(outside), "{notes:?}");
    assert!(notes[1].contains("from 2001:db8::/56: "), "{notes:?}");
    // There is no private host to be resolved.
    stage.request.private_dns = false;
    assert!(!told(&stage).iter().any(|it| it.starts_with("clients of")));
}

const DHCP: &str = "ec2:DescribeDhcpOptions";
const ACLS: &str = "ec2:DescribeNetworkAcls";
const RULES: &str = "route53resolver:ListResolverRules";

#[test]
fn dns_servers_and_acls_of_ones_own_are_told_and_stand_in_nobodys_way() {
    let mut stage = Stage::shipped("own-dns-and-acls");
    let dns = "the VPC's DHCP options dopt-0a1b2c3d4e5f60718 name DNS servers other than Amazon's \
               (10.20.0.53, 10.20.16.53): clients resolve the private host only if these forward \
               it to the VPC's Route 53 Resolver";
    let a = "network ACL acl-0a10000000000000a (of subnet-0a10000000000000a, \
             subnet-0a10000000000000b) does not let TCP";
    let b = "network ACL acl-0a10000000000000b (of subnet-0a10000000000000c) does not let TCP";
    let out = "1024-32767 out to 10.20.0.0/16: the endpoint's answers to these ports are lost";
    let lost = "clients there, if in other subnets, do not reach the endpoint in these";
    let acls = [
        format!("{a} 26257 in from 10.20.48.0/20: {lost}"),
        format!("{a} {out}"),
        format!("{b} 26257 in from 10.20.0.0/16: {lost}"),
    ];
    let rule = "the Resolver rule rslvr-rr-0a10000000000000a of Route 53 forwards \
                j77.aws-eu-west-1.cockroachlabs.cloud to other DNS servers: clients resolve the \
                private host only if these know the endpoint's addresses";
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.notes[..2], [rule, dns]);
    assert_eq!(plan.notes[2..], acls);
    // Without private DNS another note says what DNS servers of one's own need.
    stage.request.private_dns = false;
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.notes[1..], acls);
    assert_eq!([DHCP, ACLS, RULES].map(|it| stage.calls(it)), [1, 2, 1]);
}

#[test]
fn only_what_sources_and_subnets_are_about_is_told_of_acls() {
    let mut stage = Stage::shipped("own-dns-and-acls");
    stage.request.subnet_ids = vec!["subnet-0a10000000000000c".parse().unwrap()];
    stage.request.sources.cidrs = vec!["10.99.0.0/16".parse().unwrap()];
    let notes = inspect(&stage).unwrap().notes.join("\n");
    assert!(notes.contains("in from 10.99.0.0/16"), "{notes}");
    assert!(!notes.contains("acl-0a10000000000000a"), "{notes}");
}

/// As one of the VPC itself does, while private DNS is off.
#[test]
fn a_zone_of_the_profile_that_has_the_host_stands_in_the_way() {
    let stage = |zone: &str| {
        Stage::changed("own-dns-and-acls", |scenario| {
            let profile = scenario.vpcs[0].profile.as_mut().unwrap();
            profile.zones.insert("Z01".to_owned(), zone.to_owned());
        })
    };
    let said = refused(&stage(HOST), Code::PrivateDnsConflict);
    let profile = "of the VPC's Route 53 Profile rp-0a10000000000000 answers";
    let named = format!("the private hosted zone Z01 ({HOST}) {profile}");
    assert!(said.starts_with(&named), "{said}");
    // The zone behind private DNS has this name, and is the VPC's own.
    let beside = inspect(&stage("j77.aws-eu-west-1.cockroachlabs.cloud"));
    assert_eq!(beside.unwrap().notes.len(), 5);
}

/// An older role in another account does not have these permissions.
#[test]
fn what_may_not_be_looked_at_is_said_and_stands_in_nobodys_way() {
    let stage = Stage::shipped("own-dns-and-acls");
    for operation in [RULES, DHCP, ACLS] {
        stage.fails(operation, FaultKind::Denied);
    }
    let notes = inspect(&stage).unwrap().notes;
    assert_eq!(
        notes,
        [
            "could not look at all Resolver rules and Profiles of Route 53, which may take the \
             private host away from private DNS (aws-access-denied: \
             route53resolver:ListResolverRules is missing)",
            "could not look at the VPC's DHCP options, which name its DNS servers \
             (ec2:DescribeDhcpOptions is missing)",
            "could not look at the network ACLs of the endpoint's subnets \
             (ec2:DescribeNetworkAcls is missing)",
        ]
    );
}

/// There is nothing that a run could not do without.
#[test]
fn what_does_not_answer_about_rules_and_profiles_stands_in_nobodys_way() {
    for operation in [
        RULES,
        "route53resolver:ListResolverRuleAssociations",
        "route53profiles:ListProfileAssociations",
        "route53profiles:ListProfileResourceAssociations",
    ] {
        for (kind, code) in [
            (FaultKind::Throttle, "aws-throttled"),
            (FaultKind::ServerError, "aws-unavailable"),
            (FaultKind::Timeout, "aws-unavailable"),
            (FaultKind::UnknownCode, "unexpected-aws-answer"),
        ] {
            let stage = Stage::shipped("own-dns-and-acls");
            stage.fails(operation, kind);
            let notes = inspect(&stage).unwrap().notes;
            let told = |note: &String| {
                note.starts_with("could not look at all Resolver rules")
                    && note.contains(&format!("({code}: "))
            };
            assert!(notes.iter().any(told), "{operation}, {kind:?}: {notes:?}");
        }
    }
}

#[test]
fn peered_networks_are_sources_only_when_asked_for() {
    let mut stage = fresh(|scenario| {
        scenario.vpcs[0].peerings = vec![PeeringSpec {
            id: "pcx-0a1b2c3d4e5f60718".to_owned(),
            peer_vpc: "vpc-0f0f0f0f0f0f0f0f0".to_owned(),
            peer_account: None,
            peer_region: None,
            peer_cidrs: vec!["172.31.0.0/16".parse().unwrap()],
            peer_ipv6_cidrs: vec![],
            status: "active".to_owned(),
            requested_by_peer: true,
        }];
    });
    let count = |stage: &Stage| sources(&inspect(stage).unwrap()).len();
    assert_eq!(count(&stage), 1);
    stage.request.sources.include_peered_vpcs = true;
    assert_eq!(count(&stage), 2);
}

#[test]
fn without_private_dns_the_vpc_may_be_without_dns_too_and_a_note_says_what_that_means() {
    let mut stage = fresh(|scenario| scenario.vpcs[0].dns_support = false);
    stage.request.private_dns = false;
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.private_host, None);
    assert!(plan.notes[0].contains("verify-full"), "{:?}", plan.notes);
}

/// A removal has let the endpoint go, and was refused by the cluster.
#[test]
fn what_an_earlier_run_could_not_take_back_is_the_connections_own_again() {
    let stage = Stage::shipped("half-made-by-hand");
    let (account, other) = (Some("111122223333"), "vpce-00000000000000001");
    let recorded = |id: &str, account: Option<&str>| OwnRegistration {
        endpoint_id: id.parse().unwrap(),
        trusted_account: account.map(|it| it.parse().unwrap()),
    };
    for (recorded, owned, trusted) in [
        (vec![], false, None),
        (vec![recorded(other, None)], false, None),
        (vec![recorded(ENDPOINT, None)], true, None),
        (vec![recorded(ENDPOINT, account)], true, account),
        // Of the one that is not its own it has nothing to take back.
        (vec![recorded(other, account)], false, None),
    ] {
        let mut input = input(&stage, stage.wait());
        input.cluster.registered.insert(ENDPOINT.to_owned());
        input.recorded = recorded;
        let told = format!("{:?}", input.recorded);
        let looked = look(&stage, input);
        let plan = at_once(looked).unwrap().ready().unwrap();
        assert_eq!(plan.undo.registration, owned, "{told}");
        let account = plan.trust_account.map(|it| it.to_string());
        assert_eq!(account.as_deref(), trusted, "{told}");
    }
}

/// A security group has at most 1000 rules, however far its quota is raised (Amazon VPC
/// user guide, "Amazon VPC quotas": the quotas of rules and of groups, multiplied).
#[test]
fn the_longest_plan_fits_into_an_answer() {
    let stage = Stage::changed("connected", |scenario| {
        let group = &mut scenario.vpcs[0].groups[0];
        let rule = group.rules[0].clone();
        group.rules.extend((0..1000).map(|n| {
            let mut rule = rule.clone();
            rule.source = format!("2001:db8:{n:x}:ffff:ffff:ffff:ffff:ffff/128");
            rule
        }));
    });
    let plan = inspect(&stage).unwrap();
    let change = plan.change.as_ref();
    let removed = change.map(|change| change.sources_removed.len());
    assert_eq!(removed, Some(1000));
    let bytes = serde_json::to_string(&plan).unwrap().len();
    assert!(bytes <= bounds::ANSWER * 3 / 4, "{bytes} bytes");
}

#[test]
fn a_ledger_that_is_full_of_registrations_takes_none_more() {
    let look = |count: usize, id: &str| {
        let recorded = (0..count).map(|n| OwnRegistration {
            endpoint_id: format!("vpce-{n:017x}").parse().unwrap(),
            trusted_account: None,
        });
        let recorded: Vec<OwnRegistration> = recorded.collect();
        let used: Option<EndpointId> = id.parse().ok();
        check_registrations(&recorded, used.as_ref()).map_err(|error| error.code)
    };
    let full = Err(Code::RegistrationNotGoneInTime);
    assert_eq!(look(9, ENDPOINT), Ok(()));
    assert_eq!(look(10, ENDPOINT), full);
    assert_eq!(look(10, "none yet"), full);
    assert_eq!(look(10, "vpce-00000000000000001"), Ok(()));
}

#[test]
fn a_misspelled_field_is_refused() {
    let stage = fresh(|_| {});
    assert_strict(&input(&stage, stage.wait()));
}
