"""boto3 asks what went through an endpoint; its reader of CBOR is not ours."""

from datetime import datetime, timedelta, timezone

import boto3
import botocore.model

from judge import refused

# Left to itself botocore would choose JSON; SDKs of other languages take CBOR.
botocore.model.ServiceModel.resolved_protocol = "smithy-rpc-v2-cbor"

NAMESPACE = "AWS/PrivateLinkEndpoints"
USED = "vpce-0aaaaaaaaaaaaaaa1"
cloudwatch = boto3.client("cloudwatch")


def listed(endpoint, client=cloudwatch):
    named = [{"Name": "VPC Endpoint Id", "Value": endpoint}]
    return client.list_metrics(Namespace=NAMESPACE, Dimensions=named)["Metrics"]


def asked(metric, stat, minutes=60, period=60):
    now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
    times = {"StartTime": now - timedelta(minutes=minutes), "EndTime": now}
    return {"MetricDataQueries": [query], **times}


metrics = listed(USED)
assert {metric["MetricName"] for metric in metrics} == {"ActiveConnections", "BytesProcessed", "NewConnections"}
whole = {metric["MetricName"]: metric for metric in metrics if len(metric["Dimensions"]) == 4}
assert {dimension["Name"]: dimension["Value"] for dimension in whole["BytesProcessed"]["Dimensions"]} == {
    "Endpoint Type": "Interface",
    "Service Name": "com.amazonaws.eu-west-1.secretsmanager",
    "VPC Endpoint Id": USED,
    "VPC Id": "vpc-0aaaaaaaaaaaaaaa1",
}, whole
assert listed("vpce-0aaaaaaaaaaaaaaa2") == [], "nothing ever went through this one"
assert listed(USED, boto3.client("cloudwatch", region_name="us-east-1")) == []

(result,) = cloudwatch.get_metric_data(**asked(whole["BytesProcessed"], "Sum"))["MetricDataResults"]
assert result["StatusCode"] == "Complete" and set(result["Values"]) == {6000.0}, result
assert 58 <= len(result["Values"]) <= 60 and len(result["Timestamps"]) == len(result["Values"]), result
assert result["Timestamps"] == sorted(result["Timestamps"], reverse=True), "the newest comes first"
assert result["Timestamps"][0].tzinfo is not None and result["Timestamps"][0].second == 0, result["Timestamps"][0]
(result,) = cloudwatch.get_metric_data(**asked(whole["ActiveConnections"], "Maximum", period=3600))["MetricDataResults"]
assert result["Values"][0] == 7.0, result

misnamed = {**whole["BytesProcessed"], "Dimensions": whole["BytesProcessed"]["Dimensions"][:-1]}
(result,) = cloudwatch.get_metric_data(**asked(misnamed, "Sum"))["MetricDataResults"]
assert result["Values"] == [] and result["StatusCode"] == "Complete", result

invalid = refused("InvalidParameterValue", cloudwatch.get_metric_data, **asked(whole["BytesProcessed"], "Sum", minutes=0))
assert invalid["ResponseMetadata"]["HTTPStatusCode"] == 400, invalid
refused("UnknownOperationException", cloudwatch.list_dashboards)
