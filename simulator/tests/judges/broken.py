"""boto3 meets connections that break, answers that never come, and throttles."""

import boto3
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from judge import refused

# One attempt, so that every fault is seen and none is got over.
once = Config(retries={"total_max_attempts": 1}, read_timeout=1)
secrets = boto3.client("secretsmanager", config=once)
dynamodb = boto3.client("dynamodb", config=once)
ec2 = boto3.client("ec2", config=once)


def breaks(error, call, **arguments):
    """The call ends in this error of the connection."""
    try:
        answer = call(**arguments)
    except error:
        return
    raise AssertionError(f"expected {error.__name__}, got an answer: {answer}")


breaks(ConnectionClosedError, secrets.get_secret_value, SecretId="key")
breaks(ReadTimeoutError, secrets.get_secret_value, SecretId="key")
refused("ThrottlingException", secrets.get_secret_value, SecretId="key")
failed = refused("InternalServiceError", secrets.get_secret_value, SecretId="key")
assert failed["ResponseMetadata"]["HTTPStatusCode"] == 500, failed
assert secrets.get_secret_value(SecretId="key")["SecretString"] == "CCDB1_old"

table, key = "crdb-privatelink-connections", {"connection_id": {"S": "one"}}
breaks(ConnectionClosedError, dynamodb.put_item, TableName=table, Item=key)
there = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
assert there["Item"] == key, "the call had taken effect"

breaks(ConnectionClosedError, ec2.describe_vpcs)
breaks(ReadTimeoutError, ec2.describe_vpcs)
throttled = refused("RequestLimitExceeded", ec2.describe_vpcs)
assert throttled["ResponseMetadata"]["HTTPStatusCode"] == 503, throttled
refused("UnauthorizedOperation", ec2.describe_vpcs)
assert len(ec2.describe_vpcs()["Vpcs"]) == 1
