//! Who asked for the connection to be protected.

use shared::StepError;
use shared::ec2::{Endpoint, VpcTags};
use shared::ownership::Tags;
use shared::request::RequestedBy;

use crate::{Input, Known};

/// The tag that protects it, if there is one. `endpoints` are those of the connection.
pub(crate) async fn by_tag<E: VpcTags>(
    ec2: &E,
    endpoints: &[Endpoint],
    key: &str,
    input: &Input,
) -> Result<Option<String>, StepError> {
    let vpc_id = &input.connection.vpc_id;
    let vpc = ec2.vpc_tags(vpc_id).await?;
    if let Some(value) = vpc.as_ref().and_then(|tags| protecting(tags, key)) {
        let by = format!("by the tag {key}={value} of {vpc_id}");
        return Ok(Some(by));
    }
    Ok(endpoints.iter().find_map(|endpoint| {
        let value = protecting(&endpoint.tags, key)?;
        Some(format!("by the tag {key}={value} of {}", endpoint.id))
    }))
}

/// The value of the tag if it protects. Only a clear no does not: who set the tag
/// meant something by it.
fn protecting<'t>(tags: &'t Tags, key: &str) -> Option<&'t str> {
    let value = tags.get(key)?;
    (!value.trim().eq_ignore_ascii_case("false")).then_some(value)
}

/// Whether the request of the connection protects it.
pub(crate) fn by_request(known: &Known, tags_are_seen: bool) -> Option<String> {
    let (asked, execution) = (&known.request, &known.execution);
    let by = match asked.requested_by {
        RequestedBy::Call => "a call",
        RequestedBy::VpcTag if tags_are_seen => return None,
        RequestedBy::VpcTag => "the VPC's tags, which cannot be read now",
    };
    asked
        .protect
        .then(|| format!("by protect: true, asked for by {by} (the last execution: {execution})"))
}
