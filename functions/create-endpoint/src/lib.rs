//! Makes one interface endpoint to the cluster's service be there, claimed by
//! this connection.
//!
//! Found again by its tags, the endpoint is answered as it is. One that the plan
//! names is claimed: shared with another connection of ours, or adopted from
//! somebody else. What is left of an endpoint that can never become usable is
//! deleted first, because it is billed as long as it exists. The undo is
//! `delete-endpoint`.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, Endpoints, NewEndpoint};
use shared::ids::{ClusterId, EndpointId, SecurityGroupId, VpcId};
use shared::ownership::{Claim, Origin, client_token};
use shared::plan::EndpointPlan;
use shared::{Code, StepError};

/// What to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The name of the execution; with it the client token is another one in every run.
    pub run: String,
    /// In which VPC.
    pub vpc_id: VpcId,
    /// For which cluster.
    pub cluster_id: ClusterId,
    /// For which connection.
    pub connection_id: String,
    /// Service, subnets, and the endpoint to use if there is one.
    pub endpoint: EndpointPlan,
    /// Its security group; only an endpoint that exists can do without.
    pub group_id: Option<SecurityGroupId>,
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The endpoint.
    pub endpoint_id: EndpointId,
}

/// Claims or creates the endpoint.
///
/// # Errors
/// `endpoint-gone` when the one to use has vanished, and those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Output, StepError> {
    let claim = Claim { cluster_id: input.cluster_id.clone(), connection_id: input.connection_id.clone() };
    if let Some(endpoint_id) = &input.endpoint.existing {
        claim_existing(ec2, endpoint_id, &claim).await?;
        return Ok(Output { endpoint_id: endpoint_id.clone() });
    }

    let endpoints = ec2.endpoints(&input.vpc_id).await?;
    let own = |endpoint: &&Endpoint| {
        endpoint.is_interface
            && endpoint.service_name == input.endpoint.service_name.as_str()
            && Origin::of(&endpoint.tags) == Some(Origin::Made)
            && claim.is_in(&endpoint.tags)
    };
    if let Some(found) = endpoints.iter().filter(own).find(|endpoint| !endpoint.state.is_dead()) {
        return Ok(Output { endpoint_id: found.id.clone() });
    }
    let leftovers = endpoints
        .iter()
        .filter(own)
        .filter(|endpoint| !endpoint.state.is_gone() && claim.others_in(&endpoint.tags).is_empty());
    for leftover in leftovers {
        ec2.delete_endpoint(&leftover.id).await?;
    }
    let created = ec2.create_endpoint(&new_endpoint(&input, &claim)?).await?;
    Ok(Output { endpoint_id: created.id })
}

async fn claim_existing(ec2: &impl Endpoints, id: &EndpointId, claim: &Claim) -> Result<(), StepError> {
    let found = ec2.endpoint(id).await?.filter(|endpoint| !endpoint.state.is_dead());
    let Some(endpoint) = found else {
        return Err(StepError::new(
            Code::EndpointGone,
            format!("{id} was there when the network was inspected, and is not usable any more"),
        ));
    };
    if claim.is_in(&endpoint.tags) {
        return Ok(());
    }
    let origin = Origin::of(&endpoint.tags).unwrap_or(Origin::Adopted);
    ec2.tag_endpoint(id, &claim.tags(origin)).await
}

fn new_endpoint(input: &Input, claim: &Claim) -> Result<NewEndpoint, StepError> {
    let group_id = input.group_id.clone().ok_or_else(|| {
        // Without a group EC2 would take the VPC's default group.
        StepError::new(Code::InvalidRequest, "group_id: a new endpoint needs a security group of its own")
    })?;
    let mut parts = vec![input.run.as_str(), input.vpc_id.as_str(), input.endpoint.service_name.as_str()];
    parts.push(group_id.as_str());
    parts.extend(input.endpoint.subnet_ids.iter().map(|subnet| subnet.as_str()));
    let token = client_token(&parts);
    let mut tags = claim.tags(Origin::Made);
    tags.insert("Name".to_owned(), format!("crdb-privatelink {}", input.connection_id));
    Ok(NewEndpoint {
        vpc_id: input.vpc_id.clone(),
        service_name: input.endpoint.service_name.clone(),
        subnet_ids: input.endpoint.subnet_ids.clone(),
        group_id,
        token,
        tags,
    })
}
