//! Lists.

use std::collections::BTreeSet;

use shared::ledger::{Health, HealthStatus};
use shared::ownership::connection_id;

use super::*;

/// A ledger of 7 VPCs, every third one ready and healthy.
fn seven() -> (Api, BTreeSet<String>) {
    let api = Api::new();
    let mut ids = BTreeSet::new();
    for n in 0..7 {
        let mut connection = api.connection("run", &STORY[..if n % 3 == 0 { 8 } else { 2 }]);
        let vpc: VpcId = format!("vpc-0000000{n}").parse().unwrap();
        connection.connection_id = connection_id(&connection.region, &vpc, &connection.cluster_id);
        connection.vpc_id = vpc;
        connection.health = (n % 3 == 0).then_some(Health {
            status: HealthStatus::Healthy,
            findings: Vec::new(),
            since: connection.updated_at,
            checked_at: connection.updated_at,
            before: None,
            to_announce: false,
        });
        api.stage.ports.put_connection(&connection);
        ids.insert(connection.connection_id);
    }
    (api, ids)
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let connections = answer.body["connections"].as_array().unwrap().iter();
    connections
        .map(|it| it["connection_id"].as_str().unwrap().to_owned())
        .collect()
}

/// What is on each page, until none follows.
async fn pages(api: &Api, filters: &[(&str, &str)]) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let mut query = filters.to_vec();
        query.extend(next.as_deref().map(|token| ("next", token)));
        let answer = api.query(&query).await;
        pages.push(ids(&answer));
        next = answer.body["next"].as_str().map(str::to_owned);
        if next.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_pages_together_have_every_connection_once() {
    let (api, all) = seven();
    for limit in 1..=8 {
        let pages = pages(&api, &[("limit", &limit.to_string())]).await;
        assert!(pages.iter().all(|page| page.len() <= limit));
        let found = pages.concat();
        assert_eq!(found.len(), all.len(), "limit {limit}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all);
    }
}

#[tokio::test]
async fn filters_are_held_over_all_pages() {
    let (api, _) = seven();
    for (filter, expected) in [
        (("phase", "ready"), 3),
        (("health", "healthy"), 3),
        (("health", "drifted"), 0),
        (("vpc_id", "vpc-00000004"), 1),
        (("vpc_id", " VPC-00000004"), 1),
        (("region", "us-east-1"), 0),
        (("cluster_id", &*api.stage.claim.cluster_id.to_string()), 7),
    ] {
        let found = pages(&api, &[filter, ("limit", "2")]).await.concat();
        assert_eq!(found.len(), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn nothing_follows_a_page_that_ends_with_the_ledger() {
    let (api, _) = seven();
    let cluster = api.stage.claim.cluster_id.to_string();
    let query = [("cluster_id", cluster.as_str()), ("limit", "7")];
    let answer = api.query(&query).await;
    assert_eq!((ids(&answer).len(), answer.body.get("next")), (7, None));
}

#[tokio::test]
async fn a_token_holds_only_as_it_was_given_and_for_the_same_filters() {
    let (api, _) = seven();
    let answer = api.query(&[("limit", "2")]).await;
    let token = answer.body["next"].as_str().unwrap().to_owned();
    assert_eq!(api.query(&[("next", token.as_str())]).await.status, 200);
    let swapped = token.replacen(|c: char| c.is_ascii_digit(), "x", 1);
    let longer = format!("{token}0");
    for broken in ["", "x", &token[..31], &longer, &swapped, "ääääääääääääääää"] {
        let answer = api.query(&[("next", broken)]).await;
        assert_eq!(answer.status, 400, "{broken}");
    }
    let other = [("next", token.as_str()), ("phase", "ready")];
    assert_eq!(api.query(&other).await.status, 400);
}

#[tokio::test]
async fn a_rare_match_costs_several_pages_and_not_a_long_wait() {
    let api = Api::new();
    for n in 0..1100 {
        let mut connection = api.connection("run", &STORY[..2]);
        connection.connection_id = format!("{n:016x}");
        api.stage.ports.put_connection(&connection);
    }
    let answer = api.query(&[("phase", "ready")]).await;
    assert!(ids(&answer).is_empty());
    let token = answer.body["next"].as_str().expect("more to look at");
    let rest = api.query(&[("phase", "ready"), ("next", token)]).await;
    assert_eq!((ids(&rest).len(), rest.body.get("next")), (0, None));
}

#[tokio::test]
async fn every_parameter_is_checked() {
    let (api, _) = seven();
    for (name, value, said) in [
        ("limit", "0", "limit: `0` is not a number from 1 to 100"),
        ("limit", "101", "limit: `101` is not"),
        ("limit", "+5", "limit: `+5` is not"),
        ("limit", "", "limit: `` is not"),
        ("region", "mars", "region: `mars` is not an AWS Region code"),
        ("vpc_id", "vpc-1", "vpc_id: `vpc-1` is not a VPC id"),
        ("cluster_id", "1", "cluster_id: `1` is not a cluster id"),
        ("phase", "Ready", "phase: `Ready` is not one of requested, "),
        ("health", "ill", "health: `ill` is not one of healthy, dr"),
        ("vpcid", "x", "`vpcid` is not a query parameter here"),
    ] {
        let answer = api.query(&[(name, value)]).await;
        assert_eq!(answer.status, 400, "{name}={value}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(said), "{detail}");
    }
}

#[tokio::test]
async fn a_failure_is_history_while_the_next_run_is_under_way() {
    let api = Api::new();
    let mut connection = api.connection("run", &[Phase::Requested, Phase::RolledBack]);
    connection.outcome = Some(failure(&connection, Phase::RolledBack, "CheckStatus"));
    api.stage.ports.put_connection(&connection);
    let first = api.query(&[]).await;
    assert_eq!(first.body["connections"][0]["code"], "endpoint-rejected");
    connection.phase = Phase::Requested;
    api.stage.ports.put_connection(&connection);
    let second = api.query(&[]).await;
    assert_eq!(second.body["connections"][0].get("code"), None);
}
