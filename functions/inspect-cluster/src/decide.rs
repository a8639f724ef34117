//! Whether a cluster and its endpoint service can be used, now or ever.

use std::collections::BTreeSet;

use shared::cloud::{CloudService, Cluster, ClusterState, Plan, ServiceStatus};
use shared::ids::{Region, ServiceName, ZoneId};
use shared::{Code, StepError};

/// Refuses a cluster that can never be reached; answers its private host in the Region.
pub(crate) fn check_cluster(
    cluster: &Cluster,
    region: &Region,
) -> Result<Option<String>, StepError> {
    let name = &cluster.name;
    let refuse = |code, why: &str| Err(StepError::new(code, format!("{name} {why}")));
    if cluster.cloud_provider != "AWS" {
        let runs = format!("runs on {}", cluster.cloud_provider);
        return refuse(Code::ClusterNotOnAws, &runs);
    }
    if cluster.plan == Plan::Basic {
        return refuse(Code::ClusterPlanWithoutPrivatelink, "is on the Basic plan");
    }
    match &cluster.state {
        ClusterState::Deleted => return refuse(Code::ClusterDeleted, "is deleted"),
        ClusterState::CreationFailed => {
            return refuse(Code::ClusterCreationFailed, "could not be created");
        }
        ClusterState::Creating
        | ClusterState::Created
        | ClusterState::Locked
        | ClusterState::Unknown(_) => {}
    }
    match cluster.regions.iter().find(|it| it.name == region.as_str()) {
        Some(found) => Ok(found.internal_dns.clone()),
        None => {
            let regions: Vec<&str> = cluster.regions.iter().map(|it| it.name.as_str()).collect();
            let why = format!("is not in {region}; it is in {}", regions.join(", "));
            refuse(Code::ClusterNotInRegion, &why)
        }
    }
}

