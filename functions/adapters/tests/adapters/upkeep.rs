//! Keeping the ledger in order: the adapters and the ports without a wire say the
//! same, and find what is ours over all VPCs.

use adapters::ledger::DynamoLedger;
use in_process::InProcess;
use shared::ec2::Inventory;
use shared::ledger::{Ledger, OwnRegistration, Upkeep};
use shared::ownership::{MANAGED_BY, OWNER};
use time::macros::datetime;

use crate::stage::{CONNECTION, ENDPOINT, GROUP, REGION, RUN, SECRET, Stage, VPC, parsed, tables};

/// What is asked, and what a caller learns.
async fn story(ledger: &(impl Ledger + Upkeep), connection: &str) -> Vec<String> {
    let now = datetime!(2026-11-22 18:00:00 UTC);
    let later = now + time::Duration::hours(5);
    let (region, vpc) = (parsed(REGION), parsed(VPC));
    let group = parsed(GROUP);
    let known = ledger.connection(connection).await.unwrap().unwrap();
    let mut fresh = known.clone();
    fresh.connection_id = "00ff00ff00ff00ff".to_owned();
    fresh.registrations = vec![OwnRegistration {
        endpoint_id: parsed(ENDPOINT),
        trusted_account: None,
    }];
    let mut learned = Vec::new();
    for at in [now, datetime!(2100-01-01 00:00 UTC)] {
        learned.push(format!("{:?}", ledger.lease(&region, &vpc, at).await));
    }
    for at in [now, later] {
        learned.push(format!("{:?}", ledger.first_seen(&group, at).await));
    }
    for it in [&known, &fresh, &fresh] {
        let restored = ledger.restore(it).await;
        learned.push(format!("{restored:?}"));
    }
    let found = ledger.connection(&fresh.connection_id).await.unwrap();
    assert_eq!(found, Some(fresh));
    learned
}

#[tokio::test]
async fn both_ways_keep_the_ledger_alike() {
    let (wire, direct) = (Stage::new().await, Stage::new().await);
    let ledger = DynamoLedger::new(&wire.aws().await, tables());
    let over_the_wire = story(&ledger, CONNECTION).await;
    let in_process = InProcess::new(direct.sim.clone(), SECRET);
    assert_eq!(story(&in_process, CONNECTION).await, over_the_wire);
    assert!(over_the_wire[0].contains(RUN), "{over_the_wire:?}");
    assert_eq!(over_the_wire[1], "Ok(None)", "it has expired by then");
    assert_eq!(over_the_wire[2], over_the_wire[3], "the first time counts");
    assert_eq!(over_the_wire[4..], ["Ok(false)", "Ok(true)", "Ok(false)"]);
}

#[tokio::test]
async fn what_is_ours_is_found_in_every_vpc_and_nothing_else() {
    let stage = Stage::with(|scenario| {
        for vpc in &mut scenario.vpcs {
            for (n, tags) in vpc
                .endpoints
                .iter_mut()
                .map(|it| &mut it.tags)
                .chain(vpc.groups.iter_mut().map(|it| &mut it.tags))
                .enumerate()
            {
                let owner = if n == 1 { "somebody" } else { OWNER };
                tags.insert(MANAGED_BY.to_owned(), owner.to_owned());
            }
        }
    })
    .await;
    let ec2 = stage.ec2().await;
    let in_process = InProcess::new(stage.sim.clone(), SECRET);
    let endpoints = ec2.managed_endpoints().await.unwrap();
    assert_eq!(in_process.managed_endpoints().await.unwrap(), endpoints);
    let groups = ec2.managed_groups().await.unwrap();
    assert_eq!(in_process.managed_groups().await.unwrap(), groups);
    assert!(!endpoints.is_empty() && endpoints.iter().all(|it| it.created_at.is_some()));
    let tagged =
        |tags: &shared::ownership::Tags| tags.get(MANAGED_BY).is_some_and(|it| it == OWNER);
    assert!(endpoints.iter().all(|it| tagged(&it.it.tags)));
    assert!(groups.iter().all(|it| tagged(&it.it.tags)));
}
