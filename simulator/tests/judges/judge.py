"""What the judges share: a way to expect errors, a way to wait, and a client of the Cloud API."""

import json
import os
import time
import urllib.error
import urllib.request

from botocore.exceptions import ClientError

ADVANCED = "11111111-1111-4111-8111-111111111111"
STANDARD = "22222222-2222-4222-8222-222222222222"
BASIC = "33333333-3333-4333-8333-333333333333"

OPERATOR = "CCDB1_operatoroperatoropera_operatoroperatoroperatoroperatoroperator"
ADMIN = "CCDB1_adminadminadminadmina_adminadminadminadminadminadminadminadmin"
READER = "CCDB1_readerreaderreaderrea_readerreaderreaderreaderreaderreaderread"


def refused(code, call, **arguments):
    """The call is refused with this code; returns the whole error for more questions."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"expected the code {code}, got {found}: {error}"
        return error.response
    raise AssertionError(f"expected the code {code}, got an answer: {answer}")


def wait_until(what, condition, seconds=60):
    """Waits until a condition holds and returns what made it true."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds} s in vain until {what}"
        time.sleep(0.05)


def cloud(method, path, body=None, key=OPERATOR, version="2024-09-16", raw=None):
    """A request to the Cloud API: its status and its JSON."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {key}"}
    if version is not None:
        headers["Cc-Version"] = version
    data = raw
    if body is not None:
        data = json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(
        os.environ["COCKROACH_SERVER"] + path, data=data, headers=headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def networking(method, cluster, path, body=None, key=OPERATOR, raw=None):
    """The same for what lies under the networking path of a cluster."""
    return cloud(method, f"/api/v1/clusters/{cluster}/networking/{path}", body, key, raw=raw)


def expect(status, outcome):
    """The JSON of an answer that must have this status."""
    assert outcome[0] == status, f"expected HTTP {status}, got {outcome}"
    return outcome[1]


def connection(cluster, endpoint_id):
    """The status of an endpoint in the list of a cluster, or None."""
    listed = expect(200, networking("GET", cluster, "private-endpoint-connections"))["connections"]
    found = [entry["status"] for entry in listed if entry["endpoint_id"] == endpoint_id]
    assert len(found) <= 1, f"{endpoint_id} is listed more than once: {listed}"
    return found[0] if found else None
