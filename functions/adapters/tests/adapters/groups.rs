//! Security groups and their rules.

use std::collections::BTreeMap;

use adapters::ec2::AwsEc2;
use serde_json::json;
use shared::Code;
use shared::ec2::{
    GroupRemoval, IngressRule, NewSecurityGroup, SecurityGroup, SecurityGroups, Source,
};
use simulator::Simulator;

use crate::stage::{ABSENT_GROUP, ABSENT_VPC, GROUP, Stage, VPC, parsed};
use crate::stub::{Stub, answer, aws};

pub(crate) fn new_group() -> NewSecurityGroup {
    NewSecurityGroup {
        vpc_id: parsed(VPC),
        name: "crdb-privatelink".to_owned(),
        description: "for a test".to_owned(),
        tags: BTreeMap::from([("owner".to_owned(), "us".to_owned())]),
    }
}

fn cidr(text: &str) -> Source {
    Source::Cidr(text.parse().unwrap())
}

/// The inbound rules of a group, as the world knows them.
fn inbound(sim: &Simulator, group: &str) -> Vec<(String, Option<i32>, String, Option<String>)> {
    sim.look(|world| {
        let rules = world.ec2.groups[group].rules.iter();
        let rules = rules.filter(|rule| !rule.is_egress).cloned();
        let told = rules.map(|it| (it.protocol, it.from_port, it.source.text(), it.description));
        told.collect()
    })
}

#[tokio::test]
async fn a_group_is_created_with_its_tags_and_found_by_its_name() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let vpc = parsed(VPC);
    assert_eq!(ec2.group_named(&vpc, "crdb-privatelink").await, Ok(None));
    let id = ec2.create_group(&new_group()).await.unwrap();
    stage.sim.look(|world| {
        let group = &world.ec2.groups[id.as_str()];
        assert_eq!(group.vpc_id, VPC);
        assert_eq!(group.description, "for a test");
        assert_eq!(group.tags, new_group().tags);
    });
    let expected = SecurityGroup {
        id,
        name: "crdb-privatelink".to_owned(),
        tags: new_group().tags,
    };
    let found = ec2.group_named(&vpc, "crdb-privatelink").await;
    assert_eq!(found, Ok(Some(expected)));
    let elsewhere = parsed(ABSENT_VPC);
    let found = ec2.group_named(&elsewhere, "crdb-privatelink").await;
    assert_eq!(found, Ok(None));
}

#[tokio::test]
async fn a_tag_without_a_value_is_read_as_an_empty_one() {
    let stage = Stage::new().await;
    let found = stage.ec2().await.group_named(&parsed(VPC), "by hand").await;
    assert_eq!(found.unwrap().unwrap().tags["empty"], "");
}

#[tokio::test]
async fn every_refusal_of_a_new_group_has_its_code() {
    let stage = Stage::with(|scenario| scenario.quotas.groups_per_region = 6).await;
    let ec2 = stage.ec2().await;
    // Two default groups and three others are there.
    ec2.create_group(&new_group()).await.unwrap();
    let named = |name: &str| NewSecurityGroup {
        name: name.to_owned(),
        ..new_group()
    };
    let elsewhere = NewSecurityGroup {
        vpc_id: parsed(ABSENT_VPC),
        ..new_group()
    };
    for (new, code) in [
        (new_group(), Code::SecurityGroupNameTaken),
        (named("CRDB-PrivateLink"), Code::SecurityGroupNameTaken),
        (named("another"), Code::SecurityGroupQuotaReached),
        (elsewhere, Code::VpcNotFound),
    ] {
        let error = ec2.create_group(&new).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
    }
}

