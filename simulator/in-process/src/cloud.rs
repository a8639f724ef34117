//! The Cloud API.

use shared::StepError;
use shared::cloud::errors::{self, Refused};
use shared::cloud::{
    Cloud, CloudService, Cluster, ClusterRegion, ClusterState, Plan, Registration,
    RegistrationStatus, ServiceStatus, TrustedOwner,
};
use shared::ids::{AccountId, ClusterId, EndpointId};
use shared::secret::ApiKey;

use super::InProcess;
use simulator::cloud::{self, ApiCaller};
use simulator::{ApiError, Refusal, World};

impl InProcess {
    /// One call of the Cloud API, with a renewed key if the kept one is refused.
    async fn cloud<T>(
        &self,
        call: &str,
        effect: impl Fn(&mut World, &ApiCaller) -> Result<T, ApiError>,
    ) -> Result<Result<T, ApiError>, StepError> {
        let key = self.key().await?;
        match self.attempt(call, &key, &effect).await? {
            Err(error) if error.status == 401 => {
                let renewed = self.renew_key().await?;
                if renewed == key {
                    Ok(Err(error))
                } else {
                    self.attempt(call, &renewed, &effect).await
                }
            }
            answer => Ok(answer),
        }
    }

    async fn attempt<T>(
        &self,
        call: &str,
        key: &ApiKey,
        effect: impl FnOnce(&mut World, &ApiCaller) -> Result<T, ApiError>,
    ) -> Result<Result<T, ApiError>, StepError> {
        let caller = ApiCaller::with_key(key.expose());
        match self
            .called(&format!("cloud:{call}"), |world| effect(world, &caller))
            .await
        {
            Ok(answer) => Ok(Ok(answer)),
            Err(Refusal::Answer(error)) => Ok(Err(error)),
            Err(refusal @ (Refusal::TimedOut | Refusal::CutOff)) => {
                Err(errors::no_answer(call, &refusal.to_string()))
            }
        }
    }

    async fn key(&self) -> Result<ApiKey, StepError> {
        let kept = self
            .key
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        match kept {
            Some(key) => Ok(key),
            None => self.renew_key().await,
        }
    }

    async fn renew_key(&self) -> Result<ApiKey, StepError> {
        let key = self.read_key().await?;
        *self
            .key
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(key.clone());
        Ok(key)
    }
}

fn refused(call: &str, error: &ApiError) -> StepError {
    errors::classify(&Refused {
        call,
        status: error.status,
        has_retry_after: error.retry_after.is_some(),
        is_official: true,
        message: &error.message,
    })
}

/// A list of a cluster that exists: a 404 means that it is still being built.
fn listed<T>(call: &str, answer: Result<T, ApiError>) -> Result<T, StepError> {
    answer.map_err(|error| match error.status {
        404 => StepError::new(
            shared::Code::ClusterBusy,
            format!("the Cloud API answered 404 to {call}"),
        ),
        _ => refused(call, &error),
    })
}

/// Removing what is not there is success.
fn removed<T>(call: &str, answer: Result<T, ApiError>) -> Result<(), StepError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.status == 404 => Ok(()),
        Err(error) => Err(refused(call, &error)),
    }
}

impl Cloud for InProcess {
    async fn cluster(&self, id: &ClusterId) -> Result<Option<Cluster>, StepError> {
        let call = "GET cluster";
        match self
            .cloud(call, |world, caller| {
                world.cloud_get_cluster(caller, id.as_str())
            })
            .await?
        {
            Ok(cluster) => Ok(Some(read_cluster(cluster))),
            Err(error) if error.status == 404 => Ok(None),
            Err(error) => Err(refused(call, &error)),
        }
    }

