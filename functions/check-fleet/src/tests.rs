//! The function over the in-process world.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use in_process::Turns;
use in_process::stage::{Stage, assert_strict, at_once, entry, ready};
use serde_json::json;
use shared::config::DEFAULT_TAG_PREFIX;
use shared::ledger::{Connection, Health, HealthStatus, Ledger, Phase};
use shared::ownership::Origin;
use shared::request::ProvisionRequest;
use simulator::cloud::{ClusterState, ConnectionStatus};
use simulator::ec2::{EndpointState, Vpc};
use simulator::scenario::{ResolverRuleSpec, VpcSpec};
use simulator::{FaultKind, Scenario, World};
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;

const CLUSTER: &str = "5a0e8400-e29b-41d4-a716-446655440001";
const OTHER_CLUSTER: &str = "5a0e8400-e29b-41d4-a716-446655440002";
const SERVICE: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0c0c0a0a0b0b00d01";
const EXECUTION: &str = "arn:aws:states:eu-west-1:111122223333:execution:check-fleet:1";
/// When the worlds of these tests begin, and when they are checked.
const NOW: OffsetDateTime = datetime!(2027-01-15 08:00 UTC);

/// The `n`th connection that works, from a VPC of its own to that cluster.
fn connection_to(cluster: &str, n: usize) -> Connection {
    let request = json!({
        "cluster_id": cluster,
        "region": "eu-west-1",
        "vpc_id": format!("vpc-0b{n:015x}"),
    });
    let request = ProvisionRequest::parse(&request).unwrap();
    Connection {
        endpoint_id: Some(format!("vpce-0b{n:015x}").parse().unwrap()),
        security_group_id: Some(format!("sg-0b{n:015x}").parse().unwrap()),
        service_name: Some(SERVICE.parse().unwrap()),
        ..entry(request, Phase::Ready, NOW - time::Duration::hours(1))
    }
}

pub(crate) fn connection() -> Connection {
    connection_to(CLUSTER, 0)
}

/// A world in which these connections work, made from the one with two clusters
/// behind one service.
fn world(connections: &[Connection], change: impl FnOnce(&mut Scenario)) -> Stage {
    let stage = Stage::changed("shared-endpoint", |scenario| {
        let template = scenario.vpcs.remove(0);
        for cluster in &mut scenario.clusters {
            cluster.connections.clear();
        }
        for connection in connections {
            scenario.vpcs.push(vpc(&template, connection));
            let id = connection.cluster_id.as_str();
            let known = scenario.clusters.iter_mut().find(|it| it.id == id);
            let Some(cluster) = known else { continue };
            let registration = json!({
                "endpoint_id": connection.endpoint_id,
                "status": "available",
            });
            cluster
                .connections
                .push(serde_json::from_value(registration).unwrap());
        }
        change(scenario);
    });
    for connection in connections {
        stage.ports.put_connection(connection);
    }
    stage
}

fn world_of(connection: &Connection, change: impl FnOnce(&mut Scenario)) -> Stage {
    world(std::slice::from_ref(connection), change)
}

/// Private DNS of all endpoints is switched from outside.
fn set_private_dns(stage: &Stage, on: bool) {
    stage.meddle(|world| {
        let endpoints = world.ec2.endpoints.values_mut();
        endpoints.for_each(|endpoint| endpoint.private_dns = on);
    });
}

/// The VPC of a connection with everything that `provision` makes in it.
fn vpc(template: &VpcSpec, connection: &Connection) -> VpcSpec {
    let claim = connection.claim();
    let mut vpc = template.clone();
    vpc.id = connection.vpc_id.to_string();
    let mut subnets = BTreeMap::new();
    let end = &connection.vpc_id.as_str()["vpc-0b0".len()..];
    for (n, subnet) in vpc.subnets.iter_mut().enumerate() {
        let new = format!("subnet-0b{n}{end}");
        subnets.insert(std::mem::replace(&mut subnet.id, new.clone()), new);
    }
    let group = &mut vpc.groups[0];
    group.id = connection.security_group_id.as_ref().unwrap().to_string();
    group.tags = claim.tags(Origin::Made);
    group.rules[0].description = Some(claim.rule_description());
    let endpoint = &mut vpc.endpoints[0];
    endpoint.id = connection.endpoint_id.as_ref().unwrap().to_string();
    endpoint.groups = vec![group.id.clone()];
    endpoint.tags = claim.endpoint_tags();
    for subnet in &mut endpoint.subnets {
        *subnet = subnets[subnet].clone();
    }
    vpc
}

