//! Interface endpoints.

use adapters::ec2::AwsEc2;
use shared::Code;
use shared::ec2::{Endpoints, NewEndpoint};
use shared::ids::EndpointId;
use simulator::ec2::EndpointType;

use crate::stage::{
    ABSENT_ENDPOINT, ENDPOINT, GROUP, SERVICE, SUBNET_1, SUBNET_2, Stage, VPC, parsed, tags,
};
use crate::stub::{Stub, answer, aws};

pub(crate) fn new_endpoint() -> NewEndpoint {
    NewEndpoint {
        vpc_id: parsed(VPC),
        service_name: parsed(SERVICE),
        subnet_ids: vec![parsed(SUBNET_1), parsed(SUBNET_2)],
        group_id: parsed(GROUP),
        token: "token-1".to_owned(),
        tags: tags(&[("owner", "us"), ("Name", "cockroach & co")]),
    }
}

#[tokio::test]
async fn endpoints_are_listed_with_gateways() {
    let stage = Stage::new().await;
    stage.sim.meddle(|world| {
        let gateway = world.ec2.endpoints.get_mut("vpce-0a000000000000002");
        gateway.unwrap().kind = EndpointType::Gateway;
    });
    let listed = stage.ec2().await.endpoints(&parsed(VPC)).await.unwrap();
    let kinds = listed.iter().map(|it| (it.id.as_str(), it.is_interface));
    let kinds: Vec<_> = kinds.collect();
    for kind in [(ENDPOINT, true), ("vpce-0a000000000000002", false)] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }
}

/// A world with so many endpoints more.
async fn with_more(number: u32) -> Stage {
    let more = |scenario: &mut simulator::Scenario| {
        let vpc = &mut scenario.vpcs[0];
        let gateway = vpc.endpoints[1].clone();
        vpc.endpoints.extend((0..number).map(|n| {
            let mut endpoint = gateway.clone();
            endpoint.id = format!("vpce-0b{n:015x}");
            endpoint
        }));
    };
    Stage::with(more).await
}

#[tokio::test]
async fn more_endpoints_than_a_page_holds_are_all_listed() {
    let stage = with_more(1500).await;
    let listed = stage.ec2().await.endpoints(&parsed(VPC)).await;
    assert_eq!(listed.unwrap().len(), 1502);
    // The last page ends in an empty token, which leads to the beginning again.
    assert_eq!(stage.count("ec2:DescribeVpcEndpoints"), 2);
}

#[tokio::test]
async fn endpoints_are_found_by_id_and_one_that_is_absent_does_not_hide_the_others() {
    let stage = with_more(250).await;
    let ec2 = stage.ec2().await;
    let ids = [ABSENT_ENDPOINT, ENDPOINT].map(|id| id.parse().unwrap());
    let found = ec2.endpoints_by_id(&ids).await.unwrap();
    let found: Vec<&str> = found.iter().map(|endpoint| endpoint.id.as_str()).collect();
    assert_eq!(found, [ENDPOINT]);
    assert_eq!(stage.count("ec2:DescribeVpcEndpoints"), 1);

    // A filter takes 200 values.
    let many: Vec<EndpointId> = (0..250)
        .map(|n| format!("vpce-0b{n:015x}").parse().unwrap())
        .collect();
    assert_eq!(ec2.endpoints_by_id(&many).await.unwrap().len(), 250);
    assert_eq!(stage.count("ec2:DescribeVpcEndpoints"), 3);
}

/// EC2 answers 200 and keeps what it did not delete in a list.
#[tokio::test]
async fn an_endpoint_that_ec2_did_not_delete_is_no_success() {
    for (code, expected) in [
        ("InvalidVpcEndpoint.NotFound", Ok(())),
        ("InvalidVpcEndpointId.NotFound", Ok(())),
        ("UnauthorizedOperation", Err(Code::AwsAccessDenied)),
        ("InternalError", Err(Code::AwsUnavailable)),
        ("SomethingNew", Err(Code::UnexpectedAwsAnswer)),
    ] {
        let body = format!(
            "<DeleteVpcEndpointsResponse><requestId>1</requestId><unsuccessful><item>\
             <resourceId>{ENDPOINT}</resourceId>\
             <error><code>{code}</code><message>why</message></error>\
             </item></unsuccessful></DeleteVpcEndpointsResponse>"
        );
        let stub = Stub::answering([answer(200, "Content-Type: text/xml\r\n", &body)]).await;
        let ec2 = AwsEc2::new(&aws(&stub.url()).await);
        let deleted = ec2.delete_endpoint(&parsed(ENDPOINT)).await;
        assert_eq!(deleted.map_err(|error| error.code), expected, "{code}");
    }
}
