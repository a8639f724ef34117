"""boto3 looks at an endpoint from its creation to the last of its traces."""

import boto3

from judge import STANDARD, connection, expect, networking, refused, wait_until

ec2 = boto3.client("ec2")
VPC = "vpc-0aaaaaaaaaaaaaaa1"
SERVICE = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb"
HOST = "internal-standard-2cd.aws-eu-west-1.cockroachlabs.cloud"
AZ1, AZ2, AZ3, AZ1_AGAIN = (f"subnet-0aaaaaaaaaaaaaa1{n}" for n in range(1, 5))

# The service, as a consumer sees it.
service = ec2.describe_vpc_endpoint_services(ServiceNames=[SERVICE])["ServiceDetails"][0]
assert service["AcceptanceRequired"] is True and service["PrivateDnsName"] == HOST, service
assert service["PrivateDnsNameVerificationState"] == "verified", service
assert service["ServiceType"] == [{"ServiceType": "Interface"}], service
assert service["AvailabilityZoneIds"] == ["euw1-az1", "euw1-az2"], "botocore knows the ids of zones"
assert len(service["AvailabilityZones"]) == 2, service
unknown = "com.amazonaws.vpce.eu-west-1.vpce-svc-0fffffffffffffff0"
refused("InvalidServiceName", ec2.describe_vpc_endpoint_services, ServiceNames=[unknown])

# The group that the endpoint is going to carry.
group = ec2.create_security_group(GroupName="crdb", Description="for an endpoint", VpcId=VPC)["GroupId"]
wait_until(
    "the group is visible",
    lambda: ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroups"],
)


def create(**changes):
    wanted = {
        "VpcEndpointType": "Interface", "VpcId": VPC, "ServiceName": SERVICE, "SubnetIds": [AZ1, AZ2],
        "SecurityGroupIds": [group], "PrivateDnsEnabled": False, "ClientToken": "the-same-call",
        "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "owner", "Value": "judge"}]}],
    }
    return ec2.create_vpc_endpoint(**{**wanted, **changes})


# What cannot be made.
other = {"ClientToken": "another-call"}
refused("UnknownParameter", create, DryRun=True)
refused("InvalidServiceName", create, ServiceName=unknown, **other)
refused("InvalidVpcID.NotFound", create, VpcId="vpc-0ffffffffffffffff", **other)
refused("DuplicateSubnetsInSameZone", create, SubnetIds=[AZ1, AZ1_AGAIN], **other)
wrong_zone = refused("InvalidParameter", create, SubnetIds=[AZ1, AZ3], **other)
assert "does not support the availability zone of the subnet" in wrong_zone["Error"]["Message"], wrong_zone
too_early = refused("InvalidParameter", create, PrivateDnsEnabled=True, **other)
assert "only be enabled after the endpoint connection is accepted" in too_early["Error"]["Message"], too_early

# The endpoint.
made = create()
assert made["ClientToken"] == "the-same-call", made
endpoint = made["VpcEndpoint"]
endpoint_id = endpoint["VpcEndpointId"]
assert endpoint["State"] == "pendingAcceptance", "states begin with a small letter"
assert endpoint["SubnetIds"] == [AZ1, AZ2] and len(endpoint["NetworkInterfaceIds"]) == 2, endpoint
assert endpoint["Groups"] == [{"GroupId": group, "GroupName": "crdb"}], endpoint
assert endpoint["PrivateDnsEnabled"] is False and endpoint["CreationTimestamp"].tzinfo is not None, endpoint
assert endpoint["Tags"] == [{"Key": "owner", "Value": "judge"}], endpoint
assert create()["VpcEndpoint"]["VpcEndpointId"] == endpoint_id, "the same token is the same call"
refused("IdempotentParameterMismatch", create, SubnetIds=[AZ1])


def described():
    answer = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [endpoint_id]}])
    assert answer["NextToken"] == "", "at the end the token is there, and empty"
    return answer["VpcEndpoints"][0] if answer["VpcEndpoints"] else None


