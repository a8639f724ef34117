//! Tags, and the rules they keep ("Tag your Amazon EC2 resources", EC2 user
//! guide).

use std::collections::BTreeMap;

use super::error::{client, invalid_value};
use crate::calls::ApiError;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Tags that a resource is to be made with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagSpecification {
    /// The kind of resource, such as `vpc-endpoint`.
    pub resource_type: String,
    /// Keys and values, in the order of the request.
    pub tags: Vec<(String, String)>,
}

impl TagSpecification {
    /// Tags for one kind of resource.
    pub fn new(resource_type: &str, tags: &Tags) -> Self {
        TagSpecification {
            resource_type: resource_type.to_owned(),
            tags: tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        }
    }
}

const MOST: usize = 50;

/// Adds tags to what is there, or says which rule they break.
pub(super) fn add(tags: &mut Tags, new: &[(String, String)]) -> Result<(), ApiError> {
    let mut seen = Vec::with_capacity(new.len());
    for (key, value) in new {
        if key.is_empty() {
            return Err(client("InvalidTagKey.Malformed", "Tag keys can't be empty"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(client(
                "InvalidTagKey.Malformed",
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        if key.chars().count() > 128 {
            return Err(invalid_value(
                "Tag key exceeds the maximum length of 128 characters",
            ));
        }
        if value.chars().count() > 256 {
            return Err(invalid_value(
                "Tag value exceeds the maximum length of 256 characters",
            ));
        }
        if seen.contains(&key) {
            return Err(invalid_value(format!(
                "Duplicate tag key '{key}' specified."
            )));
        }
        seen.push(key);
    }
    let kept = tags
        .keys()
        .filter(|key| !key.starts_with("aws:") && !seen.contains(key))
        .count();
    if kept + new.len() > MOST {
        return Err(client(
            "TagLimitExceeded",
            format!("The maximum number of tags per resource is {MOST}"),
        ));
    }
    tags.extend(new.iter().cloned());
    Ok(())
}

/// The tags of a request for one new resource.
pub(super) fn of_new(
    specifications: &[TagSpecification],
    resource_type: &str,
) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for specification in specifications {
        if specification.resource_type != resource_type {
            return Err(invalid_value(format!(
                "'{}' is not a valid taggable resource type for this operation.",
                specification.resource_type
            )));
        }
        add(&mut tags, &specification.tags)?;
    }
    Ok(tags)
}
