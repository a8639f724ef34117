//! Requests out of forms.

pub(super) mod endpoint;
pub(super) mod group;
pub(super) mod network;

use super::form::Form;
use crate::calls::ApiError;
use crate::ec2::{CreateTags, DeleteTags, TagFilter};

pub(super) fn create_tags(form: &mut Form) -> Result<CreateTags, ApiError> {
    Ok(CreateTags {
        resources: form.list("ResourceId"),
        tags: form.tags()?,
    })
}

pub(super) fn delete_tags(form: &mut Form) -> Result<DeleteTags, ApiError> {
    Ok(DeleteTags {
        resources: form.list("ResourceId"),
        tags: form.items("Tag", |item| {
            Ok(TagFilter {
                key: item.need("Key")?,
                value: item.take("Value"),
            })
        })?,
    })
}
