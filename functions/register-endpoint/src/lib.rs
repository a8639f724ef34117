//! Makes the cluster know the endpoint: list, post, list.
//!
//! The API has no idempotency key, so the list decides whether to post. A
//! registration that was removed before is attached again by posting; one whose
//! endpoint was deleted under the same id must be removed first. The undo is
//! `deregister-endpoint`.

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, registration_of};
use shared::ids::{AccountId, ClusterId, EndpointId};
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError};

mod decide;

use decide::{Next, next};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// For which connection, and so with which cluster.
    pub connection: Subject,
    pub endpoint_id: EndpointId,
    /// The account to add to the cluster's trusted owners first, if any.
    pub trust_account: Option<AccountId>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// The cluster knows the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {}

/// Registers the endpoint if the list says that it needs to be.
///
/// # Errors
/// The codes `registration-…`, and those of the Cloud API.
pub async fn handle(cloud: &impl Cloud, input: Input) -> Result<Progress<Output>, StepError> {
    let (cluster, endpoint) = (&input.connection.cluster_id, &input.endpoint_id);
    if let Some(account) = &input.trust_account {
        trust(cloud, cluster, account).await?;
    }
    let late = Code::RegistrationNotAcceptedInTime;
    match look(cloud, cluster, endpoint).await? {
        Next::Done => return Ok(Progress::Ready(Output {})),
        Next::Wait(awaited) => return input.wait.pending(awaited, late),
        Next::Remove(awaited) => {
            // Posting before it is gone might be answered with what is going.
            cloud.deregister(cluster, endpoint).await?;
            return input.wait.pending(awaited, late);
        }
        Next::Post => {}
    }
    match cloud.register(cluster, endpoint).await {
        Ok(()) => Ok(Progress::Ready(Output {})),
        Err(refused) if refused.code == Code::RegistrationRefused => {
            // It may have been taken all the same, or the endpoint may be too new
            // for the cluster's side to see it.
            match look(cloud, cluster, endpoint).await? {
                Next::Done => Ok(Progress::Ready(Output {})),
                Next::Wait(_) | Next::Remove(_) | Next::Post => input.wait.pending_despite(
                    format!("the cluster does not see endpoint {endpoint} yet"),
                    &refused.detail,
                    Code::RegistrationRefused,
                ),
            }
        }
        Err(error) => Err(error),
    }
}

async fn trust(
    cloud: &impl Cloud,
    cluster: &ClusterId,
    account: &AccountId,
) -> Result<(), StepError> {
    let owners = cloud.trusted_owners(cluster).await?.unwrap_or_default();
    // Without a list everybody may connect; one with us alone would shut others out.
    let is_trusted = owners.is_empty()
        || owners
            .iter()
            .any(|owner| owner.account == account.as_str() || owner.account == "*");
    match is_trusted {
        true => Ok(()),
        false => cloud.trust_owner(cluster, account).await,
    }
}

