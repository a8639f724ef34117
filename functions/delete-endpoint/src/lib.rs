//! The undo of `create-endpoint`: takes this connection's claim off the endpoint,
//! and deletes it if we made it and nobody else claims it.
//!
//! Found by its tags and not only by its id, because a creation whose answer was
//! lost leaves no id behind. Absent is success, but only when it has been absent
//! for a while: EC2 may show a fresh endpoint, and a fresh claim, late.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, Endpoints};
use shared::ids::{EndpointId, ServiceName};
use shared::ownership::Release;
use shared::plan::{self, Undone};
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError, bounds};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection that lets go.
    pub connection: Subject,
    /// To which service; `None` for whichever this connection claims.
    pub service_name: Option<ServiceName>,
    /// The endpoints that are known by id, as far as their creation was answered or
    /// somebody has seen them.
    pub endpoint_ids: Vec<EndpointId>,
    /// Whether only these are meant, and not whatever else carries the claim: the
    /// connection goes on with another one.
    pub only_these: bool,
    /// What earlier looks have begun to take back.
    pub begun: Vec<String>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Lets go of the endpoint and says whether it is gone.
///
/// # Errors
/// `endpoint-not-gone-in-time`, and those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Progress<Undone>, StepError> {
    let claim = input.connection.claim();
    let (claimed, others) = find(ec2, &input).await?;
    let mut undone = input.begun.clone();
    undone.retain(|it| it.starts_with("endpoint "));
    let mut begin = |what: String| {
        let what = bounds::text(&what, bounds::DETAIL);
        if !undone.contains(&what) {
            undone.push(what);
        }
    };
    let mut let_go = Vec::new();
    let mut awaited = Vec::new();
    for endpoint in &claimed {
        let id = &endpoint.id;
        match claim.release(&endpoint.tags, endpoint.is_of_our_kind()) {
            Release::Untag(keys, why) if !endpoint.state.is_gone() => {
                ec2.untag_endpoint(id, &keys).await?;
                begin(plan::let_go(&format!("endpoint {id}"), &why));
                let_go.push(id);
                continue;
            }
            Release::Delete if !endpoint.state.is_gone() => ec2.delete_endpoint(id).await?,
            Release::Untag(..) | Release::Delete => {}
        }
        begin(format!("endpoint {id} deleted"));
        let state = &endpoint.state;
        awaited.push(format!(
            "endpoint {id} is being deleted (EC2 shows it as {state})"
        ));
    }
    // EC2 may call an endpoint unknown that it has just shown; what still carries
    // the claim has not been let go.
    let claimed_still = match let_go.is_empty() {
        true => Vec::new(),
        false => find(ec2, &input).await?.0,
    };
    for id in let_go {
        if claimed_still.iter().any(|endpoint| endpoint.id == *id) {
            awaited.push(format!(
                "EC2 still shows the tags of this connection on endpoint {id}"
            ));
        }
    }
    if claimed.is_empty() && !input.wait.is_settled() {
        awaited.push("checking that no endpoint is left".to_owned());
    }
    if !awaited.is_empty() {
        let late = Code::EndpointNotGoneInTime;
        let pending = input.wait.pending(awaited.join(", "), late);
        return pending.map(|pending| pending.having_begun(&undone));
    }
    let stands = |id: &EndpointId| match others.iter().any(|it| it.id == *id) {
        true => format!("endpoint {id} has no claim of this connection"),
        false => format!("endpoint {id} is gone"),
    };
    let nothing = match &input.endpoint_ids[..] {
        [] => "no endpoint of this connection is left".to_owned(),
        ids => ids.iter().map(stands).collect::<Vec<_>>().join(", "),
    };
    Ok(Progress::Ready(Undone::of(&undone, nothing)))
}

