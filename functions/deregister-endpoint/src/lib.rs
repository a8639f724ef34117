//! The undo of `register-endpoint`: makes the cluster forget the endpoint.
//!
//! An entry that is listed as removed is success, and so is none at all, but only
//! when it has been so for a while: the cluster's list may show a fresh
//! registration late. An account that the run added to the trusted owners is
//! taken off again, unless another endpoint that may be of that account is
//! registered by now.
//!
//! With a deleted cluster its registrations are gone. One that this key is not shown
//! may stand as well as ever: the key may have lost its role, or be of another
//! organization. So it counts as gone only if whoever asks says that it is.

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, ClusterState, TrustedOwner, registration_of};
use shared::ids::{AccountId, ClusterId, EndpointId};
use shared::plan::Undone;
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError, StepErrorName};

mod decide;

use decide::{Next, may_be_used, next};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Of which connection, and so from which cluster.
    pub connection: Subject,
    pub endpoint_id: EndpointId,
    /// The account that the run added to the trusted owners, if any.
    pub distrust_account: Option<AccountId>,
    /// Whether a cluster that is not shown is known to be gone.
    pub cluster_is_gone: bool,
    /// What earlier looks have begun to take back.
    pub begun: Vec<String>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Removes the registration and says whether it is gone.
///
/// # Errors
/// `registration-not-gone-in-time`, `cluster-not-found`, and those of the Cloud API.
pub async fn handle(cloud: &impl Cloud, input: Input) -> Result<Progress<Undone>, StepError> {
    let (cluster, endpoint) = (&input.connection.cluster_id, &input.endpoint_id);
    let registrations = match cloud.registrations(cluster).await {
        Ok(registrations) => registrations,
        Err(refused) => {
            let undone = without_a_list(cloud, &input, refused).await?;
            return Ok(Progress::Ready(Undone::new(undone)));
        }
    };
    let found = registration_of(endpoint, &registrations);
    let removed = format!("private endpoint connection of {endpoint} removed from the cluster");
    let distrusted = |account| format!("account {account} trusted no more");
    let mut begun = input.begun.clone();
    let account = input.distrust_account.as_ref();
    begun.retain(|it| *it == removed || account.is_some_and(|id| *it == distrusted(id)));
    if found.is_some_and(|it| !it.status.is_gone()) && !begun.contains(&removed) {
        begun.push(removed);
    }
    let mut late = Code::RegistrationNotGoneInTime;
    let status = found.map(|registration| &registration.status);
    let awaited = match next(status, input.wait.is_settled()) {
        Next::Settle => Some(format!(
            "checking that the cluster does not know {endpoint}"
        )),
        Next::Remove(status) => {
            cloud.deregister(cluster, endpoint).await?;
            Some(format!(
                "the cluster is removing the private endpoint connection of {endpoint} (listed as {status})"
            ))
        }
        Next::Wait => Some(format!(
            "the cluster is removing the private endpoint connection of {endpoint}"
        )),
        // An empty list may be what a key is answered that sees nothing.
        Next::Done
            if registrations.is_empty()
                && !input.cluster_is_gone
                && cloud.cluster(cluster).await?.is_none() =>
        {
            late = Code::ClusterNotFound;
            Some(format!(
                "checking that cluster {cluster} is shown to this API key, which is shown no private endpoint connection of it"
            ))
        }
        Next::Done => None,
    };
    let pending = |awaited, begun: &[String]| {
        let pending = input.wait.pending(awaited, late);
        pending.map(|pending| pending.having_begun(begun))
    };
    if let Some(awaited) = awaited {
        return pending(awaited, &begun);
    }
    if let Some(account) = account {
        if may_be_used(account, &registrations) {
            begun.push(format!(
                "account {account} stays trusted, for its other endpoints"
            ));
        } else if !is_distrusted(cloud, cluster, account).await? {
            if !begun.contains(&distrusted(account)) {
                begun.push(distrusted(account));
            }
            let awaited = format!("checking that account {account} is not trusted any more");
            return pending(awaited, &begun);
        }
    }
    let nothing = format!("{endpoint} is not registered with the cluster");
    Ok(Progress::Ready(Undone::of(&begun, nothing)))
}

