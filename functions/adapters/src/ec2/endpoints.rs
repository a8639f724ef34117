//! Interface endpoints.

use aws_sdk_ec2::types::{Filter, ResourceType, VpcEndpoint, VpcEndpointType};
use shared::StepError;
use shared::ec2::{Endpoint, EndpointState, Endpoints, NewEndpoint, errors};
use shared::ids::{EndpointId, SecurityGroupId, SubnetId, VpcId};
use shared::ownership::Tags;

use super::{
    AwsEc2, FILTER_VALUES, PAGE, field, filter, filter_any, id, tags_at_creation, tags_of,
};

impl Endpoints for AwsEc2 {
    async fn endpoints(&self, vpc: &VpcId) -> Result<Vec<Endpoint>, StepError> {
        self.endpoints_that_pass(filter("vpc-id", vpc.as_str()))
            .await
    }

    async fn endpoints_by_id(&self, ids: &[EndpointId]) -> Result<Vec<Endpoint>, StepError> {
        let mut endpoints = Vec::new();
        // Asked for as ids, one that is gone would fail the whole call.
        for ids in ids.chunks(FILTER_VALUES) {
            let filter = filter_any("vpc-endpoint-id", ids);
            endpoints.extend(self.endpoints_that_pass(filter).await?);
        }
        Ok(endpoints)
    }

    async fn endpoint(&self, endpoint: &EndpointId) -> Result<Option<Endpoint>, StepError> {
        let operation = "DescribeVpcEndpoints";
        let request = self
            .client
            .describe_vpc_endpoints()
            .vpc_endpoint_ids(endpoint.as_str());
        let found = self.present(operation, request.send().await)?;
        let found = found.and_then(|answer| answer.vpc_endpoints?.pop());
        let endpoint = found.map(|found| read(operation, &found)).transpose()?;
        Ok(endpoint.filter(|endpoint| endpoint.state != EndpointState::Deleted))
    }

    async fn create_endpoint(&self, new: &NewEndpoint) -> Result<Endpoint, StepError> {
        let operation = "CreateVpcEndpoint";
        let subnets = new
            .subnet_ids
            .iter()
            .map(|subnet| subnet.to_string())
            .collect();
        let answer = self
            .client
            .create_vpc_endpoint()
            // Left out, EC2 would take it for a gateway endpoint.
            .vpc_endpoint_type(VpcEndpointType::Interface)
            .vpc_id(new.vpc_id.as_str())
            .service_name(new.service_name.as_str())
            .set_subnet_ids(Some(subnets))
            .security_group_ids(new.group_id.as_str())
            // A service that must accept refuses private DNS at creation.
            .private_dns_enabled(false)
            .client_token(&new.token)
            .tag_specifications(tags_at_creation(ResourceType::VpcEndpoint, &new.tags))
            .send()
            .await
            .map_err(|error| self.failure(operation, error))?;
        read(
            operation,
            field(operation, "vpcEndpoint", answer.vpc_endpoint())?,
        )
    }

    async fn set_private_dns(&self, endpoint: &EndpointId, on: bool) -> Result<(), StepError> {
        let request = self
            .client
            .modify_vpc_endpoint()
            .vpc_endpoint_id(endpoint.as_str());
        let sent = request.private_dns_enabled(on).send().await;
        sent.map(|_| ())
            .map_err(|error| self.failure("ModifyVpcEndpoint", error))
    }

    async fn change_subnets(
        &self,
        endpoint: &EndpointId,
        add: &[SubnetId],
        remove: &[SubnetId],
    ) -> Result<(), StepError> {
        // Left out where there is none: EC2 takes an empty list for a mistake.
        let listed = |ids: &[SubnetId]| {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            (!ids.is_empty()).then_some(ids)
        };
        let request = self
            .client
            .modify_vpc_endpoint()
            .vpc_endpoint_id(endpoint.as_str())
            .set_add_subnet_ids(listed(add))
            .set_remove_subnet_ids(listed(remove));
        let sent = request.send().await;
        sent.map(|_| ())
            .map_err(|error| self.failure("ModifyVpcEndpoint", error))
    }

