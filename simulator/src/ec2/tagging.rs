//! `CreateTags` and `DeleteTags`.

use super::error::{client, missing, not_found};
use super::tag::{Tags, add};
use crate::World;
use crate::calls::{ApiError, Caller};

/// `CreateTags`: adds tags, or gives them new values.
#[derive(Debug, Clone, Default)]
pub struct CreateTags {
    /// The ids of the resources.
    pub resources: Vec<String>,
    pub tags: Vec<(String, String)>,
}

/// `DeleteTags`: removes tags; what is not there is no error.
#[derive(Debug, Clone, Default)]
pub struct DeleteTags {
    /// The ids of the resources.
    pub resources: Vec<String>,
    /// Without any key all tags go, except those of AWS itself.
    pub keys: Vec<String>,
}

impl World {
    /// Adds tags to resources, to all or to none.
    pub fn create_tags(&mut self, caller: &Caller, request: &CreateTags) -> Result<(), ApiError> {
        self.admit(caller, "CreateTags")?;
        self.needs_to_tag(caller, request);
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

    pub fn delete_tags(&mut self, caller: &Caller, request: &DeleteTags) -> Result<(), ApiError> {
        self.admit(caller, "DeleteTags")?;
        self.needs_to_untag(caller, request);
        if request.resources.is_empty() {
            return Err(missing("resourceIdSet"));
        }
        for id in &request.resources {
            self.tags_of(caller, id)?;
        }
        for id in &request.resources {
            let tags = self.tags_of(caller, id)?;
            tags.retain(|key, _| match request.keys.is_empty() {
                true => key.starts_with("aws:"),
                false => !request.keys.contains(key),
            });
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
            "vpc" => (
                ec2.vpcs
                    .get_mut(id)
                    .filter(|vpc| vpc.seen_by(caller))
                    .map(|vpc| &mut vpc.tags),
                "InvalidVpcID.NotFound",
            ),
            _ => {
                let message = format!("the simulator knows no tags to be changed of '{id}'");
                return Err(client("InvalidID", message));
            }
        };
        tags.ok_or_else(|| not_found(code, "ID", id))
    }
}
