//! The key that the Cloud API is asked with.

use shared::Code;
use shared::cloud::Cloud;
use simulator::scenario::KeySpec;

use crate::stage::{CLUSTER, KEY, OTHER_KEY, SECRET, Stage, parsed};

fn rotate(stage: &Stage, known: &str) {
    stage.sim.meddle(|world| {
        let now = world.now;
        world.cloud.keys.revoke(KEY);
        let roles = vec!["CLUSTER_ADMIN".to_owned()];
        world.cloud.keys.add(&KeySpec {
            secret: known.to_owned(),
            roles,
            clusters: Vec::new(),
            other_organization: false,
        });
        world.secrets.put(SECRET, OTHER_KEY.to_owned(), now);
    });
}

#[tokio::test]
async fn the_key_is_read_once_for_many_calls() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    for _ in 0..3 {
        cloud.cluster(&parsed(CLUSTER)).await.unwrap();
    }
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 1);
}

#[tokio::test]
async fn a_rotated_key_is_read_again_once() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    cloud.cluster(&parsed(CLUSTER)).await.unwrap();
    rotate(&stage, OTHER_KEY);
    assert!(cloud.cluster(&parsed(CLUSTER)).await.unwrap().is_some());
    cloud.registrations(&parsed(CLUSTER)).await.unwrap();
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 2);
    assert_eq!(stage.count("cloud:GET cluster"), 3);
}

#[tokio::test]
async fn a_key_that_stays_refused_is_an_error_after_one_more_look() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    stage.sim.meddle(|world| world.cloud.keys.revoke(KEY));
    let error = cloud.cluster(&parsed(CLUSTER)).await.unwrap_err();
    assert_eq!(error.code, Code::ApiKeyRefused);
    // The secret holds the same key still, so there is nothing to try again with.
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 2);
    assert_eq!(stage.count("cloud:GET cluster"), 1);

    rotate(&stage, "CCDB1_somebody_else");
    let error = cloud.cluster(&parsed(CLUSTER)).await.unwrap_err();
    assert_eq!(error.code, Code::ApiKeyRefused);
    assert_eq!(stage.count("cloud:GET cluster"), 3);
}
