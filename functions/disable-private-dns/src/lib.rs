//! The undo of `enable-private-dns` for an endpoint that stays: one that was
//! adopted, or that another connection uses too.
//!
//! An endpoint that is being changed cannot be changed again, so a change that
//! is still under way is waited for, whichever direction it has. An endpoint
//! that is dead has no private DNS, one that is absent neither, and one without
//! this connection's claim has no change of ours; but absent and unclaimed are
//! believed only when they have been so for a while.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, EndpointState, Endpoints};
use shared::ids::EndpointId;
use shared::ownership::Claim;
use shared::plan::Undone;
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection whose change is undone.
    pub connection: Subject,
    pub endpoint_id: EndpointId,
    /// What earlier looks have begun to take back.
    pub begun: Vec<String>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Switches private DNS off if it is on, and says whether it is off.
///
/// # Errors
/// `private-dns-not-off-in-time`, and those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Progress<Undone>, StepError> {
    let (id, wait) = (&input.endpoint_id, &input.wait);
    let endpoint = ec2.endpoint(id).await?;
    let off = format!("private DNS of endpoint {id} switched off again");
    let mut begun = input.begun.clone();
    begun.retain(|it| *it == off);
    let claim = input.connection.claim();
    let awaited = match next(endpoint.as_ref(), &claim, wait.is_settled()) {
        Next::Done => {
            let nothing = format!("private DNS of endpoint {id} is not on");
            return Ok(Progress::Ready(Undone::of(&begun, nothing)));
        }
        Next::SwitchOff => {
            ec2.set_private_dns(id, false).await?;
            begun = vec![off];
            format!("private DNS of endpoint {id} is being switched off")
        }
        Next::Wait => format!("checking that private DNS of endpoint {id} is off"),
    };
    let pending = wait.pending(awaited, Code::PrivateDnsNotOffInTime);
    pending.map(|pending| pending.having_begun(&begun))
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Done,
    SwitchOff,
    Wait,
}

