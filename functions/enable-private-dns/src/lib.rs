//! Makes private DNS of the endpoint be on.
//!
//! Only an endpoint that is available can take the change; afterwards it is
//! pending for some minutes, which `check-status` waits for. Then goes the tag that
//! says that the connection is to be without. The undo is `disable-private-dns`, the
//! deletion of the endpoint, or `change-endpoint`, which puts the tag back, too.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, EndpointState, Endpoints};
use shared::ids::EndpointId;
use shared::subject::Subject;
use shared::{Code, StepError};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection that wants it.
    pub connection: Subject,
    pub endpoint_id: EndpointId,
}

/// Private DNS is on, or on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether this call changed it.
    pub changed: bool,
}

/// Switches private DNS on unless it is.
///
/// # Errors
/// `private-dns-conflict` and others of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Output, StepError> {
    let id = &input.endpoint_id;
    let endpoint = ec2.endpoint(id).await?;
    let changed = must_change(id, endpoint.as_ref())?;
    if changed {
        ec2.set_private_dns(id, true).await?;
    }
    let mark = input.connection.claim().without_private_dns_key();
    if endpoint.is_some_and(|it| it.tags.contains_key(&mark)) {
        ec2.untag_endpoint(id, &[mark]).await?;
    }
    Ok(Output { changed })
}

/// Whether private DNS must be switched on, if it can be.
fn must_change(id: &EndpointId, endpoint: Option<&Endpoint>) -> Result<bool, StepError> {
    let Some(endpoint) = endpoint else {
        // It was available a moment ago. Not every part of EC2 shows what others
        // have shown; gone is another word.
        let detail = format!("EC2 does not show endpoint {id} now");
        return Err(StepError::new(Code::AwsResourceBusy, detail));
    };
    let cannot = |code| {
        let detail = format!("endpoint {id} is {} and cannot be changed", endpoint.state);
        Err(StepError::new(code, detail))
    };
    match (endpoint.state.bad_end(), &endpoint.state) {
        (Some(code), _) => cannot(code),
        _ if endpoint.private_dns => Ok(false),
        (None, EndpointState::Available) => Ok(true),
        // It was available a moment ago, so an earlier attempt took effect and its
        // answer was lost. `check-status` waits for the end of the change, which
        // takes longer than retries last.
        (None, EndpointState::Pending) => Ok(false),
        (None, _) => cannot(Code::AwsResourceBusy),
    }
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;
    use simulator::Scenario;

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";

    /// The only endpoint, available and without private DNS.
    fn stage(change: impl FnOnce(&mut Scenario)) -> Stage {
        Stage::changed("half-made-by-hand", |scenario| {
            let endpoint = &mut scenario.vpcs[0].endpoints[0];
            endpoint.state = simulator::ec2::EndpointState::Available;
            change(scenario);
        })
    }

    fn input(stage: &Stage) -> Input {
        Input {
            connection: stage.request.subject(),
            endpoint_id: ENDPOINT.parse().unwrap(),
        }
    }

    fn call(stage: &Stage) -> Result<bool, StepError> {
        at_once(handle(&stage.ports, input(stage))).map(|output| output.changed)
    }

    #[test]
    fn only_an_available_endpoint_is_changed() {
        let busy = Err(Code::AwsResourceBusy);
        let rejected = Err(Code::EndpointRejected);
        for (word, when_off, when_on) in [
            ("available", Ok(true), Ok(false)),
            ("pending", Ok(false), Ok(false)),
            ("pendingAcceptance", busy, Ok(false)),
            ("partial", busy, Ok(false)),
            // The other bad ends have their codes from `shared`, likewise.
            ("rejected", rejected, rejected),
        ] {
            for (private_dns, expected) in [(false, when_off), (true, when_on)] {
                let endpoint = Endpoint {
                    private_dns,
                    ..in_process::stage::endpoint(word)
                };
                let decided = must_change(&endpoint.id, Some(&endpoint));
                let decided = decided.map_err(|error| error.code);
                assert_eq!(decided, expected, "{word}, private DNS {private_dns}");
            }
        }
        let absent = must_change(&ENDPOINT.parse().unwrap(), None).unwrap_err();
        assert_eq!(absent.code, Code::AwsResourceBusy);
    }

    #[test]
    fn private_dns_is_switched_on_once() {
        let stage = stage(|_| {});
        assert!(call(&stage).unwrap());
        // Under way: a repeated call finds it so and changes nothing.
        assert_eq!(call(&stage), Ok(false));
        stage.advance(120);
        let (first, second) =
            stage.twice(async || handle(&stage.ports, input(&stage)).await.unwrap());
        assert!(!first.changed && first == second);
        assert!(stage.things().endpoints[ENDPOINT].private_dns);
    }

    #[test]
    fn a_call_that_was_cut_off_took_effect_and_is_found_done() {
        let stage = stage(|_| {});
        stage.cut_off("ec2:ModifyVpcEndpoint");
        assert_eq!(call(&stage).unwrap_err().name(), StepErrorName::Transient);
        assert_eq!(call(&stage), Ok(false));
        stage.advance(120);
        assert!(stage.things().endpoints[ENDPOINT].private_dns);
    }

    #[test]
    fn a_conflict_is_named_and_nothing_changes() {
        let stage = stage(|scenario| {
            scenario.vpcs[0].hosted_zones =
                vec!["j77.aws-eu-west-1.cockroachlabs.cloud".to_owned()];
        });
        let before = stage.things();
        assert_eq!(call(&stage).unwrap_err().code, Code::PrivateDnsConflict);
        assert_eq!(stage.things(), before);
    }

    /// Left there, it would tell the next reader that private DNS is not wanted.
    #[test]
    fn the_tag_of_a_connection_without_goes_with_its_reason() {
        for already_on in [false, true] {
            let stage = stage(|scenario| {
                let claim = in_process::stage::claim(scenario);
                let endpoint = &mut scenario.vpcs[0].endpoints[0];
                endpoint.tags.extend(claim.private_dns_tags(false));
                endpoint.private_dns = already_on;
            });
            assert_eq!(call(&stage), Ok(!already_on));
            let tags = &stage.things().endpoints[ENDPOINT].tags;
            assert!(!tags.contains_key(&stage.claim.without_private_dns_key()));
            assert!(tags.contains_key("Name"), "all others stay: {tags:?}");
        }
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        assert_strict(&input(&stage(|_| {})));
    }
}
