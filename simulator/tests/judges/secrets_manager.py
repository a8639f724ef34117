"""boto3 looks at Secrets Manager."""

import json

import boto3

from judge import OPERATOR, refused

secrets = boto3.client("secretsmanager")

value = secrets.get_secret_value(SecretId="cockroach/api-key")
assert json.loads(value["SecretString"]) == {"api_key": OPERATOR}, value
assert value["VersionStages"] == ["AWSCURRENT"], value
assert value["CreatedDate"].tzinfo is not None, "botocore reads the time"
assert value["ARN"].startswith("arn:aws:secretsmanager:eu-west-1:111122223333:secret:cockroach/api-key-"), value

by_arn = secrets.get_secret_value(SecretId=value["ARN"])
assert by_arn["VersionId"] == value["VersionId"], "an ARN leads to the same version"
assert secrets.get_secret_value(SecretId="cockroach/raw")["SecretString"] == OPERATOR

missing = refused("ResourceNotFoundException", secrets.get_secret_value, SecretId="nobody")
assert missing["Error"]["Message"] == "Secrets Manager can't find the specified secret.", missing
assert isinstance(secrets.exceptions.ResourceNotFoundException, type), "botocore knows the shape"
empty = refused("ResourceNotFoundException", secrets.get_secret_value, SecretId="cockroach/empty")
assert "staging label: AWSCURRENT" in empty["Error"]["Message"], empty
leaving = refused("InvalidRequestException", secrets.get_secret_value, SecretId="cockroach/leaving")
assert "marked for deletion" in leaving["Error"]["Message"], leaving
refused("AccessDeniedException", secrets.get_secret_value, SecretId="cockroach/foreign")
refused("DecryptionFailure", secrets.get_secret_value, SecretId="cockroach/sealed")
refused("UnknownOperationException", secrets.list_secrets)

# What the service knows and this world does not is refused by its name.
older = refused(
    "InvalidParameterException", secrets.get_secret_value, SecretId="cockroach/raw", VersionStage="AWSPREVIOUS"
)
assert "VersionStage" in older["Error"]["Message"], older