/// All endpoints that carry this connection's claim, and those that do not.
/// One that is known by id only may be too new to be listed.
async fn find(
    ec2: &impl Endpoints,
    input: &Input,
) -> Result<(Vec<Endpoint>, Vec<Endpoint>), StepError> {
    let claim = input.connection.claim();
    let mut found = ec2.endpoints(&input.connection.vpc_id).await?;
    for id in &input.endpoint_ids {
        if !found.iter().any(|endpoint| endpoint.id == *id) {
            found.extend(ec2.endpoint(id).await?);
        }
    }
    Ok(found.into_iter().partition(|endpoint| {
        let service = input.service_name.as_ref();
        service.is_none_or(|service| endpoint.service_name == service.as_str())
            && (!input.only_these || input.endpoint_ids.contains(&endpoint.id))
            && claim.is_in(&endpoint.tags)
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;
    use shared::ownership::Origin;
    use simulator::FaultKind;
    use simulator::scenario::EndpointSpec;

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";

    fn claimed(origin: Origin) -> Stage {
        Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
            endpoint.tags = claim.tags(origin);
        })
    }

    fn own() -> Stage {
        claimed(Origin::Made)
    }

    /// The first endpoint, and others of this connection.
    fn several(ids: &[&str], origin: Origin) -> Stage {
        Stage::changed("half-made-by-hand", |scenario| {
            let claim = in_process::stage::claim(scenario);
            let endpoints = &mut scenario.vpcs[0].endpoints;
            endpoints[0].tags.extend(claim.tags(origin));
            for id in ids {
                endpoints.push(EndpointSpec {
                    id: (*id).to_owned(),
                    tags: claim.tags(Origin::Made),
                    ..endpoints[0].clone()
                });
            }
        })
    }

    fn input(stage: &Stage, endpoint_id: Option<&str>, wait: Wait) -> Input {
        Input {
            connection: stage.request.subject(),
            service_name: stage.look(|world| world.ec2.services[0].name.parse().ok()),
            endpoint_ids: endpoint_id.iter().map(|id| id.parse().unwrap()).collect(),
            only_these: false,
            begun: Vec::new(),
            wait,
        }
    }

    fn look(stage: &Stage, id: Option<&str>) -> Progress<Undone> {
        at_once(handle(&stage.ports, input(stage, id, stage.wait()))).unwrap()
    }

    fn undo(stage: &Stage, id: Option<&str>) -> Result<String, StepError> {
        repeated(stage, id.as_slice()).map(|undone| undone.undone)
    }

    fn repeated(stage: &Stage, ids: &[&str]) -> Result<Undone, StepError> {
        repeated_with(stage, ids, |_| {})
    }

    /// Calls until it is ready, as the definition does, with a change of the input.
    fn repeated_with(
        stage: &Stage,
        ids: &[&str],
        change: fn(&mut Input),
    ) -> Result<Undone, StepError> {
        let begun = std::cell::RefCell::new(Vec::new());
        stage.until_ready(async |wait| {
            let mut input = Input {
                begun: begun.borrow().clone(),
                endpoint_ids: ids.iter().map(|id| id.parse().unwrap()).collect(),
                ..input(stage, None, wait)
            };
            change(&mut input);
            let progress = handle(&stage.ports, input).await;
            if let Ok(Progress::Pending(pending)) = &progress {
                begun.replace(pending.begun.clone());
            }
            progress
        })
    }

    #[test]
    fn our_endpoint_is_deleted_whether_its_id_is_known_or_not() {
        for (id, nothing) in [
            (Some(ENDPOINT), "endpoint vpce-0a10000000000000e is gone"),
            (None, "no endpoint of this connection is left"),
        ] {
            let stage = own();
            let deleted = repeated(&stage, id.as_slice()).unwrap();
            assert!(deleted.was_there);
            assert_eq!(deleted.undone, format!("endpoint {ENDPOINT} deleted"));
            let again = repeated(&stage, id.as_slice()).unwrap();
            assert_eq!((again.undone.as_str(), again.was_there), (nothing, false));
            let stage = own();
            stage.twice(async || look(&stage, id));
            undo(&stage, id).unwrap();
            assert!(stage.things().endpoints.is_empty());
            let state = stage.look(|world| world.ec2.endpoint(ENDPOINT).unwrap().state);
            assert!(state == simulator::ec2::EndpointState::Deleted, "{state:?}");
        }
    }

    #[test]
    fn without_a_service_it_is_found_by_its_claim() {
        let stage = own();
        repeated_with(&stage, &[], |input| input.service_name = None).unwrap();
        assert!(stage.things().endpoints.is_empty());
    }

    #[test]
    fn absent_is_not_believed_before_a_fresh_endpoint_would_show() {
        for id in [Some(ENDPOINT), None] {
            let stage = own();
            stage.meddle(|world| {
                let visible = world.now + Duration::from_secs(10);
                world.ec2.endpoints.get_mut(ENDPOINT).unwrap().visible = visible;
            });
            assert!(look(&stage, id).ready().is_none());
            undo(&stage, id).unwrap();
            assert!(stage.things().endpoints.is_empty());
        }
    }

    #[test]
    fn several_endpoints_of_this_connection_are_all_undone_each_in_its_way() {
        let ids = ["vpce-00000000000000001", "vpce-00000000000000002"];
        let stage = several(&ids, Origin::Adopted);
        let undone = undo(&stage, Some(ENDPOINT)).unwrap();
        assert!(undone.contains("0000e let go ("), "{undone}");
        assert!(undone.contains("00001 deleted, endpoint"), "{undone}");
        let endpoints = stage.things().endpoints;
        assert!(endpoints.keys().eq([ENDPOINT]));
        assert!(endpoints[ENDPOINT].tags.keys().eq(["Name"]));
    }

    #[test]
    fn the_endpoint_that_the_connection_goes_on_with_stays() {
        let stage = own();
        let other: EndpointId = "vpce-00000000000000001".parse().unwrap();
        stage.meddle(|world| {
            let mut it = world.ec2.endpoints[ENDPOINT].clone();
            it.id = other.to_string();
            it.interfaces.clear();
            world.ec2.endpoints.insert(it.id.clone(), it);
        });
        let looked = |wait| {
            let input = Input {
                only_these: true,
                ..input(&stage, Some(other.as_str()), wait)
            };
            at_once(handle(&stage.ports, input)).unwrap().ready()
        };
        assert_eq!(looked(stage.wait()), None);
        stage.advance(900);
        assert!(looked(stage.wait()).is_some());
        assert!(stage.things().endpoints.keys().eq([ENDPOINT]));
    }

    /// Whoever may set tags can set ours on anything.
    #[test]
    fn what_is_to_a_service_of_aws_is_never_deleted_whatever_its_tags_say() {
        let stage = Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
            endpoint.service_name = "com.amazonaws.eu-west-1.sts".to_owned();
            endpoint.tags = claim.tags(Origin::Made);
        });
        let undone = repeated_with(&stage, &[ENDPOINT], |input| input.service_name = None);
        let let_go = "endpoint vpce-0a10000000000000e let go (it was not made by this tool)";
        assert_eq!(undone.unwrap().undone, let_go);
        assert!(stage.things().endpoints[ENDPOINT].tags.is_empty());
    }

    #[test]
    fn every_endpoint_that_was_known_is_named() {
        let more = "vpce-00000000000000001";
        let stage = several(&[more], Origin::Made);
        let undone = repeated(&stage, &[ENDPOINT, more]).unwrap().undone;
        for id in [ENDPOINT, more] {
            let deleted = format!("endpoint {id} deleted");
            assert!(undone.contains(&deleted), "{undone}");
        }
    }

    #[test]
    fn what_is_adopted_or_shared_is_let_go_and_not_said_to_be_deleted() {
        for (name, origin) in [
            ("half-made-by-hand", Origin::Adopted),
            ("shared-endpoint", Origin::Made),
        ] {
            let before = Stage::shipped(name).things();
            let stage = Stage::with_endpoint(name, |endpoint, claim| {
                endpoint.tags.extend(claim.tags(origin));
            });
            let undone = undo(&stage, Some(ENDPOINT)).unwrap();
            let let_go = "endpoint vpce-0a10000000000000e let go";
            assert!(undone.starts_with(let_go), "{undone}");
            // As it was before our claim.
            assert_eq!(stage.things().endpoints, before.endpoints, "{name}");
            let again = undo(&stage, Some(ENDPOINT)).unwrap();
            assert!(!again.contains("deleted"), "{again}");
            assert_eq!(stage.things().endpoints, before.endpoints);
        }
    }

    #[test]
    fn a_call_that_was_cut_off_or_was_answered_with_not_found_is_completed_by_the_next_one() {
        for (operation, origin) in [
            ("ec2:DeleteVpcEndpoints", Origin::Made),
            ("ec2:DeleteTags", Origin::Adopted),
        ] {
            let let_go = |stage: &Stage| {
                undo(stage, None).unwrap();
                let endpoints = stage.things().endpoints;
                let is_let_go = |it: &simulator::ec2::Endpoint| it.tags.is_empty();
                assert!(endpoints.get(ENDPOINT).is_none_or(is_let_go), "{operation}");
            };
            let stage = claimed(origin);
            stage.cut_off(operation);
            let error = undo(&stage, None).unwrap_err();
            assert_eq!(error.name(), StepErrorName::Transient, "{operation}");
            let_go(&stage);
            // EC2 only says that it is unknown, which is not believed.
            let stage = claimed(origin);
            stage.fails_once(operation, FaultKind::NotFound);
            assert!(look(&stage, None).ready().is_none(), "{operation}");
            let_go(&stage);
        }
    }

    #[test]
    fn what_does_not_carry_our_claim_is_not_touched() {
        for name in ["half-made-by-hand", "shared-endpoint"] {
            for id in [Some(ENDPOINT), None] {
                let stage = Stage::shipped(name);
                let before = stage.things().endpoints;
                undo(&stage, id).unwrap();
                let after = stage.things().endpoints;
                assert_eq!(after[ENDPOINT].tags, before[ENDPOINT].tags, "{name}");
            }
        }
    }

    #[test]
    fn an_endpoint_that_stays_is_named_at_the_limit() {
        let stage = Stage::changed("half-made-by-hand", |scenario| {
            let claim = in_process::stage::claim(scenario);
            scenario.vpcs[0].endpoints[0].tags = claim.tags(Origin::Made);
            scenario.pace.endpoint_deleting = Duration::from_secs(10_000);
        });
        let error = undo(&stage, Some(ENDPOINT)).unwrap_err();
        assert_eq!(error.code, Code::EndpointNotGoneInTime);
        assert!(error.detail.contains(ENDPOINT), "{}", error.detail);
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = own();
        assert_strict(&input(&stage, Some(ENDPOINT), stage.wait()));
    }
}