fn input(now: OffsetDateTime) -> Input {
    Input {
        after: None,
        connection_ids: Vec::new(),
        now,
        execution: EXECUTION.to_owned(),
        counts: None,
        announced: Vec::new(),
    }
}

fn call(stage: &Stage, input: Input) -> Output {
    let ports = &stage.ports;
    at_once(handle(ports, ports, ports, DEFAULT_TAG_PREFIX, input)).unwrap()
}

/// One call, for worlds whose connections fit into one batch.
fn check(stage: &Stage) -> Output {
    call(stage, input(NOW))
}

/// What the ledger has of its health, if anything.
fn recorded(stage: &Stage, connection: &Connection) -> Option<Health> {
    let found = at_once(stage.ports.connection(&connection.connection_id));
    found.unwrap().unwrap().health
}

fn health(stage: &Stage, connection: &Connection) -> Health {
    recorded(stage, connection).unwrap()
}

fn codes(health: &Health) -> Vec<&str> {
    health.findings.iter().map(|it| it.code.as_str()).collect()
}

/// The codes that a check of one connection finds after this change of the world.
fn drift(connection: &Connection, change: impl FnOnce(&mut World)) -> (Vec<String>, bool) {
    let stage = world_of(connection, |_| {});
    let healthy = check(&stage).counts.healthy;
    assert_eq!(healthy, 1, "{:?}", health(&stage, connection));
    stage.meddle(change);
    let output = check(&stage);
    let health = health(&stage, connection);
    assert_eq!(health.status, HealthStatus::Drifted, "{health:?}");
    assert_eq!(output.changes.len(), 1);
    let codes = codes(&health).into_iter().map(str::to_owned).collect();
    (codes, !output.to_repair.is_empty())
}

/// A change of the world from outside.
type Meddling = fn(&mut World, &str);

fn of<'w>(world: &'w mut World, endpoint: &str) -> &'w mut simulator::ec2::Endpoint {
    world.ec2.endpoints.get_mut(endpoint).unwrap()
}

#[test]
fn every_kind_of_drift_is_seen_and_what_provision_can_mend_is_told() {
    let connection = connection();
    let endpoint = connection.endpoint_id.clone().unwrap();
    let group = connection.security_group_id.clone().unwrap();
    let vpc = connection.vpc_id.clone();
    let by_endpoint: [(&str, bool, Meddling); 13] = [
        ("endpoint-gone", true, |world, id| {
            world.ec2.endpoints.remove(id);
        }),
        ("endpoint-gone", true, |world, id| {
            of(world, id).state = EndpointState::Deleting;
        }),
        ("endpoint-rejected", true, |world, id| {
            of(world, id).state = EndpointState::Rejected;
        }),
        ("endpoint-failed", true, |world, id| {
            of(world, id).state = EndpointState::Failed;
        }),
        ("endpoint-of-other-service", false, |world, id| {
            let service = "com.amazonaws.vpce.eu-west-1.vpce-svc-0fffffffffffffff1";
            of(world, id).service_name = service.to_owned();
        }),
        ("ownership-tags-missing", true, |world, id| {
            of(world, id).tags.clear();
        }),
        ("private-dns-switched-off", true, |world, id| {
            of(world, id).private_dns = false;
        }),
        ("endpoint-subnets-changed", false, |world, id| {
            of(world, id).interfaces.clear();
        }),
        ("endpoint-lacks-zone", true, |world, id| {
            of(world, id).interfaces.pop();
        }),
        ("endpoint-in-shut-out-subnet", true, |world, id| {
            let subnet = world.ec2.endpoints[id].interfaces[0].subnet_id.clone();
            let tags = &mut world.ec2.subnets.get_mut(&subnet).unwrap().tags;
            tags.insert(format!("{DEFAULT_TAG_PREFIX}:subnet"), "false".to_owned());
        }),
        ("security-group-detached", true, |world, id| {
            of(world, id).groups.clear();
        }),
        ("registration-gone", true, |world, id| {
            let cluster = world.cloud.cluster_mut(CLUSTER).unwrap();
            cluster.forget_connection(id);
        }),
        ("registration-stale", true, |world, id| {
            let cluster = world.cloud.cluster_mut(CLUSTER).unwrap();
            cluster.connection_mut(id).unwrap().status = ConnectionStatus::Stale;
        }),
    ];
    for (code, repairable, meddle) in by_endpoint {
        let found = drift(&connection, |world| meddle(world, endpoint.as_str()));
        assert_eq!(found, (vec![code.to_owned()], repairable), "{code}");
    }
    let by_vpc: [(&str, Meddling); 3] = [
        ("vpc-dns-support-disabled", |world, id| {
            world.ec2.vpcs.get_mut(id).unwrap().dns_support = false;
        }),
        ("vpc-dns-hostnames-disabled", |world, id| {
            world.ec2.vpcs.get_mut(id).unwrap().dns_hostnames = false;
        }),
        ("vpc-not-found", |world, id| {
            world.ec2.vpcs.remove(id);
        }),
    ];
    for (code, meddle) in by_vpc {
        let found = drift(&connection, |world| meddle(world, vpc.as_str()));
        assert_eq!(found, (vec![code.to_owned()], false), "{code}");
    }
    let revoked = drift(&connection, |world| {
        let rules = &mut world.ec2.groups.get_mut(group.as_str()).unwrap().rules;
        rules.retain(|rule| rule.is_egress);
    });
    let missing = "security-group-rule-missing".to_owned();
    assert_eq!(revoked, (vec![missing], true));
}