/// What there is to say where the cluster's list is not shown. A deleted cluster has
/// none, but neither has one that is being built, or that this key does not see.
async fn without_a_list(
    cloud: &impl Cloud,
    input: &Input,
    refused: StepError,
) -> Result<String, StepError> {
    let may_pass = |error: &StepError| error.name() == StepErrorName::Transient;
    if may_pass(&refused) && refused.code != Code::ClusterBusy {
        return Err(refused);
    }
    let cluster = &input.connection.cluster_id;
    let why = match cloud.cluster(cluster).await {
        Ok(Some(shown)) if shown.state == ClusterState::Deleted => {
            return Ok(format!(
                "cluster {cluster} is gone ({}), and its private endpoint connections with it",
                shown.state
            ));
        }
        Ok(Some(_)) => return Err(refused),
        Ok(None) => {
            let detail = format!(
                "cluster {cluster} is not shown to this API key, so its private endpoint connection of {} may still be there",
                input.endpoint_id
            );
            StepError::new(Code::ClusterNotFound, detail)
        }
        Err(error) => error,
    };
    if !input.cluster_is_gone || may_pass(&why) {
        return Err(why);
    }
    Ok(format!(
        "private endpoint connection of {} given up, because cluster {cluster} is said to be gone and is not shown to this API key",
        input.endpoint_id
    ))
}