/// What is awaited of a cluster that is not idle.
pub(crate) fn unready(cluster: &Cluster) -> Option<String> {
    match &cluster.state {
        ClusterState::Created => None,
        ClusterState::Deleted | ClusterState::CreationFailed => None,
        ClusterState::Creating | ClusterState::Locked | ClusterState::Unknown(_) => {
            Some(format!("cluster {} ({})", cluster.name, cluster.state))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ready(ServiceName, BTreeSet<ZoneId>),
    NotYet(String),
    Absent,
}

/// How the endpoint service of the Region stands.
pub(crate) fn look_at_service(
    service: Option<&CloudService>,
    cluster: &Cluster,
    region: &Region,
) -> Result<Service, StepError> {
    let about = |status: &dyn std::fmt::Display| {
        format!(
            "the endpoint service of {} in {region} ({status})",
            cluster.name
        )
    };
    let Some(service) = service else {
        return Ok(match cluster.plan {
            Plan::Advanced => Service::Absent,
            // Asking for it would be an error: Standard clusters have theirs.
            Plan::Standard { .. } | Plan::Basic => Service::NotYet(about(&"not listed yet")),
        });
    };
    match (&service.status, &service.name) {
        (ServiceStatus::Available, Some(name)) => Ok(Service::Ready(
            name.clone(),
            service.zone_ids.iter().cloned().collect(),
        )),
        (ServiceStatus::Available, None) => {
            Ok(Service::NotYet(about(&"available, without a name yet")))
        }
        (status @ (ServiceStatus::Creating | ServiceStatus::Unknown(_)), _) => {
            Ok(Service::NotYet(about(status)))
        }
        (
            status @ (ServiceStatus::CreateFailed
            | ServiceStatus::Deleting
            | ServiceStatus::DeleteFailed),
            _,
        ) => Err(StepError::new(Code::ServiceCreationFailed, about(status))),
    }
}

#[cfg(test)]
mod tests {
    use shared::cloud::ClusterRegion;

    use super::*;

    const NAME: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0";

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    fn cluster(change: impl FnOnce(&mut Cluster)) -> Cluster {
        let mut cluster = Cluster {
            name: "shop".to_owned(),
            cloud_provider: "AWS".to_owned(),
            plan: Plan::Advanced,
            state: ClusterState::Created,
            regions: vec![ClusterRegion {
                name: "eu-west-1".to_owned(),
                internal_dns: Some("internal-shop.example".to_owned()),
            }],
        };
        change(&mut cluster);
        cluster
    }

    fn checked(name: &str, change: impl FnOnce(&mut Cluster)) -> Result<Option<String>, Code> {
        check_cluster(&cluster(change), &region(name)).map_err(|error| error.code)
    }

    #[test]
    fn a_cluster_that_can_never_be_reached_is_refused_and_any_other_names_its_host() {
        let host = Ok(Some("internal-shop.example".to_owned()));
        assert_eq!(checked("eu-west-1", |_| {}), host);
        let standard = Plan::Standard { routing_id: None };
        assert_eq!(checked("eu-west-1", |it| it.plan = standard), host);
        let without = checked("eu-west-1", |it| it.regions[0].internal_dns = None);
        assert_eq!(without, Ok(None));
        for cloud in ["GCP", "AZURE", "NEWS", ""] {
            let refused = checked("eu-west-1", |it| it.cloud_provider = cloud.to_owned());
            assert_eq!(refused, Err(Code::ClusterNotOnAws), "{cloud}");
        }
        let basic = checked("eu-west-1", |it| it.plan = Plan::Basic);
        assert_eq!(basic, Err(Code::ClusterPlanWithoutPrivatelink));
        assert_eq!(checked("us-east-1", |_| {}), Err(Code::ClusterNotInRegion));
    }

    #[test]
    fn every_state_of_a_cluster_is_good_bad_or_awaited() {
        for (word, refused, awaited) in [
            ("CREATED", None, false),
            ("CREATING", None, true),
            ("LOCKED", None, true),
            ("NEWS", None, true),
            ("DELETED", Some(Code::ClusterDeleted), false),
            ("CREATION_FAILED", Some(Code::ClusterCreationFailed), false),
        ] {
            let state = ClusterState::parse(word);
            let found = checked("eu-west-1", |it| it.state = state.clone());
            assert_eq!(found.err(), refused, "{word}");
            let unready = unready(&cluster(|it| it.state = state));
            assert_eq!(unready.is_some(), awaited, "{word}");
        }
    }

    #[test]
    fn a_service_that_is_not_listed_is_asked_for_only_where_the_plan_needs_it() {
        let look = |plan| {
            look_at_service(None, &cluster(|it| it.plan = plan), &region("eu-west-1")).unwrap()
        };
        assert_eq!(look(Plan::Advanced), Service::Absent);
        let standard = look(Plan::Standard { routing_id: None });
        assert!(matches!(standard, Service::NotYet(_)), "{standard:?}");
    }

    #[test]
    fn every_state_of_a_service_is_good_bad_or_awaited() {
        let look = |word: &str, name: Option<&str>| {
            let service = CloudService {
                region: region("eu-west-1"),
                name: name.map(|name| name.parse().unwrap()),
                status: ServiceStatus::parse(word),
                zone_ids: vec!["euw1-az1".parse().unwrap()],
            };
            let looked = look_at_service(Some(&service), &cluster(|_| {}), &service.region);
            looked.map_err(|error| error.code)
        };
        let ready = Service::Ready(NAME.parse().unwrap(), ["euw1-az1".parse().unwrap()].into());
        assert_eq!(look("AVAILABLE", Some(NAME)), Ok(ready));
        for (word, name) in [
            ("AVAILABLE", None),
            ("CREATING", Some(NAME)),
            ("NEWS", Some(NAME)),
        ] {
            assert!(matches!(look(word, name), Ok(Service::NotYet(_))), "{word}");
        }
        for word in ["CREATE_FAILED", "DELETING", "DELETE_FAILED"] {
            let failed = Err(Code::ServiceCreationFailed);
            assert_eq!(look(word, Some(NAME)), failed, "{word}");
        }
    }
}
