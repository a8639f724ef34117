//! Filters of the Describe operations.

use super::error::invalid_value;
use super::tag::Tags;
use crate::calls::ApiError;

/// One filter: a resource passes if its value is one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub name: String,
    /// The values, with `*` and `?` as wildcards.
    pub values: Vec<String>,
}

impl Filter {
    /// A filter for one value.
    pub fn one(name: &str, value: impl ToString) -> Self {
        Filter::any(name, &[value])
    }

    /// A filter for any of some values.
    pub fn any(name: &str, values: &[impl ToString]) -> Self {
        Filter {
            name: name.to_owned(),
            values: values.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What a resource has to say to the filters of its operation.
pub(super) trait Filtered {
    /// The filters that there are, without those for tags.
    const FILTERS: &'static [&'static str];

    fn id(&self) -> &str;

    /// The values for one of these names; one of them is enough.
    fn values(&self, name: &str) -> Vec<&str>;

    /// The tags, of a kind that can have some here.
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

/// Refuses filters that do not exist. Names are case-sensitive.
pub(super) fn check<T: Filtered>(filters: &[Filter]) -> Result<(), ApiError> {
    for filter in filters {
        let known = T::FILTERS.contains(&filter.name.as_str())
            || filter.name == "tag-key"
            || filter.name.starts_with("tag:");
        if !known {
            return Err(invalid_value(format!(
                "The filter '{}' is invalid",
                filter.name
            )));
        }
        if filter.values.is_empty() {
            return Err(invalid_value(format!(
                "The filter '{}' has no values",
                filter.name
            )));
        }
    }
    Ok(())
}

/// Whether a resource passes all filters.
pub(super) fn passes<T: Filtered>(resource: &T, filters: &[Filter]) -> bool {
    filters.iter().all(|filter| {
        let fits = |value: &str| filter.values.iter().any(|pattern| like(pattern, value));
        let mut tags = resource.tags().into_iter().flatten();
        if let Some(wanted) = filter.name.strip_prefix("tag:") {
            return tags.any(|(key, value)| key == wanted && fits(value));
        }
        if filter.name == "tag-key" {
            return tags.any(|(key, _)| fits(key));
        }
        resource.values(&filter.name).into_iter().any(fits)
    })
}

/// Whether a text fits a pattern with `*` and `?`; a backslash takes away the
/// meaning of the next character.
fn like(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?', '\\']) {
        return pattern == text;
    }
    fn step(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|n| step(rest, &text[n..])),
            ['?', rest @ ..] => !text.is_empty() && step(rest, &text[1..]),
            ['\\', c, rest @ ..] | [c, rest @ ..] => {
                text.first() == Some(c) && step(rest, &text[1..])
            }
        }
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    step(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn wildcards_stand_for_any_text_and_any_character() {
        for (pattern, text, fits) in [
            ("available", "available", true),
            ("available", "Available", false),
            ("pending*", "pendingAcceptance", true),
            ("pending?", "pending", false),
            ("*lock*", "cockroach-lock", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*", "", true),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
