//! Makes one interface endpoint to the cluster's service be there, claimed by
//! this connection.
//!
//! Found again by its tags, the endpoint is answered as it is. One that the plan
//! names is claimed: shared with another connection of ours, or adopted from
//! somebody else. What is left of an endpoint that can never become usable is
//! deleted first, because it is billed as long as it exists. The undo is
//! `delete-endpoint`.

use serde::{Deserialize, Serialize};
use shared::ec2::Endpoints;
use shared::ids::{AccountId, EndpointId, SecurityGroupId};
use shared::ownership::{Origin, Tags};
use shared::plan::EndpointPlan;
use shared::subject::Subject;
use shared::{Code, StepError, bounds, customer_tags};

mod decide;

use decide::{new_endpoint, own};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// For which connection, and so in which VPC.
    pub connection: Subject,
    /// The client token is the same one for as long as this is, so that a run after one
    /// that was lost meets what that one has made, even if EC2 does not show it yet. The
    /// ledger has another one once a deletion has begun.
    pub generation: String,
    /// Service, subnets, and the endpoint to use if there is one.
    pub endpoint: EndpointPlan,
    /// Whether the registration will be this connection's own. One that was there
    /// before must stay when the connection goes, so the endpoint is marked.
    pub owns_registration: bool,
    /// The account that the connection adds to the cluster's trusted owners, if any.
    /// It is taken off them when the connection goes, so the endpoint is marked.
    pub trust_account: Option<AccountId>,
    /// Whether private DNS is asked for. One that was asked for without is marked, so
    /// that a later run does not take it for unfinished.
    pub private_dns: bool,
    /// Tags of the customer's own.
    pub tags: Tags,
    /// Its security group; only an endpoint that exists can do without.
    pub group_id: Option<SecurityGroupId>,
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub endpoint_id: EndpointId,
    /// What was deleted to make room for it.
    pub notes: Vec<String>,
}

/// Claims or creates the endpoint.
///
/// # Errors
/// `endpoint-gone` when the one to use is on its way out or dead, and those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Output, StepError> {
    if let Some(endpoint_id) = &input.endpoint.existing {
        claim_existing(ec2, endpoint_id, &input).await?;
        return Ok(Output {
            endpoint_id: endpoint_id.clone(),
            notes: Vec::new(),
        });
    }

    let endpoints = ec2.endpoints(&input.connection.vpc_id).await?;
    let claim = input.connection.claim();
    let own = own(&endpoints, &input.endpoint.service_name, &claim);
    let mut notes = Vec::new();
    if let Some(found) = own.usable {
        return Ok(Output {
            endpoint_id: found.id.clone(),
            notes,
        });
    }
    for leftover in own.leftovers {
        ec2.delete_endpoint(&leftover.id).await?;
        let (id, state) = (&leftover.id, &leftover.state);
        notes.push(format!(
            "An earlier execution had left endpoint {id} ({state}): it is deleted"
        ));
    }
    let created = ec2
        .create_endpoint(&new_endpoint(&input, &own.dead)?)
        .await?;
    Ok(Output {
        endpoint_id: created.id,
        notes: bounds::texts(notes, bounds::NOTES),
    })
}

async fn claim_existing(
    ec2: &impl Endpoints,
    id: &EndpointId,
    input: &Input,
) -> Result<(), StepError> {
    let since = "was there when the network was inspected, and now";
    let Some(endpoint) = ec2.endpoint(id).await? else {
        // Not every part of EC2 shows what others have shown; gone is another word.
        let detail = format!("{id} {since} EC2 does not show it");
        return Err(StepError::new(Code::AwsResourceBusy, detail));
    };
    if endpoint.state.is_dead() {
        let detail = format!("{id} {since} it is {}", endpoint.state);
        return Err(StepError::new(Code::EndpointGone, detail));
    }
    let missing = missing_tags(&endpoint.tags, input);
    if missing.is_empty() {
        return Ok(());
    }
    ec2.tag_endpoint(id, &missing).await
}

