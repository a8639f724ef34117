//! The JSON of the Cloud API (OpenAPI document, version 2024-09-16).
//!
//! Unset fields come as `null`, as empty strings or not at all, and the document
//! requires fields that it does not define, so nothing is required here that we
//! can do without.

use serde::{Deserialize, Deserializer};
use shared::cloud::{
    CloudService, Cluster, ClusterRegion, ClusterState, Plan, Registration, RegistrationStatus,
    ServiceStatus, TrustedOwner,
};
use shared::ids::RoutingId;

#[derive(Deserialize)]
pub(super) struct ClusterWire {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    cloud_provider: String,
    #[serde(default)]
    plan: Option<String>,
    state: String,
    #[serde(default, deserialize_with = "or_default")]
    config: ConfigWire,
    #[serde(default, deserialize_with = "or_default")]
    regions: Vec<RegionWire>,
}

#[derive(Deserialize, Default)]
struct ConfigWire {
    #[serde(default)]
    serverless: Option<ServerlessWire>,
}

#[derive(Deserialize)]
struct ServerlessWire {
    #[serde(default, deserialize_with = "routing")]
    routing_id: Option<RoutingId>,
}

#[derive(Deserialize)]
struct RegionWire {
    name: String,
    #[serde(default, deserialize_with = "filled")]
    internal_dns: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ServicesWire {
    #[serde(default, deserialize_with = "or_default")]
    services: Vec<ServiceWire>,
}

#[derive(Deserialize)]
struct ServiceWire {
    region_name: String,
    status: String,
    #[serde(default, deserialize_with = "filled")]
    name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    availability_zone_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct ConnectionsWire {
    #[serde(default, deserialize_with = "or_default")]
    connections: Vec<ConnectionWire>,
}

#[derive(Deserialize)]
struct ConnectionWire {
    endpoint_id: String,
    status: String,
    #[serde(default, deserialize_with = "filled")]
    external_owner_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OwnersWire {
    #[serde(default, deserialize_with = "or_default")]
    trusted_owners: Vec<OwnerWire>,
}

#[derive(Deserialize)]
struct OwnerWire {
    id: String,
    external_owner_id: String,
}

/// The body of a refusal. Every field is optional, and there may be no body at all.
#[derive(Deserialize)]
pub(super) struct StatusWire {
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// What is `null` counts as left out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// It goes into connection strings and commands, so one of another form is refused.
fn routing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RoutingId>, D::Error> {
    let text = filled(deserializer)?;
    let id = text.map(RoutingId::try_from).transpose();
    id.map_err(serde::de::Error::custom)
}

impl From<ClusterWire> for Cluster {
    fn from(wire: ClusterWire) -> Self {
        // The plan decides by the member of `config`, as in the Terraform provider,
        // because the words of `plan` change with the API version; only Basic and
        // Standard share a member.
        let plan = match (wire.config.serverless, wire.plan.as_deref()) {
            (Some(_), Some("BASIC")) => Plan::Basic,
            (Some(serverless), _) => Plan::Standard {
                routing_id: serverless.routing_id,
            },
            (None, _) => Plan::Advanced,
        };
        Self {
            name: wire.name,
            cloud_provider: wire.cloud_provider,
            plan,
            state: ClusterState::parse(&wire.state),
            regions: wire
                .regions
                .into_iter()
                .map(|region| ClusterRegion {
                    name: region.name,
                    internal_dns: region.internal_dns,
                })
                .collect(),
        }
    }
}

impl From<ServicesWire> for Vec<CloudService> {
    fn from(wire: ServicesWire) -> Self {
        // A region, name or zone that has another form than on AWS belongs to a
        // service on another cloud, which is not ours to look at.
        wire.services
            .into_iter()
            .filter_map(|service| {
                Some(CloudService {
                    region: service.region_name.parse().ok()?,
                    name: service.name.and_then(|name| name.parse().ok()),
                    status: ServiceStatus::parse(&service.status),
                    zone_ids: service
                        .availability_zone_ids
                        .iter()
                        .filter_map(|zone| zone.parse().ok())
                        .collect(),
                })
            })
            .collect()
    }
}

impl From<ConnectionsWire> for Vec<Registration> {
    fn from(wire: ConnectionsWire) -> Self {
        wire.connections
            .into_iter()
            .map(|connection| Registration {
                endpoint_id: connection.endpoint_id,
                status: RegistrationStatus::parse(&connection.status),
                account: connection.external_owner_id,
            })
            .collect()
    }
}

impl From<OwnersWire> for Vec<TrustedOwner> {
    fn from(wire: OwnersWire) -> Self {
        wire.trusted_owners
            .into_iter()
            .map(|owner| TrustedOwner {
                id: owner.id,
                account: owner.external_owner_id,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(change: serde_json::Value) -> Cluster {
        let mut value = json!({
            "id": "x", "name": "shop", "cloud_provider": "AWS", "state": "CREATED",
            "plan": "ADVANCED", "config": {"dedicated": {}},
            "regions": [{"name": "eu-west-1", "internal_dns": "", "node_count": 3}],
            "deleted_at": null,
        });
        for (key, new) in change.as_object().unwrap() {
            value[key] = new.clone();
        }
        Cluster::from(serde_json::from_value::<ClusterWire>(value).unwrap())
    }

    #[test]
    fn the_plan_follows_from_config_and_only_basic_from_its_word() {
        assert_eq!(cluster(json!({})).plan, Plan::Advanced);
        let serverless = json!({"serverless": {"routing_id": "shop-1", "usage_limits": {"provisioned_virtual_cpus": "2"}}});
        assert_eq!(
            cluster(json!({"plan": "STANDARD", "config": serverless})).plan,
            Plan::Standard {
                routing_id: "shop-1".parse().ok()
            }
        );
        assert_eq!(
            cluster(json!({"plan": "BASIC", "config": serverless})).plan,
            Plan::Basic
        );
        assert_eq!(
            cluster(json!({"plan": "SOMETHING_NEW", "config": {"dedicated": {}}})).plan,
            Plan::Advanced
        );
    }

    #[test]
    fn a_routing_id_of_another_form_is_refused() {
        let read = |id: &str| serde_json::from_value::<ServerlessWire>(json!({"routing_id": id}));
        assert!(read("").unwrap().routing_id.is_none());
        let error = read("x$(id >&2)y").err().unwrap().to_string();
        assert!(
            error.contains("`x$(id >&2)y` is not a routing id"),
            "{error}"
        );
    }
}
