//! Which endpoints there are of this connection's own, and what a new one is made with.

use shared::ec2::{Endpoint, NewEndpoint};
use shared::ids::{EndpointId, ServiceName};
use shared::ownership::{Claim, Origin, client_token};
use shared::{Code, StepError};

use crate::Input;

/// The endpoints that were made for this connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Own<'a> {
    /// One that can become usable. Two runs at once may have made two; the order of
    /// the list is EC2's own, and a repeated call must find the same one.
    pub(crate) usable: Option<&'a Endpoint>,
    /// Those that never can, and that nobody else claims.
    pub(crate) leftovers: Vec<&'a Endpoint>,
    /// All that never can, those that are gone already included.
    pub(crate) dead: Vec<&'a EndpointId>,
}

pub(crate) fn own<'a>(endpoints: &'a [Endpoint], service: &ServiceName, claim: &Claim) -> Own<'a> {
    let (dead, living): (Vec<_>, Vec<_>) = endpoints
        .iter()
        .filter(|endpoint| endpoint.is_interface && endpoint.service_name == service.as_str())
        .filter(|endpoint| claim.is_in(&endpoint.tags))
        .filter(|endpoint| Origin::of(&endpoint.tags) == Some(Origin::Made))
        .partition(|endpoint| endpoint.state.is_dead());
    let alone = |endpoint: &&Endpoint| claim.others_in(&endpoint.tags).is_empty();
    Own {
        usable: living.into_iter().min_by_key(|endpoint| &endpoint.id),
        dead: dead.iter().map(|endpoint| &endpoint.id).collect(),
        leftovers: dead
            .into_iter()
            .filter(|endpoint| !endpoint.state.is_gone())
            .filter(alone)
            .collect(),
    }
}

/// The endpoint to be made. `dead` are those that take no part any more: the token of
/// a creation would answer for them for ever.
pub(crate) fn new_endpoint(input: &Input, dead: &[&EndpointId]) -> Result<NewEndpoint, StepError> {
    let Some(group_id) = input.group_id.clone() else {
        // Without a group EC2 would take the VPC's default group.
        let detail = "group_id: a new endpoint needs a security group of its own";
        return Err(StepError::new(Code::InvalidRequest, detail));
    };
    let plan = &input.endpoint;
    let mut parts = vec![
        input.generation.as_str(),
        input.connection.vpc_id.as_str(),
        plan.service_name.as_str(),
        group_id.as_str(),
    ];
    parts.extend(plan.subnet_ids.iter().map(|subnet| subnet.as_str()));
    parts.extend(dead.iter().map(|endpoint| endpoint.as_str()));
    let token = client_token(&parts);
    let claim = input.connection.claim();
    let mut tags = claim.endpoint_tags();
    let trusted = input.trust_account.as_ref();
    tags.extend(claim.registration_tags(input.owns_registration, trusted));
    tags.extend(claim.private_dns_tags(input.private_dns));
    tags.extend(claim.protection_tags(input.endpoint.protected));
    // A name of the customer's takes the place of ours.
    tags.extend(input.tags.clone());
    Ok(NewEndpoint {
        vpc_id: input.connection.vpc_id.clone(),
        service_name: plan.service_name.clone(),
        subnet_ids: plan.subnet_ids.clone(),
        group_id,
        token,
        tags,
    })
}

#[cfg(test)]
mod tests {
    use in_process::stage::{a_claim as claim, another_claim, endpoint};
    use shared::ownership::Tags;
    use shared::place::Place;
    use shared::plan::EndpointPlan;
    use shared::subject::Subject;

    use super::*;

    fn with(state: &str, tags: Tags) -> Endpoint {
        Endpoint {
            tags,
            ..endpoint(state)
        }
    }

    /// Whether an endpoint is usable, and whether it is a leftover.
    fn is(endpoint: Endpoint) -> (bool, bool) {
        let service = in_process::stage::endpoint("available").service_name;
        let endpoints = [endpoint];
        let own = own(&endpoints, &service.parse().unwrap(), &claim());
        (own.usable.is_some(), !own.leftovers.is_empty())
    }

    #[test]
    fn every_state_of_an_endpoint_of_ours_is_usable_left_over_or_neither() {
        for (state, expected) in [
            ("available", (true, false)),
            ("pending", (true, false)),
            ("pendingAcceptance", (true, false)),
            ("partial", (true, false)),
            ("rejected", (false, true)),
            ("failed", (false, true)),
            ("expired", (false, true)),
            ("deleting", (false, false)),
            ("deleted", (false, false)),
        ] {
            let endpoint = with(state, claim().tags(Origin::Made));
            assert_eq!(is(endpoint), expected, "{state}");
        }
    }

    #[test]
    fn what_is_not_ours_alone_is_no_leftover() {
        let other = another_claim();
        let mut shared = claim().tags(Origin::Made);
        shared.extend(other.tags(Origin::Made));
        let adopted = claim().tags(Origin::Adopted);
        for tags in [Tags::new(), adopted, other.tags(Origin::Made), shared] {
            let endpoint = with("rejected", tags.clone());
            assert_eq!(is(endpoint), (false, false), "{tags:?}");
        }
        for change in [
            |it: &mut Endpoint| it.is_interface = false,
            |it: &mut Endpoint| it.service_name.push('0'),
        ] {
            let mut endpoint = with("rejected", claim().tags(Origin::Made));
            change(&mut endpoint);
            assert_eq!(is(endpoint), (false, false));
        }
    }

    fn input() -> Input {
        let place = Place {
            account_id: None,
            region: "eu-west-1".parse().unwrap(),
        };
        let vpc = "vpc-0a71e830".parse().unwrap();
        Input {
            connection: Subject::of(place, vpc, claim().cluster_id),
            generation: "run-1".to_owned(),
            endpoint: EndpointPlan {
                existing: None,
                service_name: endpoint("available").service_name.parse().unwrap(),
                subnet_ids: vec!["subnet-0a71e830".parse().unwrap()],
                zone_ids: ["euw1-az1".parse().unwrap()].into(),
                protected: false,
            },
            owns_registration: true,
            trust_account: None,
            private_dns: true,
            tags: Tags::new(),
            group_id: "sg-0a71e830".parse().ok(),
        }
    }

    #[test]
    fn a_new_endpoint_has_the_tags_asked_for_and_their_name() {
        let mut input = input();
        let asked = [("Name", "orders"), ("Team", "data")];
        input.tags = asked
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let mut expected = input.connection.claim().endpoint_tags();
        expected.extend(input.tags.clone());
        assert_eq!(new_endpoint(&input, &[]).unwrap().tags, expected);
        assert_eq!(expected["Name"], "orders");
    }

    #[test]
    fn a_client_token_is_the_same_for_the_same_endpoint_until_it_is_dead() {
        let token = |change: fn(&mut Input)| {
            let mut input = input();
            change(&mut input);
            new_endpoint(&input, &[]).unwrap().token
        };
        let same = token(|_| {});
        assert_eq!(token(|_| {}), same);
        let dead = "vpce-0a71e831".parse().unwrap();
        assert_ne!(new_endpoint(&input(), &[&dead]).unwrap().token, same);
        let changes: [fn(&mut Input); 4] = [
            |it| it.generation.push('x'),
            |it| it.connection.vpc_id = "vpc-0a71e831".parse().unwrap(),
            |it| it.group_id = "sg-0a71e831".parse().ok(),
            |it| {
                it.endpoint
                    .subnet_ids
                    .push("subnet-0a71e831".parse().unwrap())
            },
        ];
        for change in changes {
            assert_ne!(token(change), same);
        }
    }
}
