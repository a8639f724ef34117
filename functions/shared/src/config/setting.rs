//! Variables that not every process has.

use std::fmt::Display;
use std::str::FromStr;

use crate::{Code, StepError};

/// A variable that only some functions need: a process starts without it, and
/// what needs it fails and names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    name: &'static str,
    value: Option<String>,
}

impl Setting {
    /// The setting of that name. An empty value is none.
    pub fn new(name: &'static str, value: Option<String>) -> Self {
        let value = value.filter(|value| !value.is_empty());
        Self { name, value }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The value.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if there is none.
    pub fn required(&self) -> Result<&str, StepError> {
        self.value().ok_or_else(|| self.wrong("is not set"))
    }

    /// The value as what it stands for, if there is one.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if it is malformed.
    pub fn parsed<T: FromStr<Err: Display>>(&self) -> Result<Option<T>, StepError> {
        let parsed = self.value().map(str::parse).transpose();
        parsed.map_err(|error| self.wrong(format_args!("is malformed: {error}")))
    }

    /// The values between commas; none if it is not set.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if one is malformed.
    pub fn list<T: FromStr<Err: Display>>(&self) -> Result<Vec<T>, StepError> {
        let values = self.value().unwrap_or_default().split(',').map(str::trim);
        values
            .filter(|value| !value.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|error| self.wrong(format_args!("is malformed: {error}")))
    }

    /// The error about this setting.
    pub fn wrong(&self, why: impl Display) -> StepError {
        let detail = format!("the setting {} {why}", self.name);
        StepError::new(Code::ConfigurationInvalid, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AccountId;

    fn setting(value: &str) -> Setting {
        Setting::new("OWN_ACCOUNT", Some(value.to_owned()))
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let error = setting("").required().unwrap_err();
        assert_eq!(
            error.to_string(),
            "configuration-invalid: the setting OWN_ACCOUNT is not set"
        );
        let error = setting("twelve").parsed::<AccountId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "configuration-invalid: the setting OWN_ACCOUNT is malformed: \
             `twelve` is not an AWS account id: 12 digits"
        );
        assert_eq!(setting("").parsed::<AccountId>().unwrap(), None);
    }

    #[test]
    fn a_list_is_between_commas() {
        let accounts = setting("111122223333, 222233334444,");
        assert_eq!(accounts.list::<AccountId>().unwrap().len(), 2);
        assert_eq!(setting("").list::<AccountId>().unwrap(), []);
        assert!(setting("111122223333;1").list::<AccountId>().is_err());
    }
}
