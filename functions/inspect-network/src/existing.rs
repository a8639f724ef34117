//! An endpoint to the same service that is there already: ours, shared or to be
//! adopted.

use std::collections::BTreeSet;

use shared::ec2::{
    Endpoint, EndpointState, IngressRule, SecurityGroup, SecurityGroups, Source, shut_out,
};
use shared::ids::{AccountId, EndpointId};
use shared::ownership::{Claim, Origin, Tags};
use shared::plan::{ClusterFacts, UndoPlan};
use shared::report::SQL_PORT;
use shared::request::ProvisionRequest;
use shared::vpc_tags::may_protect;
use shared::{Code, StepError, customer_tags};

/// The endpoint to use, if there is one that can become usable: this connection's
/// own first, of these the one in use as the ledger has it, then one with private DNS
/// (a second one beside it would be a conflict), then one that the cluster knows, then
/// an available one, then by id.
pub(crate) fn find<'a>(
    endpoints: &'a [Endpoint],
    cluster: &ClusterFacts,
    claim: &Claim,
    in_use: Option<&EndpointId>,
) -> Option<&'a Endpoint> {
    endpoints
        .iter()
        .filter(|endpoint| {
            endpoint.is_interface && endpoint.service_name == cluster.service_name.as_str()
        })
        .filter(|endpoint| !endpoint.state.is_dead())
        .min_by_key(|endpoint| {
            (
                !claim.is_in(&endpoint.tags),
                in_use != Some(&endpoint.id),
                !endpoint.private_dns,
                !cluster.registered.contains(endpoint.id.as_str()),
                endpoint.state != EndpointState::Available,
                endpoint.id.clone(),
            )
        })
}

/// Whether the connection worked before this run. One that is without private DNS
/// though it is wanted did, if it was asked for without; else it was left by a run
/// that did not come so far.
pub(crate) fn works(
    found: &Endpoint,
    claim: &Claim,
    cluster: &ClusterFacts,
    wants_dns: bool,
) -> bool {
    claim.is_in(&found.tags)
        && cluster.registered.contains(found.id.as_str())
        && found.state == EndpointState::Available
        && (found.private_dns
            || !wants_dns
            || found.tags.contains_key(&claim.without_private_dns_key()))
}

/// What an undo may touch when this endpoint is used.
pub(crate) fn undo(
    found: &Endpoint,
    claim: &Claim,
    cluster: &ClusterFacts,
    wants_dns: bool,
) -> UndoPlan {
    let id = found.id.as_str();
    let registered = cluster.registered.contains(id);
    let own = claim.is_in(&found.tags);
    let works = works(found, claim, cluster, wants_dns);
    let made_by_us = Origin::of(&found.tags) == Some(Origin::Made);
    let goes_with_us = own && made_by_us && claim.others_in(&found.tags).is_empty();
    UndoPlan {
        anything: !works,
        // A registration that was there before this connection came belongs to
        // somebody else.
        registration: claim.owns_registration(&found.tags)
            || !(registered || cluster.half_registered.contains(id)),
        private_dns: wants_dns && !found.private_dns && !goes_with_us,
    }
}

/// Whether the endpoint keeps the groups that it has, which must then admit all
/// planned sources. An endpoint of ours with our group is completed instead.
pub(crate) async fn check_groups(
    ec2: &impl SecurityGroups,
    found: &Endpoint,
    ours: Option<&SecurityGroup>,
    sources: &[Source],
) -> Result<bool, StepError> {
    if Origin::of(&found.tags) == Some(Origin::Made)
        && let Some(group) = ours
        && found.group_ids.contains(&group.id)
    {
        return Ok(false);
    }
    let rules = ec2.ingress_rules(&found.group_ids).await?;
    let shut_out = shut_out(&rules, SQL_PORT, sources).into_iter();
    let shut_out: Vec<String> = shut_out.map(ToString::to_string).collect();
    if shut_out.is_empty() {
        return Ok(true);
    }
    let groups: Vec<&str> = found.group_ids.iter().map(|group| group.as_str()).collect();
    let (groups, shut_out) = (groups.join(", "), shut_out.join(", "));
    let by_name = let_in_by_name(&rules);
    let what = if by_name.is_empty() {
        format!(
            "but its security groups ({groups}) do not admit TCP {SQL_PORT} from {shut_out}; allow that there"
        )
    } else {
        format!(
            "and its security groups ({groups}) let in {} on TCP {SQL_PORT}, and {shut_out} only as far as it is in there; ask for these as sources, or allow {shut_out} there",
            by_name.join(" and ")
        )
    };
    Err(StepError::new(
        Code::ExistingEndpointUnusable,
        format!("endpoint {} to the same service exists, {what}", found.id),
    ))
}

