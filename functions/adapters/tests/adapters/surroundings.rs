//! DHCP options, network ACLs, Resolver rules and Profiles.

use std::collections::{BTreeMap, BTreeSet};

use adapters::ec2::AwsEc2;
use serde_json::json;
use shared::ec2::resolver::Resolver;
use shared::ec2::{AclRule, Network, NetworkAcl};

use crate::stage::{Stage, VPC, parsed};
use crate::stub::{Stub, answer, aws, ok};

/// What EC2 answers, word for word.
async fn canned(body: &str) -> (Stub, AwsEc2) {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    let stub = Stub::answering([answer(200, "Content-Type: text/xml\r\n", &body)]).await;
    let ec2 = AwsEc2::new(&aws(&stub.url()).await);
    (stub, ec2)
}

fn servers(sets: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let sets = sets.iter().map(|(id, servers)| {
        let servers = servers.iter().map(ToString::to_string);
        ((*id).to_owned(), servers.collect())
    });
    sets.collect()
}

fn rule(egress: bool, number: i32, allows: bool, cidr: &str) -> AclRule {
    AclRule {
        number,
        egress,
        allows,
        protocol: "-1".to_owned(),
        cidr: cidr.parse().unwrap(),
        ports: None,
    }
}

/// EC2 API reference, `DescribeDhcpOptions`, the example; and a set without servers.
#[tokio::test]
async fn dhcp_options_in_the_words_of_ec2() {
    let (stub, ec2) = canned(
        r#"<DescribeDhcpOptionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <dhcpOptionsSet>
                <item>
                    <ownerId>111122223333</ownerId>
                    <dhcpOptionsId>dopt-7a8b9c2d</dhcpOptionsId>
                    <dhcpConfigurationSet>
                        <item>
                            <key>domain-name</key>
                            <valueSet><item><value>example.com</value></item></valueSet>
                        </item>
                        <item>
                            <key>domain-name-servers</key>
                            <valueSet>
                                <item><value>10.2.5.1</value></item>
                                <item><value>10.2.5.2</value></item>
                            </valueSet>
                        </item>
                    </dhcpConfigurationSet>
                </item>
                <item>
                    <dhcpOptionsId>dopt-1a2b3c4d</dhcpOptionsId>
                    <dhcpConfigurationSet>
                        <item>
                            <key>ntp-servers</key>
                            <valueSet><item><value>10.2.5.3</value></item></valueSet>
                        </item>
                    </dhcpConfigurationSet>
                </item>
            </dhcpOptionsSet>
        </DescribeDhcpOptionsResponse>"#,
    )
    .await;
    let asked = ["dopt-7a8b9c2d", "dopt-1a2b3c4d"].map(str::to_owned);
    let expected = servers(&[
        ("dopt-7a8b9c2d", &["10.2.5.1", "10.2.5.2"]),
        ("dopt-1a2b3c4d", &[]),
    ]);
    assert_eq!(ec2.dns_servers(&asked).await, Ok(Some(expected)));
    let request = &stub.requests()[0];
    for part in [
        "Action=DescribeDhcpOptions",
        "Filter.1.Name=dhcp-options-id",
        "Filter.1.Value.2=dopt-1a2b3c4d",
        "MaxResults=1000",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

/// EC2 API reference, `DescribeNetworkAcls`, the example.
#[tokio::test]
async fn network_acls_in_the_words_of_ec2() {
    let (stub, ec2) = canned(
        r#"<DescribeNetworkAclsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <networkAclSet>
                <item>
                    <networkAclId>acl-5d659634</networkAclId>
                    <vpcId>vpc-5266953b</vpcId>
                    <default>false</default>
                    <entrySet>
                        <item>
                            <ruleNumber>110</ruleNumber>
                            <protocol>6</protocol>
                            <ruleAction>allow</ruleAction>
                            <egress>true</egress>
                            <cidrBlock>0.0.0.0/0</cidrBlock>
                            <portRange><from>49152</from><to>65535</to></portRange>
                        </item>
                        <item>
                            <ruleNumber>32767</ruleNumber>
                            <protocol>-1</protocol>
                            <ruleAction>deny</ruleAction>
                            <egress>true</egress>
                            <cidrBlock>0.0.0.0/0</cidrBlock>
                        </item>
                        <item>
                            <ruleNumber>120</ruleNumber>
                            <protocol>1</protocol>
                            <ruleAction>allow</ruleAction>
                            <egress>false</egress>
                            <ipv6CidrBlock>::/0</ipv6CidrBlock>
                            <icmpTypeCode><type>-1</type><code>-1</code></icmpTypeCode>
                        </item>
                    </entrySet>
                    <associationSet>
                        <item>
                            <networkAclAssociationId>aclassoc-5c659635</networkAclAssociationId>
                            <networkAclId>acl-5d659634</networkAclId>
                            <subnetId>subnet-ff669596</subnetId>
                        </item>
                    </associationSet>
                </item>
            </networkAclSet>
        </DescribeNetworkAclsResponse>"#,
    )
    .await;
    let expected = NetworkAcl {
        id: "acl-5d659634".to_owned(),
        subnet_ids: vec![parsed("subnet-ff669596")],
        rules: vec![
            AclRule {
                protocol: "6".to_owned(),
                ports: Some((49152, 65535)),
                ..rule(true, 110, true, "0.0.0.0/0")
            },
            rule(true, 32767, false, "0.0.0.0/0"),
            AclRule {
                protocol: "1".to_owned(),
                ..rule(false, 120, true, "::/0")
            },
        ],
    };
    let acls = ec2.network_acls(&[parsed("subnet-ff669596")]).await;
    assert_eq!(acls, Ok(Some(vec![expected])));
    let request = &stub.requests()[0];
    for part in [
        "Action=DescribeNetworkAcls",
        "Filter.1.Name=association.subnet-id",
        "Filter.1.Value.1=subnet-ff669596",
        "MaxResults=1000",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

/// EC2 API reference, `AssociateDhcpOptions`: `default` stands for no options.
#[tokio::test]
async fn a_vpc_may_have_no_dhcp_options() {
    let (_stub, ec2) = canned(
        "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-0a000000000000001</vpcId>\
         <ownerId>111122223333</ownerId><dhcpOptionsId>default</dhcpOptionsId></item></vpcSet>\
         </DescribeVpcsResponse>",
    )
    .await;
    let vpc = ec2.vpc(&parsed(VPC)).await.unwrap().unwrap();
    assert_eq!(vpc.dhcp_options, None);
}

#[tokio::test]
async fn rules_are_read_to_the_last_page() {
    let stage = Stage::with(|scenario| {
        let rules = &mut scenario.vpcs[0].resolver_rules;
        let first = rules[0].clone();
        rules.extend((10..240).map(|n| {
            let mut rule = first.clone();
            rule.id = format!("rslvr-rr-{n}");
            rule
        }));
    })
    .await;
    let rules = stage.ec2().await.resolver_rules().await;
    assert_eq!(rules.unwrap().len(), 234);
    assert_eq!(stage.count("route53resolver:ListResolverRules"), 3);
}

/// Route 53 API reference, `ListResolverRuleAssociations`, `ResolverRuleAssociation`; and
/// `ListProfileAssociations`, `ProfileAssociation`.
#[tokio::test]
async fn associations_that_are_no_more_do_not_count() {
    let vpc = |n: u32| format!("vpc-0a00000{n}");
    let of_rule = |n: u32, status: &str| json!({ "VPCId": vpc(n), "Status": status });
    let of_profile = |n: u32, status: &str| json!({ "ProfileId": "rp-1", "ResourceId": vpc(n), "Status": status });
    let states = ["COMPLETE", "CREATING", "DELETING", "FAILED", "OVERRIDDEN"];
    let rules = (1..).zip(states).map(|(n, status)| of_rule(n, status));
    let rules: Vec<_> = rules.collect();
    let states = ["COMPLETE", "UPDATING", "DELETING", "FAILED", "DELETED"];
    let profiles = (1..).zip(states).map(|(n, status)| of_profile(n, status));
    let profiles: Vec<_> = profiles.collect();
    let stub = Stub::answering([
        ok(&json!({ "ResolverRuleAssociations": rules })),
        ok(&json!({ "ProfileAssociations": profiles })),
    ])
    .await;
    let ec2 = AwsEc2::new(&aws(&stub.url()).await);
    let expected = BTreeSet::from([1, 2].map(|n| parsed(&vpc(n))));
    let found = ec2.vpcs_of_rule("rslvr-rr-1").await;
    assert_eq!(found, Ok(expected.clone()));
    let found = ec2.profiles().await;
    let expected = BTreeMap::from([("rp-1".to_owned(), expected)]);
    assert_eq!(found, Ok(expected));
    let requests = stub.requests();
    for part in [
        "x-amz-target: Route53Resolver.ListResolverRuleAssociations",
        r#""Name":"ResolverRuleId""#,
        r#""Values":["rslvr-rr-1"]"#,
        r#""MaxResults":100"#,
    ] {
        assert!(requests[0].contains(part), "{part} in {}", requests[0]);
    }
    let asked = "GET /profileassociations?maxResults=100 ";
    assert!(requests[1].starts_with(asked), "{}", requests[1]);
}
