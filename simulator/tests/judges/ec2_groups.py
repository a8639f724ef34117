"""boto3 looks at security groups, their rules, and tags."""

import boto3

from judge import refused, wait_until

ec2 = boto3.client("ec2")
VPC = "vpc-0aaaaaaaaaaaaaaa1"


def rule(cidr, port=26257):
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}]


default = ec2.describe_security_groups(
    Filters=[{"Name": "vpc-id", "Values": [VPC]}, {"Name": "group-name", "Values": ["default"]}]
)["SecurityGroups"]
assert len(default) == 1, default
refused("CannotDelete", ec2.delete_security_group, GroupId=default[0]["GroupId"])

tags = [{"Key": "owner", "Value": "judge"}]
made = ec2.create_security_group(
    GroupName="crdb", Description="for a judge", VpcId=VPC,
    TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
)
group_id = made["GroupId"]
assert made["Tags"] == tags, made
refused("InvalidGroup.Duplicate", ec2.create_security_group, GroupName="CRDB", Description="x", VpcId=VPC)
refused("InvalidGroup.Reserved", ec2.create_security_group, GroupName="default", Description="x", VpcId=VPC)
refused("InvalidParameterValue", ec2.create_security_group, GroupName="ümlaut", Description="x", VpcId=VPC)
refused("InvalidVpcID.NotFound", ec2.create_security_group, GroupName="a", Description="x", VpcId="vpc-0ffffffffffffffff")


def described():
    found = ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroups"]
    return found[0] if found else None


group = wait_until("the group is visible", described)
assert group["IpPermissions"] == [], "nothing may come in"
assert [entry["IpProtocol"] for entry in group["IpPermissionsEgress"]] == ["-1"], "everything may go out"

added = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rule("10.0.1.7/16"))["SecurityGroupRules"]
assert [entry["CidrIpv4"] for entry in added] == ["10.0.0.0/16"], "AWS writes ranges in their canonical form"
refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=group_id, IpPermissions=rule("10.0.0.0/16"))
ec2.authorize_security_group_ingress(
    GroupId=group_id,
    IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": 26257, "ToPort": 26257,
        "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "six"}],
        "UserIdGroupPairs": [{"GroupId": default[0]["GroupId"]}],
    }],
)
rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroupRules"]
inbound = [entry for entry in rules if not entry["IsEgress"]]
assert len(inbound) == 3 and all(entry["FromPort"] == 26257 for entry in inbound), rules
assert sum("ReferencedGroupInfo" in entry for entry in inbound) == 1, inbound
six = next(entry for entry in inbound if "CidrIpv6" in entry)
assert six["Description"] == "six", six

ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=[six["SecurityGroupRuleId"]])
gone = [six["SecurityGroupRuleId"]]
refused("InvalidSecurityGroupRuleId.NotFound", ec2.revoke_security_group_ingress, GroupId=group_id, SecurityGroupRuleIds=gone)
refused("UnknownParameter", ec2.revoke_security_group_ingress, GroupId=group_id, IpPermissions=rule("10.0.0.0/16"))
merged = described()["IpPermissions"]
assert len(merged) == 1 and len(merged[0]["UserIdGroupPairs"]) == 1, "rules of the same ports are one entry"

LIST, ABSENT, NEIGHBOUR = "pl-0aaaaaaaaaaaaaaa1", "pl-0ffffffffffffffff", "222222222222"
lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-id", "Values": [LIST, ABSENT]}])["PrefixLists"]
assert [(entry["PrefixListId"], entry["AddressFamily"], entry["MaxEntries"]) for entry in lists] == [(LIST, "IPv4", 3)], lists
of_aws = ec2.describe_managed_prefix_lists(Filters=[{"Name": "owner-id", "Values": ["AWS"]}])["PrefixLists"][0]
assert of_aws["PrefixListId"] == "pl-6da54004" and "MaxEntries" not in of_aws, of_aws


def named(prefix_list, group):
    pairs = [{"UserId": NEIGHBOUR, "GroupId": group}]
    lists = [{"PrefixListId": prefix_list}]
    return [{"IpProtocol": "tcp", "FromPort": 26258, "ToPort": 26258, "PrefixListIds": lists, "UserIdGroupPairs": pairs}]


by_name = named(LIST, "sg-0aaaaaaaaaaaaaa31")
added = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=by_name)["SecurityGroupRules"]
assert {entry.get("PrefixListId") or entry["ReferencedGroupInfo"]["UserId"] for entry in added} == {LIST, NEIGHBOUR}, added
ids = [entry["SecurityGroupRuleId"] for entry in added]
revoked = ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=ids)
assert sorted(entry["SecurityGroupRuleId"] for entry in revoked["RevokedSecurityGroupRules"]) == sorted(ids), revoked
for code, permissions in [
    ("InvalidPrefixListID.NotFound", named(ABSENT, "sg-0aaaaaaaaaaaaaa31")),
    ("InvalidGroup.NotFound", named(LIST, "sg-0ffffffffffffffff")),
]:
    refused(code, ec2.authorize_security_group_ingress, GroupId=group_id, IpPermissions=permissions)

ec2.create_tags(Resources=[group_id], Tags=[{"Key": "phase", "Value": "two"}])
changed = described()["Tags"]
assert {tag["Key"]: tag["Value"] for tag in changed} == {"owner": "judge", "phase": "two"}, changed
ec2.delete_tags(Resources=[group_id], Tags=[{"Key": "phase"}])
assert described()["Tags"] == tags

other = ec2.create_security_group(GroupName="other", Description="speaks of the first", VpcId=VPC)["GroupId"]


def speaks():
    try:
        return ec2.authorize_security_group_ingress(
            GroupId=other, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}]
        )
    except ec2.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidGroup.NotFound", error
        return None


wait_until("the other group can get a rule", speaks)
refused("DependencyViolation", ec2.delete_security_group, GroupId=group_id)
naming = ec2.describe_security_groups(Filters=[{"Name": "ip-permission.group-id", "Values": [group_id]}])
assert [group["GroupId"] for group in naming["SecurityGroups"]] == [other], naming
naming = ec2.describe_security_groups(Filters=[{"Name": "egress.ip-permission.group-id", "Values": [group_id]}])
assert naming["SecurityGroups"] == [], naming
holding = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group_id]}])
assert holding["NetworkInterfaces"] == [], holding
ec2.delete_security_group(GroupId=other)
ec2.delete_security_group(GroupId=group_id)
refused("InvalidGroup.NotFound", ec2.delete_security_group, GroupId=group_id)
refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupIds=[group_id])
