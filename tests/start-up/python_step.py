"""The step create-security-group in Python with boto3, with the shortest
runtime loop there is, for a fair comparison of start-up and memory."""

import http.client
import json
import os

import boto3

ec2 = boto3.client("ec2")


def handle(event):
    found = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [event["connection"]["vpc_id"]]},
            {"Name": "group-name", "Values": [event["security_group"]["name"]]},
        ]
    )["SecurityGroups"]
    if found:
        group = found[0]["GroupId"]
    else:
        group = ec2.create_security_group(
            VpcId=event["connection"]["vpc_id"],
            GroupName=event["security_group"]["name"],
            Description="CockroachDB Cloud over PrivateLink",
        )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 26257,
                "ToPort": 26257,
                "IpRanges": [
                    {"CidrIp": source["cidr"]} for source in event["security_group"]["sources"]
                ],
            }
        ],
    )
    return {"security_group_id": group}


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    invocation = "/2018-06-01/runtime/invocation/"
    while True:
        runtime.request("GET", invocation + "next")
        answer = runtime.getresponse()
        event = json.loads(answer.read())
        request = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            kind, body = "response", handle(event)
        except Exception as error:
            kind, body = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        runtime.request("POST", f"{invocation}{request}/{kind}", json.dumps(body))
        runtime.getresponse().read()


main()