def state():
    return (described() or {"State": None})["State"]


wait_until("the endpoint is visible", described)
assert ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"][0]["State"] == "pendingAcceptance"
refused("InvalidVpcEndpointId.NotFound", ec2.describe_vpc_endpoints, VpcEndpointIds=["vpce-0ffffffffffffffff"])
refused("InvalidVpcEndpointId.Malformed", ec2.describe_vpc_endpoints, VpcEndpointIds=["endpoint"])
by_state = [{"Name": "vpc-endpoint-state", "Values": ["PendingAcceptance"]}]
assert ec2.describe_vpc_endpoints(Filters=by_state)["VpcEndpoints"] == [], "values of filters are case-sensitive"
pages = ec2.get_paginator("describe_vpc_endpoints").paginate(PaginationConfig={"PageSize": 5})
assert sum(len(page["VpcEndpoints"]) for page in pages) == 1, "botocore's paginator stops at the empty token"

# Acceptance by the other side, then private DNS.
early = refused("InvalidParameter", ec2.modify_vpc_endpoint, VpcEndpointId=endpoint_id, PrivateDnsEnabled=True)
assert "accepted" in early["Error"]["Message"], early
expect(200, networking("POST", STANDARD, "private-endpoint-connections", {"endpoint_id": endpoint_id}))
wait_until("the endpoint is available", lambda: state() == "available")
wait_until("the cluster knows it too", lambda: connection(STANDARD, endpoint_id) == "STATUS_AVAILABLE")
assert ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, PrivateDnsEnabled=True)["Return"] is True
assert state() in ("pending", "available"), state()
wait_until("private DNS is on", lambda: state() == "available" and described()["PrivateDnsEnabled"])
assert HOST in [entry["DnsName"] for entry in described()["DnsEntries"]], described()

second = create(ClientToken="second", SubnetIds=[AZ1])["VpcEndpoint"]["VpcEndpointId"]


def second_registered():
    status, _ = networking("POST", STANDARD, "private-endpoint-connections", {"endpoint_id": second})
    return status == 200


wait_until("the second endpoint can be registered", second_registered)


def second_state():
    return ec2.describe_vpc_endpoints(VpcEndpointIds=[second])["VpcEndpoints"][0]["State"]


wait_until("the second endpoint is available", lambda: second_state() == "available")
conflict = refused("InvalidParameter", ec2.modify_vpc_endpoint, VpcEndpointId=second, PrivateDnsEnabled=True)
assert "conflicting DNS domain" in conflict["Error"]["Message"], conflict

# Rejection, and the end.
expect(200, networking("DELETE", STANDARD, f"private-endpoint-connections/{endpoint_id}"))
wait_until("the endpoint is rejected", lambda: state() == "rejected")
refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
deleted = ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id, second, "vpce-0ffffffffffffffff"])
assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 200, "failures are inside a success"
failures = [(item["ResourceId"], item["Error"]["Code"]) for item in deleted["Unsuccessful"]]
assert failures == [("vpce-0ffffffffffffffff", "InvalidVpcEndpoint.NotFound")], deleted
assert state() in ("deleting", "deleted"), state()
refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
wait_until("the endpoint is deleted or gone", lambda: state() in ("deleted", None))


def group_deleted():
    try:
        return ec2.delete_security_group(GroupId=group)
    except ec2.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "DependencyViolation", error
        return None


wait_until("the group can be deleted once the interfaces have drained", group_deleted)
again = ec2.delete_vpc_endpoints(VpcEndpointIds=[second])["Unsuccessful"]
assert [item["Error"]["Code"] for item in again] in ([], ["InvalidVpcEndpoint.NotFound"]), again
wait_until(
    "the second endpoint is stale for the cluster",
    lambda: connection(STANDARD, second) == "STATUS_STALE",
)