#[test]
fn a_network_that_is_added_to_the_vpc_must_be_let_in_too() {
    let connection = connection();
    let stage = world_of(&connection, |scenario| {
        scenario.vpcs[0].secondary_cidrs = vec!["100.64.0.0/18".parse().unwrap()];
    });
    check(&stage);
    let health = health(&stage, &connection);
    assert_eq!(codes(&health), ["security-group-rule-missing"]);
    let said = &health.findings[0].detail;
    assert!(said.ends_with("from 100.64.0.0/18"), "{said}");
}

#[test]
fn a_rule_too_many_is_only_a_remark() {
    let connection = connection();
    let others = "crdb-privatelink 0123456789abcdef";
    let stage = world_of(&connection, |scenario| {
        let rules = &mut scenario.vpcs[0].groups[0].rules;
        for (source, description) in [("10.9.0.0/16", "by hand"), ("10.8.0.0/16", others)] {
            let mut rule = rules[0].clone();
            rule.source = source.to_owned();
            rule.description = Some(description.to_owned());
            rules.push(rule);
        }
    });
    let output = check(&stage);
    let health = health(&stage, &connection);
    assert_eq!(health.status, HealthStatus::Healthy);
    assert_eq!(codes(&health), ["security-group-rule-unplanned"]);
    assert!(health.findings[0].detail.contains("10.9.0.0/16"));
    assert!(output.changes.is_empty());
}

/// The note that a plan has of an ACL without rules before the only subnets of a world.
fn note_on_acl(vpc: &VpcSpec) -> (String, String) {
    let subnets = &vpc.endpoints[0].subnets;
    let acl = "acl-0b00000000000000a".to_owned();
    let told = format!(
        "network ACL {acl} (of {}) does not let TCP 26257 in from 10.20.0.0/16: clients there, \
         if in other subnets, do not reach the endpoint in these",
        subnets.join(", ")
    );
    (acl, told)
}

#[test]
fn acls_and_dns_servers_that_have_changed_are_only_remarks_and_what_was_so_is_none() {
    let connection = connection();
    let mut told = String::new();
    let stage = world_of(&connection, |scenario| {
        let vpc = &mut scenario.vpcs[0];
        let (id, note) = note_on_acl(vpc);
        told = note;
        let subnets = vpc.endpoints[0].subnets.clone();
        let out = json!({"number": 1, "egress": true, "action": "allow", "cidr": "10.20.0.0/16"});
        let acl = json!({"id": id, "subnets": subnets, "rules": [out]});
        vpc.acls.push(serde_json::from_value(acl).unwrap());
        vpc.dns_servers = Some(vec!["10.20.0.53".to_owned()]);
    });
    let output = check(&stage);
    let found = health(&stage, &connection);
    assert_eq!(found.status, HealthStatus::Healthy);
    let expected = ["network-acl-shuts-out", "dns-servers-of-own"];
    assert_eq!(codes(&found), expected);
    assert_eq!(found.findings[0].detail, told);
    assert!(output.changes.is_empty() && output.to_repair.is_empty());

    // The plan had one of these as a note.
    let mut known = connection.clone();
    known.ready = Some(ready(&connection, "host", vec![told]));
    stage.ports.put_connection(&known);
    check(&stage);
    assert_eq!(codes(&health(&stage, &known)), ["dns-servers-of-own"]);
}

/// An older role in another account does not have the permissions.
#[test]
fn surroundings_that_may_not_be_looked_at_leave_a_connection_healthy_and_are_told() {
    let connection = with_host(connection());
    let stage = world_of(&connection, |_| {});
    for operation in SURROUNDINGS {
        stage.fails(operation, FaultKind::Denied);
    }
    check(&stage);
    let found = health(&stage, &connection);
    assert_eq!(found.status, HealthStatus::Healthy);
    assert_eq!(codes(&found), ["aws-access-denied"; 3]);
}

