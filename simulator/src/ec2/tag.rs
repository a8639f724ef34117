//! Tags, and the rules they keep ("Tag your Amazon EC2 resources", EC2 user
//! guide).

use std::collections::BTreeMap;

use super::Caller;
use super::error::{client, invalid_value, missing, not_found};
use crate::World;
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
fn add(tags: &mut Tags, new: &[(String, String)]) -> Result<(), ApiError> {
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

/// `CreateTags`: adds tags, or gives them new values.
#[derive(Debug, Clone, Default)]
pub struct CreateTags {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// The ids of the resources.
    pub resources: Vec<String>,
    /// Keys and values.
    pub tags: Vec<(String, String)>,
}

/// `DeleteTags`: removes tags; what is not there is no error.
#[derive(Debug, Clone, Default)]
pub struct DeleteTags {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// The ids of the resources.
    pub resources: Vec<String>,
    /// Keys, each with the value it must have to be removed, if one is given.
    /// Without any key all tags go, except those of AWS itself.
    pub tags: Vec<TagFilter>,
}

/// A tag to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFilter {
    /// The key.
    pub key: String,
    /// Remove it only if it has this value.
    pub value: Option<String>,
}

impl World {
    /// Adds tags to resources, to all or to none.
    pub fn create_tags(&mut self, caller: &Caller, request: CreateTags) -> Result<(), ApiError> {
        self.admit(caller, "CreateTags", request.dry_run)?;
        self.needs_to_tag(caller, &request);
        if request.resources.is_empty() {
            return Err(missing("resourceIdSet"));
        }
        if request.tags.is_empty() {
            return Err(missing("tagSet"));
        }
        let mut all = Vec::with_capacity(request.resources.len());
        for id in &request.resources {
            let mut tags = self.tags_of(caller, id)?.clone();
            add(&mut tags, &request.tags)?;
            all.push((id, tags));
        }
        for (id, tags) in all {
            *self.tags_of(caller, id)? = tags;
        }
        Ok(())
    }

    /// Removes tags from resources.
    pub fn delete_tags(&mut self, caller: &Caller, request: DeleteTags) -> Result<(), ApiError> {
        self.admit(caller, "DeleteTags", request.dry_run)?;
        self.needs_to_untag(caller, &request);
        if request.resources.is_empty() {
            return Err(missing("resourceIdSet"));
        }
        for id in &request.resources {
            self.tags_of(caller, id)?;
        }
        for id in &request.resources {
            let tags = self.tags_of(caller, id)?;
            if request.tags.is_empty() {
                tags.retain(|key, _| key.starts_with("aws:"));
            }
            for tag in &request.tags {
                let fits = match &tag.value {
                    None => true,
                    Some(value) => tags.get(&tag.key) == Some(value),
                };
                if fits {
                    tags.remove(&tag.key);
                }
            }
        }
        Ok(())
    }

    /// The tags of a resource that the caller can see.
    fn tags_of(&mut self, caller: &Caller, id: &str) -> Result<&mut Tags, ApiError> {
        let now = self.now;
        let ec2 = &mut self.ec2;
        let prefix = id.rsplit_once('-').map_or("", |(prefix, _)| prefix);
        let (tags, code) = match prefix {
            "vpce" => (
                ec2.endpoints
                    .get_mut(id)
                    .filter(|endpoint| endpoint.seen_by(caller, now))
                    .map(|endpoint| &mut endpoint.tags),
                "InvalidVpcEndpointId.NotFound",
            ),
            "sg" => (
                ec2.groups
                    .get_mut(id)
                    .filter(|group| group.seen_by(caller, now))
                    .map(|group| &mut group.tags),
                "InvalidGroup.NotFound",
            ),
            "sgr" => (
                ec2.groups
                    .values_mut()
                    .filter(|group| group.seen_by(caller, now))
                    .flat_map(|group| group.rules.iter_mut())
                    .find(|rule| rule.id == id)
                    .map(|rule| &mut rule.tags),
                "InvalidSecurityGroupRuleId.NotFound",
            ),
            "vpc" => (
                ec2.vpcs
                    .get_mut(id)
                    .filter(|vpc| vpc.seen_by(caller))
                    .map(|vpc| &mut vpc.tags),
                "InvalidVpcID.NotFound",
            ),
            "subnet" => (
                ec2.subnets
                    .get_mut(id)
                    .filter(|subnet| subnet.seen_by(caller))
                    .map(|subnet| &mut subnet.tags),
                "InvalidSubnetID.NotFound",
            ),
            "pcx" => (
                ec2.peerings
                    .iter_mut()
                    .find(|peering| peering.id == id)
                    .map(|peering| &mut peering.tags),
                "InvalidVpcPeeringConnectionID.NotFound",
            ),
            _ => {
                return Err(client("InvalidID", format!("The ID '{id}' is not valid")));
            }
        };
        tags.ok_or_else(|| not_found(code, "ID", id))
    }
}
