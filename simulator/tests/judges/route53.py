"""boto3 asks which private hosted zones, Resolver rules and Profile a VPC has."""

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

page = route53.list_hosted_zones_by_name(DNSName="db.corp.example", MaxItems="1")
zone = page["HostedZones"][0]
assert zone["Name"] == "db.corp.example." and zone["Config"]["PrivateZone"], zone
assert zone["Id"].startswith("/hostedzone/") and page["IsTruncated"], page
assert page["NextDNSName"] == "db.corp.example.", "the second of that name"

resolver = boto3.client("route53resolver")
rules = {rule["Id"]: rule for rule in resolver.list_resolver_rules()["ResolverRules"]}
assert rules["rslvr-rr-1"]["DomainName"] == "corp.example.", rules
assert rules["rslvr-rr-1"]["RuleType"] == "FORWARD", rules
assert rules["rslvr-autodefined-rr-internet-resolver"]["RuleType"] == "RECURSIVE", rules
first = resolver.list_resolver_rules(MaxResults=1)
rest = resolver.list_resolver_rules(MaxResults=1, NextToken=first["NextToken"])
assert len(first["ResolverRules"]) == len(rest["ResolverRules"]) == 1 and "NextToken" not in rest, rest
by_rule = [{"Name": "ResolverRuleId", "Values": ["rslvr-rr-1"]}]
associations = resolver.list_resolver_rule_associations(Filters=by_rule)["ResolverRuleAssociations"]
assert [it["VPCId"] for it in associations] == [ZONED["VPCId"]], associations
by_vpc = [{"Name": "VPCId", "Values": [ZONED["VPCId"]]}]
refused("InvalidParameterException", resolver.list_resolver_rule_associations, Filters=by_vpc)
refused("InvalidNextTokenException", resolver.list_resolver_rules, NextToken="made up")
refused("UnknownOperationException", resolver.list_resolver_endpoints)

profiles = boto3.client("route53profiles")
associations = profiles.list_profile_associations(MaxResults=100)["ProfileAssociations"]
assert [(it["ProfileId"], it["ResourceId"]) for it in associations] == [("rp-1", ZONED["VPCId"])], associations
resources = profiles.list_profile_resource_associations(ProfileId="rp-1")["ProfileResourceAssociations"]
assert "arn:aws:route53:::hostedzone/Z01" in [it["ResourceArn"] for it in resources], resources
refused("ResourceNotFoundException", profiles.list_profile_resource_associations, ProfileId="rp-2")
refused("UnknownOperationException", profiles.list_profiles)