/// What may not be looked at, which is no reason not to know the rest.
const SURROUNDINGS: [&str; 4] = [
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeDhcpOptions",
    OF_ROUTE_53[0],
    OF_ROUTE_53[1],
];

/// What need not even answer.
const OF_ROUTE_53: [&str; 2] = [
    "route53resolver:ListResolverRules",
    "route53profiles:ListProfileAssociations",
];

#[test]
fn rules_and_profiles_that_could_not_be_looked_at_leave_a_connection_healthy() {
    for (kind, code) in [
        (FaultKind::Throttle, "aws-throttled"),
        (FaultKind::ServerError, "aws-unavailable"),
        (FaultKind::CutOff, "aws-unavailable"),
        (FaultKind::UnknownCode, "unexpected-aws-answer"),
    ] {
        for operation in OF_ROUTE_53 {
            let connection = with_host(connection());
            let stage = world_of(&connection, |_| {});
            stage.fails(operation, kind);
            let output = check(&stage);
            let found = health(&stage, &connection);
            assert_eq!(found.status, HealthStatus::Healthy, "{operation}, {kind:?}");
            assert_eq!(codes(&found), [code], "{operation}");
            assert!(output.changes.is_empty());
        }
    }
}

/// The private host of these connections, by a wildcard.
const HOST: &str = "internal-payments-2718.j77.aws-eu-west-1.cockroachlabs.cloud";

/// The same connection, of which it is known how it is reached.
fn with_host(mut connection: Connection) -> Connection {
    connection.ready = Some(ready(&connection, HOST, vec![]));
    connection
}

#[test]
fn a_rule_or_a_zone_that_takes_the_host_is_drift_unless_it_was_told() {
    let connection = with_host(connection());
    let rule = |domain: &str| -> ResolverRuleSpec {
        serde_json::from_value(json!({"id": "rslvr-rr-1", "domain": domain})).unwrap()
    };
    let after = |change: &dyn Fn(&mut Vpc)| {
        let vpc = connection.vpc_id.as_str();
        drift(&connection, |world| {
            change(world.ec2.vpcs.get_mut(vpc).unwrap());
        })
    };
    let found = after(&|vpc| vpc.resolver_rules.push(rule(HOST)));
    assert_eq!(found, (vec!["resolver-rule-takes-name".to_owned()], false));
    let found = after(&|vpc| {
        let profile = json!({"id": "rp-1", "zones": {"Z01": HOST}});
        vpc.profile = serde_json::from_value(profile).unwrap();
    });
    assert_eq!(found, (vec!["private-dns-conflict".to_owned()], false));

    let stage = world_of(&connection, |scenario| {
        scenario.vpcs[0].resolver_rules = vec![rule(HOST)];
    });
    check(&stage);
    let found = health(&stage, &connection);
    assert_eq!(codes(&found), ["resolver-rule-takes-name"]);
    let mut known = connection.clone();
    let notes = found.findings.into_iter().map(|it| it.detail);
    known.ready = Some(ready(&connection, HOST, notes.collect()));
    stage.ports.put_connection(&known);
    check(&stage);
    assert_eq!(health(&stage, &known).status, HealthStatus::Healthy);
}

#[test]
fn what_was_not_asked_for_is_not_looked_at() {
    let mut connection = with_host(connection());
    connection.request.private_dns = false;
    connection.request.sources.cidrs = vec!["10.20.0.0/16".parse().unwrap()];
    let named = (0..2).map(|n| format!("subnet-0b{n}{:014x}", 0).parse().unwrap());
    connection.request.subnet_ids = named.collect();
    let stage = world_of(&connection, |scenario| {
        let vpc = &mut scenario.vpcs[0];
        vpc.endpoints[0].subnets.pop();
        vpc.dns_hostnames = false;
        vpc.secondary_cidrs = vec!["100.64.0.0/18".parse().unwrap()];
        vpc.endpoints[0].private_dns = false;
    });
    assert_eq!(check(&stage).counts.healthy, 1);
    for operation in [
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeSubnets",
        "route53resolver:ListResolverRules",
    ] {
        assert_eq!(stage.calls(operation), 0, "{operation}");
    }
}

