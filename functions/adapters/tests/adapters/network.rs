//! Reads of the network that take more than one page.

use shared::ec2::Network;
use shared::ids::PrefixListId;
use simulator::scenario::PrefixListSpec;

use crate::stage::{Stage, VPC, parsed};

#[tokio::test]
async fn prefix_lists_are_read_to_the_last_page() {
    let ids = (0..230).map(|n| format!("pl-{n:017x}"));
    let lists = ids.clone().map(|id| PrefixListSpec {
        id,
        name: "clients".to_owned(),
        account: None,
        region: None,
        address_family: "IPv4".to_owned(),
        max_entries: 1,
    });
    let stage = Stage::with(|scenario| scenario.prefix_lists = lists.collect()).await;
    let asked: Vec<PrefixListId> = ids.map(|id| parsed(&id)).collect();
    let found = stage.ec2().await.prefix_lists(&asked).await.unwrap();
    assert_eq!(found.len(), asked.len());
    // 200 values for one filter, 100 lists for one page.
    assert_eq!(stage.count("ec2:DescribeManagedPrefixLists"), 3);
}

#[tokio::test]
async fn hosted_zones_are_read_to_the_last_page() {
    let names: Vec<String> = (0..230).map(|n| format!("z{n}.example.com")).collect();
    let stage = Stage::with(|scenario| scenario.vpcs[0].hosted_zones = names.clone()).await;
    let zones = stage.ec2().await.hosted_zones(&parsed(VPC)).await;
    assert_eq!(zones, Ok(Some(names)));
    assert_eq!(stage.count("route53:ListHostedZonesByVPC"), 3);
}
