"""The AWS CLI drives every operation once, in the order of a small story."""

import contextlib
import io
import json

import awscli.clidriver

from judge import STANDARD, expect, networking, wait_until

VPC = "vpc-0aaaaaaaaaaaaaaa1"
SERVICE = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb"
SUBNETS = ["subnet-0aaaaaaaaaaaaaa11", "subnet-0aaaaaaaaaaaaaa12"]


def aws(*arguments):
    """Runs a command as a shell would: its exit code, its JSON, its errors."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = awscli.clidriver.create_clidriver().main([*arguments, "--output", "json"])
    text = output.getvalue()
    return code, json.loads(text) if text.strip() else {}, errors.getvalue()


def ec2(*arguments):
    code, answer, errors = aws("ec2", *arguments)
    assert code == 0, f"aws ec2 {' '.join(arguments)}: {errors}"
    return answer


def secrets(*arguments):
    code, answer, errors = aws("secretsmanager", *arguments)
    assert code == 0, f"aws secretsmanager {' '.join(arguments)}: {errors}"
    return answer


def refused(code, *arguments):
    exit_code, answer, errors = aws(*arguments)
    assert exit_code != 0, f"expected {code}, got {answer}"
    assert f"({code})" in errors, f"expected {code}, got {errors}"


# Networks.
assert len(ec2("describe-vpcs")["Vpcs"]) == 2
assert ec2("describe-vpc-attribute", "--vpc-id", VPC, "--attribute", "enableDnsSupport")["EnableDnsSupport"]["Value"]
assert len(ec2("describe-subnets", "--filters", f"Name=vpc-id,Values={VPC}")["Subnets"]) == 4
assert len(ec2("describe-vpc-peering-connections")["VpcPeeringConnections"]) == 2
refused("InvalidVpcID.NotFound", "ec2", "describe-vpcs", "--vpc-ids", "vpc-0ffffffffffffffff")

# A group.
group = ec2("create-security-group", "--group-name", "cli", "--description", "cli", "--vpc-id", VPC)["GroupId"]
wait_until(
    "the group is visible",
    lambda: ec2("describe-security-groups", "--filters", f"Name=group-id,Values={group}")["SecurityGroups"],
)
rule = ["--group-id", group, "--protocol", "tcp", "--port", "26257", "--cidr", "10.0.0.0/16"]
assert ec2("authorize-security-group-ingress", *rule)["Return"] is True
refused("InvalidPermission.Duplicate", "ec2", "authorize-security-group-ingress", *rule)
rules = ec2("describe-security-group-rules", "--filters", f"Name=group-id,Values={group}")["SecurityGroupRules"]
inbound = [entry for entry in rules if not entry["IsEgress"]]
assert [entry["CidrIpv4"] for entry in inbound] == ["10.0.0.0/16"], rules
by_id = ["--group-id", group, "--security-group-rule-ids", inbound[0]["SecurityGroupRuleId"]]
assert ec2("revoke-security-group-ingress", *by_id)["Return"] is True

# An endpoint.
services = ec2("describe-vpc-endpoint-services", "--service-names", SERVICE)["ServiceDetails"]
assert services[0]["AcceptanceRequired"] is True, services
endpoint = ec2(
    "create-vpc-endpoint", "--vpc-endpoint-type", "Interface", "--vpc-id", VPC, "--service-name", SERVICE,
    "--subnet-ids", *SUBNETS, "--security-group-ids", group, "--no-private-dns-enabled",
    "--tag-specifications", "ResourceType=vpc-endpoint,Tags=[{Key=owner,Value=cli}]",
)["VpcEndpoint"]
endpoint_id = endpoint["VpcEndpointId"]
assert endpoint["State"] == "pendingAcceptance", endpoint


def state():
    found = ec2("describe-vpc-endpoints", "--filters", f"Name=vpc-endpoint-id,Values={endpoint_id}")["VpcEndpoints"]
    return found[0]["State"] if found else None


wait_until("the endpoint is visible", state)
ec2("create-tags", "--resources", endpoint_id, "--tags", "Key=phase,Value=two")
tags = ec2("describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint_id)["VpcEndpoints"][0]["Tags"]
assert {tag["Key"] for tag in tags} == {"owner", "phase"}, tags
ec2("delete-tags", "--resources", endpoint_id, "--tags", "Key=phase")
expect(200, networking("POST", STANDARD, "private-endpoint-connections", {"endpoint_id": endpoint_id}))
wait_until("the endpoint is available", lambda: state() == "available")
assert ec2("modify-vpc-endpoint", "--vpc-endpoint-id", endpoint_id, "--private-dns-enabled")["Return"] is True
wait_until("the endpoint is available again", lambda: state() == "available")

# The end.
assert ec2("delete-vpc-endpoints", "--vpc-endpoint-ids", endpoint_id)["Unsuccessful"] == []
unsuccessful = ec2("delete-vpc-endpoints", "--vpc-endpoint-ids", "vpce-0ffffffffffffffff")["Unsuccessful"]
assert unsuccessful[0]["Error"]["Code"] == "InvalidVpcEndpoint.NotFound", unsuccessful
refused("DependencyViolation", "ec2", "delete-security-group", "--group-id", group)
wait_until("the group can be deleted", lambda: aws("ec2", "delete-security-group", "--group-id", group)[0] == 0)

# Secrets.
assert secrets("get-secret-value", "--secret-id", "cockroach/raw")["VersionStages"] == ["AWSCURRENT"]
refused("ResourceNotFoundException", "secretsmanager", "get-secret-value", "--secret-id", "nobody")


# The ledger, the runs, the events, and who is asking.
def done(*arguments):
    code, answer, errors = aws(*arguments)
    assert code == 0, f"aws {' '.join(arguments)}: {errors}"
    return answer


table = ["--table-name", "crdb-privatelink-connections"]
key = ["--key", '{"connection_id": {"S": "cli"}}']
done("dynamodb", "put-item", *table, "--item", '{"connection_id": {"S": "cli"}, "phase": {"S": "ready"}}')
assert done("dynamodb", "get-item", *table, *key, "--consistent-read")["Item"]["phase"] == {"S": "ready"}
change = ["--update-expression", "SET phase = :p", "--expression-attribute-values", '{":p": {"S": "registered"}}']
changed = done("dynamodb", "update-item", *table, *key, *change, "--return-values", "ALL_NEW")
assert changed["Attributes"]["phase"] == {"S": "registered"}, changed
refused(
    "ConditionalCheckFailedException", "dynamodb", "delete-item", *table, *key,
    "--condition-expression", "attribute_not_exists(phase)",
)
assert done("dynamodb", "scan", *table, "--consistent-read")["Count"] == 1
done("dynamodb", "delete-item", *table, *key)
machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-check-fleet"
run = done("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", "{}")["executionArn"]
assert done("stepfunctions", "describe-execution", "--execution-arn", run)["status"] == "RUNNING"
event = '[{"Source": "cli", "DetailType": "Test", "Detail": "{}"}]'
assert done("events", "put-events", "--entries", event)["FailedEntryCount"] == 0
refused("AccessDenied", "sts", "assume-role", "--role-arn", "arn:aws:iam::444455556666:role/r", "--role-session-name", "cli")
