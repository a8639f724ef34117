"""Serves moto's Step Functions, whose interpreter is not ours, for a test.

    launcher.py LAMBDA_ENDPOINT

Tasks that name a Lambda function are sent to LAMBDA_ENDPOINT. The port is
chosen by the system and printed as the only line on standard output. The
server ends when its standard input is closed, so it never outlives a test,
however that ends.

Two things of moto are replaced while it runs. Its JSONata evaluation calls a
Java bridge that the package does not ship; a Python implementation takes its
place. And its clients of other services: the one of Lambda calls moto's own
Lambda, which would need Docker, and the others call AWS unless they are told
that moto is here.
"""

import os
import sys
import threading

import boto3
from botocore.config import Config
from jsonata import Jsonata

from moto.core.config import default_user_config

default_user_config["stepfunctions"] = {"execute_state_machine": True}

# The configuration above is read by what follows, and the models bring the
# whole interpreter with them.
import moto.stepfunctions.parser.models  # noqa: F401
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def evaluate(expression):
    """Evaluates JSONata; undefined is None, as the interpreter expects."""
    from moto.stepfunctions.parser.asl.jsonata.jsonata import JSONataException

    try:
        return Jsonata.jsonata(expression).evaluate(None)
    except Exception as error:
        raise JSONataException("UNKNOWN", str(error)) from error


def client_for(lambda_endpoint, own_endpoint):
    """Makes the replacement for the interpreter's way to its clients."""

    def boto_client_for(region, service, state_credentials=None):
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=lambda_endpoint if service == "lambda" else own_endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=600),
        )

    return boto_client_for


def replace(name, replacement):
    """Rebinds a name in every module of the interpreter that imported it."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("moto.stepfunctions.") and hasattr(module, name):
            setattr(module, name, replacement)


def main():
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    replace("eval_jsonata_expression", evaluate)
    replace("boto_client_for", client_for(sys.argv[1], f"http://127.0.0.1:{server.server_port}"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    # Executions that still wait must not keep the process alive.
    os._exit(0)


main()
