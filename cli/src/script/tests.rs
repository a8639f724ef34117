use std::collections::BTreeSet;
use std::process::Command;

use shared::plan::{EndpointPlan, UndoPlan};

use super::*;

const SERVICE: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0ad0ad0ad0ad0ad01";

fn request() -> ProvisionRequest {
    ProvisionRequest::parse(&json!({
        "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
        "region": "eu-west-1",
        "vpc_id": "vpc-0a1b2c3d4e5f60718",
    }))
    .unwrap()
}

fn cluster() -> ClusterFacts {
    ClusterFacts {
        cluster_name: "orders\n; rm -rf it".into(),
        service_name: SERVICE.parse().unwrap(),
        zone_ids: BTreeSet::new(),
        private_host: None,
        routing_id: None,
        trusted_accounts: None,
        registered: BTreeSet::new(),
        half_registered: BTreeSet::new(),
    }
}

fn plan() -> NetworkPlan {
    NetworkPlan {
        change: None,
        account_id: "111122223333".parse().unwrap(),
        endpoint: EndpointPlan {
            existing: None,
            service_name: SERVICE.parse().unwrap(),
            subnet_ids: vec!["subnet-0a71e831".parse().unwrap()],
            zone_ids: BTreeSet::from(["euw1-az1".parse().unwrap()]),
            protected: false,
        },
        security_group: Some(SecurityGroupPlan {
            name: "crdb-privatelink-1".into(),
            sources: vec![
                Source::Cidr("10.0.0.0/16".parse().unwrap()),
                Source::Cidr("2001:db8::/56".parse().unwrap()),
                Source::Group("sg-0a71e831".parse().unwrap()),
            ],
        }),
        trust_account: None,
        private_host: Some("internal-orders.example".into()),
        twins: vec![],
        undo: UndoPlan {
            anything: true,
            registration: true,
            private_dns: false,
        },
        notes: vec![],
    }
}

fn existing(mut plan: NetworkPlan) -> NetworkPlan {
    plan.endpoint.existing = Some("vpce-0a71e831".parse().unwrap());
    plan
}

fn is_bash(script: &str) -> bool {
    Command::new("bash")
        .args(["-n", "-c", script])
        .status()
        .unwrap()
        .success()
}

#[test]
fn every_kind_of_plan_is_valid_bash() {
    let mut adopted = existing(plan());
    adopted.security_group = None;
    adopted.private_host = None;
    adopted.trust_account = Some("111122223333".parse().unwrap());
    for plan in [plan(), existing(plan()), adopted] {
        let script = commands(&request(), &cluster(), &plan);
        assert!(is_bash(&script), "{script}");
        assert!(!script.contains("\n; rm"), "{script}");
    }
}

#[test]
fn rules_have_the_description_by_which_an_undo_knows_them() {
    let said = |source: &str| permission(&serde_json::from_str(source).unwrap(), "mine");
    for (source, ranges, key, value) in [
        (
            r#"{"cidr": "10.0.0.0/16"}"#,
            "IpRanges",
            "CidrIp",
            "10.0.0.0/16",
        ),
        (
            r#"{"cidr": "2001:db8::/56"}"#,
            "Ipv6Ranges",
            "CidrIpv6",
            "2001:db8::/56",
        ),
        (
            r#"{"group": "sg-0a71e831"}"#,
            "UserIdGroupPairs",
            "GroupId",
            "sg-0a71e831",
        ),
        (
            r#"{"prefix-list": "pl-63a5400a"}"#,
            "PrefixListIds",
            "PrefixListId",
            "pl-63a5400a",
        ),
    ] {
        assert_eq!(
            said(source),
            json!({
                "IpProtocol": "tcp",
                "FromPort": 26257,
                "ToPort": 26257,
                ranges: [{ key: value, "Description": "mine" }],
            })
        );
    }
    let of_another_account = said(r#"{"group": "222222222222/sg-0a71e831"}"#);
    assert_eq!(
        of_another_account["UserIdGroupPairs"],
        json!([{ "UserId": "222222222222", "GroupId": "sg-0a71e831", "Description": "mine" }])
    );
    let script = commands(&request(), &cluster(), &plan());
    assert_eq!(
        script
            .matches("\"Description\":\"crdb-privatelink 9f1a78b677d7e0c9\"")
            .count(),
        3,
        "{script}"
    );
}

#[test]
fn what_is_there_is_not_made_again() {
    let plan = existing(plan());
    let mut cluster = cluster();
    cluster.registered.insert("vpce-0a71e831".into());
    let script = commands(&request(), &cluster, &plan);
    for making in [
        "create-vpc-endpoint",
        "create-security-group",
        "private-endpoint-connections",
    ] {
        assert!(!script.contains(making), "{making}: {script}");
    }
}