/// An endpoint that was adopted keeps its groups, and somebody else's rules are
/// as good as ours.
#[test]
fn an_adopted_endpoint_is_held_to_letting_in_by_whatever_groups_it_has() {
    let mut connection = connection();
    connection.security_group_id = None;
    connection.endpoint_id = Some("vpce-0b0000000000000a1".parse().unwrap());
    connection.request.subnet_ids = vec!["subnet-0c000000000000001".parse().unwrap()];
    let with_group = Connection {
        security_group_id: Some("sg-0b0000000000000a1".parse().unwrap()),
        ..connection.clone()
    };
    let stage = world_of(&with_group, |scenario| {
        let vpc = &mut scenario.vpcs[0];
        vpc.endpoints[0].tags = with_group.claim().tags(Origin::Adopted);
        vpc.groups[0].tags.clear();
        let rule = &mut vpc.groups[0].rules[0];
        rule.source = "10.0.0.0/8".to_owned();
        rule.description = None;
    });
    stage.ports.put_connection(&connection);
    check(&stage);
    let first = health(&stage, &connection);
    assert_eq!(first.status, HealthStatus::Healthy);
    assert_eq!(codes(&first), [""; 0]);
    stage.meddle(|world| {
        let group = world.ec2.groups.get_mut("sg-0b0000000000000a1").unwrap();
        group.rules.retain(|rule| rule.is_egress);
    });
    check(&stage);
    let second = health(&stage, &connection);
    assert_eq!(codes(&second), ["security-group-rule-missing"]);
}

#[test]
fn a_cluster_that_refuses_the_key_leaves_only_its_own_connections_unknown() {
    let connections = [connection_to(CLUSTER, 1), connection_to(OTHER_CLUSTER, 2)];
    let stage = world(&connections, |scenario| {
        scenario.keys[0].clusters = vec![CLUSTER.to_owned()];
    });
    let output = check(&stage);
    let expected = Counts {
        connections: 2,
        healthy: 1,
        unknown: 1,
        keys_refused: 1,
        ..Counts::default()
    };
    assert_eq!(output.counts, expected);
    let unknown = health(&stage, &connections[1]);
    assert_eq!(unknown.status, HealthStatus::Unknown, "{unknown:?}");
    assert!(output.changes.is_empty());
}

#[test]
fn a_cluster_that_is_not_to_be_found_is_no_drift_while_its_endpoint_works() {
    let connection = connection_to("5a0e8400-e29b-41d4-a716-446655440009", 1);
    let stage = world_of(&connection, |_| {});
    check(&stage);
    let first = health(&stage, &connection);
    assert_eq!(first.status, HealthStatus::Unknown);
    assert_eq!(codes(&first), ["cluster-not-found"]);

    let endpoint = connection.endpoint_id.clone().unwrap();
    stage.meddle(|world| {
        let endpoint = world.ec2.endpoints.get_mut(endpoint.as_str()).unwrap();
        endpoint.state = EndpointState::Rejected;
    });
    check(&stage);
    let second = health(&stage, &connection);
    assert_eq!(codes(&second), ["endpoint-rejected", "cluster-not-found"]);
    assert_eq!(second.status, HealthStatus::Drifted);
}

#[test]
fn a_deleted_cluster_is_drift_though_it_shows_no_list_any_more() {
    let connection = connection_to(CLUSTER, 1);
    let stage = world_of(&connection, |_| {});
    stage.meddle(|world| {
        let cluster = world.cloud.cluster_mut(CLUSTER).unwrap();
        cluster.cluster.state = ClusterState::Deleted;
    });
    let output = check(&stage);
    let found = health(&stage, &connection);
    assert_eq!(codes(&found), ["cluster-deleted"]);
    assert_eq!(found.status, HealthStatus::Drifted);
    assert!(output.to_repair.is_empty());
}

#[test]
fn a_place_out_of_reach_leaves_only_its_own_connections_unknown() {
    let mut connections = [1, 2, 3].map(|n| connection_to(CLUSTER, n));
    connections[1].account_id = Some("999988887777".parse().unwrap());
    let stage = world(&connections, |_| {});
    let third = connections[2].endpoint_id.clone().unwrap();
    let output = check(&stage);
    assert_eq!((output.counts.healthy, output.counts.unknown), (2, 1));
    let refused = health(&stage, &connections[1]);
    assert_eq!(codes(&refused), ["other-account-role-refused"]);
    // The registration of the unreachable one is gone: that much is certain.
    let second = connections[1].endpoint_id.clone().unwrap();
    stage.meddle(|world| {
        let cluster = world.cloud.cluster_mut(CLUSTER).unwrap();
        cluster.forget_connection(third.as_str());
        cluster.forget_connection(second.as_str());
    });
    let output = check(&stage);
    assert_eq!((output.counts.healthy, output.counts.drifted), (1, 2));
}

