"""boto3 asks which private hosted zones a VPC has."""

import boto3

from judge import refused

route53 = boto3.client("route53")
ec2 = boto3.client("ec2")
BARE = {"VPCId": "vpc-0aaaaaaaaaaaaaaa1", "VPCRegion": "eu-west-1"}
ZONED = {"VPCId": "vpc-0aaaaaaaaaaaaaaa2", "VPCRegion": "eu-west-1"}

none = route53.list_hosted_zones_by_vpc(**BARE)
assert none["HostedZoneSummaries"] == [], "a VPC without zones has an empty list"
assert none["MaxItems"] == "100" and "NextToken" not in none, none

answer = route53.list_hosted_zones_by_vpc(**ZONED)
owners = {zone["Name"]: zone["Owner"] for zone in answer["HostedZoneSummaries"]}
assert owners == {
    "corp.example.": {"OwningAccount": "111122223333"},
    "db.corp.example.": {"OwningAccount": "111122223333"},
    "secretsmanager.eu-west-1.amazonaws.com.": {"OwningService": "vpce.amazonaws.com"},
}, owners

endpoint = ec2.describe_vpc_endpoints(VpcEndpointIds=["vpce-0aaaaaaaaaaaaaaa2"])["VpcEndpoints"][0]
private = endpoint["DnsEntries"][-1]
ids = {zone["Name"]: zone["HostedZoneId"] for zone in answer["HostedZoneSummaries"]}
assert ids[private["DnsName"] + "."] == private["HostedZoneId"], "both services mean the same hidden zone"

first = route53.list_hosted_zones_by_vpc(MaxItems="2", **ZONED)
assert len(first["HostedZoneSummaries"]) == 2 and first["MaxItems"] == "2", first
rest = route53.list_hosted_zones_by_vpc(MaxItems="2", NextToken=first["NextToken"], **ZONED)
assert first["HostedZoneSummaries"] + rest["HostedZoneSummaries"] == answer["HostedZoneSummaries"], rest
assert "NextToken" not in rest, rest

invalid = refused("InvalidPaginationToken", route53.list_hosted_zones_by_vpc, NextToken="made up", **BARE)
assert invalid["ResponseMetadata"]["HTTPStatusCode"] == 400, invalid
assert isinstance(route53.exceptions.InvalidPaginationToken, type), "botocore knows the shape"
refused("InvalidInput", route53.list_hosted_zones_by_vpc, VPCId="no-vpc", VPCRegion="eu-west-1")
refused("InvalidInput", route53.list_hosted_zones_by_vpc, MaxItems="many", **BARE)

absent = {"VPCId": "vpc-0ffffffffffffffff", "VPCRegion": "eu-west-1"}
denied = refused("AccessDenied", route53.list_hosted_zones_by_vpc, **absent)
assert denied["ResponseMetadata"]["HTTPStatusCode"] == 403, denied
assert denied["Error"]["Type"] == "Sender" and denied["ResponseMetadata"]["RequestId"], denied
refused("AccessDenied", route53.list_hosted_zones_by_vpc, VPCId=ZONED["VPCId"], VPCRegion="us-east-1")
stranger = boto3.client("route53", aws_access_key_id="999988887777", aws_secret_access_key="x")
refused("AccessDenied", stranger.list_hosted_zones_by_vpc, **ZONED)

refused("UnknownOperationException", route53.list_hosted_zones)
