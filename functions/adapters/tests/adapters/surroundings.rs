//! DHCP options, network ACLs, Resolver rules and Profiles.

use std::collections::{BTreeMap, BTreeSet};

use adapters::ec2::AwsEc2;
use serde_json::json;
use shared::ec2::resolver::{ProfileResource, Resolver, ResolverRule};
use shared::ec2::{AclRule, Network, NetworkAcl};
use shared::ids::SubnetId;
use simulator::{Fault, FaultKind, Moment};

use crate::stage::{ACCOUNT, DHCP_OPTIONS, SUBNET_1, SUBNET_2, Stage, VPC, parsed};
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

#[tokio::test]
async fn dns_servers_are_read_of_the_sets_that_are_there() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let default = "dopt-0c1e5f3a7b9d24680";
    let asked = [DHCP_OPTIONS, default, "dopt-0a00000000000000f"].map(str::to_owned);
    let expected = servers(&[
        (DHCP_OPTIONS, &["10.0.0.53", "AmazonProvidedDNS"]),
        (default, &["AmazonProvidedDNS"]),
    ]);
    assert_eq!(ec2.dns_servers(&asked).await, Ok(Some(expected)));
    // Without a filter, EC2 would list every set that there is.
    assert_eq!(ec2.dns_servers(&[]).await, Ok(Some(BTreeMap::new())));
    assert_eq!(stage.count("ec2:DescribeDhcpOptions"), 1);
}

#[tokio::test]
async fn acls_are_read_with_their_subnets_and_all_their_rules() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let own = NetworkAcl {
        id: "acl-0a00000000000000a".to_owned(),
        subnet_ids: vec![parsed(SUBNET_1)],
        rules: vec![
            rule(true, 32768, false, "::/0"),
            rule(false, 32768, false, "::/0"),
            rule(true, 32767, false, "0.0.0.0/0"),
            rule(false, 32767, false, "0.0.0.0/0"),
            AclRule {
                protocol: "6".to_owned(),
                ports: Some((26257, 26257)),
                ..rule(false, 100, true, "10.0.0.0/16")
            },
            AclRule {
                protocol: "17".to_owned(),
                ..rule(true, 90, false, "2001:db8::/32")
            },
        ],
    };
    let acls = ec2.network_acls(&[parsed(SUBNET_1)]).await;
    assert_eq!(acls, Ok(Some(vec![own])));
    let acls = ec2
        .network_acls(&[parsed(SUBNET_2)])
        .await
        .unwrap()
        .unwrap();
    let default: Vec<&str> = acls.iter().map(|acl| acl.id.as_str()).collect();
    assert_eq!(default, ["acl-0a000000000000001"]);
    let of: Vec<&str> = acls[0].subnet_ids.iter().map(SubnetId::as_str).collect();
    assert_eq!(of, [SUBNET_2, "subnet-0a000000000000003"]);
    assert_eq!(ec2.network_acls(&[]).await, Ok(Some(Vec::new())));
    assert_eq!(stage.count("ec2:DescribeNetworkAcls"), 2);
}

/// An older role in another account lacks the permissions.
#[tokio::test]
async fn not_to_be_allowed_to_ask_is_an_answer() {
    let stage = Stage::new().await;
    for operation in ["ec2:DescribeDhcpOptions", "ec2:DescribeNetworkAcls"] {
        let fault = Fault::from_then_on(operation, 1, FaultKind::Denied, Moment::Before);
        stage.sim.add_fault(fault);
    }
    let ec2 = stage.ec2().await;
    let asked = [DHCP_OPTIONS.to_owned()];
    assert_eq!(ec2.dns_servers(&asked).await, Ok(None));
    assert_eq!(ec2.network_acls(&[parsed(SUBNET_1)]).await, Ok(None));
}

/// EC2 API reference, `DescribeDhcpOptions`, the example; and a set without servers.
#[tokio::test]
async fn dhcp_options_in_the_words_of_ec2() {
    let (stub, ec2) = canned(
        r#"<DescribeDhcpOptionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
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
                    <tagSet/>
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
            <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
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
                    <tagSet/>
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

fn resolver_rule(id: &str, domain: &str, forwards: bool) -> ResolverRule {
    ResolverRule {
        id: id.to_owned(),
        domain: domain.to_owned(),
        forwards,
    }
}

#[tokio::test]
async fn rules_profiles_and_zones_are_read_as_they_are() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let rules = [
        resolver_rule("rslvr-autodefined-rr-internet-resolver", ".", false),
        resolver_rule("rslvr-rr-1", "corp.example.com.", true),
        resolver_rule("rslvr-rr-2", "aws.corp.example.com.", false),
        resolver_rule("rslvr-rr-3", "a.example.com.", true),
    ];
    assert_eq!(ec2.resolver_rules().await, Ok(Some(rules.to_vec())));
    let only = BTreeSet::from([parsed(VPC)]);
    let vpcs = ec2.vpcs_of_rule("rslvr-rr-1").await;
    assert_eq!(vpcs, Ok(Some(only.clone())));
    let vpcs = ec2.vpcs_of_rule("rslvr-rr-3").await;
    assert_eq!(vpcs, Ok(Some(BTreeSet::new())));
    let profiles = BTreeMap::from([("rp-1".to_owned(), only)]);
    assert_eq!(ec2.profiles().await, Ok(Some(profiles)));
    let resources = ec2.profile_resources("rp-1").await.unwrap().unwrap();
    let resource = ProfileResource {
        arn: "arn:aws:route53:::hostedzone/Z01".to_owned(),
        owner: Some(parsed(ACCOUNT)),
    };
    assert_eq!((resources.len(), &resources[1]), (3, &resource));
    let zones = ec2.zones_named("db.example.com").await.unwrap().unwrap();
    // That of the VPC, and that of the Profile.
    assert_eq!((zones.len(), zones.contains("Z01")), (2, true));
    let zones = ec2.zones_named("b.example.com").await;
    assert_eq!(zones, Ok(Some(BTreeSet::new())));
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
    assert_eq!(rules.unwrap().unwrap().len(), 234);
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
    assert_eq!(found, Ok(Some(expected.clone())));
    let found = ec2.profiles().await;
    let expected = BTreeMap::from([("rp-1".to_owned(), expected)]);
    assert_eq!(found, Ok(Some(expected)));
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
