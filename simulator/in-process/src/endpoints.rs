//! Interface endpoints.

use shared::StepError;
use shared::ec2::{Endpoint, EndpointState, Endpoints, NewEndpoint, errors};
use shared::ids::{EndpointId, SecurityGroupId, SubnetId, VpcId};
use shared::ownership::Tags;

use super::InProcess;
use simulator::World;
use simulator::ec2::{
    CreateTags, CreateVpcEndpoint, DeleteTags, DeleteVpcEndpoints, Describe, EndpointType, Filter,
    ModifyVpcEndpoint, TagSpecification, VpcEndpoint,
};

impl InProcess {
    async fn endpoints_that_pass(&self, filter: Filter) -> Result<Vec<Endpoint>, StepError> {
        let found = self
            .described(
                "DescribeVpcEndpoints",
                World::describe_vpc_endpoints,
                [filter],
            )
            .await?;
        let mut endpoints: Vec<Endpoint> = found.into_iter().filter_map(read).collect();
        endpoints.retain(|endpoint| endpoint.state != EndpointState::Deleted);
        Ok(endpoints)
    }

    pub(super) async fn tag(&self, id: &str, tags: &Tags) -> Result<(), StepError> {
        let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone()));
        let request = CreateTags {
            resources: vec![id.to_owned()],
            tags: tags.collect(),
        };
        self.ec2("CreateTags", World::create_tags, &request).await
    }

    pub(super) async fn untag(&self, id: &str, keys: &[String]) -> Result<(), StepError> {
        let request = DeleteTags {
            resources: vec![id.to_owned()],
            keys: keys.to_vec(),
        };
        let deleted = self.ask("DeleteTags", World::delete_tags, &request).await;
        deleted.map(drop)
    }

    async fn modify(&self, request: ModifyVpcEndpoint) -> Result<(), StepError> {
        self.ec2("ModifyVpcEndpoint", World::modify_vpc_endpoint, &request)
            .await
    }
}

impl Endpoints for InProcess {
    async fn endpoints(&self, vpc: &VpcId) -> Result<Vec<Endpoint>, StepError> {
        self.endpoints_that_pass(Filter::one("vpc-id", vpc)).await
    }

    async fn endpoints_by_id(&self, ids: &[EndpointId]) -> Result<Vec<Endpoint>, StepError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.endpoints_that_pass(Filter::any("vpc-endpoint-id", ids))
            .await
    }

    async fn endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>, StepError> {
        let request = Describe::id(id.as_str());
        let answer = self
            .ask(
                "DescribeVpcEndpoints",
                World::describe_vpc_endpoints,
                &request,
            )
            .await?;
        let endpoint = answer.and_then(|mut answer| answer.items.pop().and_then(read));
        Ok(endpoint.filter(|endpoint| endpoint.state != EndpointState::Deleted))
    }

    async fn create_endpoint(&self, new: &NewEndpoint) -> Result<Endpoint, StepError> {
        let request = CreateVpcEndpoint {
            vpc_endpoint_type: Some(EndpointType::Interface),
            vpc_id: new.vpc_id.to_string(),
            service_name: new.service_name.to_string(),
            subnet_ids: new.subnet_ids.iter().map(ToString::to_string).collect(),
            security_group_ids: vec![new.group_id.to_string()],
            private_dns_enabled: Some(false),
            client_token: Some(new.token.clone()),
            tag_specifications: vec![TagSpecification::new("vpc-endpoint", &new.tags)],
        };
        let created = self
            .ec2("CreateVpcEndpoint", World::create_vpc_endpoint, &request)
            .await?;
        read(created.vpc_endpoint).ok_or_else(|| {
            StepError::new(
                shared::Code::UnexpectedAwsAnswer,
                "the simulator made an endpoint with a malformed id",
            )
        })
    }

    async fn set_private_dns(&self, id: &EndpointId, on: bool) -> Result<(), StepError> {
        self.modify(ModifyVpcEndpoint {
            vpc_endpoint_id: id.to_string(),
            private_dns_enabled: Some(on),
            ..Default::default()
        })
        .await
    }

    async fn change_subnets(
        &self,
        id: &EndpointId,
        add: &[SubnetId],
        remove: &[SubnetId],
    ) -> Result<(), StepError> {
        self.modify(ModifyVpcEndpoint {
            vpc_endpoint_id: id.to_string(),
            add_subnet_ids: add.iter().map(ToString::to_string).collect(),
            remove_subnet_ids: remove.iter().map(ToString::to_string).collect(),
            ..Default::default()
        })
        .await
    }

    async fn set_group(
        &self,
        id: &EndpointId,
        group: &SecurityGroupId,
        on: bool,
    ) -> Result<(), StepError> {
        let groups = vec![group.to_string()];
        let (add, remove) = match on {
            true => (groups, Vec::new()),
            false => (Vec::new(), groups),
        };
        let request = ModifyVpcEndpoint {
            vpc_endpoint_id: id.to_string(),
            add_security_group_ids: add,
            remove_security_group_ids: remove,
            ..Default::default()
        };
        self.modify(request).await
    }

    async fn delete_endpoint(&self, id: &EndpointId) -> Result<(), StepError> {
        let action = "DeleteVpcEndpoints";
        let request = DeleteVpcEndpoints {
            vpc_endpoint_ids: vec![id.to_string()],
        };
        let answer = self
            .ask(action, World::delete_vpc_endpoints, &request)
            .await?;
        for item in answer.into_iter().flatten() {
            if !errors::is_absent(&item.error.code) {
                return Err(errors::classify(
                    action,
                    &item.error.code,
                    &item.error.message,
                ));
            }
        }
        Ok(())
    }

    async fn tag_endpoint(&self, id: &EndpointId, tags: &Tags) -> Result<(), StepError> {
        self.tag(id.as_str(), tags).await
    }

    async fn untag_endpoint(&self, id: &EndpointId, keys: &[String]) -> Result<(), StepError> {
        self.untag(id.as_str(), keys).await
    }
}

pub(super) fn read(found: VpcEndpoint) -> Option<Endpoint> {
    Some(Endpoint {
        id: found.vpc_endpoint_id.parse().ok()?,
        owner: found.owner_id.parse().ok(),
        is_interface: found.vpc_endpoint_type == EndpointType::Interface,
        service_name: found.service_name,
        state: EndpointState::parse(found.state.word()),
        failure: found
            .last_error
            .map(|error| format!("{}: {}", error.code, error.message)),
        subnet_ids: found
            .subnet_ids
            .iter()
            .filter_map(|subnet| subnet.parse().ok())
            .collect(),
        group_ids: found
            .groups
            .iter()
            .filter_map(|group| group.group_id.parse().ok())
            .collect(),
        private_dns: found.private_dns_enabled,
        dns_names: found
            .dns_entries
            .into_iter()
            .map(|entry| entry.dns_name)
            .collect(),
        tags: found.tags,
    })
}
