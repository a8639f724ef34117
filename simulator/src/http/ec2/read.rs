//! Requests out of forms.

pub(super) mod endpoint;
pub(super) mod group;
pub(super) mod network;

use super::form::Form;
use crate::calls::ApiError;
use crate::ec2::{CreateTags, DeleteTags, DescribeTags, TagFilter};

pub(super) fn create_tags(form: &mut Form) -> Result<CreateTags, ApiError> {
    Ok(CreateTags {
        dry_run: form.flag("DryRun")?,
        resources: form.list("ResourceId"),
        tags: form.tags()?,
    })
}

pub(super) fn delete_tags(form: &mut Form) -> Result<DeleteTags, ApiError> {
    Ok(DeleteTags {
        dry_run: form.flag("DryRun")?,
        resources: form.list("ResourceId"),
        tags: form.items("Tag", |item| {
            Ok(TagFilter {
                key: item.need("Key")?,
                value: item.take("Value"),
            })
        })?,
    })
}

pub(super) fn describe_tags(form: &mut Form) -> Result<DescribeTags, ApiError> {
    Ok(DescribeTags {
        dry_run: form.flag("DryRun")?,
        filters: form.filters()?,
        max_results: form.number("MaxResults")?,
        next_token: form.take("NextToken"),
    })
}
