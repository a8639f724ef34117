//! Reads of the network.

use std::collections::BTreeSet;

use shared::Code;
use shared::cidr::Cidr;
use shared::ec2::{EndpointService, Network, PeeredVpc, PrefixList, Subnet, Vpc, VpcDns};
use shared::ids::PrefixListId;
use shared::ownership::Tags;
use simulator::scenario::PrefixListSpec;

use crate::stage::{
    ABSENT_GROUP, ABSENT_VPC, ACCOUNT, DHCP_OPTIONS, GROUP, SERVICE, SUBNET_1, SUBNET_2, Stage,
    VPC, parsed,
};

fn cidrs(texts: &[&str]) -> Vec<Cidr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_vpc_is_read_with_all_its_associated_networks() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let expected = Vpc {
        id: parsed(VPC),
        owner: parsed(ACCOUNT),
        // 10.2.0.0/16 is disassociated.
        cidrs: cidrs(&["10.0.0.0/16", "10.1.0.0/16", "2001:db8:0:100::/56"]),
        dhcp_options: Some(DHCP_OPTIONS.to_owned()),
    };
    assert_eq!(ec2.vpc(&parsed(VPC)).await, Ok(Some(expected)));
    assert_eq!(ec2.vpc(&parsed(ABSENT_VPC)).await, Ok(None));
}

#[tokio::test]
async fn both_dns_attributes_are_asked_for() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let dns = ec2.vpc_dns(&parsed(VPC)).await;
    assert_eq!(
        dns,
        Ok(VpcDns {
            support: true,
            hostnames: false
        })
    );
    assert_eq!(stage.count("ec2:DescribeVpcAttribute"), 2);
    let error = ec2.vpc_dns(&parsed(ABSENT_VPC)).await.unwrap_err();
    assert_eq!(error.code, Code::VpcNotFound);
}

#[tokio::test]
async fn active_peerings_count_whoever_asked_for_them() {
    let stage = Stage::new().await;
    let peered = stage.ec2().await.peered_vpcs(&parsed(VPC)).await.unwrap();
    let peer = |id: &str, vpc: &str, networks: &[&str]| PeeredVpc {
        peering_id: id.to_owned(),
        vpc_id: vpc.parse().unwrap(),
        cidrs: cidrs(networks),
    };
    let ours = ["10.11.0.0/16", "10.12.0.0/16", "2001:db8:0:b00::/56"];
    assert_eq!(
        peered,
        [
            peer("pcx-0a000000000000001", "vpc-0a000000000000011", &ours),
            peer(
                "pcx-0a000000000000002",
                "vpc-0a000000000000012",
                &["10.13.0.0/16"]
            ),
        ]
    );
}

#[tokio::test]
async fn subnets_are_read_with_zone_id_network_free_addresses_outpost_and_tags() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let subnets = ec2.subnets(&parsed(VPC)).await.unwrap();
    let subnet = |id: &str, zone: &str, cidr: &str, free_addresses, on_outpost| Subnet {
        id: id.parse().unwrap(),
        zone_id: Some(zone.parse().unwrap()),
        available: true,
        cidr: Some(cidr.parse().unwrap()),
        free_addresses,
        ipv6_only: false,
        on_outpost,
        tags: Tags::new(),
    };
    let pending = Subnet {
        available: false,
        tags: Tags::from([("net:subnet".to_owned(), "no".to_owned())]),
        ..subnet(SUBNET_2, "euw1-az2", "10.0.2.0/24", 7, false)
    };
    let third = "subnet-0a000000000000003";
    assert_eq!(
        subnets,
        [
            // One address is the endpoint's.
            subnet(SUBNET_1, "euw1-az1", "10.0.1.0/24", 250, false),
            pending,
            subnet(third, "euw1-az3", "10.0.3.0/24", 251, true),
        ]
    );
    assert_eq!(ec2.subnets(&parsed(ABSENT_VPC)).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_subnet_without_ipv4_is_known_by_that() {
    let stage = Stage::with(|scenario| scenario.vpcs[0].subnets[0].ipv6_native = true).await;
    let subnets = stage.ec2().await.subnets(&parsed(VPC)).await.unwrap();
    assert_eq!((subnets[0].ipv6_only, subnets[0].free_addresses), (true, 0));
    assert!(!subnets[1].ipv6_only);
}

#[tokio::test]
async fn groups_that_do_not_exist_are_left_out() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let asked = [parsed(GROUP), parsed(ABSENT_GROUP)];
    let existing = ec2.existing_groups(&asked).await;
    assert_eq!(existing, Ok(BTreeSet::from([parsed(GROUP)])));
    // Without a filter, EC2 would list every group that there is.
    assert_eq!(ec2.existing_groups(&[]).await, Ok(BTreeSet::new()));
}