#[tokio::test]
async fn inbound_rules_are_read_with_every_kind_of_source() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let group = parsed(GROUP);
    let rules = ec2
        .ingress_rules(std::slice::from_ref(&group))
        .await
        .unwrap();
    let rule = |n: usize, protocol: &str, ports, source, description: &str| IngressRule {
        id: rules[n].id.clone(),
        group_id: group.clone(),
        protocol: protocol.to_owned(),
        ports,
        source,
        description: description.to_owned(),
    };
    let sql = Some((26257, 26257));
    let group_2 = Source::Group(parsed("sg-0a000000000000002"));
    let list = Source::PrefixList(parsed("pl-0a000000000000001"));
    assert_eq!(
        rules,
        [
            rule(0, "tcp", sql, cidr("10.0.0.0/16"), "clients"),
            rule(1, "tcp", sql, cidr("2001:db8:0:100::/56"), ""),
            rule(2, "tcp", Some((26000, 27000)), group_2, ""),
            rule(3, "-1", None, list, ""),
            rule(4, "udp", Some((53, 53)), cidr("10.1.0.0/16"), ""),
        ]
    );
    assert_eq!(
        ec2.ingress_rules(&[parsed(ABSENT_GROUP)]).await,
        Ok(Vec::new())
    );
}

#[tokio::test]
async fn sources_of_every_kind_are_let_in_on_the_sql_port_with_the_description() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_group(&new_group()).await.unwrap();
    let sources = [
        cidr("10.0.1.7/16"),
        cidr("2001:db8:0:100::/56"),
        Source::Group(parsed("sg-0a000000000000002")),
        Source::Group(parsed("444455556666/sg-0a000000000000012")),
        Source::PrefixList(parsed("pl-0a000000000000001")),
    ];
    ec2.authorize(&id, &sources, "orders").await.unwrap();
    let rule = |source: &str| {
        (
            "tcp".to_owned(),
            Some(26257),
            source.to_owned(),
            Some("orders".to_owned()),
        )
    };
    assert_eq!(
        inbound(&stage.sim, id.as_str()),
        [
            rule("10.0.0.0/16"),
            rule("2001:db8:0:100::/56"),
            rule("sg-0a000000000000002"),
            rule("444455556666/sg-0a000000000000012"),
            rule("pl-0a000000000000001"),
        ]
    );
    let read = ec2.ingress_rules(&[id]).await.unwrap();
    assert!(
        read.iter().all(|rule| rule.is_exactly_tcp(26257)),
        "{read:?}"
    );
    assert_eq!(
        read.into_iter().map(|rule| rule.source).collect::<Vec<_>>()[1..],
        sources[1..]
    );
}

/// By account and id, and by the names of EC2's query protocol.
#[tokio::test]
async fn lists_and_groups_of_others_are_written_as_ec2_reads_them() {
    let done = "<AuthorizeSecurityGroupIngressResponse><return>true</return></AuthorizeSecurityGroupIngressResponse>";
    let stub = Stub::answering([answer(200, "Content-Type: text/xml\r\n", done)]).await;
    let ec2 = AwsEc2::new(&aws(&stub.url()).await);
    let sources = [
        Source::Group(parsed("444455556666/sg-0a000000000000012")),
        Source::Group(parsed("sg-0a000000000000002")),
        Source::PrefixList(parsed("pl-0a000000000000001")),
    ];
    let authorized = ec2.authorize(&parsed(GROUP), &sources, "orders").await;
    assert_eq!(authorized, Ok(()));
    let requests = stub.requests();
    for part in [
        "&IpPermissions.1.Groups.1.UserId=444455556666",
        "&IpPermissions.1.Groups.1.GroupId=sg-0a000000000000012",
        "&IpPermissions.2.Groups.1.GroupId=sg-0a000000000000002",
        "&IpPermissions.3.PrefixListIds.1.PrefixListId=pl-0a000000000000001",
    ] {
        assert!(requests[0].contains(part), "{part}: {}", requests[0]);
    }
    let own = "IpPermissions.2.Groups.1.UserId";
    assert!(!requests[0].contains(own), "{}", requests[0]);
}

#[tokio::test]
async fn a_rule_that_exists_is_success_and_does_not_keep_the_others_out() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_group(&new_group()).await.unwrap();
    ec2.authorize(&id, &[cidr("10.0.0.0/16")], "first")
        .await
        .unwrap();
    assert_eq!(
        ec2.authorize(&id, &[cidr("10.0.0.0/16")], "again").await,
        Ok(())
    );
    let sources = [
        cidr("10.1.0.0/16"),
        cidr("10.0.0.0/16"),
        cidr("10.2.0.0/16"),
    ];
    assert_eq!(ec2.authorize(&id, &sources, "more").await, Ok(()));
    let admitted: Vec<String> = inbound(&stage.sim, id.as_str())
        .into_iter()
        .map(|(_, _, source, _)| source)
        .collect();
    assert_eq!(admitted, ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"]);
}

