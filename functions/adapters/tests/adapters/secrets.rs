//! The API key from Secrets Manager.

use adapters::cloud::HttpCloud;
use adapters::secrets::SecretsManager;
use adapters::tls::Tls;
use shared::Code;
use shared::cloud::Cloud;
use shared::config::Setting;
use shared::ids::ClusterId;
use shared::secret::{SecretNames, Secrets};
use simulator::scenario::{KeySpec, SecretSpec, SecretState};

use crate::stage::{CLUSTER, KEY, OTHER_KEY, SECRET, STANDARD_CLUSTER, Stage, parsed, says};

fn cluster() -> ClusterId {
    parsed(CLUSTER)
}

#[tokio::test]
async fn the_key_is_never_kept() {
    let stage = Stage::new().await;
    let secrets = stage.secrets().await;
    secrets.api_key(&cluster()).await.unwrap();
    stage.sim.meddle(|world| {
        let now = world.now;
        let next = r#"{"api_key": "CCDB1_next_key"}"#;
        world.secrets.put(SECRET, next.to_owned(), now);
    });
    assert_eq!(
        secrets.api_key(&cluster()).await.unwrap().expose(),
        "CCDB1_next_key"
    );
}

/// A world where the first cluster has a secret of its own.
async fn with_own_secret(change: impl FnOnce(&mut SecretSpec)) -> (Stage, SecretsManager) {
    let stage = Stage::with(|scenario| {
        let mut own = scenario.secrets[0].clone();
        own.name = format!("keys/{CLUSTER}");
        own.value = Some(OTHER_KEY.to_owned());
        change(&mut own);
        scenario.secrets.push(own);
    })
    .await;
    let names = SecretNames {
        default: SECRET.to_owned(),
        pattern: Setting::new("PATTERN", Some("keys/{cluster_id}".to_owned())),
    };
    let secrets = SecretsManager::new(&stage.aws().await, names);
    (stage, secrets)
}

#[tokio::test]
async fn a_cluster_with_a_secret_of_its_own_has_a_key_of_its_own() {
    let (stage, secrets) = with_own_secret(|_| ()).await;
    assert_eq!(
        secrets.api_key(&cluster()).await.unwrap().expose(),
        OTHER_KEY
    );
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 1);
    let other = parsed(STANDARD_CLUSTER);
    assert_eq!(secrets.api_key(&other).await.unwrap().expose(), KEY);
}

/// The key of another cluster would be refused, and hide what is wrong.
#[tokio::test]
async fn an_own_secret_that_is_there_and_cannot_be_read_is_not_passed_over() {
    let (_stage, secrets) = with_own_secret(|own| own.state = SecretState::Denied).await;
    let error = secrets.api_key(&cluster()).await.unwrap_err();
    says(&error, Code::SecretUnreadable, "keys/1a2b");
    let (_stage, secrets) = with_own_secret(|own| own.value = None).await;
    let error = secrets.api_key(&cluster()).await.unwrap_err();
    says(&error, Code::SecretEmpty, "keys/1a2b");
}

#[tokio::test]
async fn a_pattern_that_tells_no_clusters_apart_is_refused() {
    let (stage, _) = with_own_secret(|_| ()).await;
    let names = SecretNames {
        default: SECRET.to_owned(),
        pattern: Setting::new("API_KEY_SECRET_PATTERN", Some("keys/all".to_owned())),
    };
    let secrets = SecretsManager::new(&stage.aws().await, names);
    let error = secrets.api_key(&cluster()).await.unwrap_err();
    says(&error, Code::ConfigurationInvalid, "API_KEY_SECRET_PATTERN");
}

#[tokio::test]
async fn every_cluster_is_asked_about_with_its_own_key() {
    let (stage, secrets) = with_own_secret(|_| ()).await;
    stage.sim.meddle(|world| {
        for (key, cluster) in [(OTHER_KEY, CLUSTER), (KEY, STANDARD_CLUSTER)] {
            world.cloud.keys.revoke(key);
            world.cloud.keys.add(&KeySpec {
                secret: key.to_owned(),
                roles: vec!["CLUSTER_ADMIN".to_owned()],
                clusters: vec![cluster.to_owned()],
                other_organization: false,
            });
        }
    });
    let cloud = HttpCloud::new(&stage.url(), Tls::default(), secrets).unwrap();
    let standard = parsed(STANDARD_CLUSTER);
    for _ in 0..2 {
        cloud.registrations(&cluster()).await.unwrap();
        cloud.registrations(&standard).await.unwrap();
    }
    // One key of two secrets asked for, and one: the second has no secret of its own.
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 3);
}