fn next(endpoint: Option<&Endpoint>, claim: &Claim, settled: bool) -> Next {
    let Some(endpoint) = endpoint.filter(|endpoint| claim.is_in(&endpoint.tags)) else {
        return if settled { Next::Done } else { Next::Wait };
    };
    match (&endpoint.state, endpoint.private_dns) {
        (state, _) if state.is_dead() => Next::Done,
        // Private DNS cannot be switched on before the endpoint is accepted.
        (EndpointState::PendingAcceptance, _) => Next::Done,
        (EndpointState::Available, true) => Next::SwitchOff,
        // The change that is undone may have been asked for and not show yet.
        (EndpointState::Available, false) if settled => Next::Done,
        _ => Next::Wait,
    }
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, a_claim, assert_strict, at_once};
    use shared::StepErrorName;
    use shared::ownership::Origin;
    use simulator::ec2::EndpointState as State;

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";

    /// The only endpoint of a scenario with private DNS on, claimed or not.
    fn stage(name: &str, claimed: bool) -> Stage {
        Stage::with_endpoint(name, |endpoint, claim| {
            endpoint.state = State::Available;
            endpoint.private_dns = true;
            if claimed {
                let origin = Origin::of(&endpoint.tags).unwrap_or(Origin::Adopted);
                endpoint.tags.extend(claim.tags(origin));
            }
        })
    }

    fn input(stage: &Stage, wait: Wait) -> Input {
        Input {
            connection: stage.request.subject(),
            endpoint_id: ENDPOINT.parse().unwrap(),
            begun: Vec::new(),
            wait,
        }
    }

    fn undo(stage: &Stage) -> Result<Undone, StepError> {
        stage.until_ready(async |wait| handle(&stage.ports, input(stage, wait)).await)
    }

    fn has_private_dns(stage: &Stage) -> bool {
        stage.things().endpoints[ENDPOINT].private_dns
    }

    #[test]
    fn what_is_done_follows_from_state_and_switch() {
        let claim = a_claim();
        let endpoint = |word: &str, private_dns| Endpoint {
            private_dns,
            tags: claim.tags(Origin::Adopted),
            ..in_process::stage::endpoint(word)
        };
        use Next::{Done, SwitchOff, Wait};
        for (word, private_dns, at_first, settled) in [
            ("available", true, SwitchOff, SwitchOff),
            ("available", false, Wait, Done),
            ("pending", true, Wait, Wait),
            ("pending", false, Wait, Wait),
            ("partial", true, Wait, Wait),
            ("pendingAcceptance", false, Done, Done),
            ("rejected", true, Done, Done),
            ("failed", true, Done, Done),
            ("expired", true, Done, Done),
            ("deleting", true, Done, Done),
            ("deleted", true, Done, Done),
        ] {
            let endpoint = endpoint(word, private_dns);
            let what = format!("{word}, private DNS {private_dns}");
            assert_eq!(next(Some(&endpoint), &claim, false), at_first, "{what}");
            assert_eq!(next(Some(&endpoint), &claim, true), settled, "{what}");
        }
        let unclaimed = Endpoint {
            tags: Default::default(),
            ..endpoint("available", true)
        };
        for nothing in [None, Some(&unclaimed)] {
            assert_eq!(next(nothing, &claim, false), Wait);
            assert_eq!(next(nothing, &claim, true), Done);
        }
    }

    #[test]
    fn private_dns_is_switched_off_and_a_repeated_call_waits_for_it() {
        for name in ["half-made-by-hand", "shared-endpoint"] {
            let stage = stage(name, true);
            stage.twice(async || {
                let input = input(&stage, stage.wait());
                handle(&stage.ports, input).await.unwrap()
            });
            undo(&stage).unwrap();
            assert!(!has_private_dns(&stage), "{name}");
        }
    }

    #[test]
    fn a_change_that_is_still_under_way_is_waited_for_and_undone() {
        let stage = stage("half-made-by-hand", true);
        let switch =
            |on| at_once(stage.ports.set_private_dns(&ENDPOINT.parse().unwrap(), on)).unwrap();
        switch(false);
        stage.advance(100);
        assert!(!has_private_dns(&stage));
        switch(true);
        undo(&stage).unwrap();
        stage.advance(100);
        assert!(!has_private_dns(&stage));
    }

    #[test]
    fn a_call_that_was_cut_off_is_completed_by_the_next_one() {
        let stage = stage("half-made-by-hand", true);
        stage.cut_off("ec2:ModifyVpcEndpoint");
        assert_eq!(undo(&stage).unwrap_err().name(), StepErrorName::Transient);
        undo(&stage).unwrap();
        assert!(!has_private_dns(&stage));
    }

    #[test]
    fn an_endpoint_that_does_not_show_for_a_moment_is_not_taken_for_gone() {
        let stage = stage("half-made-by-hand", true);
        stage.meddle(|world| {
            let visible = world.now + std::time::Duration::from_secs(10);
            world.ec2.endpoints.get_mut(ENDPOINT).unwrap().visible = visible;
        });
        undo(&stage).unwrap();
        assert!(!has_private_dns(&stage));
    }

    /// As it is when the claim could not be written: then nothing was changed for
    /// this connection either.
    #[test]
    fn an_endpoint_without_our_claim_keeps_its_private_dns() {
        for name in ["half-made-by-hand", "shared-endpoint"] {
            let stage = stage(name, false);
            let before = stage.things();
            undo(&stage).unwrap();
            assert_eq!(stage.things(), before, "{name}");
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_changed_is_named_at_the_limit() {
        let stage = stage("half-made-by-hand", true);
        stage.meddle(|world| world.ec2.endpoints.get_mut(ENDPOINT).unwrap().state = State::Partial);
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::PrivateDnsNotOffInTime);
        assert!(error.detail.contains(ENDPOINT), "{}", error.detail);
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = stage("half-made-by-hand", true);
        assert_strict(&input(&stage, stage.wait()));
    }
}
