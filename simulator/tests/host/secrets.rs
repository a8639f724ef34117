//! Secrets Manager over HTTP.

use serde_json::json;

use crate::{KEY, Stage};

#[tokio::test]
async fn a_secret_is_read_over_http_also_after_it_was_rotated() {
    let stage = Stage::new(|_| {}).await;
    let id = json!({ "SecretId": "cockroach/api-key" });
    let before = stage.secret("GetSecretValue", &id).await.json();
    assert!(
        before["SecretString"]
            .as_str()
            .is_some_and(|text| text.contains(KEY))
    );
    stage.sim.meddle(|world| {
        let (now, new) = (world.now, "CCDB1_new".to_owned());
        world.secrets.put("cockroach/api-key", new, now);
    });
    let by_arn = json!({ "SecretId": before["ARN"] });
    assert_eq!(
        stage.secret("GetSecretValue", &by_arn).await.json()["SecretString"],
        "CCDB1_new"
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
            "UnknownOperationException",
        ),
    ] {
        let answer = stage.secret(operation, &input).await;
        let document = answer.json();
        assert_eq!(
            (answer.status, &document["__type"]),
            (400, &json!(code)),
            "{document}"
        );
        assert!(document["Message"].is_string(), "{document}");
    }
}