#[test]
fn a_fault_of_one_call_is_unknown_and_not_drift() {
    let operations = [
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeSubnets",
        "cloud:GET cluster",
        "cloud:GET private-endpoint-connections",
        "secretsmanager:GetSecretValue",
    ];
    let kinds = [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Timeout,
        FaultKind::Denied,
        FaultKind::UnknownCode,
        FaultKind::CutOff,
    ];
    let each = operations.into_iter();
    for (operation, kind) in each.flat_map(|operation| kinds.map(|kind| (operation, kind))) {
        if kind == FaultKind::Denied && SURROUNDINGS.contains(&operation) {
            continue;
        }
        let connection = with_host(connection());
        let stage = world_of(&connection, |_| {});
        stage.fails_once(operation, kind);
        let output = check(&stage);
        let first = health(&stage, &connection).status;
        assert_eq!(first, HealthStatus::Unknown, "{operation}, {kind:?}");
        assert!(output.changes.is_empty() && output.to_repair.is_empty());
        check(&stage);
        let second = health(&stage, &connection).status;
        assert_eq!(second, HealthStatus::Healthy, "{operation}, {kind:?}");
    }
}

#[test]
fn a_batch_asks_once_for_a_place_and_twice_for_a_cluster() {
    let connections = (0..10).map(|n| with_host(connection_to(CLUSTER, n)));
    let connections: Vec<Connection> = connections.collect();
    let stage = world(&connections, |_| {});
    assert_eq!(check(&stage).counts.healthy, 10);
    for (operation, count) in [
        ("ec2:DescribeVpcEndpoints", 1),
        ("ec2:DescribeSecurityGroupRules", 1),
        ("ec2:DescribeVpcs", 10),
        ("ec2:DescribeNetworkAcls", 1),
        ("ec2:DescribeDhcpOptions", 1),
        ("ec2:DescribeSubnets", 10),
        ("route53resolver:ListResolverRules", 1),
        ("route53profiles:ListProfileAssociations", 1),
        // Each endpoint is in every zone that has a subnet.
        ("ec2:DescribeVpcEndpointServices", 0),
        ("cloud:GET cluster", 1),
        ("cloud:GET private-endpoint-connections", 1),
    ] {
        assert_eq!(stage.calls(operation), count, "{operation}");
    }
}

/// Holds the calls to EC2, STS and the Cloud API until it is opened.
#[derive(Default)]
struct Gate {
    is_open: AtomicBool,
    held: Mutex<Vec<(String, Waker)>>,
}

impl Turns for Gate {
    fn poll_turn(&self, operation: &str, context: &mut Context<'_>) -> Poll<()> {
        let is_held = ["ec2:", "sts:", "cloud:"]
            .iter()
            .any(|service| operation.starts_with(service));
        if !is_held || self.is_open.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let waits = (operation.to_owned(), context.waker().clone());
        self.held.lock().unwrap().push(waits);
        Poll::Pending
    }
}

/// One that gives no answer does not hold up the others.
#[test]
fn all_places_and_two_clusters_are_asked_at_once() {
    let third_cluster = "5a0e8400-e29b-41d4-a716-446655440003";
    let mut connections = [
        connection_to(CLUSTER, 1),
        connection_to(OTHER_CLUSTER, 2),
        connection_to(third_cluster, 3),
    ];
    connections[1].account_id = Some("999988887777".parse().unwrap());
    connections[2].account_id = Some("888877776666".parse().unwrap());
    let stage = world(&connections, |_| {});
    let gate = Arc::new(Gate::default());
    let ports = stage.ports.in_turns(gate.clone());
    let look = handle(&ports, &ports, &ports, DEFAULT_TAG_PREFIX, input(NOW));
    let mut look = pin!(look);
    let mut context = Context::from_waker(Waker::noop());
    assert!(look.as_mut().poll(&mut context).is_pending());
    let held = std::mem::take(&mut *gate.held.lock().unwrap());
    let operations = held.iter().map(|(operation, _)| operation.as_str());
    let mut operations: Vec<&str> = operations.collect();
    operations.sort_unstable();
    assert_eq!(
        operations,
        [
            "cloud:GET cluster",
            "cloud:GET cluster",
            "ec2:DescribeVpcEndpoints",
            "sts:AssumeRole",
            "sts:AssumeRole",
        ]
    );
    gate.is_open.store(true, Ordering::Relaxed);
    for (_, waker) in held {
        waker.wake();
    }
    assert_eq!(at_once(look).unwrap().checked, 3);
}

