//! The Cloud API key: where it comes from, and a type that never prints it.

use crate::config::Setting;
use crate::ids::ClusterId;
use crate::{Code, StepError};

/// A CockroachDB Cloud API key. Neither `Debug` nor `Display` show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads the value of a secret: the key itself, or JSON with the field `api_key`.
    ///
    /// # Errors
    /// [`Code::SecretUnreadable`] without quoting the value, because a value that
    /// is not quite right may still be a live key.
    pub fn from_secret(value: &str) -> Result<Self, StepError> {
        #[derive(serde::Deserialize)]
        struct Wrapped {
            api_key: String,
        }
        let value = value.trim();
        let key = match serde_json::from_str::<Wrapped>(value) {
            Ok(wrapped) => wrapped.api_key,
            Err(_) => value.to_owned(),
        };
        let well_formed =
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic()) && !key.starts_with('{');
        if !well_formed {
            return Err(StepError::new(
                Code::SecretUnreadable,
                "the secret's value is neither an API key nor JSON with the field api_key",
            ));
        }
        Ok(Self(key))
    }

    /// The key itself, for the one place that puts it into a request header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// Where the Cloud API keys come from.
pub trait Secrets {
    /// The key for a cluster as it is now: an organization has its own keys, and so
    /// may a cluster. Asked for again after the Cloud API refused the last one, so
    /// an implementation must not cache.
    ///
    /// # Errors
    /// The codes `secret-…` and those of AWS.
    async fn api_key(&self, cluster: &ClusterId) -> Result<ApiKey, StepError>;
}

/// What stands for the cluster in a pattern of names.
const CLUSTER_ID: &str = "{cluster_id}";

/// The names of the secrets with the keys: one for every cluster that has a secret
/// of its own, and one for all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNames {
    /// Name or ARN of the secret for all clusters that have none of their own.
    pub default: String,
    /// The names of those for one cluster, with `{cluster_id}` in it.
    pub pattern: Setting,
}

impl SecretNames {
    /// The secret that this cluster may have of its own.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] for a pattern that does not tell clusters apart.
    pub fn own_of(&self, cluster: &ClusterId) -> Result<Option<String>, StepError> {
        match self.pattern.value() {
            None => Ok(None),
            Some(pattern) if pattern.contains(CLUSTER_ID) => {
                Ok(Some(pattern.replace(CLUSTER_ID, cluster.as_str())))
            }
            Some(_) => Err(self
                .pattern
                .wrong(format_args!("has no {CLUSTER_ID} in it"))),
        }
    }
}

impl From<&str> for SecretNames {
    /// One secret for all.
    fn from(default: &str) -> Self {
        Self {
            default: default.to_owned(),
            pattern: Setting::new("API_KEY_SECRET_PATTERN", None),
        }
    }
}

mod aws;
pub use aws::{SecretsManager, classify};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_bare_or_from_json() {
        for value in [
            "CCDB1_a_b",
            " CCDB1_a_b\n",
            r#"{"api_key": "CCDB1_a_b", "note": 1}"#,
        ] {
            assert_eq!(ApiKey::from_secret(value).unwrap().expose(), "CCDB1_a_b");
        }
    }

    #[test]
    fn a_bad_value_is_refused_without_being_quoted() {
        for value in ["", "{}", r#"{"key": "CCDB1_a_b"}"#, "two words"] {
            let error = ApiKey::from_secret(value).unwrap_err().to_string();
            assert!(error.starts_with("secret-unreadable"), "{error}");
            assert!(!error.contains("CCDB1"), "{error}");
        }
    }

    #[test]
    fn a_cluster_may_have_a_secret_of_its_own() {
        let cluster = "1a2b3c4d-0000-4000-8000-000000000001".parse().unwrap();
        let own = |pattern: &str| {
            let pattern = Setting::new("PATTERN", Some(pattern.to_owned()));
            let default = "all".to_owned();
            SecretNames { default, pattern }.own_of(&cluster)
        };
        assert_eq!(
            own("keys/{cluster_id}/api").unwrap().unwrap(),
            "keys/1a2b3c4d-0000-4000-8000-000000000001/api"
        );
        assert_eq!(own("").unwrap(), None);
        let error = own("keys/all").unwrap_err();
        assert_eq!(
            error.code,
            Code::ConfigurationInvalid,
            "it would be one for all"
        );
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert_eq!(
            format!("{:?}", ApiKey::from_secret("CCDB1_a_b").unwrap()),
            "ApiKey(…)"
        );
    }
}