/// Prefix lists and groups that the rules let in. Which networks these are is not looked
/// at: it changes at any time.
fn let_in_by_name(rules: &[IngressRule]) -> Vec<String> {
    let admitting = rules.iter().filter(|rule| rule.admits_tcp(SQL_PORT));
    let by_name = admitting.filter_map(|rule| match &rule.source {
        Source::Cidr(_) => None,
        source @ (Source::Group(_) | Source::PrefixList(_)) => Some(source),
    });
    let by_name: BTreeSet<&Source> = by_name.collect();
    by_name.into_iter().map(Source::described).collect()
}

/// Tags of one resource, without those of AWS itself (EC2 user guide, "Tag
/// restrictions").
const MOST_TAGS: usize = 50;

/// Whether the claim fits on the endpoint. EC2 would refuse it only after the
/// group has been made.
pub(crate) fn check_tags(
    found: &Endpoint,
    claim: &Claim,
    owns_registration: bool,
    trust: Option<&AccountId>,
    request: &ProvisionRequest,
) -> Result<(), StepError> {
    let mut tags = found.tags.clone();
    tags.extend(customer_tags::missing(&request.tags, &found.tags, claim));
    tags.extend(claim.private_dns_tags(request.private_dns));
    tags.extend(claim.protection_tags(request.marks_protection()));
    tags.extend(claim.tags(Origin::Adopted));
    tags.extend(claim.registration_tags(owns_registration, trust));
    let count = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if count <= MOST_TAGS {
        return Ok(());
    }
    Err(StepError::new(
        Code::ExistingEndpointUnusable,
        format!(
            "endpoint {} to the same service exists; with the tags that mark its use it would have {count}, and EC2 allows {MOST_TAGS}; remove some there",
            found.id
        ),
    ))
}

/// What of the tags that are asked for the endpoint gets, and what it does not.
pub(crate) fn notes_on_tags(found: &Endpoint, claim: &Claim, asked: &Tags) -> Vec<String> {
    let id = &found.id;
    let list = |tags: &[&String]| {
        let keys: Vec<&str> = tags.iter().map(|key| key.as_str()).collect();
        keys.join(", ")
    };
    let missing = customer_tags::missing(asked, &found.tags, claim);
    let (set, kept): (Vec<&String>, Vec<&String>) = asked
        .iter()
        .filter(|(key, value)| found.tags.get(*key) != Some(*value))
        .map(|(key, _)| key)
        .partition(|key| missing.contains_key(*key));
    let mut notes = Vec::new();
    if !set.is_empty() {
        notes.push(format!(
            "endpoint {id} gets the tags asked for: {}",
            list(&set)
        ));
    }
    if !kept.is_empty() {
        let why = match Origin::of(&found.tags) {
            Some(Origin::Made) => "others use it too",
            Some(Origin::Adopted) | None => "it was not made by this tool",
        };
        notes.push(format!(
            "endpoint {id} does not get the tags {}, because {why}",
            list(&kept)
        ));
    }
    notes
}

/// What the reader should know about the endpoint that is used.
pub(crate) fn note(found: &Endpoint, claim: &Claim) -> Option<String> {
    let id = &found.id;
    match Origin::of(&found.tags) {
        None => Some(format!(
            "endpoint {id} to the same service exists and is adopted; it will never be deleted by this tool"
        )),
        Some(_) if claim.is_in(&found.tags) => None,
        Some(_) => Some(match claim.others_in(&found.tags).as_slice() {
            [] => format!("endpoint {id} carries our tags, but is nobody's any more; it is used"),
            others => format!("endpoint {id} is shared with cluster {}", others.join(", ")),
        }),
    }
}

