//! Tags of VPCs.

use shared::ec2::VpcTags;

use crate::stage::{REGION, Stage, tags};

const WISH: &str = "cockroachdb-privatelink:cluster-id";

#[tokio::test]
async fn the_vpcs_with_a_tag_are_found_over_all_pages_and_no_others() {
    let stage = Stage::with(|scenario| {
        let mut vpc = scenario.vpcs[2].clone();
        vpc.endpoints.clear();
        for n in 0..1200 {
            vpc.id = format!("vpc-0c{n:015x}");
            vpc.tags = match n {
                0 => tags(&[("Name", "cockroachdb-privatelink:cluster-id")]),
                _ => tags(&[(WISH, "one")]),
            };
            scenario.vpcs.push(vpc.clone());
        }
        vpc.id = "vpc-0d000000000000001".to_owned();
        vpc.region = Some("us-east-1".to_owned());
        scenario.vpcs.push(vpc);
    })
    .await;
    let ec2 = stage.ec2().await;
    let found = ec2.tagged_vpcs("cockroachdb-privatelink:*").await.unwrap();
    assert_eq!(found.len(), 1199, "those of {REGION} with such a key");
    assert!(found.iter().all(|(_, of)| *of == tags(&[(WISH, "one")])));
    assert_eq!(stage.count("ec2:DescribeVpcs"), 2);
    assert_eq!(ec2.tagged_vpcs("other:*").await.unwrap(), []);
}
