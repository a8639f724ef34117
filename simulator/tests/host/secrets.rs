//! Secrets Manager over HTTP.

use serde_json::json;

use crate::{KEY, Stage};

#[tokio::test]
async fn a_secret_is_read_and_rotated_over_http() {
    let stage = Stage::new(|_| {}).await;
    let id = json!({ "SecretId": "cockroach/api-key" });
    let before = stage.secret("GetSecretValue", &id).await.json();
    assert!(
        before["SecretString"]
            .as_str()
            .is_some_and(|text| text.contains(KEY))
    );
    let new = json!({ "SecretId": before["ARN"], "SecretString": "CCDB1_new" });
    assert_eq!(
        stage.secret("PutSecretValue", &new).await.json()["VersionStages"],
        json!(["AWSCURRENT"])
    );
    assert_eq!(
        stage.secret("GetSecretValue", &id).await.json()["SecretString"],
        "CCDB1_new"
    );
    let described = stage.secret("DescribeSecret", &id).await.json();
    assert_eq!(
        described["VersionIdsToStages"]
            .as_object()
            .map(serde_json::Map::len),
        Some(2)
    );
}

#[tokio::test]
async fn what_secrets_manager_cannot_do_has_the_code_that_aws_gives() {
    let stage = Stage::new(|_| {}).await;
    for (operation, input, code) in [
        (
            "GetSecretValue",
            json!({ "SecretId": "nobody" }),
            "ResourceNotFoundException",
        ),
        (
            "GetSecretValue",
            json!({ "Secret": "nobody" }),
            "InvalidParameterException",
        ),
        ("ListSecrets", json!({}), "UnknownOperationException"),
        (
            "PutSecretValue",
            json!({ "SecretId": "cockroach/api-key" }),
            "InvalidRequestException",
        ),
    ] {
        let answer = stage.secret(operation, &input).await;
        assert_eq!(
            (answer.status, &answer.json()["__type"]),
            (400, &json!(code)),
            "{}",
            answer.body
        );
    }
}