/// Further endpoints that were made for this connection: a run that was lost has made
/// them, and EC2 did not show them to the next one. Only those that nobody can be using:
/// the cluster does not know them, and no name leads to them. They cost.
pub(crate) fn twins(
    endpoints: &[Endpoint],
    found: &Endpoint,
    cluster: &ClusterFacts,
    claim: &Claim,
    in_use: Option<&EndpointId>,
) -> Vec<EndpointId> {
    let is_known = |id: &EndpointId| {
        let id = id.as_str();
        cluster.registered.contains(id) || cluster.half_registered.contains(id)
    };
    endpoints
        .iter()
        .filter(|it| it.id != found.id && it.service_name == found.service_name)
        .filter(|it| claim.is_in(&it.tags) && Origin::of(&it.tags) == Some(Origin::Made))
        .filter(|it| claim.others_in(&it.tags).is_empty() && !may_protect(&it.tags))
        .filter(|it| in_use != Some(&it.id) && !is_known(&it.id) && !it.private_dns)
        // What an account was trusted for leads to that account.
        .filter(|it| !it.state.is_dead() && it.trusted_account(claim).is_none())
        .map(|it| it.id.clone())
        .take(MOST_TWINS)
        .collect()
}

/// Most of them that are told.
const MOST_TWINS: usize = 10;