#[test]
fn looking_changes_nothing_but_the_health() {
    let connections = [connection_to(CLUSTER, 1), connection_to(OTHER_CLUSTER, 2)];
    let stage = world(&connections, |_| {});
    let before = stage.things();
    let (first, second) = stage.twice(async || {
        let ports = &stage.ports;
        handle(ports, ports, ports, DEFAULT_TAG_PREFIX, input(NOW))
            .await
            .unwrap()
    });
    assert_eq!(first, second);
    assert_eq!(stage.things(), before);
}

#[test]
fn connections_that_are_not_to_be_judged_are_counted_and_keep_their_health() {
    let mut connections: Vec<Connection> = (1..=5).map(|n| connection_to(CLUSTER, n)).collect();
    connections[1].phase = Phase::EndpointMade;
    connections[2].phase = Phase::RolledBack;
    connections[3].phase = Phase::RollbackIncomplete;
    connections[4].phase = Phase::Disconnecting;
    for connection in &mut connections[2..] {
        connection.stands_since = None;
    }
    let stage = world(&connections, |_| {});
    let output = check(&stage);
    assert_eq!(output.checked, 1);
    let expected = Counts {
        connections: 5,
        healthy: 1,
        pending: 2,
        oldest_pending_seconds: 3600,
        failed: 1,
        incomplete: 1,
        ..Counts::default()
    };
    assert_eq!(output.counts, expected);
    assert_eq!(recorded(&stage, &connections[2]), None);
}

/// A run that failed on it, or was stopped, takes no connection out of the checks.
#[test]
fn what_stands_is_judged_whatever_became_of_the_last_run() {
    let mut connections: Vec<Connection> = (1..=3).map(|n| connection_to(CLUSTER, n)).collect();
    connections[0].phase = Phase::RollbackIncomplete;
    connections[1].phase = Phase::Interrupted;
    connections[2].phase = Phase::KeptAfterFailure;
    let output = check(&world(&connections, |_| {}));
    let expected = Counts {
        connections: 3,
        healthy: 3,
        incomplete: 1,
        interrupted: 1,
        failed: 1,
        ..Counts::default()
    };
    assert_eq!((output.checked, output.counts), (3, expected));
}

/// Calls until nothing is left to be done, announcing what is found.
fn whole(
    stage: &Stage,
    connection_ids: &[String],
    now: OffsetDateTime,
) -> (Vec<Change>, Output, u32) {
    let mut all = Vec::new();
    let mut calls = 0;
    let mut input = Input {
        connection_ids: connection_ids.to_vec(),
        ..input(now)
    };
    loop {
        let output = call(stage, input.clone());
        calls += 1;
        assert!(output.changes.len() <= BATCH);
        all.extend(output.changes.clone());
        if output.next.is_none() {
            return (all, output, calls);
        }
        input.after = output.next;
        input.counts = Some(output.counts);
        input.announced = output.changes;
    }
}

fn later(minutes: i64) -> OffsetDateTime {
    NOW + time::Duration::minutes(minutes)
}

#[test]
fn every_connection_is_checked_page_by_page() {
    let connections: Vec<Connection> = (0..25).map(|n| connection_to(CLUSTER, n)).collect();
    let stage = world(&connections, |_| {});
    let (changes, output, calls) = whole(&stage, &[], NOW);
    assert_eq!((changes.len(), output.counts.healthy, calls), (0, 25, 3));
    for connection in &connections {
        assert_eq!(health(&stage, connection).status, HealthStatus::Healthy);
    }

    // All of them break at once. One more call notes what was announced last.
    let all_are = |changes: &[Change], kind: &str| {
        assert!(changes.iter().all(|it| it.detail_type == kind));
    };
    set_private_dns(&stage, false);
    let (changes, output, calls) = whole(&stage, &[], later(10));
    assert_eq!((changes.len(), output.counts.drifted, calls), (25, 25, 4));
    all_are(&changes, "Connection Drifted");
    let (changes, output, calls) = whole(&stage, &[], later(20));
    assert_eq!((changes.len(), output.counts.drifted, calls), (0, 25, 3));

    set_private_dns(&stage, true);
    let (changes, output, _) = whole(&stage, &[], later(30));
    assert_eq!((changes.len(), output.counts.healthy), (25, 25));
    all_are(&changes, "Connection Recovered");
}

#[test]
fn connections_are_named_in_any_spelling() {
    let connection = connection();
    let stage = world_of(&connection, |_| {});
    let id = &connection.connection_id;
    let named = [id.clone(), format!(" {}\n", id.to_uppercase())];
    let (_, output, calls) = whole(&stage, &named, NOW);
    assert_eq!((output.counts.healthy, calls), (1, 1));
    let (_, output, _) = whole(&stage, &named[1..], later(10));
    assert_eq!(output.counts.healthy, 1);
}

