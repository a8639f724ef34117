//! Looks at the cluster's side, before anything is made.
//!
//! The cluster must be on AWS, in the Region, on a plan that offers PrivateLink
//! and in a state that can take it. Changes nothing, with one exception: an
//! Advanced cluster must be asked for its endpoint service once, and `provision`
//! lets this step ask. Asking again is harmless. There is no undo, because the
//! Cloud API has no call that deletes an endpoint service; it costs nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, Plan, Registration, RegistrationStatus};
use shared::plan::ClusterFacts;
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError};

mod decide;

use decide::{Service, check_cluster, look_at_service, unready};

/// What to look at.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection: of its cluster, what is in its Region.
    pub connection: Subject,
    /// Whether an Advanced cluster without endpoint service may be asked for one.
    pub may_request_service: bool,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Looks once.
///
/// # Errors
/// The codes `cluster-…` and `service-…`, and those of the Cloud API.
pub async fn handle(cloud: &impl Cloud, input: Input) -> Result<Progress<ClusterFacts>, StepError> {
    let (id, region) = (&input.connection.cluster_id, &input.connection.region);
    let Some(cluster) = cloud.cluster(id).await? else {
        let detail = format!("the Cloud API knows no cluster {id}");
        return Err(StepError::new(Code::ClusterNotFound, detail));
    };
    let private_host = check_cluster(&cluster, region)?;
    if let Some(awaited) = unready(&cluster) {
        return input.wait.pending(awaited, Code::ClusterNotReadyInTime);
    }

    let services = cloud.endpoint_services(id).await?;
    let service = services.iter().find(|service| service.region == *region);
    let (service_name, zone_ids) = match look_at_service(service, &cluster, region)? {
        Service::Ready(name, zone_ids) => (name, zone_ids),
        Service::NotYet(awaited) => {
            return input.wait.pending(awaited, Code::ServiceNotReadyInTime);
        }
        Service::Absent => {
            let mut asked = "not asked for yet";
            if input.may_request_service {
                cloud.request_endpoint_services(id).await?;
                asked = "asked for";
            }
            let name = &cluster.name;
            let awaited = format!("the endpoint service of {name} in {region} ({asked})");
            return input.wait.pending(awaited, Code::ServiceNotReadyInTime);
        }
    };

    // Only Advanced clusters keep a list of trusted owners (CockroachDB Cloud docs, "AWS PrivateLink").
    let trusted_accounts = match cluster.plan {
        Plan::Advanced => cloud.trusted_owners(id).await?,
        Plan::Standard { .. } | Plan::Basic => None,
    };
    let registrations = cloud.registrations(id).await?;
    let is_available = |status: &RegistrationStatus| *status == RegistrationStatus::Available;
    Ok(Progress::Ready(ClusterFacts {
        cluster_name: cluster.name,
        service_name,
        zone_ids,
        private_host,
        routing_id: match cluster.plan {
            Plan::Standard { routing_id } => routing_id,
            Plan::Advanced | Plan::Basic => None,
        },
        // An empty list is taken for *everybody*: it is what a cluster has that
        // never used the feature.
        trusted_accounts: trusted_accounts
            .filter(|owners| !owners.is_empty())
            .map(|owners| owners.into_iter().map(|owner| owner.account).collect()),
        registered: endpoints(&registrations, is_available),
        half_registered: endpoints(&registrations, |it| !is_available(it) && !it.is_gone()),
    }))
}

