//! DynamoDB, Step Functions, EventBridge and STS over HTTP.

use serde_json::{Value, json};

use crate::{Answer, Stage};

const TABLE: &str = "crdb-privatelink-connections";
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 \
                      Credential=simulated/20300101/eu-west-1/x/aws4_request, SignedHeaders=host";

impl Stage {
    /// A request that its target leads to a service.
    async fn target(&self, target: &str, input: &Value) -> std::io::Result<Answer> {
        let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: {target}\r\n{SIGNED}");
        self.send(&head, &input.to_string()).await
    }

    async fn form(&self, headers: &str, form: &str) -> Answer {
        let head = format!("POST / HTTP/1.1\r\n{SIGNED}{headers}");
        self.send(&head, form).await.expect("an answer comes")
    }
}

#[tokio::test]
async fn one_port_tells_the_services_apart() {
    let stage = Stage::new(|_| {}).await;
    let item = json!({ "TableName": TABLE, "Item": { "connection_id": { "S": "one" } } });
    let put = stage
        .target("DynamoDB_20120810.PutItem", &item)
        .await
        .unwrap();
    assert_eq!((put.status, put.body.as_str()), (200, "{}"));
    // The checksum of `{}`.
    assert_eq!(put.header("x-amz-crc32"), Some("2745614147"));
    let start = json!({
        "stateMachineArn":
            "arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-provision",
    });
    let started = stage
        .target("AWSStepFunctions.StartExecution", &start)
        .await;
    assert_eq!(started.unwrap().json()["startDate"], json!(0.0));
    let entries = json!({
        "Entries": [{ "Source": "s", "DetailType": "t", "Detail": "{}" }],
    });
    let events = stage.target("AWSEvents.PutEvents", &entries).await.unwrap();
    assert_eq!(events.json()["FailedEntryCount"], json!(0));
    let role = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me\
                &RoleArn=arn:aws:iam::444455556666:role/r";
    let denied = stage.form("", role).await;
    assert!(
        denied.body.contains("<Code>AccessDenied</Code>"),
        "{denied:?}"
    );
    let vpcs = stage
        .form("", "Action=DescribeVpcs&Version=2016-11-15")
        .await;
    assert!(vpcs.body.contains("vpc-0123456789abcdef0"), "{vpcs:?}");
    let operations: Vec<String> = stage
        .sim
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(
        operations,
        [
            "dynamodb:PutItem",
            "states:StartExecution",
            "events:PutEvents",
            "sts:AssumeRole",
            "ec2:DescribeVpcs",
        ]
    );
}

#[tokio::test]
async fn what_is_refused_is_refused_in_the_words_of_the_service() {
    let stage = Stage::new(|_| {}).await;
    let key = json!({ "TableName": TABLE, "Key": { "connection_id": { "S": "" } } });
    for (target, input, status, kind) in [
        (
            "DynamoDB_20120810.GetItem",
            &key,
            400,
            "com.amazonaws.dynamodb.v20120810#ValidationException",
        ),
        (
            "DynamoDB_20120810.ListTables",
            &key,
            400,
            "com.amazonaws.dynamodb.v20120810#UnknownOperationException",
        ),
        (
            "AWSStepFunctions.DescribeExecution",
            &json!({ "executionArn": "nonsense" }),
            400,
            "InvalidArn",
        ),
        (
            "AWSEvents.PutEvents",
            &json!({ "Entries": [] }),
            400,
            "ValidationException",
        ),
    ] {
        let answer = stage.target(target, input).await.unwrap();
        let document = answer.json();
        assert_eq!((answer.status, &document["__type"]), (status, &json!(kind)));
        assert!(document["message"].is_string(), "{document}");
    }
    for (form, code) in [
        ("Action=AssumeRole", "ValidationError"),
        ("Action=GetSessionToken", "InvalidAction"),
    ] {
        let refused = stage.form("", &format!("{form}&Version=2011-06-15")).await;
        let code = format!("<Code>{code}</Code>");
        assert!(refused.body.contains(&code), "{refused:?}");
    }
}

#[tokio::test]
async fn a_call_is_noted_with_who_made_it() {
    let stage = Stage::new(|_| {}).await;
    let agent = "\r\nUser-Agent: aws-sdk-rust/1.3 os/linux app/create-security-group lang/rust";
    let form = "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=g&GroupDescription=g\
                &VpcId=vpc-0123456789abcdef0&TagSpecification.1.ResourceType=security-group\
                &TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b";
    stage.form(agent, form).await;
    let form = "Action=ModifyVpcEndpoint&Version=2016-11-15\
                &VpcEndpointId=vpce-0123456789abcdef0&PrivateDnsEnabled=true";
    stage.form("", form).await;
    let calls = stage.sim.calls();
    assert_eq!(calls[0].by.as_deref(), Some("create-security-group"));
    assert_eq!(calls[1].by, None);
}
