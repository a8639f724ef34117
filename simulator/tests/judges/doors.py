"""boto3 starts runs, puts events, and gets into another account."""

import json

import boto3

from judge import refused

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-provision"
ROLE = "arn:aws:iam::444455556666:role/crdb-privatelink-spoke"

# Step Functions.
states = boto3.client("stepfunctions")
request = {"stateMachineArn": MACHINE, "name": "one", "input": '{"vpc_id": "vpc-1"}'}
first = states.start_execution(**request)
assert first["executionArn"].endswith(":execution:crdb-privatelink-provision:one"), first
assert first["startDate"].tzinfo is not None, "botocore reads the time"
assert states.start_execution(**request)["executionArn"] == first["executionArn"], "the same run"
taken = refused("ExecutionAlreadyExists", states.start_execution, **{**request, "input": "{}"})
assert "Execution Already Exists" in taken["Error"]["Message"], taken
run = states.describe_execution(executionArn=first["executionArn"])
assert run["status"] == "RUNNING" and run["input"] == request["input"] and run["stateMachineArn"] == MACHINE, run
refused("ExecutionDoesNotExist", states.describe_execution, executionArn=first["executionArn"] + "-not")
refused("StateMachineDoesNotExist", states.start_execution, stateMachineArn=MACHINE + "-not")
refused("InvalidName", states.start_execution, **{**request, "name": "a b"})
refused("InvalidExecutionInput", states.start_execution, **{**request, "name": "two", "input": "{"})
refused("UnknownOperationException", states.list_state_machines)
refused("UnknownOperationException", states.stop_execution, executionArn=first["executionArn"])

# EventBridge.
events = boto3.client("events")
good = {"Source": "crdb-privatelink", "DetailType": "Connection Ready", "Detail": json.dumps({"version": 1})}
answer = events.put_events(Entries=[good, {**good, "Detail": "[]"}])
assert answer["FailedEntryCount"] == 1 and answer["Entries"][0]["EventId"], answer
assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail", answer
refused("ValidationException", events.put_events, Entries=[good] * 11)

# STS, and EC2 as the other account sees it.
sts = boto3.client("sts")
assumed = sts.assume_role(RoleArn=ROLE, RoleSessionName="judge", ExternalId="handshake", DurationSeconds=900)
keys = assumed["Credentials"]
spoke = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
arn = assumed["AssumedRoleUser"]["Arn"]
assert arn == "arn:aws:sts::444455556666:assumed-role/crdb-privatelink-spoke/judge", assumed
vpcs = {name: client.describe_vpcs()["Vpcs"] for name, client in [("hub", boto3.client("ec2")), ("spoke", spoke.client("ec2"))]}
assert [vpc["VpcId"] for vpc in vpcs["hub"]] == ["vpc-0aaaaaaaaaaaaaaa1"], vpcs
assert [vpc["VpcId"] for vpc in vpcs["spoke"]] == ["vpc-0aaaaaaaaaaaaaaa2"], vpcs
session = {"RoleArn": ROLE, "RoleSessionName": "judge"}
denied = refused("AccessDenied", sts.assume_role, ExternalId="guess", **session)
assert denied["ResponseMetadata"]["HTTPStatusCode"] == 403 and ROLE in denied["Error"]["Message"], denied
refused("AccessDenied", sts.assume_role, **session)
refused("AccessDenied", spoke.client("sts").assume_role, ExternalId="handshake", **session)
refused("ValidationError", sts.assume_role, ExternalId="handshake", DurationSeconds=43200, **session)
refused("InvalidAction", sts.get_session_token)
assert sts.get_caller_identity()["Account"] == "111122223333"
assert spoke.client("sts").get_caller_identity()["Account"] == "444455556666"

# Tags of VPCs are set and found.
ec2 = boto3.client("ec2")
mine = "vpc-0aaaaaaaaaaaaaaa1"
prefix = "cockroachdb-privatelink"
assert ec2.describe_vpcs(Filters=[{"Name": "tag-key", "Values": [f"{prefix}:*"]}])["Vpcs"] == []
ec2.create_tags(Resources=[mine], Tags=[{"Key": f"{prefix}:cluster-id", "Value": "a, b"}, {"Key": "Name", "Value": "x"}])
for filters in [
    {"Name": "tag-key", "Values": [f"{prefix}:*"]},
    {"Name": f"tag:{prefix}:cluster-id", "Values": ["a, b"]},
    {"Name": f"tag:{prefix}:cluster-id", "Values": ["a*"]},
]:
    found = ec2.describe_vpcs(Filters=[filters])["Vpcs"]
    assert [vpc["VpcId"] for vpc in found] == [mine], (filters, found)
tags = {tag["Key"]: tag["Value"] for tag in found[0]["Tags"]}
assert tags == {f"{prefix}:cluster-id": "a, b", "Name": "x"}, tags
many = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
refused("TagLimitExceeded", ec2.create_tags, Resources=[mine], Tags=many)
ec2.delete_tags(Resources=[mine], Tags=[{"Key": f"{prefix}:cluster-id"}])
assert ec2.describe_vpcs(VpcIds=[mine])["Vpcs"][0]["Tags"] == [{"Key": "Name", "Value": "x"}]
refused("InvalidVpcID.NotFound", ec2.create_tags, Resources=["vpc-0aaaaaaaaaaaaaaa2"], Tags=many)
