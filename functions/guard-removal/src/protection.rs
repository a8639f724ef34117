//! Who asked for the connection to be protected.

use shared::ec2::Endpoint;
use shared::ownership::Tags;
use shared::request::RequestedBy;
use shared::vpc_tags::TagKeys;

use crate::{Input, Known};

/// The tag that protects it, if there is one. `vpc` are the tags of its VPC, and
/// `endpoints` are those of the connection.
pub(crate) fn by_tag(
    vpc: Option<&Tags>,
    endpoints: &[Endpoint],
    keys: &TagKeys,
    input: &Input,
) -> Option<String> {
    let vpc_id = &input.connection.vpc_id;
    if let Some((key, value)) = vpc.and_then(|tags| keys.protecting(tags)) {
        return Some(format!("by the tag {key}={value} of {vpc_id}"));
    }
    let claim = input.connection.claim();
    endpoints.iter().find_map(|endpoint| {
        let (tags, id) = (&endpoint.tags, &endpoint.id);
        if let Some((key, value)) = keys.protecting(tags) {
            return Some(format!("by the tag {key}={value} of {id}"));
        }
        let mark = claim.protected_key();
        claim.is_protected(tags).then(|| {
            format!("by protect: true, asked for by a call, as the tag {mark} of {id} says")
        })
    })
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