    async fn set_group(
        &self,
        endpoint: &EndpointId,
        group: &SecurityGroupId,
        on: bool,
    ) -> Result<(), StepError> {
        let request = self
            .client
            .modify_vpc_endpoint()
            .vpc_endpoint_id(endpoint.as_str());
        let request = match on {
            true => request.add_security_group_ids(group.as_str()),
            false => request.remove_security_group_ids(group.as_str()),
        };
        let sent = request.send().await;
        sent.map(|_| ())
            .map_err(|error| self.failure("ModifyVpcEndpoint", error))
    }

    async fn delete_endpoint(&self, endpoint: &EndpointId) -> Result<(), StepError> {
        let operation = "DeleteVpcEndpoints";
        let request = self
            .client
            .delete_vpc_endpoints()
            .vpc_endpoint_ids(endpoint.as_str());
        let Some(answer) = self.present(operation, request.send().await)? else {
            return Ok(());
        };
        // EC2 answers 200 and keeps the failures in a list.
        for item in answer.unsuccessful() {
            let (code, message) = item.error().map_or(("unnamed error", ""), |error| {
                (
                    error.code().unwrap_or("unnamed error"),
                    error.message().unwrap_or_default(),
                )
            });
            if !errors::is_absent(code) {
                return Err(errors::classify(operation, code, message));
            }
        }
        Ok(())
    }

    async fn tag_endpoint(&self, endpoint: &EndpointId, tags: &Tags) -> Result<(), StepError> {
        self.tag(endpoint.as_str(), tags).await
    }

    async fn untag_endpoint(
        &self,
        endpoint: &EndpointId,
        keys: &[String],
    ) -> Result<(), StepError> {
        self.untag(endpoint.as_str(), keys).await
    }
}

impl AwsEc2 {
    async fn endpoints_that_pass(&self, filter: Filter) -> Result<Vec<Endpoint>, StepError> {
        let operation = "DescribeVpcEndpoints";
        let request = self.client.describe_vpc_endpoints().filters(filter);
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut endpoints = Vec::new();
        while let Some(found) = pages.next().await {
            let endpoint = read(
                operation,
                &found.map_err(|error| self.failure(operation, error))?,
            )?;
            if endpoint.state != EndpointState::Deleted {
                endpoints.push(endpoint);
            }
        }
        Ok(endpoints)
    }
}

pub(super) fn read(operation: &str, found: &VpcEndpoint) -> Result<Endpoint, StepError> {
    let last_error = found.last_error().map(|error| {
        format!(
            "{}: {}",
            error.code().unwrap_or("unnamed error"),
            error.message().unwrap_or_default()
        )
    });
    Ok(Endpoint {
        id: id(operation, "vpcEndpointId", found.vpc_endpoint_id())?,
        owner: found.owner_id().and_then(|owner| owner.parse().ok()),
        is_interface: found
            .vpc_endpoint_type()
            .is_some_and(|kind| kind.as_str().eq_ignore_ascii_case("Interface")),
        service_name: field(operation, "serviceName", found.service_name())?.to_owned(),
        state: EndpointState::parse(field(operation, "state", found.state())?.as_str()),
        failure: found.failure_reason().map(str::to_owned).or(last_error),
        subnet_ids: found
            .subnet_ids()
            .iter()
            .filter_map(|subnet| subnet.parse().ok())
            .collect(),
        group_ids: found
            .groups()
            .iter()
            .filter_map(|group| group.group_id()?.parse().ok())
            .collect(),
        private_dns: found.private_dns_enabled() == Some(true),
        dns_names: found
            .dns_entries()
            .iter()
            .filter_map(|entry| entry.dns_name().map(str::to_owned))
            .collect(),
        tags: tags_of(found.tags()),
    })
}
