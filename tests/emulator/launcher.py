"""Serves ministack, an AWS emulator that is not ours, for a test.

    launcher.py CLOCK_START SPEED

The environment says the rest, as ministack documents it. The port is chosen by
the system and printed as the first line on standard output, as soon as
ministack answers there.

Each further line on standard input is a list of events in JSON, entries as
PutEvents takes them, that are put on the default bus as AWS itself would put
them: PutEvents refuses sources that begin with "aws.", there as on AWS. The
answer is one line. When standard input is closed, this process and all
functions that it started are killed, so nothing outlives a test, however that
ends.

Where ministack differs from AWS, it is changed while it runs:

- Its CloudFormation does not know versions and aliases of state machines, which
  its Step Functions has. Their resource types are added.
- A secret that a template gives no value has none, and not an empty text.
- A start by an alias or a version is authorized by the ARN of the machine (Step
  Functions developer guide, "Authorization for versions and aliases").
- StartExecution under the name of a run that is under way, with the same input,
  answers that run (Step Functions API reference, StartExecution: "idempotent").
- Step Functions' clock runs SPEED times as fast as on the wall, beginning with
  CLOCK_START (seconds since 1970) now: $now(), $millis() and the times of
  executions, like the wait states (SFN_WAIT_SCALE, which ministack has). It is
  the clock of the simulated world.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from datetime import datetime, timezone


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# What ministack prints must not be taken for an answer.
ANSWERS = os.dup(1)
os.dup2(2, 1)
os.setpgid(0, 0)

CLOCK_START, SPEED = float(sys.argv[1]), float(sys.argv[2])
BEGAN = time.monotonic()
PORT = free_port()

# Read when the modules are imported.
os.environ["GATEWAY_PORT"] = str(PORT)
os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{PORT}"
os.environ["SFN_WAIT_SCALE"] = str(1 / SPEED)

from jsonata.functions import Functions
from ministack import app
from ministack.core import iam_evaluator, responses
from ministack.services import eventbridge, secretsmanager, stepfunctions
from ministack.services.cloudformation import provisioners


def now():
    """The world's time, in seconds since 1970."""
    return CLOCK_START + (time.monotonic() - BEGAN) * SPEED


def run_step_functions_by_the_worlds_clock():
    def jsonata_now(picture=None, zone=None):
        return Functions.datetime_from_millis(int(now() * 1000), picture, zone)

    def now_iso():
        stamp = datetime.fromtimestamp(now(), timezone.utc)
        return stamp.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    register = stepfunctions._register_sfn_jsonata_functions

    def register_with_clock(expression):
        register(expression)
        expression.register_lambda("now", jsonata_now)
        expression.register_lambda("millis", lambda: int(now() * 1000))

    stepfunctions._register_sfn_jsonata_functions = register_with_clock
    stepfunctions.now_iso = now_iso


def answer(response):
    """The body of an answer of ministack's Step Functions."""
    status, _, body = response
    body = json.loads(body)
    if status >= 400:
        raise ValueError(f"{body.get('__type')}: {body.get('message')}")
    return body


def create_version(logical_id, properties, stack):
    request = {"stateMachineArn": properties["StateMachineArn"]}
    if "StateMachineRevisionId" in properties:
        request["revisionId"] = properties["StateMachineRevisionId"]
    arn = answer(stepfunctions._publish_state_machine_version(request))["stateMachineVersionArn"]
    return arn, {"Arn": arn}


def delete_version(arn, properties):
    stepfunctions._delete_state_machine_version({"stateMachineVersionArn": arn})


def routing(properties):
    preference = properties.get("DeploymentPreference")
    if preference:
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    return [
        {"stateMachineVersionArn": part["StateMachineVersionArn"], "weight": int(part["Weight"])}
        for part in properties["RoutingConfiguration"]
    ]


def create_alias(logical_id, properties, stack):
    request = {"name": properties["Name"], "routingConfiguration": routing(properties)}
    arn = answer(stepfunctions._create_state_machine_alias(request))["stateMachineAliasArn"]
    return arn, {"Arn": arn}


def update_alias(arn, old, new, stack):
    request = {"stateMachineAliasArn": arn, "routingConfiguration": routing(new)}
    answer(stepfunctions._update_state_machine_alias(request))
    return arn, {"Arn": arn}


def delete_alias(arn, properties):
    stepfunctions._delete_state_machine_alias({"stateMachineAliasArn": arn})


def add_resource_types():
    # A later ministack may bring its own.
    handlers = provisioners._RESOURCE_HANDLERS
    handlers.setdefault(
        "AWS::StepFunctions::StateMachineVersion",
        {"create": create_version, "delete": delete_version},
    )
    handlers.setdefault(
        "AWS::StepFunctions::StateMachineAlias",
        {"create": create_alias, "update": update_alias, "delete": delete_alias},
    )


def make_secrets_without_value():
    handler = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create = handler["create"]

    def create_secret(logical_id, properties, stack):
        made = create(logical_id, properties, stack)
        if not {"SecretString", "GenerateSecretString"} & properties.keys():
            secretsmanager._secrets[made[0]]["Versions"] = {}
        return made

    handler["create"] = create_secret


def start_the_same_run_once():
    start = stepfunctions._start_execution

    def start_execution(request):
        response = start(request)
        if response[0] < 400 or "name" not in request:
            return response
        # The name may be taken by a run of the same machine.
        machine = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
        for run in list(stepfunctions._executions.values()):
            same = run["stateMachineArn"] == machine and run["name"] == request["name"]
            if same and run["status"] == "RUNNING" and run["input"] == request.get("input", "{}"):
                started = {"executionArn": run["executionArn"], "startDate": run["startDate"]}
                return responses.json_response(started)
        return response

    stepfunctions._start_execution = start_execution


def authorize_by_the_machine():
    matches = iam_evaluator._resource_matches

    def matches_machine(resource, resources, not_resources):
        parts = resource.split(":")
        if parts[2:3] == ["states"] and parts[5:6] == ["stateMachine"]:
            resource = ":".join(parts[:7])
        return matches(resource, resources, not_resources)

    iam_evaluator._resource_matches = matches_machine


def say(line):
    os.write(ANSWERS, f"{line}\n".encode())


def put(line):
    responses.set_request_account_id(os.environ["MINISTACK_ACCOUNT_ID"])
    responses.set_request_region(os.environ["MINISTACK_REGION"])
    status, _, body = eventbridge._put_events({"Entries": json.loads(line)}, allow_aws_source=True)
    return {"status": status, "answer": json.loads(body)}


def serve_the_test():
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                break
        time.sleep(0.02)
    say(PORT)
    for line in sys.stdin:
        try:
            say(json.dumps(put(line)))
        except Exception as error:
            say(json.dumps({"status": 500, "answer": repr(error)}))
    os.killpg(os.getpgrp(), signal.SIGKILL)


run_step_functions_by_the_worlds_clock()
add_resource_types()
make_secrets_without_value()
authorize_by_the_machine()
start_the_same_run_once()
threading.Thread(target=serve_the_test, daemon=True).start()
sys.argv = ["ministack"]
app.main()
