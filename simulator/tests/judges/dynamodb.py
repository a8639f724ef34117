"""boto3 keeps a ledger and a lease."""

import boto3
from boto3.dynamodb.conditions import Attr

from judge import refused

dynamodb = boto3.client("dynamodb")
table = boto3.resource("dynamodb").Table("crdb-privatelink-connections")
leases = boto3.resource("dynamodb").Table("crdb-privatelink-leases")

# The resource speaks in Python values, and turns them into those of the API.
table.put_item(Item={"connection_id": "one", "phase": "ready", "count": 3})
item = table.get_item(Key={"connection_id": "one"})["Item"]
assert item == {"connection_id": "one", "phase": "ready", "count": 3}, item
assert "Item" not in table.get_item(Key={"connection_id": "absent"})


def take(holder, now):
    return leases.update_item(
        Key={"vpc": "eu-west-1/vpc-1"},
        UpdateExpression="SET holder = :me, expires_at = :until",
        ConditionExpression="attribute_not_exists(holder) OR holder = :me OR expires_at < :now",
        ExpressionAttributeValues={":me": holder, ":now": now, ":until": now + 100},
        ReturnValues="ALL_NEW",
    )


assert take("a", 1000)["Attributes"]["expires_at"] == 1100
refused("ConditionalCheckFailedException", take, holder="b", now=1050)
assert isinstance(dynamodb.exceptions.ConditionalCheckFailedException, type), "botocore knows the shape"
assert take("b", 1101)["Attributes"]["holder"] == "b", "the lease was over"
gone = leases.delete_item(Key={"vpc": "eu-west-1/vpc-1"}, ConditionExpression=Attr("holder").eq("b"), ReturnValues="ALL_OLD")
assert gone["Attributes"]["holder"] == "b", gone

for number in range(10):
    table.put_item(Item={"connection_id": f"many-{number}"})
pages = list(dynamodb.get_paginator("scan").paginate(TableName=table.name, PaginationConfig={"PageSize": 4}))
assert [page["ScannedCount"] for page in pages] == [4, 4, 3], pages

refused("ResourceNotFoundException", dynamodb.get_item, TableName="another", Key={"id": {"S": "a"}})
refused("ValidationException", table.get_item, Key={"id": "one"})
refused("ValidationException", table.update_item, Key={"connection_id": "one"}, UpdateExpression="SET region = a")

# What the service knows and this world does not is refused by its name.
unknown = [
    ("the member FilterExpression", table.scan, {"FilterExpression": "attribute_exists(phase)"}),
    ("the member AttributesToGet", table.get_item, {"Key": {"connection_id": "one"}, "AttributesToGet": ["phase"]}),
    ("values of type BOOL", table.put_item, {"Item": {"connection_id": "two", "even": True}}),
    (
        "the function begins_with", table.delete_item,
        {"Key": {"connection_id": "one"}, "ConditionExpression": Attr("phase").begins_with("r")},
    ),
]
for what, call, arguments in unknown:
    error = refused("ValidationException", call, **arguments)["Error"]
    assert error["Message"] == f"the simulator does not know {what}", error

refused("UnknownOperationException", dynamodb.list_tables)
elsewhere = boto3.client("dynamodb", region_name="us-east-1")
refused("ResourceNotFoundException", elsewhere.scan, TableName=table.name)
