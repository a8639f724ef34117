"""Python's own HTTP client looks at the Cloud API."""

import boto3

from judge import (
    ADMIN, ADVANCED, BASIC, OPERATOR, READER, STANDARD, cloud, connection, expect, networking, wait_until,
)

NOBODY = "99999999-9999-4999-8999-999999999999"

# Clusters.
cluster = expect(200, cloud("GET", f"/api/v1/clusters/{ADVANCED}"))
assert cluster["cloud_provider"] == "AWS" and cluster["state"] == "CREATED", cluster
assert "dedicated" in cluster["config"] and "serverless" not in cluster["config"], cluster
assert cluster["deleted_at"] is None and cluster["plan"] == "ADVANCED", cluster
standard = expect(200, cloud("GET", f"/api/v1/clusters/{STANDARD}"))["config"]["serverless"]
assert standard["usage_limits"]["provisioned_virtual_cpus"] == "2", "64-bit numbers are text"

assert expect(200, cloud("GET", f"/api/v1/clusters/{BASIC}", key=READER))["plan"] == "BASIC"

# What the document knows and this world does not is refused by its name.
unserved = expect(501, cloud("GET", "/api/v1/clusters?pagination.limit=2"))
assert unserved["message"] == "the simulator does not serve CockroachCloud_ListClusters", unserved

# Who may do what.
assert expect(401, cloud("GET", f"/api/v1/clusters/{ADVANCED}", key="CCDB1_x_y"))["code"] == 16
assert expect(403, networking("GET", STANDARD, "private-endpoint-services", key=READER))["code"] == 7
assert expect(404, cloud("GET", f"/api/v1/clusters/{NOBODY}"))["code"] == 5
expect(400, cloud("GET", "/api/v1/clusters/not-a-uuid"))
expect(400, cloud("GET", f"/api/v1/clusters/{ADVANCED}", version="1999-01-01"))
expect(200, cloud("GET", f"/api/v1/clusters/{ADVANCED}", version=None))

# What the official document does not know is refused.
expect(400, cloud("GET", f"/api/v1/clusters/{ADVANCED}?fields=id"))
expect(400, networking("GET", STANDARD, "private-endpoint-connections/vpce-0123456789abcdef0"))
expect(400, networking("POST", ADVANCED, "private-endpoint-services", {}))
expect(400, networking("POST", STANDARD, "private-endpoint-connections", {"endpoint": "vpce-1"}))
expect(400, networking("POST", STANDARD, "private-endpoint-connections", raw=b"{"))

# Services.
assert expect(200, networking("GET", BASIC, "private-endpoint-services")) == {"services": []}
expect(400, networking("POST", STANDARD, "private-endpoint-services"))
assert expect(200, networking("GET", ADVANCED, "private-endpoint-services"))["services"] == []
asked = expect(200, networking("POST", ADVANCED, "private-endpoint-services"))["services"]
assert [entry["status"] for entry in asked] == ["CREATING"], "regions show up one after another"


def all_available():
    services = expect(200, networking("GET", ADVANCED, "private-endpoint-services"))["services"]
    return len(services) == 2 and all(entry["status"] == "AVAILABLE" for entry in services) and services


services = wait_until("the services of both regions are available", all_available)
again = expect(200, networking("POST", ADVANCED, "private-endpoint-services"))["services"]
assert again == services, "asking again is harmless"
service = services[0]
assert service["name"] == service["aws"]["service_name"], service
assert service["availability_zone_ids"] == ["euw1-az1", "euw1-az2", "euw1-az3"], service

# Connections.
ec2 = boto3.client("ec2")
endpoint = ec2.create_vpc_endpoint(
    VpcEndpointType="Interface", VpcId="vpc-0aaaaaaaaaaaaaaa1", ServiceName=service["name"],
    SubnetIds=["subnet-0aaaaaaaaaaaaaa11"],
)["VpcEndpoint"]["VpcEndpointId"]
expect(404, networking("POST", STANDARD, "private-endpoint-connections", {"endpoint_id": endpoint}))
expect(404, networking("POST", ADVANCED, "private-endpoint-connections", {"endpoint_id": "vpce-0fffffffffffffff0"}))


def registered():
    status, answer = networking("POST", ADVANCED, "private-endpoint-connections", {"endpoint_id": endpoint})
    assert status in (200, 404), (status, answer)
    return answer if status == 200 else None


added = wait_until("the cluster's side can see the endpoint", registered)
assert added["region_name"] == "eu-west-1" and added["external_owner_id"] == "111122223333", added
assert added["status"] in ("STATUS_PENDING", "STATUS_PENDING_ACCEPTANCE"), added
wait_until("the registration is available", lambda: connection(ADVANCED, endpoint) == "STATUS_AVAILABLE")
assert expect(200, networking("DELETE", ADVANCED, f"private-endpoint-connections/{endpoint}")) == {}
wait_until("the registration is gone", lambda: connection(ADVANCED, endpoint) is None)
expect(404, networking("DELETE", ADVANCED, f"private-endpoint-connections/{endpoint}"))

# Trusted owners.
owners = "private-endpoint-trusted-owners"
body = {"type": "AWS_ACCOUNT_ID", "external_owner_id": "999988887777"}
assert expect(200, networking("GET", ADVANCED, owners)) == {}, "the list is optional"
expect(403, networking("POST", ADVANCED, owners, body, key=OPERATOR))
owner = expect(200, networking("POST", ADVANCED, owners, body, key=ADMIN))["trusted_owner"]
assert owner["cluster_id"] == ADVANCED and owner["id"] != owner["external_owner_id"], owner
assert expect(200, networking("GET", ADVANCED, owners))["trusted_owners"] == [owner]
expect(400, networking("POST", ADVANCED, "private-endpoint-connections", {"endpoint_id": endpoint}))
assert expect(200, networking("DELETE", ADVANCED, f"{owners}/{owner['id']}", key=ADMIN))["trusted_owner"] == owner
expect(404, networking("DELETE", ADVANCED, f"{owners}/{owner['id']}", key=ADMIN))

# An endpoint that is deleted behind the cluster's back leaves a stale entry.
wait_until("the endpoint can be attached again", registered)
ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
wait_until("the entry is stale", lambda: connection(ADVANCED, endpoint) == "STATUS_STALE")
expect(200, networking("DELETE", ADVANCED, f"private-endpoint-connections/{endpoint}"))
wait_until("the stale entry is gone", lambda: connection(ADVANCED, endpoint) is None)
