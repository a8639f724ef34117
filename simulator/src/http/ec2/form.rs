//! Forms as the query protocol writes them: lists are numbered from 1, and
//! members of structures follow a dot.

use std::collections::BTreeMap;

use crate::calls::ApiError;
use crate::ec2::{Describe, Filter, TagSpecification};

/// What is left of a form to be read. What nobody reads is refused in the end.
#[derive(Debug)]
pub(super) struct Form {
    prefix: String,
    values: BTreeMap<String, String>,
}

impl Form {
    pub(super) fn parse(body: &[u8]) -> Form {
        Form {
            prefix: String::new(),
            values: url::form_urlencoded::parse(body).into_owned().collect(),
        }
    }

    /// A parameter, if it was sent.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// A parameter that may be left out or empty.
    pub(super) fn text(&mut self, name: &str) -> String {
        self.take(name).unwrap_or_default()
    }

    /// A parameter that must be there.
    pub(super) fn need(&mut self, name: &str) -> Result<String, ApiError> {
        self.take(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                ApiError::new(
                    400,
                    "MissingParameter",
                    format!(
                        "The request must contain the parameter {}{name}",
                        self.prefix
                    ),
                )
            })
    }

    /// `true` or `false`, if it was sent.
    pub(super) fn truth(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(self.invalid(name, other)),
        }
    }

    /// A whole number, if one was sent.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<i32>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.invalid(name, &text)),
            },
        }
    }

    /// A list of texts, in the order of its numbers.
    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        let numbers = self.numbers(name);
        numbers
            .into_iter()
            .filter_map(|number| self.take(&format!("{name}.{number}")))
            .collect()
    }

    /// A list of structures, in the order of its numbers.
    pub(super) fn items<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Form) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        self.numbers(name)
            .into_iter()
            .map(|number| {
                let mut item = self.part(&format!("{name}.{number}."));
                let value = read(&mut item)?;
                item.finish()?;
                Ok(value)
            })
            .collect()
    }

    /// What the Describe operation of a list asks.
    pub(super) fn describe(&mut self) -> Result<Describe, ApiError> {
        Ok(Describe {
            ids: Vec::new(),
            filters: self.items("Filter", |item| {
                Ok(Filter {
                    name: item.need("Name")?,
                    values: item.list("Value"),
                })
            })?,
            max_results: self.number("MaxResults")?,
            next_token: self.take("NextToken"),
        })
    }

    /// The same, of an operation that may be asked for things by their ids.
    pub(super) fn describe_by(&mut self, id: &str) -> Result<Describe, ApiError> {
        Ok(Describe {
            ids: self.list(id),
            ..self.describe()?
        })
    }

    /// Keys and values of tags.
    pub(super) fn tags(&mut self) -> Result<Vec<(String, String)>, ApiError> {
        self.items("Tag", |item| Ok((item.text("Key"), item.text("Value"))))
    }

    /// Tags for new resources.
    pub(super) fn tag_specifications(&mut self) -> Result<Vec<TagSpecification>, ApiError> {
        self.items("TagSpecification", |item| {
            Ok(TagSpecification {
                resource_type: item.need("ResourceType")?,
                tags: item.tags()?,
            })
        })
    }

    /// Refuses what nobody has read: EC2 does not ignore what it does not know.
    pub(super) fn finish(&self) -> Result<(), ApiError> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(ApiError::new(
                400,
                "UnknownParameter",
                format!("The parameter {}{name} is not recognized", self.prefix),
            )),
        }
    }

    fn numbers(&self, name: &str) -> Vec<u32> {
        let mut numbers: Vec<u32> = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(name)?.strip_prefix('.'))
            .filter_map(|rest| rest.split('.').next()?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn part(&mut self, prefix: &str) -> Form {
        let names: Vec<String> = self
            .values
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect();
        let values = names
            .into_iter()
            .filter_map(|key| Some((key.strip_prefix(prefix)?.to_owned(), self.take(&key)?)))
            .collect();
        Form {
            prefix: format!("{}{prefix}", self.prefix),
            values,
        }
    }

    fn invalid(&self, name: &str, value: &str) -> ApiError {
        ApiError::new(
            400,
            "InvalidParameterValue",
            format!(
                "Value ({value}) for parameter {}{name} is invalid.",
                self.prefix
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_the_order_of_their_numbers() {
        let body: String = (1..=12)
            .map(|n| format!("SubnetId.{n}=subnet-{n}&"))
            .collect();
        let mut form = Form::parse(body.trim_end_matches('&').as_bytes());
        let list = form.list("SubnetId");
        assert_eq!(list[1], "subnet-2");
        assert_eq!(list[11], "subnet-12");
        assert_eq!(form.finish(), Ok(()));
    }

    #[test]
    fn what_nobody_reads_is_refused_with_its_full_name() {
        let mut form = Form::parse(b"Filter.1.Name=vpc-id&Filter.1.Values.1=vpc-1");
        let error = form.describe().unwrap_err();
        assert_eq!(error.code, "UnknownParameter");
        assert!(error.message.contains("Filter.1.Values.1"), "{error}");
    }
}
