//! Security groups, and what keeps them.

use std::collections::BTreeMap;

use serde_json::json;
use shared::ec2::{NewSecurityGroup, SecurityGroups};

use crate::stage::{ABSENT_VPC, GROUP, Stage, VPC, parsed};

pub(crate) fn new_group() -> NewSecurityGroup {
    NewSecurityGroup {
        vpc_id: parsed(VPC),
        name: "crdb-privatelink".to_owned(),
        description: "for a test".to_owned(),
        tags: BTreeMap::from([("owner".to_owned(), "us".to_owned())]),
    }
}

#[tokio::test]
async fn what_keeps_a_group_is_found() {
    let others = ["a", "b", "c"].map(|end| format!("sg-0a0000000000000a{end}"));
    let directions = [&[false, true][..], &[false], &[true]];
    let stage = Stage::with(|scenario| {
        let interface = json!({
            "id": "eni-0a000000000000001",
            "description": "an instance",
            "groups": [GROUP],
        });
        let vpc = scenario.vpcs.iter_mut().find(|vpc| vpc.id == VPC).unwrap();
        for (id, directions) in others.iter().zip(directions) {
            let rules = directions.iter();
            let rules = rules.map(|is_egress| json!({ "is_egress": is_egress, "source": GROUP }));
            let rules: Vec<_> = rules.collect();
            let group = json!({ "id": id, "name": format!("other {id}"), "rules": rules });
            vpc.groups.push(serde_json::from_value(group).unwrap());
        }
        vpc.interfaces
            .push(serde_json::from_value(interface).unwrap());
    })
    .await;
    let ec2 = stage.ec2().await;
    let (vpc, group) = (parsed(VPC), parsed(GROUP));
    let naming = ec2.groups_naming(&vpc, &group).await.unwrap();
    let ids: Vec<&str> = naming.iter().map(|group| group.id.as_str()).collect();
    let [both, inbound, outbound] = &others;
    assert_eq!(
        ids,
        [both, inbound, both, outbound],
        "once for each direction"
    );
    let elsewhere = ec2.groups_naming(&parsed(ABSENT_VPC), &group).await;
    assert_eq!(elsewhere, Ok(Vec::new()));
    let interfaces = ec2.interfaces_with(&group).await.unwrap();
    let told: Vec<String> = interfaces.iter().map(ToString::to_string).collect();
    let instance = "eni-0a000000000000001 (an instance)".to_owned();
    assert!(told.contains(&instance), "{told:?}");
    let of_endpoint = |it: &String| it.contains("(VPC Endpoint Interface vpce-");
    assert!(told.iter().any(of_endpoint), "{told:?}");
    let unused = ec2.interfaces_with(&parsed(&others[0])).await;
    assert_eq!(unused, Ok(Vec::new()));
}
