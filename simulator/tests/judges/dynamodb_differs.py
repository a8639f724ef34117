"""The simulator's DynamoDB and moto's are asked the same; both must answer the same.

moto is an emulator that we did not write. Where it is known to differ from what AWS
documents, or breaks, the case says so, and the simulator is held to the documented outcome.
"""

import logging
import os
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

TABLE = "crdb-privatelink-connections"
ONE = {"connection_id": {"S": "one"}}

# moto breaks at some requests; its traces are nothing that a person wants to read.
logging.getLogger("werkzeug").setLevel(logging.CRITICAL)


def client(url):
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="simulated",
        aws_secret_access_key="simulated",
        # What is wrong must reach the service, and once.
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def moto():
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = client(f"http://127.0.0.1:{server.server_port}")
    made.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "connection_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "connection_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return made


SIDES = [client(os.environ["AWS_ENDPOINT_URL_DYNAMODB"]), moto()]
cases, differences, same_words = 0, [], 0


def ask(side, operation, arguments):
    try:
        answer = getattr(side, operation)(**{"TableName": TABLE, **arguments})
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        return (error.response["Error"]["Code"], None), message
    answer.pop("ResponseMetadata")
    # moto answers it to everybody.
    answer.pop("ConsumedCapacity", None)
    if "Items" in answer:
        # Each has an order of its own.
        answer["Items"].sort(key=lambda item: item["connection_id"]["S"])
    return ("ok", answer), ""


def check(operation, documented=None, **arguments):
    """Asks both. `documented` is what AWS says where moto is known to differ from it."""
    global cases, same_words
    cases += 1
    (ours, our_words), (theirs, their_words) = (ask(side, operation, arguments) for side in SIDES)
    shown = f"{operation} {arguments}\n  simulator: {ours} {our_words}\n  moto:      {theirs} {their_words}"
    if documented is not None:
        if ours == theirs:
            differences.append(f"moto has learned it; drop the exception: {shown}")
        if ours[0] != documented and ours != ("ok", documented):
            differences.append(f"not as documented ({documented}): {shown}")
    elif ours != theirs:
        differences.append(shown)
    elif our_words and our_words == their_words:
        same_words += 1


def put(**attributes):
    """The one item as it begins."""
    for side in SIDES:
        side.put_item(TableName=TABLE, Item={**ONE, **attributes})


def start():
    put(phase={"S": "ready"}, expires_at={"N": "100"}, letter={"S": "a"})


# Conditions. A delete that is refused changes nothing; one that is not takes the item away.
VALUES = {
    ":ready": {"S": "ready"}, ":re": {"S": "re"}, ":a": {"S": "a"},
    ":n9": {"N": "9"}, ":n99": {"N": "99"}, ":n100": {"N": "100"},
}


def condition(text, documented=None, names=None, check=check):
    start()
    used = {name: value for name, value in VALUES.items() if name in text.replace("(", " ").replace(")", " ").replace(",", " ").split()}
    arguments = {"Key": ONE, "ConditionExpression": text, "ReturnValues": "ALL_OLD"}
    if used:
        arguments["ExpressionAttributeValues"] = used
    if names:
        arguments["ExpressionAttributeNames"] = names
    check("delete_item", documented, **arguments)


condition("phase = :ready")
condition("absent = :ready")
condition("NOT absent = :ready")
condition("absent < :n100")
condition("expires_at = :n100")
condition("expires_at > :n99 AND expires_at > :n9")
condition("expires_at < :n9 OR expires_at < :n100")
condition("expires_at < :ready", documented="ConditionalCheckFailedException")
condition("phase IN ( :a , :ready )")
condition("phase IN ( :a , :re )")
condition("NOT ( phase IN ( :a , :ready ) )")
condition("attribute_exists(phase)")
condition("attribute_not_exists(phase)")
condition("attribute_not_exists(absent) OR absent = :a")
condition("phase = :ready OR absent = :a AND absent = :a")
condition("( phase = :ready OR absent = :a ) AND absent = :a")
condition("NOT phase = :ready OR letter = :a")
condition("#p = :ready", names={"#p": "phase"})

# Conditions that break a rule.
condition("phase = :undefined", documented="ValidationException")
condition("#undefined = :a", documented="ValidationException")
condition("phase == :a", documented="ValidationException")
condition("phase = :a phase", documented="ValidationException")
condition("phase =", documented="ValidationException")
condition("( phase = :a", documented="ValidationException")
condition("exists(phase)")
condition("region = :a")
condition("request = :a")
condition("((phase = :a ))")
condition("phase = phase", documented="ValidationException")
condition("phase = :a", names={"#unused": "b"})
condition("", documented="ValidationException")


# Updates.
def update(text, documented=None, values=None, names=None, check=check, **more):
    start()
    arguments = {"Key": ONE, "UpdateExpression": text, "ReturnValues": "ALL_NEW", **more}
    if values:
        arguments["ExpressionAttributeValues"] = values
    if names:
        arguments["ExpressionAttributeNames"] = names
    check("update_item", documented, **arguments)


