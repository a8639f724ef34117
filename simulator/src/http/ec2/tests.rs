//! The query protocol, as the wire has it.

use time::OffsetDateTime;

use super::*;
use crate::scenario::Scenario;

const VPC: &str = "vpc-0a1b2c3d4e5f60718";

fn stage() -> Simulator {
    let scenario = Scenario::shipped("half-made-by-hand").unwrap();
    Simulator::new(&scenario, || OffsetDateTime::UNIX_EPOCH)
}

fn post(sim: &Simulator, form: &str) -> (u16, String) {
    let caller = sim.look(|world| world.ec2.caller());
    answer_form(
        sim,
        &caller,
        format!("Version=2016-11-15&{form}").as_bytes(),
    )
    .unwrap()
}

/// What stands between two texts.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(found, _)| found)
}

#[test]
fn an_answer_is_named_after_its_operation_and_has_a_request_id() {
    let (status, xml) = post(&stage(), "Action=DescribeVpcs");
    assert_eq!(status, 200);
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeVpcsResponse \
                xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>";
    assert!(xml.starts_with(head), "{xml}");
    assert!(xml.ends_with("</vpcSet></DescribeVpcsResponse>"), "{xml}");
    assert_eq!(between(&xml, "<item><vpcId>", "<"), VPC);
}

/// awslabs/aws-sdk-rust issue 619, and the empty token at the end.
#[test]
fn endpoints_are_written_with_small_letters_and_an_empty_token() {
    let form = "Action=DescribeVpcEndpoints&Filter.1.Name=vpc-endpoint-state&Filter.1.Value.1=pendingAcceptance";
    let (_, xml) = post(&stage(), form);
    assert_eq!(between(&xml, "<state>", "<"), "pendingAcceptance");
    assert!(xml.contains("<privateDnsEnabled>false</privateDnsEnabled>"));
    assert!(xml.contains("<nextToken></nextToken>"), "{xml}");
}

#[test]
fn an_error_has_status_code_and_message() {
    let sim = stage();
    let form = "Action=DescribeVpcEndpoints&VpcEndpointId.1=vpce-0fffffffffffffff0";
    let (status, xml) = post(&sim, form);
    assert_eq!(status, 400);
    let error = between(
        &xml,
        "<Response><Errors><Error>",
        "</Error></Errors><RequestID>",
    );
    assert_eq!(
        error,
        "<Code>InvalidVpcEndpointId.NotFound</Code><Message>The Vpc Endpoint Id \
         &apos;vpce-0fffffffffffffff0&apos; does not exist</Message>"
    );
    assert_eq!(
        sim.calls()[0].refused.as_deref(),
        Some("InvalidVpcEndpointId.NotFound")
    );
}

/// A form, and the code that it is refused with.
const REFUSED: &str = "
Action=DescribeVpcs&Colour=red => UnknownParameter
Action=DescribeVpcs&Filters.1.Name=vpc-id => UnknownParameter
Action=DescribeVpcs&MaxResults=many => InvalidParameterValue
Action=CreateVpcEndpoint&VpcId=x&VpcEndpointType=interface => InvalidVpcEndpointType
Action=CreateVpcEndpoint&VpcId=x&VpcEndpointType=GatewayLoadBalancer => InvalidVpcEndpointType
Action=CreateVpcEndpoint&VpcId=x&RouteTableId.1=rtb-1 => UnknownParameter
Action=CreateVpcEndpoint&VpcId=x&IpAddressType=dualstack => UnknownParameter
Action=CreateVpcEndpoint&VpcId=x&PolicyDocument={} => UnknownParameter
Action=ModifyVpcEndpoint&VpcEndpointId=x&ResetPolicy=true => UnknownParameter
Action=AuthorizeSecurityGroupIngress&GroupId=x&CidrIp=10.0.0.0/16 => UnknownParameter
Action=DescribeSecurityGroups&GroupName.1=default => UnknownParameter
Action=DescribeVpcEndpointServices&ServiceRegion.1=us-east-1 => UnknownParameter
Action=DescribeNetworkAcls&NetworkAclId.1=acl-1 => UnknownParameter
Action=DescribeDhcpOptions&DhcpOptionsId.1=dopt-1 => UnknownParameter
Action=DescribeVpcs&DryRun=true => UnknownParameter
Action=DescribeSubnets&SubnetId.1=subnet-0fffffffffffffff0 => InvalidSubnetID.NotFound
Action=DescribeSecurityGroups&GroupId.1=sg-0fffffffffffffff0 => InvalidGroup.NotFound
Action=CreateVpcEndpoint&VpcId=x&ServiceRegion=us-east-1 => UnknownParameter
Action=RevokeSecurityGroupIngress&GroupId=x&IpPermissions.1.IpProtocol=tcp => UnknownParameter
Action=DeleteTags&ResourceId.1=x&Tag.1.Key=a&Tag.1.Value=b => UnknownParameter
Action=DescribeAvailabilityZones => InvalidAction
Action=DescribeKeyPairs => InvalidAction
Action=DescribeTags => InvalidAction
Action=ModifyVpcAttribute => InvalidAction
Action=DescribeVpcAttribute&Attribute=enableDnsSupport => MissingParameter
Action=DescribeVpcAttribute&VpcId=x&Attribute=dns => InvalidParameterValue
Action=DescribeSubnets&Filter.1.Name=cidr&Filter.1.Value.1=x => InvalidParameterValue
Action=DeleteVpcEndpoints => MissingParameter
Action=RunInstances => InvalidAction
Nothing=asked => InvalidAction
";