#[tokio::test]
async fn prefix_lists_are_read_with_family_and_size_and_absent_ones_are_left_out() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let asked: [PrefixListId; 4] = [
        "pl-0a000000000000001",
        "pl-0a000000000000002",
        "pl-63a5400a",
        "pl-0a00000000000000f",
    ]
    .map(parsed);
    let list = |n: usize, is_ipv6, max_entries| PrefixList {
        id: asked[n].clone(),
        is_ipv6,
        max_entries,
    };
    let expected = vec![
        list(0, false, Some(20)),
        list(1, true, Some(5)),
        // One of AWS's own, of which EC2 does not tell.
        list(2, false, None),
    ];
    assert_eq!(ec2.prefix_lists(&asked).await, Ok(expected));
    // Without a filter, EC2 would list every one that there is.
    assert_eq!(ec2.prefix_lists(&[]).await, Ok(Vec::new()));
    assert_eq!(stage.count("ec2:DescribeManagedPrefixLists"), 1);
}

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
async fn hosted_zones_are_those_of_accounts_without_their_last_dot() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let zones = ec2.hosted_zones(&parsed(VPC)).await;
    let names = ["corp.example.com", "db.example.com"].map(str::to_owned);
    // The endpoint with private DNS has one too, which is AWS's own.
    assert_eq!(zones, Ok(Some(names.to_vec())));
}

#[tokio::test]
async fn hosted_zones_are_read_to_the_last_page() {
    let names: Vec<String> = (0..230).map(|n| format!("z{n}.example.com")).collect();
    let stage = Stage::with(|scenario| scenario.vpcs[0].hosted_zones = names.clone()).await;
    let zones = stage.ec2().await.hosted_zones(&parsed(VPC)).await;
    assert_eq!(zones, Ok(Some(names)));
    assert_eq!(stage.count("route53:ListHostedZonesByVPC"), 3);
}

#[tokio::test]
async fn zones_of_a_vpc_that_is_not_ours_are_not_told() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let zones = ec2.hosted_zones(&parsed(ABSENT_VPC)).await;
    assert_eq!(zones, Ok(None));
}

#[tokio::test]
async fn an_endpoint_service_is_read_with_the_zones_in_common() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let zones = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    let service = EndpointService {
        zone_ids: zones(&["euw1-az1", "euw1-az2"]),
        private_dns_name: Some("internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud".to_owned()),
        private_dns_verified: true,
    };
    assert_eq!(
        ec2.endpoint_service(&parsed(SERVICE)).await,
        Ok(Some(service))
    );
    let other = parsed("com.amazonaws.vpce.eu-west-1.vpce-svc-0a000000000000009");
    let unverified = EndpointService {
        zone_ids: zones(&["euw1-az2"]),
        private_dns_name: Some("elsewhere.example.com".to_owned()),
        private_dns_verified: false,
    };
    assert_eq!(ec2.endpoint_service(&other).await, Ok(Some(unverified)));
}

#[tokio::test]
async fn an_endpoint_service_that_we_may_not_use_is_none_like_one_that_is_absent() {
    let stage = Stage::with(|scenario| {
        scenario.endpoint_services[2].allowed_accounts = Some(vec!["444455556666".to_owned()]);
    })
    .await;
    let ec2 = stage.ec2().await;
    for id in ["vpce-svc-0a000000000000009", "vpce-svc-0a00000000000000f"] {
        let name = format!("com.amazonaws.vpce.eu-west-1.{id}")
            .parse()
            .unwrap();
        assert_eq!(ec2.endpoint_service(&name).await, Ok(None), "{id}");
    }
}
