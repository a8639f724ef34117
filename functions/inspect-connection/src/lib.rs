//! Looks for what a connection consists of now: the endpoints whose registration
//! it has to take back before they go.
//!
//! The tags in the VPC are the truth; the ledger only adds the endpoint that it
//! recorded, because the registration of an endpoint that somebody has deleted
//! stays with the cluster. Changes nothing.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::ec2::{Endpoint, Endpoints};
use shared::ids::{EndpointId, VpcId};
use shared::ownership::Claim;
use shared::place::Place;

/// Where to look.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where EC2 is asked.
    pub place: Place,
    /// In which VPC.
    pub vpc_id: VpcId,
    /// The connection.
    pub claim: Claim,
    /// The endpoint that the ledger has, if it has one.
    pub recorded: Option<EndpointId>,
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The endpoints that may be registered by this connection.
    pub registered: Vec<EndpointId>,
}

/// Looks once.
///
/// # Errors
/// Those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Output, StepError> {
    let endpoints = ec2.endpoints(&input.vpc_id).await?;
    Ok(Output {
        registered: registered(&endpoints, &input.claim, input.recorded),
    })
}

/// The endpoints of the connection, without one that was registered before it
/// came, and without one that the connection has let go.
fn registered(
    endpoints: &[Endpoint],
    claim: &Claim,
    recorded: Option<EndpointId>,
) -> Vec<EndpointId> {
    let own = endpoints
        .iter()
        .filter(|endpoint| claim.owns_registration(&endpoint.tags))
        .map(|endpoint| endpoint.id.clone());
    let gone = recorded.filter(|id| endpoints.iter().all(|endpoint| endpoint.id != *id));
    own.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once, endpoint};
    use shared::ownership::{Origin, Tags};

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";
    const OTHER: &str = "vpce-0a10000000000000f";

    fn claim() -> Claim {
        Claim {
            cluster_id: "1a2b3c4d-0000-4000-8000-00000000000a".parse().unwrap(),
            connection_id: "c0ffee".to_owned(),
        }
    }

    fn ids(tags: Tags, recorded: Option<&str>) -> Vec<String> {
        let endpoint = Endpoint {
            tags,
            ..endpoint("available")
        };
        let recorded = recorded.map(|id| id.parse().unwrap());
        let found = registered(&[endpoint], &claim(), recorded);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_tags_say_what_is_the_connections_own() {
        let mut found = claim().tags(Origin::Adopted);
        found.insert(claim().found_registration_key(), "yes".to_owned());
        for (tags, expected) in [
            (claim().tags(Origin::Made), vec![ENDPOINT]),
            (claim().tags(Origin::Adopted), vec![ENDPOINT]),
            (found, vec![]),
            (Tags::new(), vec![]),
        ] {
            assert_eq!(ids(tags.clone(), None), expected, "{tags:?}");
            // The tags are the truth about an endpoint that is there.
            assert_eq!(ids(tags.clone(), Some(ENDPOINT)), expected, "{tags:?}");
        }
    }

    #[test]
    fn the_ledger_knows_of_an_endpoint_that_somebody_has_deleted() {
        let tags = claim().tags(Origin::Made);
        assert_eq!(ids(tags, Some(OTHER)), [ENDPOINT, OTHER]);
        assert_eq!(ids(Tags::new(), Some(OTHER)), [OTHER]);
    }

    #[test]
    fn a_connection_is_found_in_the_world() {
        let stage = Stage::changed("half-made-by-hand", |scenario| {
            let claim = in_process::stage::claim(scenario);
            scenario.vpcs[0].endpoints[0].tags = claim.tags(Origin::Made);
        });
        let input = Input {
            place: stage.request.place(),
            vpc_id: stage.request.vpc_id.clone(),
            claim: stage.claim.clone(),
            recorded: None,
        };
        assert_strict(&input);
        let (first, second) =
            stage.twice(async || handle(&stage.ports, input.clone()).await.unwrap());
        assert_eq!(first, second);
        assert_eq!(first.registered, [ENDPOINT.parse().unwrap()]);
    }
}
