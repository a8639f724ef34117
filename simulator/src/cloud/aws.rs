//! Where this side reaches into AWS: it offers endpoint services there, and
//! accepts or rejects the endpoints that lead to them.

use super::connections::Connection;
use super::lifecycle::{self, ConnectionStep};
use super::words::{CloudProvider, ConnectionStatus};
use crate::ec2::{EndpointService, EndpointState, Verification};
use crate::world::World;

/// What the provider of a service sees of an endpoint that leads to it.
pub(super) struct SeenEndpoint {
    pub(super) owner: String,
    pub(super) service_name: String,
    pub(super) is_dead: bool,
}

/// An endpoint, if it exists and this side can see it already.
pub(super) fn endpoint(world: &World, id: &str) -> Option<SeenEndpoint> {
    let endpoint = world.ec2.endpoint(id)?;
    if !endpoint.state.is_there() || endpoint.visible > world.now {
        return None;
    }
    Some(SeenEndpoint {
        owner: endpoint.owner.clone(),
        service_name: endpoint.service_name.clone(),
        is_dead: matches!(
            endpoint.state,
            EndpointState::Failed | EndpointState::Expired
        ),
    })
}

/// Offers the endpoint service of a region of a cluster in AWS. Clusters may
/// share a service; then it is there already and stays as it is.
pub(super) fn publish(world: &mut World, cluster_id: &str, region: &str) {
    let Some(record) = world.cloud.cluster(cluster_id) else {
        return;
    };
    let mut services = record.services.iter();
    let Some(known) = services.find(|known| known.service.region_name == region) else {
        return;
    };
    let service = &known.service;
    if service.cloud_provider != CloudProvider::Aws
        || world.ec2.service_anywhere(&service.name).is_some()
    {
        return;
    }
    let published = EndpointService {
        id: service.endpoint_service_id.clone(),
        verification: if known.private_dns_verified {
            Verification::Verified
        } else {
            Verification::PendingVerification
        },
        ..EndpointService::for_cluster(
            region,
            &service.name,
            service.availability_zone_ids.clone(),
            known.private_dns_name.clone(),
        )
    };
    world.ec2.publish_service(published);
}

/// An endpoint got into another state in AWS. Clusters that know it find out
/// about its end a while later.
pub(crate) fn endpoint_turned(world: &mut World, endpoint_id: &str, state: EndpointState) {
    let (after, step) = match state {
        EndpointState::Deleted => (world.pace.stale_noticed, ConnectionStep::Stale),
        EndpointState::Expired => (world.pace.acceptance_noticed, ConnectionStep::Expired),
        EndpointState::PendingAcceptance
        | EndpointState::Pending
        | EndpointState::Available
        | EndpointState::Deleting
        | EndpointState::Rejected
        | EndpointState::Failed
        | EndpointState::Partial => return,
    };
    let cares = |connection: &Connection| {
        connection.endpoint_id == endpoint_id
            && match connection.status {
                ConnectionStatus::Pending
                | ConnectionStatus::PendingAcceptance
                | ConnectionStatus::Available
                | ConnectionStatus::Failed
                | ConnectionStatus::Expired
                | ConnectionStatus::Unknown(_) => true,
                ConnectionStatus::Deleting
                | ConnectionStatus::Deleted
                | ConnectionStatus::Rejected
                | ConnectionStatus::Stale => false,
            }
    };
    let clusters: Vec<String> = world
        .cloud
        .clusters()
        .filter(|record| record.connections().any(cares))
        .map(|record| record.cluster.id.clone())
        .collect();
    for cluster_id in clusters {
        lifecycle::redirect(world, &cluster_id, endpoint_id, &[(after, step)]);
    }
}