A, N = {":a": {"S": "a"}}, {":n": {"N": "7"}}
update("SET phase = :a", values=A)
update("set phase = :a remove letter", values=A)
update("SET expires_at = if_not_exists(expires_at, :n), later = if_not_exists(later, :n)", values=N)
update("REMOVE phase, absent")
update("SET #r = :a, #q = :a", values=A, names={"#r": "region", "#q": "request"})
update("SET phase = :a", values=A, ConditionExpression="attribute_exists(phase)")
update("SET phase = :a", values=A, ConditionExpression="attribute_not_exists(phase)")
update("SET phase = :a", values=A, Key={"connection_id": {"S": "fresh"}})
update("SET phase = :a", values=A, ReturnValues="ALL_OLD")
update("SET phase = :a", values=A, ReturnValues="NONE")

# Updates that break a rule.
update("SET phase = :a, phase = :a", values=A)
update("SET phase = :a SET letter = :a", values=A)
update("SET connection_id = :a", values=A)
update("SET region = :a", values=A)
update("SET phase = newest(:a, :a)", values=A)
update("SET phase = :undefined", values=A)
update("SET phase = :a", values={":unused": {"S": "b"}, **A})
update("phase = :a", values=A)
update("SET phase = :a", values=A, ReturnValues="SOMETHING")


# What moto knows and the simulator does not, it refuses by name and does not do.
def unknown(operation, documented=None, **arguments):
    global cases
    cases += 1
    before = ask(SIDES[0], "scan", {})
    (code, _), words = ask(SIDES[0], operation, arguments)
    if code != "ValidationException" or "the simulator does not know " not in words:
        differences.append(f"not refused by name: {operation} {arguments}: {code} {words}")
    if before != ask(SIDES[0], "scan", {}):
        differences.append(f"refused and done: {operation} {arguments}")
    if ask(SIDES[1], operation, arguments)[0][0] == "ValidationException":
        differences.append(f"moto refuses it, too: {operation} {arguments}")


for text in [
    "phase <> :re", "expires_at <= :n100", "expires_at >= :n99", "expires_at BETWEEN :n99 AND :n100",
    "begins_with(phase, :re )", "contains(phase, :a )", "size(phase) < :n99", "attribute_not_exists(phase.deep)",
]:
    condition(text, check=unknown)
for text, values in [
    ("SET expires_at = expires_at + :n", N), ("SET expires_at = expires_at - :n", N), ("SET letter = phase", None),
    ("SET later = list_append(:l, :l)", {":l": {"L": [{"S": "three"}]}}), ("ADD expires_at :n", N),
]:
    update(text, values=values, check=unknown)
for value in [{"BOOL": True}, {"NULL": True}, {"L": []}, {"M": {}}, {"SS": ["a"]}, {"NS": ["1"]}, {"N": "0.5"}, {"N": "1e2"}]:
    unknown("put_item", Item={**ONE, "value": value})
unknown("get_item", Key=ONE, ProjectionExpression="phase")
unknown("scan", FilterExpression="attribute_exists(phase)")

# Keys, items and values.
start()
check("get_item", Key=ONE)
check("get_item", Key={"connection_id": {"S": "absent"}})
check("get_item", Key={"id": {"S": "one"}})
check("get_item", Key={"connection_id": {"N": "1"}}, documented="ValidationException")
check("get_item", Key={**ONE, "phase": {"S": "ready"}})
check("get_item", Key={"connection_id": {"S": ""}})
check("get_item", Key=ONE, TableName="another")
check("put_item", Item={"phase": {"S": "ready"}})
check("put_item", Item={"connection_id": {"S": ""}})
check("put_item", Item={"connection_id": {"N": "1"}})
check("put_item", Item={**ONE, "large": {"S": "x" * 410_000}})
check("put_item", Item={**ONE, "number": {"N": "many"}})
check("put_item", Item=ONE, ReturnValues="ALL_NEW")
check("put_item", Item={**ONE, "phase": {"S": ""}}, ReturnValues="ALL_OLD")
check("put_item", Item=ONE, ConditionExpression="attribute_not_exists(connection_id)")
check("delete_item", Key=ONE, ExpressionAttributeNames={"#a": "b"})
check("update_item", Key=ONE, ExpressionAttributeValues=A)

# Scans.
for number in range(7):
    for side in SIDES:
        side.put_item(TableName=TABLE, Item={"connection_id": {"S": f"scan-{number}"}})
check("scan")
check("scan", Limit=0, documented="ValidationException")
check("scan", ExclusiveStartKey={"id": {"S": "a"}}, documented="ValidationException")
# Page by page both have everything once.
for side in SIDES:
    seen = []
    for page in side.get_paginator("scan").paginate(TableName=TABLE, PaginationConfig={"PageSize": 3}):
        seen += [item["connection_id"]["S"] for item in page["Items"]]
    assert len(seen) == len(set(seen)) and {f"scan-{number}" for number in range(7)} <= set(seen), seen

print(f"{cases} requests, {same_words} refusals in the same words")
assert not differences, "\n".join([f"{len(differences)} of {cases} requests:", *differences])