/// What the reader should know of them.
pub(crate) fn note_on_twins(twins: &[EndpointId]) -> Option<String> {
    let ids: Vec<&str> = twins.iter().map(EndpointId::as_str).collect();
    (!ids.is_empty()).then(|| {
        format!(
            "also made for this connection, by an execution that was lost, and not used: {}; an execution that ends ready deletes it",
            ids.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use shared::ownership::Tags;

    use super::*;

    const SERVICE: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0";
    const OTHER: &str = "1a2b3c4d-0000-4000-8000-00000000000b";

    fn claim() -> Claim {
        Claim {
            cluster_id: "1a2b3c4d-0000-4000-8000-00000000000a".parse().unwrap(),
            connection_id: "c0ffee".into(),
        }
    }

    fn endpoint(id: &str, tags: Tags) -> Endpoint {
        Endpoint {
            id: id.parse().unwrap(),
            owner: None,
            is_interface: true,
            service_name: SERVICE.into(),
            state: EndpointState::Available,
            failure: None,
            subnet_ids: vec![],
            group_ids: vec![],
            private_dns: true,
            dns_names: vec![],
            tags,
        }
    }

    fn facts(registered: &[&str]) -> ClusterFacts {
        ClusterFacts {
            cluster_name: "shop".into(),
            service_name: SERVICE.parse().unwrap(),
            zone_ids: BTreeSet::new(),
            private_host: None,
            routing_id: None,
            trusted_accounts: None,
            registered: registered.iter().map(|id| (*id).to_owned()).collect(),
            half_registered: BTreeSet::new(),
        }
    }

    #[test]
    fn the_connections_own_endpoint_comes_first_and_dead_ones_do_not_count() {
        let foreign = endpoint("vpce-00000001", Tags::new());
        let own = endpoint("vpce-00000002", claim().tags(Origin::Made));
        let mut rejected = endpoint("vpce-00000000", claim().tags(Origin::Made));
        rejected.state = EndpointState::Rejected;
        let mut gateway = endpoint("vpce-00000003", Tags::new());
        gateway.is_interface = false;
        let all = [
            rejected.clone(),
            foreign.clone(),
            own.clone(),
            gateway.clone(),
        ];
        let nobody = facts(&[]);
        assert_eq!(find(&all, &nobody, &claim(), None).unwrap().id, own.id);
        assert_eq!(
            find(&all[..2], &nobody, &claim(), None).unwrap().id,
            foreign.id
        );
        assert_eq!(find(&[rejected, gateway], &nobody, &claim(), None), None);
    }

    #[test]
    fn of_two_own_ones_that_in_use_comes_first_and_then_one_with_private_dns() {
        let mut first = endpoint("vpce-00000001", claim().tags(Origin::Made));
        let mut second = endpoint("vpce-00000002", claim().tags(Origin::Made));
        (first.private_dns, second.private_dns) = (false, false);
        let found = |first: &Endpoint, second: &Endpoint, known: &str, in_use: Option<&str>| {
            let in_use: Option<EndpointId> = in_use.map(|id| id.parse().unwrap());
            let all = [first.clone(), second.clone()];
            let found = find(&all, &facts(&[known]), &claim(), in_use.as_ref());
            found.unwrap().id.as_str().ends_with('2')
        };
        assert!(!found(&first, &second, "", None), "by id");
        assert!(found(&first, &second, "vpce-00000002", None), "known");
        // Somebody has removed its registration: that is to be mended.
        assert!(found(
            &first,
            &second,
            "vpce-00000001",
            Some("vpce-00000002")
        ));
        // The zone leads to it; a second one would be in conflict.
        second.private_dns = true;
        assert!(found(&first, &second, "vpce-00000001", None));
        // What is not ours any more is used only if nothing else is.
        second.tags = Tags::new();
        assert!(!found(&first, &second, "", Some("vpce-00000002")));
    }

    #[test]
    fn a_second_endpoint_that_nobody_can_be_using_is_told() {
        let own = endpoint("vpce-00000001", claim().tags(Origin::Made));
        let mut twin = endpoint("vpce-00000002", claim().tags(Origin::Made));
        twin.private_dns = false;
        let with = |change: &dyn Fn(&mut Endpoint)| {
            let mut other = twin.clone();
            change(&mut other);
            other
        };
        let found = |other: Endpoint, known: &str, in_use: Option<&EndpointId>| {
            let all = [own.clone(), other];
            twins(&all, &own, &facts(&[known]), &claim(), in_use)
        };
        assert_eq!(found(twin.clone(), "", None), [twin.id.clone()]);
        let note = note_on_twins(&[twin.id.clone()]).unwrap();
        assert!(note.contains("not used: vpce-00000002;"), "{note}");
        assert_eq!(note_on_twins(&[]), None);
        // Known to the cluster, or in use as the ledger has it.
        assert_eq!(found(twin.clone(), "vpce-00000002", None), []);
        assert_eq!(found(twin.clone(), "", Some(&twin.id)), []);
        for (why, other) in [
            ("a name leads to it", with(&|it| it.private_dns = true)),
            ("dead", with(&|it| it.state = EndpointState::Deleting)),
            ("nobody's", with(&|it| it.tags = Tags::new())),
            (
                "made by somebody else",
                with(&|it| it.tags = claim().tags(Origin::Adopted)),
            ),
            (
                "another cluster's too",
                with(&|it| {
                    let key = format!("cockroachdb-privatelink:cluster:{OTHER}");
                    it.tags.insert(key, "c0ffee".to_owned());
                }),
            ),
            (
                "protected",
                with(&|it| {
                    it.tags.insert("p:protect".to_owned(), String::new());
                }),
            ),
            (
                "it knows whom the cluster trusts",
                with(&|it| {
                    let account: AccountId = "111122223333".parse().unwrap();
                    it.owner = Some(account.clone());
                    it.tags
                        .extend(claim().registration_tags(true, Some(&account)));
                }),
            ),
            ("to another service", with(&|it| it.service_name.push('1'))),
        ] {
            assert_eq!(found(other, "", None), [], "{why}");
        }
    }

    #[test]
    fn an_endpoint_without_room_for_our_tags_is_refused_by_name() {
        let with_tags = |count: usize| {
            let own = (0..count).map(|n| (format!("team:{n}"), String::new()));
            let aws = [("aws:cloudformation:stack-name".to_owned(), String::new())];
            endpoint("vpce-00000001", own.chain(aws).collect())
        };
        let request = in_process::stage::Stage::shipped("connected").request;
        let check_tags = |found, owns_registration, trust| {
            check_tags(&found, &claim(), owns_registration, trust, &request)
        };
        let account = "111122223333".parse().unwrap();
        assert!(check_tags(with_tags(47), true, None).is_ok());
        assert!(check_tags(with_tags(47), false, None).is_err());
        assert!(check_tags(with_tags(47), true, Some(&account)).is_err());
        let error = check_tags(with_tags(48), true, None).unwrap_err();
        assert_eq!(error.code, Code::ExistingEndpointUnusable);
        assert!(
            error.detail.contains("it would have 51"),
            "{}",
            error.detail
        );
        let mut claimed = with_tags(47);
        claimed.tags.extend(claim().tags(Origin::Adopted));
        assert!(
            check_tags(claimed, true, None).is_ok(),
            "what carries the claim needs no more room"
        );
        let protected = ProvisionRequest {
            protect: true,
            ..request.clone()
        };
        let full = |tags: usize, request: &ProvisionRequest| {
            let mut full = with_tags(tags);
            full.tags.extend(claim().tags(Origin::Made));
            super::check_tags(&full, &claim(), true, None, request)
        };
        assert!(full(46, &protected).is_ok());
        assert!(full(47, &protected).is_err());
        let mut asked = request.clone();
        asked.tags = Tags::from(["a", "b"].map(|key| (key.to_owned(), String::new())));
        assert!(full(46, &asked).is_err());
    }

    #[test]
    fn a_reader_is_told_which_tags_an_endpoint_gets_and_which_not() {
        let asked = Tags::from(
            [("Team", "data"), ("Cost", "42")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let mut own = endpoint("vpce-00000001", claim().tags(Origin::Made));
        own.tags.insert("Cost".to_owned(), "41".to_owned());
        let notes = |found: &Endpoint| notes_on_tags(found, &claim(), &asked);
        assert_eq!(
            notes(&own),
            ["endpoint vpce-00000001 gets the tags asked for: Cost, Team"]
        );
        let mut shared = own.clone();
        let other = Claim {
            cluster_id: "1a2b3c4d-0000-4000-8000-00000000000f".parse().unwrap(),
            connection_id: "0ff1ce".to_owned(),
        };
        shared.tags.extend(other.tags(Origin::Made));
        assert_eq!(
            notes(&shared),
            [
                "endpoint vpce-00000001 gets the tags asked for: Team",
                "endpoint vpce-00000001 does not get the tags Cost, because others use it too",
            ]
        );
        let foreign = endpoint("vpce-00000001", Tags::new());
        assert_eq!(
            notes(&foreign),
            [
                "endpoint vpce-00000001 does not get the tags Cost, Team, because it was not made by this tool"
            ]
        );
        own.tags.extend(asked.clone());
        assert!(notes(&own).is_empty(), "it has them all");
    }

    #[test]
    fn a_connection_that_worked_before_is_not_undone() {
        let own = endpoint("vpce-00000002", claim().tags(Origin::Made));
        let registered = facts(&["vpce-00000002"]);
        assert!(!undo(&own, &claim(), &registered, true).anything);
        // Interrupted before private DNS: finished by this run, undone if it fails.
        let mut unfinished = own.clone();
        unfinished.private_dns = false;
        let undo = undo(&unfinished, &claim(), &registered, true);
        assert_eq!(
            undo,
            UndoPlan {
                anything: true,
                registration: true,
                private_dns: false
            }
        );
    }

    #[test]
    fn what_somebody_else_registered_or_switched_on_is_left_alone() {
        let foreign = endpoint("vpce-00000001", Tags::new());
        assert_eq!(
            undo(&foreign, &claim(), &facts(&["vpce-00000001"]), true),
            UndoPlan {
                anything: true,
                registration: false,
                private_dns: false
            }
        );
        let mut without_dns = foreign.clone();
        without_dns.private_dns = false;
        assert_eq!(
            undo(&without_dns, &claim(), &facts(&[]), true),
            UndoPlan {
                anything: true,
                registration: true,
                private_dns: true
            }
        );
    }

    #[test]
    fn an_adopted_endpoint_keeps_the_registration_that_it_came_with_and_no_other() {
        let mut adopted = endpoint("vpce-00000001", claim().tags(Origin::Adopted));
        adopted.state = EndpointState::Pending;
        let facts = facts(&[adopted.id.as_str()]);
        assert!(undo(&adopted, &claim(), &facts, true).registration);
        let key = claim().found_registration_key();
        adopted.tags.insert(key, "yes".to_owned());
        assert!(!undo(&adopted, &claim(), &facts, true).registration);
    }

    #[test]
    fn a_shared_endpoint_that_stays_gets_its_private_dns_switched_off_again() {
        let other = Claim {
            cluster_id: OTHER.parse().unwrap(),
            connection_id: "beef".into(),
        };
        let mut shared = endpoint("vpce-00000002", other.tags(Origin::Made));
        shared.private_dns = false;
        assert!(undo(&shared, &claim(), &facts(&[]), true).private_dns);
        shared.tags.extend(claim().tags(Origin::Made));
        assert!(undo(&shared, &claim(), &facts(&[]), true).private_dns);
        shared.tags = claim().tags(Origin::Made);
        assert!(!undo(&shared, &claim(), &facts(&[]), true).private_dns);
    }
}
