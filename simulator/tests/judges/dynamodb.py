"""boto3 keeps a ledger and a lease."""

import boto3
from boto3.dynamodb.conditions import Attr

from judge import refused

dynamodb = boto3.client("dynamodb")
table = boto3.resource("dynamodb").Table("crdb-privatelink-connections")
leases = boto3.resource("dynamodb").Table("crdb-privatelink-leases")

# The resource speaks in Python values, and turns them into those of the API.
table.put_item(Item={"connection_id": "one", "phase": "ready", "count": 3, "steps": ["a", {"b": True}], "none": None})
item = table.get_item(Key={"connection_id": "one"})["Item"]
assert item == {"connection_id": "one", "phase": "ready", "count": 3, "steps": ["a", {"b": True}], "none": None}, item
assert "Item" not in table.get_item(Key={"connection_id": "absent"})


def take(holder, now):
    return leases.update_item(
        Key={"vpc": "eu-west-1/vpc-1"},
        UpdateExpression="SET holder = :me, expires_at = :until",
        ConditionExpression="attribute_not_exists(holder) OR holder = :me OR expires_at < :now",
        ExpressionAttributeValues={":me": holder, ":now": now, ":until": now + 100},
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


assert take("a", 1000)["Attributes"]["expires_at"] == 1100
held = refused("ConditionalCheckFailedException", take, holder="b", now=1050)
assert held["Item"]["holder"] == {"S": "a"}, held
assert isinstance(dynamodb.exceptions.ConditionalCheckFailedException, type), "botocore knows the shape"
assert take("b", 1101)["Attributes"]["holder"] == "b", "the lease was over"
gone = leases.delete_item(Key={"vpc": "eu-west-1/vpc-1"}, ConditionExpression=Attr("holder").eq("b"), ReturnValues="ALL_OLD")
assert gone["Attributes"]["holder"] == "b", gone

for number in range(10):
    table.put_item(Item={"connection_id": f"many-{number}", "even": number % 2 == 0})
pages = list(dynamodb.get_paginator("scan").paginate(TableName=table.name, PaginationConfig={"PageSize": 4}))
assert [page["ScannedCount"] for page in pages] == [4, 4, 3], pages
found = table.scan(FilterExpression=Attr("even").eq(True) & Attr("connection_id").begins_with("many-"))
assert found["Count"] == 5 and found["ScannedCount"] == 11, found

refused("ResourceNotFoundException", dynamodb.get_item, TableName="another", Key={"id": {"S": "a"}})
refused("ValidationException", table.get_item, Key={"id": "one"})
refused("ValidationException", table.update_item, Key={"connection_id": "one"}, UpdateExpression="SET region = a")
refused("ValidationException", table.get_item, Key={"connection_id": "one"}, AttributesToGet=["phase"])
refused("UnknownOperationException", dynamodb.list_tables)
elsewhere = boto3.client("dynamodb", region_name="us-east-1")
refused("ResourceNotFoundException", elsewhere.scan, TableName=table.name)