/// An execution has 25,000 events, and anybody who may ask for connections may ask in
/// vain.
#[test]
fn what_is_only_counted_takes_no_call_of_its_own() {
    let mut connections: Vec<Connection> = (0..620).map(|n| connection_to(CLUSTER, n)).collect();
    for refused in &mut connections[12..] {
        refused.phase = Phase::RolledBack;
        (refused.stands_since, refused.endpoint_id) = (None, None);
    }
    let stage = world(&connections[..12], |_| {});
    for refused in &connections[12..] {
        stage.ports.put_connection(refused);
    }
    let (_, output, calls) = whole(&stage, &[], NOW);
    let expected = Counts {
        connections: 620,
        healthy: 12,
        failed: 608,
        ..Counts::default()
    };
    assert_eq!((output.counts, calls), (expected, 2));
}

#[test]
fn a_call_that_is_made_again_says_the_same_again() {
    let connection = connection();
    let stage = world_of(&connection, |scenario| {
        scenario.vpcs[0].endpoints[0].private_dns = false;
    });
    let (first, second) = (check(&stage), check(&stage));
    // The answer of the first one may have been lost.
    assert_eq!(first, second);
    assert_eq!(first.changes.len(), 1);
    let announced = Input {
        after: first.next,
        counts: Some(first.counts),
        announced: first.changes,
        ..input(NOW)
    };
    for _ in 0..2 {
        let last = call(&stage, announced.clone());
        assert_eq!((last.next, last.changes), (None, vec![]));
    }
    assert!(check(&stage).changes.is_empty());
}

#[test]
fn the_log_is_told_how_each_connection_stands_and_the_answer_is_not() {
    let [drifted, mut refused] = [0, 1].map(|n| connection_to(CLUSTER, n));
    refused.phase = Phase::RolledBack;
    (refused.stands_since, refused.endpoint_id) = (None, None);
    refused.cluster_name = Some("as-it-was".to_owned());
    let stage = world(std::slice::from_ref(&drifted), |scenario| {
        scenario.vpcs[0].endpoints[0].private_dns = false;
    });
    stage.ports.put_connection(&refused);
    let output = check(&stage);
    let mut rows = output.rows.clone();
    rows.sort_by_key(|row| row.standing);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.standing, row.code.as_str(), row.cluster_name.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("drifted", "private-dns-switched-off", Some("payments")),
            ("rolled-back", "-", Some("as-it-was")),
        ]
    );
    let answer = serde_json::to_value(&output).unwrap();
    assert!(answer.get("rows").is_none(), "{answer}");
    let notice = &output.changes[0].notice;
    assert_eq!(notice.cluster_name.as_deref(), Some("payments"));
}

#[test]
fn another_verdict_than_the_one_that_was_announced_is_announced_too() {
    let connection = connection();
    let stage = world_of(&connection, |scenario| {
        scenario.vpcs[0].endpoints[0].private_dns = false;
    });
    let drifted = check(&stage).changes;
    // Meanwhile another run finds it mended.
    set_private_dns(&stage, true);
    assert_eq!(check(&stage).changes[0].health, HealthStatus::Healthy);
    let announced = Input {
        announced: drifted,
        ..input(NOW)
    };
    let output = call(&stage, announced);
    assert_eq!(output.changes[0].health, HealthStatus::Healthy);
}

#[test]
fn only_the_connections_that_are_named_are_checked_each_once() {
    let connections: Vec<Connection> = (0..25).map(|n| connection_to(CLUSTER, n)).collect();
    let stage = world(&connections, |_| {});
    let ids = connections[..22].iter().map(|it| it.connection_id.clone());
    let mut ids: Vec<String> = ids.collect();
    ids.push(ids[0].clone());
    ids.push("0000000000000000".to_owned());
    let (changes, output, calls) = whole(&stage, &ids, NOW);
    assert_eq!((changes.len(), output.counts.healthy, calls), (0, 22, 3));
    for connection in &connections[22..] {
        assert_eq!(recorded(&stage, connection), None);
    }
}

#[test]
fn a_misspelled_field_is_refused() {
    let stage = world(&[connection()], |scenario| {
        scenario.vpcs[0].endpoints[0].private_dns = false;
    });
    let output = check(&stage);
    assert_strict(&output.changes[0]);
    assert_strict(&output.counts);
    assert_strict(&input(NOW));
}
