"""boto3 looks at networks: what botocore makes of VPCs, subnets, peerings and attributes."""

import boto3

from judge import refused

ec2 = boto3.client("ec2")
MAIN = "vpc-0aaaaaaaaaaaaaaa1"
OTHER = "vpc-0aaaaaaaaaaaaaaa2"

vpcs = ec2.describe_vpcs()["Vpcs"]
assert {vpc["VpcId"] for vpc in vpcs} == {MAIN, OTHER}, vpcs
main = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["ma*"]}])["Vpcs"]
assert [vpc["VpcId"] for vpc in main] == [MAIN], "a filter may have a wildcard"
ranges = {entry["CidrBlock"]: entry["CidrBlockState"]["State"] for entry in main[0]["CidrBlockAssociationSet"]}
assert ranges == {"10.0.0.0/16": "associated", "10.1.0.0/16": "associated", "10.2.0.0/16": "disassociated"}, ranges
assert main[0]["State"] == "available" and main[0]["OwnerId"] == "111122223333", main
refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=["vpc-0ffffffffffffffff"])
refused("InvalidVpcID.Malformed", ec2.describe_vpcs, VpcIds=["no-vpc"])
refused("InvalidParameterValue", ec2.describe_vpcs, Filters=[{"Name": "no-such-filter", "Values": ["x"]}])
refused("UnknownParameter", ec2.describe_vpcs, DryRun=True)


def attribute(vpc, name):
    answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)
    return answer[name[0].upper() + name[1:]]["Value"]


assert attribute(MAIN, "enableDnsSupport") is True
assert attribute(OTHER, "enableDnsHostnames") is False
refused("InvalidParameterValue", ec2.describe_vpc_attribute, VpcId=OTHER, Attribute="enableNetworkAddressUsageMetrics")
refused("InvalidAction", ec2.modify_vpc_attribute, VpcId=OTHER, EnableDnsHostnames={"Value": True})

subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [MAIN]}])["Subnets"]
assert len(subnets) == 4 and all(subnet["State"] == "available" for subnet in subnets), subnets
first = next(subnet for subnet in subnets if subnet["SubnetId"].endswith("11"))
assert first["AvailabilityZoneId"] == "euw1-az1" and first["AvailabilityZone"] == "eu-west-1b", "names are aliases"
assert first["AvailableIpAddressCount"] == 251, "AWS keeps five addresses of every subnet"
refused("InvalidSubnetID.NotFound", ec2.describe_subnets, SubnetIds=["subnet-0ffffffffffffffff"])

peering = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"][0]
assert peering["Status"]["Code"] == "active", peering
assert peering["RequesterVpcInfo"]["VpcId"] == MAIN, peering
assert peering["AccepterVpcInfo"]["CidrBlockSet"] == [{"CidrBlock": "172.31.0.0/16"}], peering

acls = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [first["SubnetId"]]}])["NetworkAcls"]
assert [acl["IsDefault"] for acl in acls] == [True] and len(acls[0]["Associations"]) == 4, acls
rules = sorted((rule["Egress"], rule["RuleNumber"], rule["RuleAction"]) for rule in acls[0]["Entries"])
assert [rule[1:] for rule in rules if not rule[0]] == [(100, "allow"), (32767, "deny")], rules
by_id = [{"Name": "dhcp-options-id", "Values": [main[0]["DhcpOptionsId"]]}]
options = ec2.describe_dhcp_options(Filters=by_id)["DhcpOptions"][0]["DhcpConfigurations"]
servers = next(option["Values"] for option in options if option["Key"] == "domain-name-servers")
assert servers == [{"Value": "AmazonProvidedDNS"}], servers

refused("InvalidAction", ec2.describe_key_pairs)

pages = list(ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
assert sum(len(page["Subnets"]) for page in pages) == 5, pages
refused("InvalidNextToken", ec2.describe_subnets, NextToken="made up", MaxResults=5)

elsewhere = boto3.client("ec2", region_name="us-east-1")
assert elsewhere.describe_vpcs()["Vpcs"] == [], "another Region is another world"
stranger = boto3.client("ec2", aws_access_key_id="999988887777", aws_secret_access_key="x")
assert stranger.describe_vpcs()["Vpcs"] == [], "another account is another world"