    async fn endpoint_services(&self, id: &ClusterId) -> Result<Vec<CloudService>, StepError> {
        let call = "GET private-endpoint-services";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_list_services(caller, id.as_str())
            })
            .await?;
        let services = listed(call, answer)?.into_iter().filter_map(|service| {
            Some(CloudService {
                region: service.region_name.parse().ok()?,
                name: service.name.parse().ok(),
                status: ServiceStatus::parse(service.status.as_str()),
                zone_ids: service
                    .availability_zone_ids
                    .iter()
                    .filter_map(|zone| zone.parse().ok())
                    .collect(),
            })
        });
        Ok(services.collect())
    }

    async fn request_endpoint_services(&self, id: &ClusterId) -> Result<(), StepError> {
        let call = "POST private-endpoint-services";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_create_services(caller, id.as_str())
            })
            .await?;
        answer.map(|_| ()).map_err(|error| refused(call, &error))
    }

    async fn registrations(&self, id: &ClusterId) -> Result<Vec<Registration>, StepError> {
        let call = "GET private-endpoint-connections";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_list_connections(caller, id.as_str())
            })
            .await?;
        let registrations = listed(call, answer)?
            .into_iter()
            .map(|connection| Registration {
                status: RegistrationStatus::parse(connection.status.as_str()),
                account: Some(connection.external_owner_id).filter(|account| !account.is_empty()),
                endpoint_id: connection.endpoint_id,
            });
        Ok(registrations.collect())
    }

    async fn register(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError> {
        let call = "POST private-endpoint-connections";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_add_connection(caller, id.as_str(), endpoint.as_str())
            })
            .await?;
        answer.map(|_| ()).map_err(|error| refused(call, &error))
    }

    async fn deregister(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError> {
        let call = "DELETE private-endpoint-connection";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_delete_connection(caller, id.as_str(), endpoint.as_str())
            })
            .await?;
        removed(call, answer)
    }

    async fn trusted_owners(&self, id: &ClusterId) -> Result<Option<Vec<TrustedOwner>>, StepError> {
        let call = "GET private-endpoint-trusted-owners";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_list_trusted_owners(caller, id.as_str())
            })
            .await?;
        match answer {
            Ok(owners) => {
                let owner = |owner: cloud::TrustedOwner| TrustedOwner {
                    id: owner.id,
                    account: owner.external_owner_id,
                };
                Ok(Some(owners.into_iter().map(owner).collect()))
            }
            Err(error) if matches!(error.status, 403 | 404) => Ok(None),
            Err(error) => Err(refused(call, &error)),
        }
    }

    async fn trust_owner(&self, id: &ClusterId, account: &AccountId) -> Result<(), StepError> {
        let call = "POST private-endpoint-trusted-owners";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_add_trusted_owner(caller, id.as_str(), account.as_str())
            })
            .await?;
        answer.map(|_| ()).map_err(|error| refused(call, &error))
    }

    async fn distrust_owner(&self, id: &ClusterId, owner_id: &str) -> Result<(), StepError> {
        let call = "DELETE private-endpoint-trusted-owner";
        let answer = self
            .cloud(call, |world, caller| {
                world.cloud_delete_trusted_owner(caller, id.as_str(), owner_id)
            })
            .await?;
        removed(call, answer)
    }
}

fn read_cluster(cluster: cloud::Cluster) -> Cluster {
    let plan = match (cluster.routing_id, cluster.plan.as_str()) {
        (Some(_), "BASIC") => Plan::Basic,
        (Some(id), _) => Plan::Standard {
            routing_id: id.parse().ok(),
        },
        (None, _) => Plan::Advanced,
    };
    Cluster {
        name: cluster.name,
        cloud_provider: cluster.cloud_provider.as_str().to_owned(),
        plan,
        state: ClusterState::parse(cluster.state.as_str()),
        regions: cluster
            .regions
            .into_iter()
            .map(|region| ClusterRegion {
                name: region.name,
                internal_dns: Some(region.internal_dns).filter(|host| !host.is_empty()),
            })
            .collect(),
    }
}
