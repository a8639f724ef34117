//! What a definition tells its functions: the parameters of the stack that count for
//! the whole of a run.
//!
//! A definition names versions of its functions, and a version keeps the environment
//! that it was made with. So parameters come with each call, from the definition,
//! which is another one after every change of them: the next run has the new values,
//! and one that is under way ends with those that it began with.
//!
//! To add one, name it in [`SETTINGS`] and read it in [`crate::config::Config::of`]; the
//! definitions and the template are held to the list by tests.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::{Code, StepError};

/// The settings, by the names of the variables that say the same where no definition
/// does. In a definition they are in lower case.
pub const SETTINGS: [&str; 10] = [
    "API_KEY_SECRET",
    "API_KEY_SECRET_PATTERN",
    "COCKROACH_SERVER",
    "OTHER_ACCOUNT_ROLE",
    "OTHER_ACCOUNT_EXTERNAL_ID",
    "OTHER_ACCOUNTS",
    "TAG_PREFIX",
    "ALLOWED_CLUSTERS",
    "ALLOWED_SOURCES",
    "RESOURCE_TAGS",
];

/// The field of a call that has them.
const FIELD: &str = "settings";

/// So much of a value is quoted in an error.
const QUOTED: usize = 80;

/// The settings of a run, or none. One that is empty has been told all the same.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// All settings, each as `variable` finds it or else empty.
    pub fn of(variable: impl Fn(&'static str) -> Option<String>) -> Self {
        let told = SETTINGS.map(|name| (name, variable(name).unwrap_or_default()));
        Self(told.into())
    }

    /// Takes the settings off a call, so that the rest is what its function takes. A
    /// call without any, such as an event, leaves all to the environment.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`], which names the field, the value and the rule.
    pub fn take(call: &mut Value) -> Result<Self, StepError> {
        let Some(told) = call.as_object_mut().and_then(|call| call.remove(FIELD)) else {
            return Ok(Self::default());
        };
        let Value::Object(told) = told else {
            return Err(wrong(FIELD, &told, "is not an object"));
        };
        let settings = told.into_iter().map(|(field, value)| {
            let place = format!("{FIELD}.{field}");
            let named = |name: &&str| name.to_ascii_lowercase() == field;
            let Some(name) = SETTINGS.into_iter().find(named) else {
                return Err(wrong(&place, &value, "is for no setting of that name"));
            };
            match value.as_str() {
                Some(text) => Ok((name, text.to_owned())),
                None => Err(wrong(&place, &value, "is not a text")),
            }
        });
        Ok(Self(settings.collect::<Result<_, _>>()?))
    }

    /// What is told of a variable, if anything is.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The settings, each with what stands for it in a definition, such as
    /// `${TagPrefix}`.
    pub fn substitutions(&self) -> impl Iterator<Item = (String, &str)> {
        SETTINGS.into_iter().map(|name| {
            let value = self.get(name).unwrap_or_default();
            (format!("${{{}}}", substitution(name)), value)
        })
    }
}

/// `TAG_PREFIX` as the definitions and the template write it: `TagPrefix`.
pub fn substitution(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_owned() + &rest.to_ascii_lowercase()
    });
    words.collect()
}

/// Names only: an external id is kept out of logs.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn wrong(place: &str, value: &Value, rule: &str) -> StepError {
    let value: String = value.to_string().chars().take(QUOTED).collect();
    StepError::new(
        Code::ConfigurationInvalid,
        format!("{place}: `{value}` {rule}"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn they_are_taken_off_the_call() {
        let mut call =
            json!({"vpc_id": "vpc-1", "settings": {"tag_prefix": "net", "allowed_clusters": ""}});
        let settings = Settings::take(&mut call).unwrap();
        assert_eq!(call, json!({"vpc_id": "vpc-1"}));
        assert_eq!(settings.get("TAG_PREFIX"), Some("net"));
        assert_eq!(settings.get("ALLOWED_CLUSTERS"), Some(""));
        assert_eq!(settings.get("COCKROACH_SERVER"), None);
    }

    #[test]
    fn whatever_has_none_stays_as_it_is() {
        for call in [
            json!({"search": {}}),
            json!("text"),
            json!([1]),
            json!(null),
        ] {
            let mut taken = call.clone();
            assert_eq!(Settings::take(&mut taken), Ok(Settings::default()));
            assert_eq!(taken, call);
        }
    }

    #[test]
    fn what_is_malformed_is_named_with_value_and_rule() {
        for (settings, said) in [
            (json!("all"), "settings: `\"all\"` is not an object"),
            (json!(null), "settings: `null` is not an object"),
            (
                json!({"tag_prefix": 5}),
                "settings.tag_prefix: `5` is not a text",
            ),
            (
                json!({"tag_perfix": "x"}),
                "settings.tag_perfix: `\"x\"` is for no setting of that name",
            ),
            (
                json!({"TAG_PREFIX": "x"}),
                "settings.TAG_PREFIX: `\"x\"` is for no setting of that name",
            ),
        ] {
            let error = Settings::take(&mut json!({ "settings": settings })).unwrap_err();
            assert_eq!(error.code, Code::ConfigurationInvalid);
            assert_eq!(error.detail, said);
        }
        let long = json!({"settings": {"tag_prefix": vec!["long"; 10_000]}});
        let error = Settings::take(&mut long.clone()).unwrap_err();
        assert!(error.detail.len() < 200, "{}", error.detail.len());
    }

    #[test]
    fn a_placeholder_has_the_name_of_its_setting() {
        let settings = Settings::of(|name| (name == "TAG_PREFIX").then(|| "net".to_owned()));
        let all: BTreeMap<String, &str> = settings.substitutions().collect();
        assert_eq!(all.len(), SETTINGS.len());
        assert_eq!(
            (all["${TagPrefix}"], all["${ApiKeySecretPattern}"]),
            ("net", "")
        );
    }

    #[test]
    fn what_is_told_is_not_printed() {
        let settings = Settings::of(|_| Some("fourteen".to_owned()));
        let printed = format!("{settings:?}");
        assert!(printed.contains("TAG_PREFIX") && !printed.contains("fourteen"));
    }
}
