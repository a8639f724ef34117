//! The ledger over the tables of the world.

use shared::Code;
use shared::ledger::{HealthStatus, Upkeep};
use time::macros::datetime;

use super::*;
use crate::stage::{Stage, at_once, entry};

const RUN: &str = "arn:aws:states:eu-west-1:111122223333:execution:crdb-privatelink-provision:one";

fn connection(stage: &Stage, id: &str) -> Connection {
    let at = datetime!(2026-11-22 18:00:00 UTC);
    Connection {
        connection_id: id.to_owned(),
        account_id: Some("111122223333".parse().unwrap()),
        execution: RUN.to_owned(),
        endpoint_id: Some("vpce-0a71e831cb5152c43".parse().unwrap()),
        ..entry(stage.request.clone(), Phase::EndpointMade, at)
    }
}

fn recorded(stage: &Stage, id: &str) -> Option<Connection> {
    at_once(stage.ports.connection(id)).unwrap()
}

#[test]
fn a_connection_comes_back_as_it_was_put() {
    let stage = Stage::shipped("fresh-vpc");
    let one = connection(&stage, "one");
    stage.ports.put_connection(&one);
    assert_eq!(recorded(&stage, "one"), Some(one));
    assert_eq!(recorded(&stage, "two"), None);
}

#[test]
fn pages_have_every_connection_once() {
    let stage = Stage::shipped("fresh-vpc");
    let ids: Vec<String> = (0..11).map(|n| format!("{n:02}")).collect();
    for id in &ids {
        stage.ports.put_connection(&connection(&stage, id));
    }
    // Somebody edited one by hand.
    stage.meddle(|world| {
        let (home, table) = (world.ec2.caller(), world.stack.connections_table.clone());
        let request = json!({
            "TableName": table,
            "Key": key("05"),
            "UpdateExpression": "REMOVE phase",
        });
        world.dynamodb(&home, "UpdateItem", &request).unwrap();
    });
    let (mut seen, mut sizes, mut next) = (Vec::new(), Vec::new(), None);
    loop {
        let page = at_once(stage.ports.connections(next.as_deref(), 5)).unwrap();
        sizes.push(page.connections.len());
        seen.extend(page.connections.into_iter().map(|it| it.connection_id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(sizes[..2], [5, 5], "what does not read shortens no page");
    seen.sort();
    let readable: Vec<&String> = ids.iter().filter(|id| *id != "05").collect();
    assert!(seen.iter().eq(readable));
    let broken = at_once(stage.ports.connection("05")).unwrap_err();
    assert_eq!(broken.code, Code::LedgerItemUnreadable);
}

#[test]
fn health_is_added_to_what_is_there_and_makes_nothing() {
    let stage = Stage::shipped("fresh-vpc");
    let one = connection(&stage, "one");
    stage.ports.put_connection(&one);
    let at = datetime!(2026-11-23 06:00:00 UTC);
    let health = serde_json::from_value(json!({
        "status": HealthStatus::Healthy,
        "findings": [],
        "since": "2026-11-22T18:00:00Z",
        "checked_at": "2026-11-23T06:00:00Z",
    }));
    let health: Health = health.unwrap();
    assert_eq!(health.checked_at, at);
    at_once(stage.ports.record_health("one", &health)).unwrap();
    at_once(stage.ports.record_health("forgotten", &health)).unwrap();
    let expected = Connection {
        health: Some(health),
        ..one
    };
    assert_eq!(recorded(&stage, "one"), Some(expected));
    assert_eq!(recorded(&stage, "forgotten"), None);
}

#[test]
fn a_run_is_interrupted_only_while_it_is_the_last_and_not_over() {
    let stage = Stage::shipped("fresh-vpc");
    for phase in Phase::ALL {
        let id = phase.as_str();
        let one = connection(&stage, id);
        let one = Connection {
            phase,
            stands_since: (phase == Phase::Ready).then_some(one.updated_at),
            ..one
        };
        stage.ports.put_connection(&one);
        at_once(stage.ports.record_interruption(id, "another run")).unwrap();
        assert_eq!(recorded(&stage, id).as_ref(), Some(&one));
        at_once(stage.ports.record_interruption(id, RUN)).unwrap();
        let now = recorded(&stage, id).unwrap();
        if phase.is_over() {
            assert_eq!(now, one);
        } else {
            assert_eq!(now.phase, Phase::Interrupted);
            assert_eq!(now.updated_at, stage.wait().now);
        }
    }
    at_once(stage.ports.record_interruption("absent", RUN)).unwrap();
    assert_eq!(recorded(&stage, "absent"), None);
}

#[test]
fn a_lease_is_given_back_by_its_holder_only() {
    let stage = Stage::shipped("fresh-vpc");
    let (region, vpc) = (&stage.request.region, &stage.request.vpc_id);
    stage.ports.put_lease(region, vpc, RUN, 2_000_000_000);
    at_once(stage.ports.release_lease(region, vpc, "another run")).unwrap();
    assert_eq!(stage.ports.lease_holder(region, vpc).as_deref(), Some(RUN));
    let (first, second) = stage.twice(async || stage.ports.release_lease(region, vpc, RUN).await);
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(stage.ports.lease_holder(region, vpc), None);
}

#[test]
fn a_lease_is_shortened_for_its_holder_and_never_made_longer() {
    let stage = Stage::shipped("fresh-vpc");
    let (region, vpc) = (&stage.request.region, &stage.request.vpc_id);
    let at = |seconds| stage.wait().now + time::Duration::seconds(seconds);
    stage
        .ports
        .put_lease(region, vpc, RUN, at(3600).unix_timestamp());
    let shorten = |run, seconds| {
        at_once(stage.ports.shorten_lease(region, vpc, run, at(seconds))).unwrap();
        let lease = at_once(stage.ports.lease(region, vpc, at(0))).unwrap();
        lease.map(|lease| lease.expires_at)
    };
    assert_eq!(shorten("another run", 60), Some(at(3600)));
    assert_eq!(shorten(RUN, 60), Some(at(60)));
    assert_eq!(shorten(RUN, 90), Some(at(60)), "it comes twice");
}
