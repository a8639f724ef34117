//! How long things take in a world.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// How long things take. In a scenario every field is a number of seconds.
///
/// The defaults are near what people have measured: an endpoint takes tens of
/// seconds to a few minutes (terraform-provider-aws issue 37694), registration
/// about thirty seconds (terraform-provider-cockroach pull request 60).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// From the creation of an EC2 resource until other calls can see it.
    #[serde(deserialize_with = "seconds")]
    pub visible: Duration,
    /// From acceptance of an endpoint until it is `available`.
    #[serde(deserialize_with = "seconds")]
    pub endpoint_building: Duration,
    /// From switching private DNS on or off until the endpoint is `available`
    /// again.
    #[serde(deserialize_with = "seconds")]
    pub private_dns: Duration,
    /// From a change of subnets until the endpoint is `available` again.
    #[serde(deserialize_with = "seconds")]
    pub endpoint_changing: Duration,
    /// From `pendingAcceptance` to `expired`. The real time is not documented.
    #[serde(deserialize_with = "seconds")]
    pub acceptance_expiry: Duration,
    /// From a deletion until the endpoint is `deleted`.
    #[serde(deserialize_with = "seconds")]
    pub endpoint_deleting: Duration,
    /// How long an endpoint stays listed as `deleted`.
    #[serde(deserialize_with = "seconds")]
    pub deleted_listed: Duration,
    /// How long network interfaces still hold their security groups and
    /// addresses after their endpoint is `deleted`.
    #[serde(deserialize_with = "seconds")]
    pub interfaces_draining: Duration,
    /// From asking for the endpoint services of an Advanced cluster until they
    /// are `AVAILABLE`.
    #[serde(deserialize_with = "seconds")]
    pub service_creating: Duration,
    /// From registering an endpoint with a cluster until the cluster's list
    /// shows it. Nothing says that the list is consistent at once.
    #[serde(deserialize_with = "seconds")]
    pub registration_listed: Duration,
    /// From registering an endpoint with a cluster until the cluster's side
    /// accepts it.
    #[serde(deserialize_with = "seconds")]
    pub acceptance: Duration,
    /// From the acceptance of an endpoint until the cluster's list says so,
    /// because acceptance is an asynchronous job there
    /// (terraform-provider-cockroach pull request 60).
    #[serde(deserialize_with = "seconds")]
    pub acceptance_noticed: Duration,
    /// From removing a registration until the endpoint is rejected.
    #[serde(deserialize_with = "seconds")]
    pub deregistration: Duration,
    /// From the start of the world until a cluster in `CREATING` is `CREATED`.
    #[serde(deserialize_with = "seconds")]
    pub cluster_creating: Duration,
    /// How long an exclusive operation keeps a cluster `LOCKED`.
    #[serde(deserialize_with = "seconds")]
    pub cluster_locked: Duration,
    /// From the deletion of a registered endpoint until the Cloud side notices
    /// that its entry is stale.
    #[serde(deserialize_with = "seconds")]
    pub stale_noticed: Duration,
    /// How far a read of DynamoDB that need not be consistent may be behind
    /// ("Read consistency", developer guide: usually one second or less).
    #[serde(deserialize_with = "seconds")]
    pub reads_behind: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            visible: Duration::from_secs(3),
            endpoint_building: Duration::from_secs(45),
            private_dns: Duration::from_secs(60),
            endpoint_changing: Duration::from_secs(30),
            acceptance_expiry: Duration::from_secs(7 * 24 * 3600),
            endpoint_deleting: Duration::from_secs(45),
            deleted_listed: Duration::from_secs(600),
            interfaces_draining: Duration::from_secs(20),
            service_creating: Duration::from_secs(90),
            registration_listed: Duration::ZERO,
            acceptance: Duration::from_secs(30),
            acceptance_noticed: Duration::from_secs(10),
            deregistration: Duration::from_secs(20),
            cluster_creating: Duration::from_secs(600),
            cluster_locked: Duration::from_secs(60),
            stale_noticed: Duration::from_secs(60),
            reads_behind: Duration::from_secs(1),
        }
    }
}

impl Pace {
    /// A world in which nothing takes time.
    pub fn instant() -> Self {
        Pace {
            visible: Duration::ZERO,
            endpoint_building: Duration::ZERO,
            private_dns: Duration::ZERO,
            endpoint_changing: Duration::ZERO,
            acceptance_expiry: Duration::from_secs(7 * 24 * 3600),
            endpoint_deleting: Duration::ZERO,
            deleted_listed: Duration::ZERO,
            interfaces_draining: Duration::ZERO,
            service_creating: Duration::ZERO,
            registration_listed: Duration::ZERO,
            acceptance: Duration::ZERO,
            acceptance_noticed: Duration::ZERO,
            deregistration: Duration::ZERO,
            cluster_creating: Duration::ZERO,
            cluster_locked: Duration::ZERO,
            stale_noticed: Duration::ZERO,
            reads_behind: Duration::ZERO,
        }
    }
}

/// Reads a number of seconds, whole or not.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| serde::de::Error::custom("a time must be a number of seconds, not negative"))
}

/// Reads an optional number of seconds.
pub(crate) fn maybe_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    seconds(deserializer).map(Some)
}