/// Takes the account off the trusted owners unless it is off already. The account
/// was on a list, so an answer without any list does not say that it is off; and
/// what was removed is believed only when it is listed no more.
async fn is_distrusted(
    cloud: &impl Cloud,
    cluster: &ClusterId,
    account: &AccountId,
) -> Result<bool, StepError> {
    let Some(owners) = cloud.trusted_owners(cluster).await? else {
        return Ok(false);
    };
    let is_it = |owner: &&TrustedOwner| owner.account == account.as_str();
    let listed: Vec<&TrustedOwner> = owners.iter().filter(is_it).collect();
    for owner in &listed {
        cloud.distrust_owner(cluster, &owner.id).await?;
    }
    Ok(listed.is_empty())
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::cloud::RegistrationStatus;
    use simulator::cloud::{AfterRemoval, ConnectionStatus};
    use simulator::scenario::ConnectionSpec;
    use simulator::{FaultKind, Scenario};

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";
    const OURS: &str = "111122223333";
    const LIST: &str = "cloud:GET private-endpoint-connections";
    const CLUSTER: &str = "cloud:GET cluster";

    fn registered_as(status: ConnectionStatus, change: impl FnOnce(&mut Scenario)) -> Stage {
        Stage::changed("half-made-by-hand", |scenario| {
            let connection = ConnectionSpec {
                endpoint_id: ENDPOINT.to_owned(),
                status,
                region: None,
            };
            scenario.clusters[0].connections = vec![connection];
            change(scenario);
        })
    }

    fn input(stage: &Stage, wait: Wait) -> Input {
        Input {
            connection: stage.request.subject(),
            endpoint_id: ENDPOINT.parse().unwrap(),
            distrust_account: None,
            cluster_is_gone: false,
            begun: Vec::new(),
            wait,
        }
    }

    fn undo(stage: &Stage) -> Result<Undone, StepError> {
        repeated(stage, None)
    }

    /// Calls until it is ready, as the definition does.
    fn repeated(stage: &Stage, distrust: Option<&str>) -> Result<Undone, StepError> {
        let begun = std::cell::RefCell::new(Vec::new());
        stage.until_ready(async |wait| {
            let input = Input {
                distrust_account: distrust.map(|account| account.parse().unwrap()),
                begun: begun.borrow().clone(),
                ..input(stage, wait)
            };
            let progress = handle(&stage.ports, input).await;
            if let Ok(Progress::Pending(pending)) = &progress {
                begun.replace(pending.begun.clone());
            }
            progress
        })
    }

    #[test]
    fn only_what_was_there_is_said_to_be_removed() {
        let stage = registered_as(ConnectionStatus::Available, |_| {});
        let removed = undo(&stage).unwrap();
        assert!(removed.was_there);
        assert!(removed.undone.ends_with("removed from the cluster"));
        let again = undo(&stage).unwrap();
        assert!(!again.was_there);
        assert!(again.undone.ends_with("is not registered with the cluster"));
    }

    /// Calls once.
    fn look(stage: &Stage) -> Progress<Undone> {
        at_once(handle(&stage.ports, input(stage, stage.wait()))).unwrap()
    }

    /// What the cluster has of the endpoint gets another status.
    fn set_status(stage: &Stage, status: ConnectionStatus) {
        let cluster = stage.claim.cluster_id.as_str();
        stage.meddle(|world| {
            let cluster = world.cloud.cluster_mut(cluster).unwrap();
            cluster.connection_mut(ENDPOINT).unwrap().status = status;
        });
    }

    /// The registrations that are neither gone nor going.
    fn living(stage: &Stage) -> Vec<(String, String)> {
        let all = stage.things().registrations.into_iter();
        let living = all.filter(|(_, it)| !RegistrationStatus::parse(it.status.as_str()).is_gone());
        living
            .map(|(cluster, it)| (cluster, it.endpoint_id))
            .collect()
    }

    #[test]
    fn with_a_deleted_cluster_its_registrations_are_gone() {
        let stage = registered_as(ConnectionStatus::Available, |scenario| {
            scenario.clusters[0].connections.clear();
            scenario.clusters[0].state = simulator::cloud::ClusterState::Deleted;
        });
        let deleted = |stage: &Stage| {
            let undone = undo(stage).unwrap().undone;
            assert!(undone.contains("is gone (DELETED)"), "{undone}");
        };
        deleted(&stage);
        // Its lists may be refused as well, once the role on it is gone with it.
        stage.fails(LIST, FaultKind::Denied);
        deleted(&stage);
    }

    /// A world whose cluster knows the endpoint, and whose key is of another organization.
    fn out_of_sight() -> Stage {
        registered_as(ConnectionStatus::Available, |scenario| {
            scenario.keys[0].other_organization = true;
        })
    }

    #[test]
    fn a_cluster_that_is_not_shown_is_not_taken_for_gone() {
        let stage = out_of_sight();
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::ClusterNotFound);
        assert!(error.detail.contains(ENDPOINT), "{error}");
        assert_eq!(living(&stage).len(), 1);
    }

    /// With a role that may not list, the list may be refused, and whether the cluster
    /// is there says nothing.
    #[test]
    fn a_list_that_is_refused_proves_nothing() {
        let stage = registered_as(ConnectionStatus::Available, |scenario| {
            scenario.keys[0].roles = vec!["CLUSTER_DEVELOPER".to_owned()];
        });
        assert_eq!(undo(&stage).unwrap_err().code, Code::ApiKeyLacksRole);
        assert_eq!(living(&stage).len(), 1);
    }

    #[test]
    fn an_empty_list_of_a_cluster_that_is_not_shown_is_not_believed() {
        let empty = || Stage::shipped("half-made-by-hand");
        let stage = empty();
        stage.fails(CLUSTER, FaultKind::NotFound);
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::ClusterNotFound);
        // One that is shown to the next look is believed.
        let stage = empty();
        stage.fails_once(CLUSTER, FaultKind::NotFound);
        assert!(!undo(&stage).unwrap().was_there);
    }

    #[test]
    fn what_is_said_to_be_gone_is_given_up_unless_it_is_shown() {
        let said = |stage: &Stage| {
            stage.until_ready(async |wait| {
                let input = Input {
                    cluster_is_gone: true,
                    ..input(stage, wait)
                };
                handle(&stage.ports, input).await
            })
        };
        let given_up = said(&out_of_sight()).unwrap();
        assert!(given_up.was_there);
        assert!(given_up.undone.contains("given up"), "{given_up:?}");
        // The statement is wrong here, so the registration goes as ever.
        let stage = registered_as(ConnectionStatus::Available, |_| {});
        said(&stage).unwrap();
        assert_eq!(living(&stage), []);
    }

    /// Of whichever of the two questions, and whatever is said of the cluster.
    #[test]
    fn an_outage_is_no_answer() {
        for operations in [&[LIST][..], &[CLUSTER], &[LIST, CLUSTER]] {
            for cluster_is_gone in [false, true] {
                let stage = out_of_sight();
                for operation in operations {
                    stage.fails(operation, FaultKind::ServerError);
                }
                let asked = Input {
                    cluster_is_gone,
                    ..input(&stage, stage.wait())
                };
                let error = at_once(handle(&stage.ports, asked)).unwrap_err();
                let name = error.name();
                assert_eq!(name, StepErrorName::Transient, "{operations:?}: {error}");
            }
        }
    }

    #[test]
    fn a_cluster_that_is_being_built_is_asked_again() {
        let stage = registered_as(ConnectionStatus::Available, |scenario| {
            scenario.clusters[0].connections.clear();
            scenario.clusters[0].state = simulator::cloud::ClusterState::Creating;
        });
        assert_eq!(undo(&stage).unwrap_err().code, Code::ClusterBusy);
    }

    #[test]
    fn a_registration_in_any_state_is_removed_whatever_stays_listed() {
        use ConnectionStatus as Status;
        for after in [
            AfterRemoval::Absent,
            AfterRemoval::Rejected,
            AfterRemoval::Deleted,
        ] {
            for status in [
                Status::Pending,
                Status::Available,
                Status::Failed,
                Status::Stale,
                Status::Deleting,
            ] {
                let stage = registered_as(status.clone(), |scenario| {
                    scenario.habits.after_removal = after
                });
                stage.twice(async || look(&stage));
                undo(&stage).unwrap();
                assert_eq!(living(&stage), [], "{status:?}, {after:?}");
            }
        }
    }

    #[test]
    fn a_registration_that_is_listed_late_is_removed_all_the_same() {
        for removed_before in [false, true] {
            let stage = Stage::changed("half-made-by-hand", |scenario| {
                scenario.pace.registration_listed = std::time::Duration::from_secs(10);
            });
            let endpoint = ENDPOINT.parse().unwrap();
            at_once(stage.ports.register(&stage.claim.cluster_id, &endpoint)).unwrap();
            if removed_before {
                // An older entry is shown in its place for a while.
                set_status(&stage, ConnectionStatus::Rejected);
                stage.begin();
                stage.advance(11);
                assert!(look(&stage).ready().is_none());
                set_status(&stage, ConnectionStatus::Pending);
            }
            undo(&stage).unwrap();
            assert_eq!(living(&stage), []);
        }
    }

    #[test]
    fn a_call_that_was_cut_off_is_completed_by_the_next_one() {
        let stage = registered_as(ConnectionStatus::Available, |_| {});
        stage.cut_off("cloud:DELETE private-endpoint-connection");
        assert_eq!(undo(&stage).unwrap_err().name(), StepErrorName::Transient);
        undo(&stage).unwrap();
        assert_eq!(living(&stage), []);
    }

    #[test]
    fn the_registration_with_another_cluster_stays() {
        let stage = Stage::changed("shared-endpoint", |scenario| {
            scenario.clusters[1].connections = scenario.clusters[0].connections.clone();
        });
        undo(&stage).unwrap();
        let other = "5a0e8400-e29b-41d4-a716-446655440001".to_owned();
        assert_eq!(living(&stage), [(other, ENDPOINT.to_owned())]);
        let endpoint = &stage.things().endpoints[ENDPOINT];
        assert_eq!(endpoint.state, simulator::ec2::EndpointState::Available);
    }

    /// The accounts that are trusted after the undo, with these registrations.
    fn trusted_after(registered: &[&str], cut_off: bool) -> (Vec<String>, String) {
        let stage = Stage::changed("fresh-vpc", |scenario| {
            scenario.keys[0].roles.push("CLUSTER_ADMIN".to_owned());
            let cluster = &mut scenario.clusters[0];
            cluster.trusted_owners = Some(vec!["999988887777".to_owned(), OURS.to_owned()]);
            let connection = |id: &&str| ConnectionSpec {
                endpoint_id: (*id).to_owned(),
                status: ConnectionStatus::Available,
                region: None,
            };
            cluster.connections = registered.iter().map(connection).collect();
        });
        let undo = || repeated(&stage, Some(OURS));
        if cut_off {
            stage.cut_off("cloud:DELETE private-endpoint-trusted-owner");
            assert_eq!(undo().unwrap_err().name(), StepErrorName::Transient);
        }
        undo().unwrap();
        let undone = undo().unwrap().undone;
        let trusted = stage.things().trusted.into_iter();
        (trusted.map(|(_, account)| account).collect(), undone)
    }

    #[test]
    fn an_account_is_distrusted_with_its_last_registration() {
        for cut_off in [false, true] {
            assert_eq!(trusted_after(&[ENDPOINT], cut_off).0, ["999988887777"]);
        }
        let (trusted, undone) = trusted_after(&[ENDPOINT, "vpce-00000000000000001"], false);
        assert_eq!(trusted, ["999988887777", OURS]);
        assert!(undone.contains("stays trusted"), "{undone}");
    }

    #[test]
    fn an_account_is_not_believed_to_be_off_a_list_that_is_not_shown() {
        for operation in [
            "cloud:GET private-endpoint-trusted-owners",
            "cloud:DELETE private-endpoint-trusted-owner",
        ] {
            let stage = Stage::changed("fresh-vpc", |scenario| {
                scenario.keys[0].roles.push("CLUSTER_ADMIN".to_owned());
                scenario.clusters[0].trusted_owners = Some(vec![OURS.to_owned()]);
            });
            stage.fails_once(operation, FaultKind::NotFound);
            repeated(&stage, Some(OURS)).unwrap();
            assert_eq!(stage.things().trusted.len(), 0, "{operation}");
        }
    }

    #[test]
    fn a_registration_that_stays_is_named_at_the_limit() {
        let stage = registered_as(ConnectionStatus::Available, |scenario| {
            scenario.pace.deregistration = std::time::Duration::from_secs(10_000);
        });
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::RegistrationNotGoneInTime);
        assert!(error.detail.contains(ENDPOINT), "{}", error.detail);
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = registered_as(ConnectionStatus::Available, |_| {});
        assert_strict(&input(&stage, stage.wait()));
    }
}
