//! DHCP options and network ACLs.

use std::collections::BTreeMap;

use adapters::ec2::AwsEc2;
use shared::ec2::{AclRule, Network, NetworkAcl};
use shared::ids::SubnetId;
use simulator::{Fault, FaultKind, Moment};

use crate::stage::{DHCP_OPTIONS, SUBNET_1, SUBNET_2, Stage, VPC, parsed};
use crate::stub::{Stub, answer, aws};

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
