//! The door for networks: a tag on a VPC.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::emulator::history::Run;
use system_tests::emulator::story::{PATIENCE, System, story};
use system_tests::emulator::world::{STANDARD, vpc};
use system_tests::emulator::{REGION, until};

const CLUSTER_ID: &str = "cockroachdb-privatelink:cluster-id";

fn status_key() -> String {
    format!("cockroachdb-privatelink:status:{STANDARD}")
}

/// The status tag of a VPC when it begins with this word.
async fn status(system: &System, vpc: &str, word: &str) -> String {
    until(
        &format!("the status tag of {vpc} says {word}"),
        PATIENCE,
        async || {
            let tag = system.tag(vpc, &status_key())?;
            tag.starts_with(word).then_some(tag)
        },
    )
    .await
}

/// Waits until no run for this VPC is at work.
async fn calm(system: &System, vpc: &str) -> Vec<String> {
    let mut runs = system.runs("ProvisionMachine", vpc).await;
    runs.extend(system.runs("DeprovisionMachine", vpc).await);
    for run in &runs {
        system.ended(run).await;
    }
    runs
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_tag_on_a_vpc_connects_it_and_gone_disconnects_it() {
    story("VPC tagged, tag removed", &vpc(5), async |system| {
        let vpc = vpc(5);
        system.set_tag(&vpc, CLUSTER_ID, Some(STANDARD));
        let event = system.tag_event(&vpc, CLUSTER_ID, 1);
        system.ministack.put(&[event]).await;
        let tag = status(system, &vpc, "ready").await;
        assert!(tag.starts_with("ready - 20"), "{tag}");
        assert_eq!(system.endpoints(&vpc).len(), 1);
        let (_, listed) = system
            .api(
                reqwest::Method::GET,
                &format!("/connections?vpc_id={vpc}"),
                None,
            )
            .await;
        let connection = &listed["connections"][0];
        assert_eq!(connection["requested_by"], "vpc-tag", "{listed}");
        let id = connection["connection_id"].as_str().expect("an id");
        system.notices.event("Connection Ready", id).await;

        calm(system, &vpc).await;
        system.set_tag(&vpc, CLUSTER_ID, None);
        let event = system.tag_event(&vpc, CLUSTER_ID, 2);
        system.ministack.put(&[event]).await;
        system.notices.event("Connection Removed", id).await;
        until("everything is gone", PATIENCE, async || {
            let gone = system.endpoints(&vpc).is_empty()
                && system.item(id).await.is_none()
                && system.tag(&vpc, &status_key()).is_none()
                && system.lease(&vpc).await.is_none();
            gone.then_some(())
        })
        .await;
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_new_vpc_with_the_tag_is_connected_as_soon_as_it_has_subnets() {
    story("VPC created with the tag", &vpc(16), async |system| {
        let vpc = vpc(16);
        let world = &system.world.simulator;
        let subnets = world.meddle(|world| {
            let subnets = &mut world.ec2.subnets;
            let ours = subnets.extract_if(.., |_, subnet| subnet.vpc_id == vpc);
            ours.collect::<Vec<_>>()
        });
        assert!(!subnets.is_empty());
        system.set_tag(&vpc, CLUSTER_ID, Some(STANDARD));
        system.ministack.put(&[created(system, &vpc)]).await;
        until("a run waits for subnets", PATIENCE, async || {
            let runs = system.runs("ProvisionMachine", &vpc).await;
            let run = Run::look(&system.aws, runs.first()?).await?;
            let waits = run.path().iter().any(|state| state == "WaitForNetwork");
            waits.then_some(())
        })
        .await;
        world.meddle(|world| world.ec2.subnets.extend(subnets));
        status(system, &vpc, "ready").await;
        assert_eq!(calm(system, &vpc).await.len(), 1);
        assert_eq!(system.endpoints(&vpc).len(), 1);
    });
}

/// The event that CloudTrail puts on the bus when a VPC was created.
fn created(system: &System, vpc: &str) -> Value {
    let text = include_str!("../../../functions/start-executions/events/create-vpc.json");
    let text = text
        .replace("vpc-0a71e831cb5152c43", vpc)
        .replace("us-east-1", REGION);
    let event: Value = serde_json::from_str(&text).expect("JSON");
    json!({
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Time": system.world.now(),
        "Resources": event["resources"],
        "Detail": event["detail"],
    })
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn events_that_come_often_and_in_any_order_make_one_connection() {
    story("flood of events", &vpc(6), async |system| {
        let vpc = vpc(6);
        system.set_tag(&vpc, CLUSTER_ID, Some(STANDARD));
        let versions = [3, 1, 2, 3, 3, 2, 1, 3, 2, 3];
        let events: Vec<_> = versions
            .iter()
            .map(|version| system.tag_event(&vpc, CLUSTER_ID, *version))
            .collect();
        system.ministack.put(&events).await;
        status(system, &vpc, "ready").await;
        // One more, now that it is ready.
        system.ministack.put(&events[..1]).await;
        let runs = calm(system, &vpc).await;
        assert_eq!(runs.len(), 1, "{runs:?}");
        assert_eq!(system.endpoints(&vpc).len(), 1);
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_tag_that_cannot_be_followed_is_answered_on_the_vpc() {
    story("a tag that is refused", &vpc(7), async |system| {
        let vpc = vpc(7);
        system.set_tag(&vpc, CLUSTER_ID, Some("orders"));
        let event = system.tag_event(&vpc, CLUSTER_ID, 1);
        system.ministack.put(&[event]).await;
        let tag = until("the VPC says why", Duration::from_secs(20), async || {
            system.tag(&vpc, "cockroachdb-privatelink:status")
        })
        .await;
        assert!(tag.starts_with("refused tag-value-invalid 20"), "{tag}");
        assert_eq!(json!(calm(system, &vpc).await), json!([]));
    });
}
