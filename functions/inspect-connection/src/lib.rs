//! Looks for what a connection consists of now: its endpoints, and what it has
//! with the cluster that must be taken back before they go.
//!
//! The tags in the VPC are the truth about an endpoint that carries them; of any
//! other the ledger knows. The registration of an endpoint that somebody has
//! deleted stays with the cluster, and so may that of an endpoint which an earlier
//! run could let go but not deregister. Changes nothing.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::ec2::{Endpoint, Endpoints};
use shared::ids::{AccountId, EndpointId};
use shared::ledger::OwnRegistration;
use shared::ownership::Claim;
use shared::subject::Subject;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection.
    pub connection: Subject,
    /// The registrations that the ledger has.
    pub recorded: Vec<OwnRegistration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The endpoints that carry the connection's claim.
    pub endpoints: Vec<EndpointId>,
    /// The endpoints that may be registered by this connection, those that are
    /// gone included.
    pub registered: Vec<EndpointId>,
    /// The account that goes off the cluster's trusted owners with the last
    /// registration, if the connection added one.
    pub distrust_account: Option<AccountId>,
}

/// Looks once.
///
/// # Errors
/// Those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Output, StepError> {
    let endpoints = ec2.endpoints(&input.connection.vpc_id).await?;
    Ok(found(&endpoints, &input.connection.claim(), input.recorded))
}

/// What is the connection's own. An endpoint that carries the claim tells by its
/// tags whether it was registered before the connection came.
fn found(endpoints: &[Endpoint], claim: &Claim, recorded: Vec<OwnRegistration>) -> Output {
    let claimed = endpoints.iter().filter(|it| claim.is_in(&it.tags));
    let claimed: Vec<&Endpoint> = claimed.collect();
    let ours = || claimed.iter().filter(|it| it.is_of_our_kind());
    let registered = ours().filter(|it| claim.owns_registration(&it.tags));
    let mut registered: Vec<EndpointId> = registered.map(|it| it.id.clone()).collect();
    let mut distrust_account = ours().find_map(|it| it.trusted_account(claim));
    let is_claimed = |id: &EndpointId| claimed.iter().any(|endpoint| endpoint.id == *id);
    let others = recorded.into_iter();
    for known in others.filter(|it| !is_claimed(&it.endpoint_id)) {
        distrust_account = distrust_account.or(known.trusted_account);
        registered.push(known.endpoint_id);
    }
    Output {
        endpoints: claimed.iter().map(|it| it.id.clone()).collect(),
        registered,
        distrust_account,
    }
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, a_claim as claim, assert_strict, endpoint};
    use shared::ownership::{Origin, Tags};

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";
    const GONE: &str = "vpce-0a10000000000000f";
    const OLDER: &str = "vpce-0a10000000000000d";
    const ACCOUNT: &str = "111122223333";

    fn recorded(id: &str) -> OwnRegistration {
        OwnRegistration {
            endpoint_id: id.parse().unwrap(),
            trusted_account: ACCOUNT.parse().ok(),
        }
    }

    /// What is found where an endpoint with these tags is.
    fn look(tags: &Tags, recorded: Vec<OwnRegistration>) -> Output {
        let endpoint = Endpoint {
            tags: tags.clone(),
            ..endpoint("available")
        };
        found(&[endpoint], &claim(), recorded)
    }

    fn output(endpoints: &[&str], registered: &[&str], distrust: Option<&str>) -> Output {
        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
        Output {
            endpoints: ids(endpoints),
            registered: ids(registered),
            distrust_account: distrust.map(|account| account.parse().unwrap()),
        }
    }

    fn marked(origin: Origin, owns_it: bool, trusted: bool) -> Tags {
        let account = ACCOUNT.parse().unwrap();
        let mut tags = claim().tags(origin);
        tags.extend(claim().registration_tags(owns_it, trusted.then_some(&account)));
        tags
    }

    #[test]
    fn the_tags_say_what_is_the_connections_own() {
        let own = output(&[ENDPOINT], &[ENDPOINT], None);
        let trusted = output(&[ENDPOINT], &[ENDPOINT], Some(ACCOUNT));
        let foreign = output(&[ENDPOINT], &[], None);
        for (tags, expected) in [
            (marked(Origin::Made, true, false), own.clone()),
            (marked(Origin::Adopted, true, false), own),
            (marked(Origin::Made, true, true), trusted),
            (marked(Origin::Adopted, false, false), foreign),
        ] {
            assert_eq!(look(&tags, vec![]), expected, "{tags:?}");
            // Whatever the ledger says of the same endpoint.
            let found = look(&tags, vec![recorded(ENDPOINT)]);
            assert_eq!(found, expected, "{tags:?}");
        }
        assert_eq!(look(&Tags::new(), vec![]), output(&[], &[], None));
    }

    /// Whoever may set tags can set ours on anything.
    #[test]
    fn tags_that_somebody_else_has_set_lead_to_no_registration_and_no_distrust() {
        let tags = marked(Origin::Made, true, true);
        let looked = |change: fn(&mut Endpoint)| {
            let mut endpoint = Endpoint {
                tags: tags.clone(),
                ..endpoint("available")
            };
            change(&mut endpoint);
            found(&[endpoint], &claim(), vec![])
        };
        let of_aws = |it: &mut Endpoint| it.service_name = "com.amazonaws.eu-west-1.sts".into();
        assert_eq!(looked(of_aws), output(&[ENDPOINT], &[], None));
        let without_trust = output(&[ENDPOINT], &[ENDPOINT], None);
        let of_another = |it: &mut Endpoint| it.owner = "999988887777".parse().ok();
        assert_eq!(looked(of_another), without_trust);
        assert_eq!(looked(|it| it.owner = None), without_trust);
    }

    #[test]
    fn the_ledger_knows_of_what_is_deleted_or_let_go() {
        let made = marked(Origin::Made, true, false);
        for (tags, ids, registered) in [
            (&made, &[GONE][..], &[ENDPOINT, GONE][..]),
            (&Tags::new(), &[GONE], &[GONE]),
            // Shared or adopted, it stays when the connection goes.
            (&Tags::new(), &[ENDPOINT], &[ENDPOINT]),
            // One is left of an earlier run, and one of the run before that.
            (&made, &[GONE, OLDER, ENDPOINT], &[ENDPOINT, GONE, OLDER]),
        ] {
            let endpoints: &[&str] = if tags.is_empty() { &[] } else { &[ENDPOINT] };
            let found = look(tags, ids.iter().map(|id| recorded(id)).collect());
            let expected = output(endpoints, registered, Some(ACCOUNT));
            assert_eq!(found, expected, "{ids:?}");
        }
    }

    #[test]
    fn a_connection_is_found_in_the_world() {
        let stage = Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
            endpoint.tags = claim.tags(Origin::Made);
        });
        let input = Input {
            connection: stage.request.subject(),
            recorded: vec![recorded(GONE)],
        };
        assert_strict(&input);
        let (first, second) =
            stage.twice(async || handle(&stage.ports, input.clone()).await.unwrap());
        assert_eq!(first, second);
        let expected = output(&[ENDPOINT], &[ENDPOINT, GONE], Some(ACCOUNT));
        assert_eq!(first, expected);
    }
}
