//! The Cloud API key: where it comes from, and a type that never prints it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use serde_json::{Map, Value};

use crate::config::Setting;
use crate::ids::ClusterId;
use crate::{Code, StepError};

/// Said of a value without quoting it.
const NO_KEY: &str = "its value is neither an API key nor JSON that has one in the field api_key or \
     in its only field";

/// The fields of JSON that hold the key, the best first, in lower case and without
/// anything between words.
const FIELDS: [&str; 4] = ["apikey", "cockroachapikey", "crdbapikey", "value"];

/// What some editors and shells put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a key of the Cloud API begins with.
const PREFIX: &str = "CCDB1_";

/// A CockroachDB Cloud API key. Neither `Debug` nor `Display` show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads the value of a secret, as people put a key into one: the key alone or behind
    /// `Bearer`; or JSON with it in the field `api_key`, in one of a name like that, or in
    /// its only field. Quotes, blanks, line feeds and a byte order mark do not matter.
    ///
    /// # Errors
    /// [`Code::SecretUnreadable`] without quoting the value, because a value that
    /// is not quite right may still be a live key.
    pub fn from_secret(value: &str) -> Result<Self, StepError> {
        key_in(value).map(Self).ok_or_else(|| unreadable(NO_KEY))
    }

    /// The same of a secret as Secrets Manager has it: a text, or else bytes.
    ///
    /// # Errors
    /// [`Code::SecretUnreadable`], naming the secret.
    pub fn of_secret(
        secret_id: &str,
        text: Option<&str>,
        bytes: Option<&[u8]>,
    ) -> Result<Self, StepError> {
        let text = match (text, bytes) {
            (Some(text), _) => Some(text),
            // What is no text in UTF-8 holds no key.
            (None, Some(bytes)) => std::str::from_utf8(bytes).ok(),
            (None, None) => None,
        };
        Self::from_secret(text.unwrap_or_default())
            .map_err(|error| unreadable(&format!("secret {secret_id}: {}", error.detail)))
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

/// The key in a text, wrapped or not.
fn key_in(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK);
    match serde_json::from_str::<Value>(text) {
        // Each is shorter than what it stands in.
        Ok(Value::String(inner)) => key_in(&inner),
        Ok(Value::Object(fields)) => key_in(field_with_key(&fields)?),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => None,
        Err(_) => bare_key(text),
    }
}

/// What stands in the field with the key.
fn field_with_key(fields: &Map<String, Value>) -> Option<&str> {
    let named = FIELDS.iter().find_map(|known| {
        let mut named = fields.iter();
        named.find(|(name, _)| letters_and_digits(name) == *known)
    });
    let only = fields.iter().next().filter(|_| fields.len() == 1);
    let (_, value) = named.or(only)?;
    value.as_str()
}

fn letters_and_digits(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// A key that no JSON is around: a bearer token (RFC 6750, section 2.1).
fn bare_key(text: &str) -> Option<String> {
    let is_around = |c: char| c.is_whitespace() || "'\"`".contains(c);
    let text = text.trim_matches(is_around);
    let key = match text.split_once(char::is_whitespace) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key,
        Some(_) | None => text,
    };
    let key = key.trim_matches(is_around);
    let body = key.trim_end_matches('=');
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    (!body.is_empty() && body.bytes().all(is_token)).then(|| key.to_owned())
}

fn unreadable(detail: &str) -> StepError {
    StepError::new(Code::SecretUnreadable, detail)
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
    fn a_key_is_read_however_people_put_it_there() {
        for value in [
            "CCDB1_a_b",
            " CCDB1_a_b\r\n",
            "\u{feff}CCDB1_a_b\n",
            r#""CCDB1_a_b""#,
            "\"CCDB1_a_b\n\"\n",
            "'CCDB1_a_b'",
            "Bearer CCDB1_a_b",
            "bearer  \"CCDB1_a_b\"\n",
            r#"{"api_key": "CCDB1_a_b", "note": 1}"#,
            r#"{"apiKey": " CCDB1_a_b\n", "apiUrl": "https://cockroachlabs.cloud"}"#,
            r#"{"API-KEY": "Bearer CCDB1_a_b", "value": "other"}"#,
            r#"{"COCKROACH_API_KEY": "CCDB1_a_b", "COCKROACH_SERVER": ""}"#,
            r#"{"value": "CCDB1_a_b", "rotated": true}"#,
            r#"{"key": "CCDB1_a_b"}"#,
            "\u{feff}{\"crdb\": \"\u{feff}CCDB1_a_b\"}\n",
            r#""{\"api_key\": \"CCDB1_a_b\"}""#,
        ] {
            let key = ApiKey::from_secret(value).unwrap();
            assert_eq!(key.expose(), "CCDB1_a_b", "{value}");
            let key = ApiKey::of_secret("one", None, Some(value.as_bytes())).unwrap();
            assert_eq!(key.expose(), "CCDB1_a_b", "{value}");
        }
    }

    #[test]
    fn a_bad_value_is_refused_without_being_quoted() {
        for value in [
            "",
            " \n",
            "\"\"",
            "{}",
            "null",
            "two CCDB1_words",
            "Bearer two CCDB1_words",
            "COCKROACH_API_KEY=CCDB1_a_b",
            "CCDB1_a_b\nCCDB1_c_d",
            "CCDB1_a_ä",
            r#"["CCDB1_a_b"]"#,
            r#"{"api_key": ["CCDB1_a_b"]}"#,
            r#"{"api_key": null, "value": "CCDB1_a_b"}"#,
            r#"{"old": "CCDB1_a_b", "new": "CCDB1_c_d"}"#,
            r#"{"data": {"api_key": "CCDB1_a_b"}}"#,
            r#"{"api_key": "CCDB1_a_b""#,
        ] {
            for error in [
                ApiKey::from_secret(value).unwrap_err(),
                ApiKey::of_secret("one", Some(value), None).unwrap_err(),
            ] {
                assert_eq!(error.code, Code::SecretUnreadable, "{value}");
                assert!(!format!("{error:?}").contains("CCDB1"), "{error}");
            }
        }
        for bytes in [None, Some(&b"CCDB1_\xff"[..])] {
            let error = ApiKey::of_secret("keys/one", None, bytes).unwrap_err();
            assert!(
                error.detail.starts_with("secret keys/one: its value"),
                "{error}"
            );
        }
    }

    /// Whatever is in it, a reader comes back.
    #[test]
    fn a_value_in_very_many_wrappings_is_read_or_refused() {
        for around in ["'", "\"", "[", "{\"a\":", "Bearer "] {
            let _ = ApiKey::from_secret(&format!("{}CCDB1_a_b", around.repeat(16_000)));
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
