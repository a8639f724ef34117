//! The Cloud API key: where it comes from, and a type that never prints it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;

use crate::config::Setting;
use crate::ids::ClusterId;
use crate::{Code, StepError};

/// What a key of the Cloud API begins with.
const PREFIX: &str = "CCDB1_";

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

    /// The words of a text from outside, without this key in any spelling and without
    /// anything else that looks like a key.
    pub fn masked_in(&self, text: &str) -> String {
        let secret = self.secret();
        let in_base64 = in_base64(secret.as_bytes());
        let is_masked = |word: &str| {
            let in_one_alphabet = word.replace('-', "+").replace('_', "/");
            word.contains(PREFIX)
                || word.contains(secret)
                || in_base64.iter().any(|it| in_one_alphabet.contains(it))
        };
        let words = text.split_whitespace();
        let words: Vec<&str> = words
            .map(|word| if is_masked(word) { "CCDB1_…" } else { word })
            .collect();
        words.join(" ")
    }

    /// The part that opens: a key is `CCDB1_`, an id, `_` and a secret.
    fn secret(&self) -> &str {
        let last = self.0.rsplit('_').next().unwrap_or_default();
        // A key of another form is secret as a whole.
        if self.0.starts_with(PREFIX) && last.len() >= 8 {
            last
        } else {
            &self.0
        }
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

/// What Base64 makes of these bytes, whatever stands before and after them, as in
/// `user:key`: three ways to begin within a group of three bytes, each without the
/// characters that neighbours have a part in.
fn in_base64(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|before| {
        let bytes = [&[0; 2][..before], bytes].concat();
        let text = STANDARD.encode(&bytes);
        text[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned()
    })
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

pub mod errors;

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
    fn a_key_is_masked_in_every_spelling() {
        const SECRET: &str = "NkcXLI8d81Mtx3djD45iwPfgtnaRv0XCh0Z9047K";
        let key = format!("CCDB1_D4zlI3pmTmk5rGrzYqMhbc_{SECRET}");
        let encode = |text: String| STANDARD.encode(text);
        let mut spellings = vec![key.clone(), SECRET.to_owned(), "CCDB1_another".to_owned()];
        for text in [
            key.clone(),
            format!("{key}:"),
            format!(":{key}"),
            format!("user:{key}"),
            format!("Bearer {key}"),
            SECRET.to_owned(),
        ] {
            let standard = encode(text);
            spellings.push(standard.replace('+', "-").replace('/', "_"));
            spellings.push(standard.trim_end_matches('=').to_owned());
            spellings.push(standard);
        }
        let key = ApiKey::from_secret(&key).unwrap();
        for spelling in spellings {
            let masked = key.masked_in(&format!("no:  token=\"{spelling}\", which expired"));
            assert_eq!(masked, "no: CCDB1_… which expired", "{spelling}");
        }
        assert_eq!(key.masked_in("nothing of it"), "nothing of it");
    }

    #[test]
    fn a_key_of_another_form_is_masked_as_a_whole() {
        for text in ["CCDB1_a_b", "some_password"] {
            let key = ApiKey::from_secret(text).unwrap();
            let masked = key.masked_in(&format!("about {text} or password or b"));
            assert_eq!(masked, "about CCDB1_… or password or b");
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