#[tokio::test]
async fn every_refusal_of_a_rule_has_its_code() {
    let stage = Stage::with(|scenario| {
        scenario.quotas.rules_per_group = 1;
        let mut elsewhere = scenario.vpcs[0].groups[2].clone();
        elsewhere.id = "sg-0a000000000000022".to_owned();
        let mut vpcs = scenario.vpcs.iter_mut();
        let other = vpcs.find(|vpc| vpc.id != VPC && vpc.account.is_none());
        other.unwrap().groups.push(elsewhere);
    })
    .await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_group(&new_group()).await.unwrap();
    let group = |id: &str| Source::Group(parsed(id));
    for (source, code) in [
        (group(ABSENT_GROUP), Code::SourceGroupNotFound),
        // In no VPC that this one is peered with, and in one but of another account.
        (group("sg-0a000000000000022"), Code::SourceGroupNotFound),
        (group("sg-0a000000000000012"), Code::SourceGroupNotFound),
        (
            group("444455556666/sg-0a00000000000000f"),
            Code::SourceGroupNotFound,
        ),
        (
            Source::PrefixList(parsed("pl-0a00000000000000f")),
            Code::PrefixListNotFound,
        ),
        (
            Source::PrefixList(parsed("pl-0a000000000000001")),
            Code::TooManySources,
        ),
    ] {
        let error = ec2.authorize(&id, &[source], "a").await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
    }
    // The group itself, which is not to be seen everywhere yet.
    let absent = parsed(ABSENT_GROUP);
    let error = ec2.authorize(&absent, &[cidr("10.0.0.0/16")], "a").await;
    assert_eq!(error.unwrap_err().code, Code::AwsResourceBusy);
    let error = ec2
        .authorize(&id, &[cidr("10.0.0.0/16"), cidr("10.1.0.0/16")], "a")
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::TooManySources, "{error}");
}

#[tokio::test]
async fn a_rule_that_is_absent_is_success_and_does_not_keep_the_others() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let group = parsed(GROUP);
    let rules = ec2
        .ingress_rules(std::slice::from_ref(&group))
        .await
        .unwrap();
    let (first, second) = (rules[0].id.clone(), rules[1].id.clone());
    assert_eq!(
        ec2.revoke(&group, std::slice::from_ref(&first)).await,
        Ok(())
    );
    assert_eq!(
        ec2.revoke(&group, std::slice::from_ref(&first)).await,
        Ok(())
    );
    assert_eq!(ec2.revoke(&group, &[first, second]).await, Ok(()));
    assert_eq!(inbound(&stage.sim, GROUP).len(), 3);
    let absent = parsed(ABSENT_GROUP);
    assert_eq!(ec2.revoke(&absent, &[rules[2].id.clone()]).await, Ok(()));
}

#[tokio::test]
async fn a_group_goes_when_nothing_uses_it() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let used = parsed(GROUP);
    assert_eq!(ec2.delete_group(&used).await, Ok(GroupRemoval::InUse));
    let id = ec2.create_group(&new_group()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(ec2.delete_group(&id).await, Ok(GroupRemoval::Gone));
    }
    stage
        .sim
        .look(|world| assert!(!world.ec2.groups.contains_key(id.as_str())));
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

#[tokio::test]
async fn groups_are_tagged_and_untagged() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = parsed(GROUP);
    ec2.tag_group(&id, &new_group().tags).await.unwrap();
    let tag =
        |sim: &Simulator| sim.look(|world| world.ec2.groups[GROUP].tags.get("owner").cloned());
    assert_eq!(tag(&stage.sim).as_deref(), Some("us"));
    ec2.untag_group(&id, &["owner".to_owned()]).await.unwrap();
    assert_eq!(tag(&stage.sim), None);
    let absent = parsed(ABSENT_GROUP);
    let error = ec2.tag_group(&absent, &new_group().tags).await.unwrap_err();
    assert_eq!(error.code, Code::AwsResourceBusy);
    assert_eq!(
        ec2.untag_group(&absent, &["owner".to_owned()]).await,
        Ok(())
    );
}
