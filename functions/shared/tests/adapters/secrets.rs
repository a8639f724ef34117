//! The API key from Secrets Manager.

use shared::Code;
use shared::secret::{Secrets, SecretsManager};
use simulator::scenario::SecretState;

use crate::stage::{KEY, SECRET, Stage};

#[tokio::test]
async fn the_key_is_read_by_the_name_or_the_arn_of_its_secret() {
    let stage = Stage::new().await;
    let arn = stage
        .sim
        .look(|world| world.secrets.secret(SECRET).unwrap().arn.clone());
    for id in [SECRET, arn.as_str()] {
        let secrets = SecretsManager::new(&stage.aws().await, id);
        assert_eq!(secrets.api_key().await.unwrap().expose(), KEY);
    }
}

#[tokio::test]
async fn the_key_is_never_kept() {
    let stage = Stage::new().await;
    let secrets = stage.secrets().await;
    secrets.api_key().await.unwrap();
    stage.sim.meddle(|world| {
        let now = world.now;
        world.secrets.put(
            SECRET,
            r#"{"api_key": "CCDB1_next_key"}"#.to_owned(),
            None,
            now,
        );
    });
    assert_eq!(secrets.api_key().await.unwrap().expose(), "CCDB1_next_key");
}

#[tokio::test]
async fn every_reason_why_a_secret_cannot_be_read_has_its_code() {
    for (state, code) in [
        (SecretState::Denied, Code::SecretUnreadable),
        (SecretState::Undecryptable, Code::SecretUnreadable),
        (SecretState::ScheduledForDeletion, Code::SecretUnreadable),
    ] {
        let stage = Stage::with(|scenario| scenario.secrets[0].state = state).await;
        let error = stage.secrets().await.api_key().await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.detail.contains(SECRET), "{error}");
    }
    let stage = Stage::with(|scenario| scenario.secrets[0].value = None).await;
    let error = stage.secrets().await.api_key().await.unwrap_err();
    assert_eq!(error.code, Code::SecretNotFound, "{error}");
    let absent = SecretsManager::new(&stage.aws().await, "another/secret");
    let error = absent.api_key().await.unwrap_err();
    assert_eq!(error.code, Code::SecretNotFound, "{error}");
}

#[tokio::test]
async fn a_value_that_is_no_key_is_not_quoted() {
    let stage = Stage::with(|scenario| {
        scenario.secrets[0].value = Some(format!(r#"{{"key": "{KEY}"}}"#));
    })
    .await;
    let error = stage.secrets().await.api_key().await.unwrap_err();
    assert_eq!(error.code, Code::SecretUnreadable);
    assert!(!format!("{error} {error:?}").contains("CCDB1_"), "{error}");
}
