//! Variables that not every process has.

use std::fmt::Display;
use std::str::FromStr;

use crate::ids::words;
use crate::{Code, StepError};

/// A variable that only some functions need: a process starts without it, and
/// what needs it fails and names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    name: &'static str,
    value: Option<String>,
}

impl Setting {
    /// The setting of that name, without blanks and line feeds around it. An empty value
    /// is none.
    pub fn new(name: &'static str, value: Option<String>) -> Self {
        let value = value.map(|value| value.trim().to_owned());
        Self {
            name,
            value: value.filter(|value| !value.is_empty()),
        }
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

    /// The ids or networks of a list, as [everybody writes one](words); none if it is not
    /// set.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if one is malformed.
    pub fn list<T: FromStr<Err: Display>>(&self) -> Result<Vec<T>, StepError> {
        self.parse_all(words(self.value().unwrap_or_default()))
    }

    /// The values between commas, of a list whose values may have blanks; none if it is
    /// not set.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if one is malformed.
    pub fn between_commas<T: FromStr<Err: Display>>(&self) -> Result<Vec<T>, StepError> {
        let values = self.value().unwrap_or_default().split(',').map(str::trim);
        self.parse_all(values.filter(|value| !value.is_empty()))
    }

    fn parse_all<'v, T: FromStr<Err: Display>>(
        &self,
        values: impl Iterator<Item = &'v str>,
    ) -> Result<Vec<T>, StepError> {
        values
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
    fn a_list_is_read_and_what_is_malformed_in_it_is_named() {
        let accounts: [AccountId; 2] =
            ["111122223333", "222233334444"].map(|id| id.parse().unwrap());
        let read = setting("1111-2222-3333\r\n222233334444,").list::<AccountId>();
        assert_eq!(read.unwrap(), accounts);
        assert_eq!(setting(",").list::<AccountId>().unwrap(), []);
        let error = setting("111122223333;1").list::<AccountId>().unwrap_err();
        assert!(
            error.detail.contains("OWN_ACCOUNT is malformed: `1` is"),
            "{error}"
        );
        let texts = setting("a b, c+d,,").between_commas::<String>();
        assert_eq!(texts.unwrap(), ["a b", "c+d"]);
    }

    #[test]
    fn what_stands_around_a_value_is_not_its_own() {
        assert_eq!(setting(" keys/one\r\n").value(), Some("keys/one"));
        assert_eq!(setting(" \n").value(), None);
        let account: Option<AccountId> = setting(" 1111-2222-3333\n").parsed().unwrap();
        assert_eq!(account, "111122223333".parse().ok());
    }
}