fn endpoints(
    registrations: &[Registration],
    wanted: impl Fn(&RegistrationStatus) -> bool,
) -> BTreeSet<String> {
    registrations
        .iter()
        .filter(|registration| wanted(&registration.status))
        .map(|registration| registration.endpoint_id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;
    use simulator::Scenario;
    use simulator::cloud::{ClusterState, ConnectionStatus, ServiceStatus};
    use simulator::scenario::ConnectionSpec;

    use super::*;

    const ASK: &str = "cloud:POST private-endpoint-services";

    fn input(stage: &Stage, wait: Wait) -> Input {
        Input {
            connection: stage.request.subject(),
            may_request_service: true,
            wait,
        }
    }

    fn inspect(stage: &Stage) -> Result<ClusterFacts, StepError> {
        stage.until_ready(async |wait| handle(&stage.ports, input(stage, wait)).await)
    }

    fn asked(stage: &Stage) -> bool {
        stage.calls(ASK) > 0
    }

    #[test]
    fn an_advanced_cluster_is_asked_for_its_service_and_a_standard_one_is_not() {
        for (name, asks) in [("fresh-vpc", true), ("standard-cluster", false)] {
            let stage = Stage::shipped(name);
            let facts = inspect(&stage).unwrap();
            assert_eq!(asked(&stage), asks, "{name}");
            assert_eq!(facts.zone_ids.len(), 3, "{name}");
            assert_eq!(facts.routing_id.is_some(), !asks, "{name}");
            let host = facts.private_host.unwrap();
            assert!(host.starts_with("internal-"), "{name}: {host}");
        }
    }

    #[test]
    fn a_service_is_not_asked_for_without_permission_to_do_so() {
        let stage = Stage::shipped("fresh-vpc");
        let only_look = |wait| Input {
            may_request_service: false,
            ..input(&stage, wait)
        };
        let looked = stage.until_ready(async |wait| handle(&stage.ports, only_look(wait)).await);
        let error = looked.unwrap_err();
        assert_eq!(error.code, Code::ServiceNotReadyInTime);
        assert!(error.detail.contains("not asked for yet"), "{error}");
        assert!(!asked(&stage));
    }

    #[test]
    fn asking_may_be_cut_off_and_repeated() {
        let stage = Stage::shipped("fresh-vpc");
        stage.cut_off(ASK);
        let error = inspect(&stage).unwrap_err();
        assert_eq!(error.name(), StepErrorName::Transient);
        stage.twice(async || {
            let input = input(&stage, stage.wait());
            handle(&stage.ports, input).await.unwrap()
        });
        let facts = inspect(&stage).unwrap();
        assert_eq!(inspect(&stage), Ok(facts));
    }

    #[test]
    fn a_cluster_that_is_not_idle_is_waited_for_and_named_at_the_limit() {
        let unknown = ClusterState::Unknown("NAPPING".to_owned());
        for (state, word) in [
            (ClusterState::Creating, "CREATING"),
            (ClusterState::Locked, "LOCKED"),
            (unknown, "unknown word `NAPPING`"),
        ] {
            let stage = Stage::changed("standard-cluster", |scenario| {
                scenario.clusters[0].state = state;
                scenario.pace.cluster_creating = std::time::Duration::from_secs(3600);
                scenario.pace.cluster_locked = std::time::Duration::from_secs(3600);
            });
            let error = inspect(&stage).unwrap_err();
            assert_eq!(error.code, Code::ClusterNotReadyInTime, "{word}");
            assert!(error.detail.contains(word), "{}", error.detail);
        }
    }

    #[test]
    fn a_cluster_that_nobody_knows_is_refused() {
        let stage = Stage::shipped("standard-cluster");
        let mut unknown = input(&stage, stage.wait());
        unknown.connection.cluster_id = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        let error = at_once(handle(&stage.ports, unknown)).unwrap_err();
        assert_eq!(error.code, Code::ClusterNotFound);
    }

    /// An Advanced cluster whose service is there, with a change.
    fn advanced(change: impl FnOnce(&mut Scenario)) -> ClusterFacts {
        let stage = Stage::changed("fresh-vpc", |scenario| {
            scenario.clusters[0].regions[0].service.status = Some(ServiceStatus::Available);
            change(scenario);
        });
        inspect(&stage).unwrap()
    }

    #[test]
    fn nobody_is_shut_out_where_no_list_is_kept() {
        let trusting = |accounts: Option<Vec<String>>, enrolled| {
            let facts = advanced(|scenario| {
                scenario.clusters[0].trusted_owners = accounts;
                scenario.habits.trusted_owners_enrolled = enrolled;
            });
            facts.trusted_accounts
        };
        let listed = vec!["999988887777".to_owned()];
        assert_eq!(trusting(None, true), None);
        assert_eq!(trusting(Some(vec![]), true), None);
        assert_eq!(trusting(None, false), None);
        assert_eq!(trusting(Some(listed.clone()), true), Some(listed));
    }

    #[test]
    fn registrations_are_told_apart_as_working_living_and_gone() {
        use ConnectionStatus as Status;
        let statuses = [
            Status::Available,
            Status::Pending,
            Status::PendingAcceptance,
            Status::Deleting,
            Status::Failed,
            Status::Expired,
            Status::Stale,
            Status::Unknown("STATUS_NEW".to_owned()),
            Status::Rejected,
            Status::Deleted,
        ];
        let facts = advanced(|scenario| {
            scenario.pace.acceptance = std::time::Duration::from_secs(3600);
            scenario.pace.deregistration = std::time::Duration::from_secs(3600);
            let statuses = statuses.into_iter().enumerate();
            let connections = statuses.map(|(n, status)| ConnectionSpec {
                endpoint_id: format!("vpce-0000000{n}"),
                status,
                region: None,
            });
            scenario.clusters[0].connections = connections.collect();
        });
        assert!(facts.registered.iter().eq(["vpce-00000000"]));
        let living: Vec<String> = (1..8).map(|n| format!("vpce-0000000{n}")).collect();
        let found = facts.half_registered;
        assert!(found.iter().eq(&living), "{found:?}");
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = Stage::shipped("standard-cluster");
        assert_strict(&input(&stage, stage.wait()));
    }
}
