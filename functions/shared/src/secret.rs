//! The Cloud API key: where it comes from, and a type that never prints it.

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

/// Where the Cloud API key comes from.
pub trait Secrets {
    /// The key as it is now. Asked for again after the Cloud API refused the last
    /// one, so an implementation must not cache.
    ///
    /// # Errors
    /// The codes `secret-…` and those of AWS.
    async fn api_key(&self) -> Result<ApiKey, StepError>;
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
    fn debug_does_not_show_the_key() {
        assert_eq!(
            format!("{:?}", ApiKey::from_secret("CCDB1_a_b").unwrap()),
            "ApiKey(…)"
        );
    }
}