async fn look(
    cloud: &impl Cloud,
    cluster: &ClusterId,
    endpoint: &EndpointId,
) -> Result<Next, StepError> {
    let registrations = cloud.registrations(cluster).await?;
    next(registration_of(endpoint, &registrations), endpoint)
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;
    use simulator::Scenario;
    use simulator::cloud::{ConnectionStatus, SecondRegistration};
    use simulator::scenario::ConnectionSpec;

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";

    /// An endpoint that the cluster does not know.
    fn stage(change: impl FnOnce(&mut Scenario)) -> Stage {
        Stage::changed("half-made-by-hand", change)
    }

    fn registered_as(status: ConnectionStatus) -> Stage {
        stage(|scenario| {
            let connection = ConnectionSpec {
                endpoint_id: ENDPOINT.to_owned(),
                status,
                region: None,
            };
            scenario.clusters[0].connections = vec![connection];
        })
    }

    fn input(stage: &Stage, wait: Wait) -> Input {
        Input {
            connection: stage.request.subject(),
            endpoint_id: ENDPOINT.parse().unwrap(),
            trust_account: None,
            wait,
        }
    }

    fn register(stage: &Stage) -> Result<Output, StepError> {
        stage.until_ready(async |wait| handle(&stage.ports, input(stage, wait)).await)
    }

    /// Calls once.
    fn once(stage: &Stage) -> Progress<Output> {
        at_once(handle(&stage.ports, input(stage, stage.wait()))).unwrap()
    }

    /// How the cluster sees the endpoint in the end.
    fn statuses(stage: &Stage) -> Vec<ConnectionStatus> {
        stage.advance(600);
        let registrations = stage.things().registrations.into_iter();
        registrations.map(|(_, it)| it.status).collect()
    }

    /// A cluster that trusts these accounts, and a key that may add one.
    fn trusting(accounts: Option<Vec<String>>) -> Stage {
        Stage::changed("fresh-vpc", |scenario| {
            scenario.keys[0].roles.push("CLUSTER_ADMIN".to_owned());
            scenario.clusters[0].trusted_owners = accounts;
        })
    }

    const AVAILABLE: [ConnectionStatus; 1] = [ConnectionStatus::Available];

    #[test]
    fn an_endpoint_is_registered_once_whatever_a_second_post_would_be_answered() {
        for habit in [
            SecondRegistration::Repeated,
            SecondRegistration::Refused,
            SecondRegistration::Conflict,
        ] {
            // The list shows a fresh registration at once, or late.
            for listed in [0, 10] {
                let stage = stage(|scenario| {
                    scenario.habits.second_registration = habit;
                    scenario.pace.registration_listed = std::time::Duration::from_secs(listed);
                });
                stage.twice(async || once(&stage));
                register(&stage).unwrap();
                assert_eq!(statuses(&stage), AVAILABLE, "{habit:?}, {listed} s");
            }
        }
    }

    #[test]
    fn a_call_that_was_cut_off_took_effect_and_is_found_done() {
        let stage = stage(|_| {});
        stage.cut_off("cloud:POST private-endpoint-connections");
        let error = register(&stage).unwrap_err();
        assert_eq!(error.name(), StepErrorName::Transient);
        register(&stage).unwrap();
        assert_eq!(statuses(&stage), AVAILABLE);
    }

    #[test]
    fn what_was_removed_is_attached_again_and_what_is_going_is_waited_for() {
        use ConnectionStatus::{Deleted, Deleting, Rejected, Stale};
        for status in [Rejected, Deleted, Deleting, Stale] {
            let stage = registered_as(status.clone());
            register(&stage).unwrap();
            assert_eq!(statuses(&stage), AVAILABLE, "{status:?}");
        }
    }

    /// Posted while the stale entry goes, the endpoint would go with it.
    #[test]
    fn a_stale_entry_is_gone_before_the_endpoint_is_registered_again() {
        let stage = registered_as(ConnectionStatus::Stale);
        stage.twice(async || once(&stage));
        let registrations = stage.things().registrations;
        assert_eq!(registrations[0].1.status, ConnectionStatus::Deleting);
        let posted = stage.calls("cloud:POST private-endpoint-connections");
        assert_eq!(posted, 0, "posted too early");
    }

    #[test]
    fn a_registration_that_came_to_a_bad_end_is_left_for_the_undo() {
        for (status, code) in [
            (ConnectionStatus::Failed, Code::RegistrationFailed),
            (ConnectionStatus::Expired, Code::RegistrationExpired),
        ] {
            let stage = registered_as(status);
            let before = stage.things();
            assert_eq!(register(&stage).unwrap_err().code, code);
            assert_eq!(stage.things(), before);
        }
    }

    #[test]
    fn an_endpoint_that_the_cluster_cannot_see_is_tried_again_until_the_limit() {
        for status in [404, 400] {
            let stage = stage(|scenario| scenario.habits.unknown_endpoint_status = status);
            stage.meddle(|world| {
                let visible = world.now + std::time::Duration::from_secs(30);
                world.ec2.endpoints.get_mut(ENDPOINT).unwrap().visible = visible;
            });
            register(&stage).unwrap();
            let cluster = stage.claim.cluster_id.as_str();
            stage.meddle(|world| {
                world.ec2.endpoints.clear();
                let cluster = world.cloud.cluster_mut(cluster).unwrap();
                cluster.forget_connection(ENDPOINT);
            });
            let error = register(&stage).unwrap_err();
            assert_eq!(error.code, Code::RegistrationRefused);
            // The reason of the API.
            assert!(error.detail.contains("not found"), "{error}");
        }
    }

    #[test]
    fn the_account_is_trusted_first_and_once() {
        for listed in [
            vec!["999988887777"],
            vec!["*"],
            vec!["999988887777", "111122223333"],
        ] {
            let accounts = listed.iter().map(|it| (*it).to_owned()).collect();
            let stage = trusting(Some(accounts));
            let input = || Input {
                trust_account: "111122223333".parse().ok(),
                ..input(&stage, stage.wait())
            };
            stage.cut_off("cloud:POST private-endpoint-trusted-owners");
            // The endpoint does not exist: what counts is who is trusted.
            let _ = at_once(handle(&stage.ports, input()));
            stage.twice(async || handle(&stage.ports, input()).await.unwrap());
            let trusted = stage.things().trusted;
            let ours = trusted.iter().filter(|(_, it)| it == "111122223333");
            assert_eq!(ours.count(), usize::from(listed != ["*"]), "{trusted:?}");
        }
    }

    /// Without a list, or with an empty one, everybody may connect.
    #[test]
    fn nobody_is_shut_out_by_a_list_that_begins_with_us() {
        for listed in [None, Some(Vec::new())] {
            let stage = trusting(listed.clone());
            let input = Input {
                trust_account: "111122223333".parse().ok(),
                ..input(&stage, stage.wait())
            };
            // The endpoint does not exist: what counts is who is trusted.
            let _ = at_once(handle(&stage.ports, input));
            assert_eq!(stage.things().trusted.len(), 0, "{listed:?}");
        }
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = stage(|_| {});
        assert_strict(&input(&stage, stage.wait()));
    }
}