/// EC2 API reference, "Error codes": `UnknownParameter`, `MissingParameter`,
/// `InvalidAction`.
#[test]
fn what_ec2_does_not_know_is_refused_and_not_ignored() {
    let sim = stage();
    for row in REFUSED.lines().filter(|row| !row.is_empty()) {
        let (form, code) = row.split_once(" => ").expect("a code");
        let (status, xml) = post(&sim, form);
        assert_eq!((status, between(&xml, "<Code>", "<")), (400, code), "{row}");
    }
}

#[test]
fn an_endpoint_is_made_from_a_form() {
    let sim = stage();
    let service = "com.amazonaws.vpce.eu-west-1.vpce-svc-0c0c0a0a0b0b00d01";
    let form = format!(
        "Action=CreateVpcEndpoint&VpcEndpointType=Interface&VpcId={VPC}&ServiceName={service}\
         &SubnetId.1=subnet-0a10000000000000c&SecurityGroupId.1=sg-0a10000000000000d\
         &PrivateDnsEnabled=false&ClientToken=one&TagSpecification.1.ResourceType=vpc-endpoint\
         &TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=a+%26+b"
    );
    let (status, xml) = post(&sim, &form);
    assert_eq!(status, 200, "{xml}");
    let id = between(&xml, "<vpcEndpointId>", "<").to_owned();
    assert!(xml.contains("<tagSet><item><key>Name</key><value>a &amp; b</value></item></tagSet>"));
    assert!(xml.contains("<clientToken>one</clientToken>"));
    assert!(xml.contains("<creationTimestamp>1970-01-01T00:00:00.000Z</creationTimestamp>"));
    sim.look(|world| {
        let made = world.ec2.endpoint(&id).expect("it was made");
        assert_eq!(
            made.subnet_ids().collect::<Vec<_>>(),
            ["subnet-0a10000000000000c"]
        );
        assert_eq!(made.tags["Name"], "a & b");
    });
}

#[test]
fn the_region_is_the_one_that_the_request_was_signed_for() {
    let sim = stage();
    let caller_of = |header: &str| {
        let request = axum::http::Request::builder().header("Authorization", header);
        let (parts, ()) = request.body(()).expect("it is a request").into_parts();
        let caller = caller(&sim, &parts);
        (caller.account, caller.region)
    };
    let signed = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host";
    assert_eq!(
        caller_of(signed),
        ("111122223333".to_owned(), "us-east-1".to_owned())
    );
    let other = "AWS4-HMAC-SHA256 Credential=999999999999/20260101/eu-west-1/ec2/aws4_request, SignedHeaders=host";
    assert_eq!(
        caller_of(other),
        ("999999999999".to_owned(), "eu-west-1".to_owned())
    );
    assert_eq!(caller_of("none").1, "eu-west-1");
}