/// The marks of this connection, and the tags asked for, that an endpoint with these
/// tags does not carry yet.
fn missing_tags(found: &Tags, input: &Input) -> Tags {
    let origin = Origin::of(found).unwrap_or(Origin::Adopted);
    let claim = input.connection.claim();
    let mut tags = claim.tags(origin);
    let trusted = input.trust_account.as_ref();
    tags.extend(claim.registration_tags(input.owns_registration, trusted));
    if !claim.is_in(found) {
        tags.extend(claim.private_dns_tags(input.private_dns));
        tags.extend(claim.protection_tags(input.endpoint.protected));
    }
    tags.retain(|key, value| found.get(key) != Some(value));
    tags.extend(customer_tags::missing(&input.tags, found, &claim));
    tags
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;
    use shared::ownership::Claim;
    use simulator::ec2::EndpointState;
    use simulator::scenario::EndpointSpec;

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";

    fn input(stage: &Stage, existing: Option<&str>) -> Input {
        let group_id = stage.look(|world| world.ec2.groups.keys().next().cloned());
        Input {
            connection: stage.request.subject(),
            generation: "run-1".to_owned(),
            endpoint: EndpointPlan {
                existing: existing.map(|id| id.parse().unwrap()),
                service_name: stage.look(|world| world.ec2.services[0].name.parse().unwrap()),
                subnet_ids: vec!["subnet-0a10000000000000a".parse().unwrap()],
                zone_ids: ["euw1-az1".parse().unwrap()].into(),
                protected: false,
            },
            owns_registration: true,
            trust_account: None,
            private_dns: true,
            tags: stage.request.tags.clone(),
            group_id: group_id.unwrap().parse().ok(),
        }
    }

    fn call(stage: &Stage, existing: Option<&str>) -> Result<EndpointId, StepError> {
        at_once(handle(&stage.ports, input(stage, existing))).map(|output| output.endpoint_id)
    }

    fn twice(stage: &Stage, input: impl Fn() -> Input) -> Output {
        let call = async || handle(&stage.ports, input()).await.unwrap();
        let (first, second) = stage.twice(call);
        assert_eq!(first, second);
        first
    }

    fn is_cut_off(stage: &Stage, existing: Option<&str>) {
        let error = call(stage, existing).unwrap_err();
        assert_eq!(error.name(), StepErrorName::Transient);
    }

    #[test]
    fn an_endpoint_is_made_as_planned_and_found_again() {
        let stage = Stage::shipped("standard-cluster");
        let output = twice(&stage, || input(&stage, None));
        let things = stage.things();
        assert_eq!(things.endpoints.len(), 1);
        let made = &things.endpoints[output.endpoint_id.as_str()];
        assert!(made.subnet_ids().eq(["subnet-0a10000000000000a"]));
        let group = input(&stage, None).group_id.unwrap();
        assert_eq!(made.groups, [group.to_string()]);
        assert!(!made.private_dns);
        assert!(stage.claim.is_in(&made.tags) && Origin::of(&made.tags) == Some(Origin::Made));
    }

    #[test]
    fn a_call_that_was_cut_off_made_the_endpoint_that_the_next_call_answers() {
        // The next call comes before the endpoint shows, or after.
        for pause in [0, 10] {
            let stage = Stage::shipped("standard-cluster");
            stage.cut_off("ec2:CreateVpcEndpoint");
            is_cut_off(&stage, None);
            stage.advance(pause);
            let id = call(&stage, None).unwrap();
            let endpoints = stage.things().endpoints;
            assert!(endpoints.keys().eq([id.as_str()]), "after {pause} s");
        }
    }

    #[test]
    fn an_endpoint_of_ours_gets_the_tags_asked_for_and_a_foreign_one_does_not() {
        for origin in [Origin::Made, Origin::Adopted] {
            let mut stage = Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
                endpoint.tags = claim.tags(origin);
            });
            let mut expected = stage.claim.tags(origin);
            stage.request.tags = Tags::from([("Team".to_owned(), "data".to_owned())]);
            if origin == Origin::Made {
                expected.extend(stage.request.tags.clone());
            }
            call(&stage, Some(ENDPOINT)).unwrap();
            assert_eq!(stage.things().endpoints[ENDPOINT].tags, expected);
        }
    }

    #[test]
    fn no_endpoint_gets_the_default_group() {
        let stage = Stage::shipped("standard-cluster");
        let without_group = Input {
            group_id: None,
            ..input(&stage, None)
        };
        let error = at_once(handle(&stage.ports, without_group)).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        assert!(stage.things().endpoints.is_empty());
    }

    #[test]
    fn what_is_left_of_a_dead_endpoint_of_ours_is_replaced() {
        let stage = Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
            endpoint.state = EndpointState::Rejected;
            endpoint.tags = claim.tags(Origin::Made);
        });
        let id = call(&stage, None).unwrap();
        assert!(stage.things().endpoints.keys().eq([id.as_str()]));
        assert_ne!(id.as_str(), ENDPOINT);
    }

    #[test]
    fn a_dead_endpoint_that_is_not_ours_alone_stays() {
        let dead = |name, tags: fn(&mut EndpointSpec, &Claim)| {
            Stage::with_endpoint(name, |endpoint, claim| {
                endpoint.state = EndpointState::Rejected;
                endpoint.private_dns = false;
                tags(endpoint, claim);
            })
        };
        for stage in [
            dead("half-made-by-hand", |_, _| {}),
            dead("half-made-by-hand", |endpoint, claim| {
                endpoint.tags = claim.tags(Origin::Adopted)
            }),
            dead("shared-endpoint", |_, _| {}),
            dead("shared-endpoint", |endpoint, claim| {
                endpoint.tags.extend(claim.tags(Origin::Made))
            }),
        ] {
            let before = stage.things().endpoints[ENDPOINT].clone();
            assert_ne!(call(&stage, None).unwrap().as_str(), ENDPOINT);
            assert_eq!(stage.things().endpoints[ENDPOINT], before);
        }
    }

    #[test]
    fn of_two_endpoints_of_ours_every_call_answers_the_same() {
        let stage = Stage::changed("shared-endpoint", |scenario| {
            let claim = in_process::stage::claim(scenario);
            let endpoints = &mut scenario.vpcs[0].endpoints;
            endpoints[0].tags = claim.tags(Origin::Made);
            let mut second = endpoints[0].clone();
            second.id = "vpce-00000000000000001".to_owned();
            second.private_dns = false;
            endpoints.push(second);
        });
        let answered = twice(&stage, || input(&stage, None)).endpoint_id;
        assert_eq!(answered.as_str(), "vpce-00000000000000001");
    }

    #[test]
    fn the_endpoint_of_the_plan_is_adopted_or_shared_and_keeps_its_own_tags() {
        for (name, origin) in [
            ("half-made-by-hand", Origin::Adopted),
            ("shared-endpoint", Origin::Made),
        ] {
            let stage = Stage::shipped(name);
            let before = stage.things().endpoints[ENDPOINT].tags.clone();
            stage.cut_off("ec2:CreateTags");
            is_cut_off(&stage, Some(ENDPOINT));
            twice(&stage, || input(&stage, Some(ENDPOINT)));
            let things = stage.things();
            assert_eq!(things.endpoints.len(), 1);
            let tags = &things.endpoints[ENDPOINT].tags;
            let mut kept = before.iter();
            assert!(
                kept.all(|(key, value)| tags.get(key) == Some(value)),
                "{tags:?}"
            );
            assert!(stage.claim.is_in(tags), "{tags:?}");
            assert_eq!(Origin::of(tags), Some(origin), "{tags:?}");
        }
    }

    #[test]
    fn a_registration_that_was_there_before_is_marked_as_somebody_elses() {
        let stage = Stage::shipped("half-made-by-hand");
        let input = Input {
            owns_registration: false,
            ..input(&stage, Some(ENDPOINT))
        };
        at_once(handle(&stage.ports, input)).unwrap();
        let tags = stage.things().endpoints[ENDPOINT].tags.clone();
        assert!(stage.claim.is_in(&tags) && !stage.claim.owns_registration(&tags));
    }

    #[test]
    fn an_account_that_is_added_to_the_trusted_owners_is_marked() {
        let made = Stage::shipped("standard-cluster");
        let found = Stage::shipped("half-made-by-hand");
        let claimed = Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
            endpoint.tags = claim.tags(Origin::Made);
        });
        for (stage, existing) in [
            (made, None),
            (found, Some(ENDPOINT)),
            (claimed, Some(ENDPOINT)),
        ] {
            let account: AccountId = "111122223333".parse().unwrap();
            let output = twice(&stage, || Input {
                trust_account: Some(account.clone()),
                ..input(&stage, existing)
            });
            let tags = &stage.things().endpoints[output.endpoint_id.as_str()].tags;
            let marked = stage.claim.trusted_account(tags);
            assert_eq!(marked, Some(account), "{existing:?}");
        }
    }

    #[test]
    fn a_protected_connection_marks_its_endpoint_whether_made_or_claimed() {
        for (name, existing) in [
            ("standard-cluster", None),
            ("half-made-by-hand", Some(ENDPOINT)),
        ] {
            let stage = Stage::shipped(name);
            let mut input = input(&stage, existing);
            input.endpoint.protected = true;
            let made = at_once(handle(&stage.ports, input)).unwrap();
            let tags = &stage.things().endpoints[made.endpoint_id.as_str()].tags;
            assert!(stage.claim.is_protected(tags), "{name}");
        }
    }

    #[test]
    fn an_endpoint_of_the_plan_that_is_dead_is_named_and_one_that_does_not_show_is_waited_for() {
        for (state, code) in [
            (EndpointState::Rejected, Code::EndpointGone),
            (EndpointState::Deleting, Code::EndpointGone),
            (EndpointState::Deleted, Code::AwsResourceBusy),
        ] {
            let stage = Stage::with_endpoint("half-made-by-hand", |it, _| it.state = state);
            let before = stage.things();
            let error = call(&stage, Some(ENDPOINT)).unwrap_err();
            assert_eq!(error.code, code, "{state:?}");
            assert_eq!(stage.things(), before, "{state:?}");
        }
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        assert_strict(&input(&Stage::shipped("standard-cluster"), Some(ENDPOINT)));
    }
}
