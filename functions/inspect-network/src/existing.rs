//! An endpoint to the same service that is there already: ours, shared or to be
//! adopted.

use std::collections::BTreeSet;

use shared::ec2::{
    Endpoint, EndpointState, IngressRule, SecurityGroup, SecurityGroups, Source, shut_out,
};
use shared::ids::EndpointId;
use shared::ownership::{Claim, Origin, Tags};
use shared::plan::{ClusterFacts, UndoPlan};
use shared::report::SQL_PORT;
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
    let service = cluster.service_name.as_str();
    endpoints
        .iter()
        .filter(|endpoint| endpoint.is_interface && endpoint.service_name == service)
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
    let detail = format!("endpoint {} to the same service exists, {what}", found.id);
    Err(StepError::new(Code::ExistingEndpointUnusable, detail))
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

/// Whether the claim fits on the endpoint, with these marks beside it. EC2 would refuse it
/// only after the group has been made.
pub(crate) fn check_tags(
    found: &Endpoint,
    claim: &Claim,
    marks: Tags,
    asked: &Tags,
) -> Result<(), StepError> {
    let mut tags = found.tags.clone();
    tags.extend(customer_tags::missing(asked, &found.tags, claim));
    tags.extend(claim.tags(Origin::Adopted));
    tags.extend(marks);
    let count = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if count <= MOST_TAGS {
        return Ok(());
    }
    let detail = format!(
        "endpoint {} to the same service exists; with the tags that mark its use it would have \
         {count}, and EC2 allows {MOST_TAGS}; remove some there",
        found.id
    );
    Err(StepError::new(Code::ExistingEndpointUnusable, detail))
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
        let set = list(&set);
        notes.push(format!("endpoint {id} gets the tags asked for: {set}"));
    }
    if !kept.is_empty() {
        let why = match Origin::of(&found.tags) {
            Some(Origin::Made) => "others use it too",
            Some(Origin::Adopted) | None => "it was not made by this tool",
        };
        let kept = list(&kept);
        notes.push(format!(
            "endpoint {id} does not get the tags {kept}, because {why}"
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
    use in_process::stage::{a_claim as claim, another_claim};

    use super::*;

    fn endpoint(id: &str, tags: Tags) -> Endpoint {
        Endpoint {
            id: id.parse().unwrap(),
            owner: None,
            private_dns: true,
            tags,
            ..in_process::stage::endpoint("available")
        }
    }

    fn own(id: &str) -> Endpoint {
        endpoint(id, claim().tags(Origin::Made))
    }

    fn facts(registered: &[&str]) -> ClusterFacts {
        let service = in_process::stage::endpoint("available").service_name;
        ClusterFacts {
            registered: registered.iter().map(|id| (*id).to_owned()).collect(),
            ..crate::tests::facts(&service)
        }
    }

    #[test]
    fn the_connections_own_endpoint_comes_first_and_dead_ones_do_not_count() {
        let foreign = endpoint("vpce-00000001", Tags::new());
        let mut rejected = own("vpce-00000000");
        rejected.state = EndpointState::Rejected;
        let mut gateway = endpoint("vpce-00000003", Tags::new());
        gateway.is_interface = false;
        let all = [rejected, gateway, foreign, own("vpce-00000002")];
        let found = |all: &[Endpoint]| {
            let found = find(all, &facts(&[]), &claim(), None);
            found.map(|it| it.id.to_string())
        };
        assert_eq!(found(&all).as_deref(), Some("vpce-00000002"));
        assert_eq!(found(&all[..3]).as_deref(), Some("vpce-00000001"));
        assert_eq!(found(&all[..2]), None);
    }

    #[test]
    fn of_two_own_ones_that_in_use_comes_first_and_then_one_with_private_dns() {
        let (mut first, mut second) = (own("vpce-00000001"), own("vpce-00000002"));
        (first.private_dns, second.private_dns) = (false, false);
        let found = |first: &Endpoint, second: &Endpoint, known: &str, in_use: Option<&str>| {
            let in_use: Option<EndpointId> = in_use.map(|id| id.parse().unwrap());
            let all = [first.clone(), second.clone()];
            let found = find(&all, &facts(&[known]), &claim(), in_use.as_ref());
            found.unwrap().id.as_str().ends_with('2')
        };
        let (one, two) = ("vpce-00000001", "vpce-00000002");
        assert!(!found(&first, &second, "", None), "by id");
        assert!(found(&first, &second, two, None), "known");
        // Somebody has removed its registration: that is to be mended.
        assert!(found(&first, &second, one, Some(two)));
        // The zone leads to it; a second one would be in conflict.
        second.private_dns = true;
        assert!(found(&first, &second, one, None));
        // What is not ours any more is used only if nothing else is.
        second.tags = Tags::new();
        assert!(!found(&first, &second, "", Some(two)));
    }

    #[test]
    fn a_second_endpoint_that_nobody_can_be_using_is_told() {
        let (own, mut twin) = (own("vpce-00000001"), own("vpce-00000002"));
        twin.private_dns = false;
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
        type Change = fn(&mut Endpoint);
        let keeps: [(&str, Change); 8] = [
            ("a name leads to it", |it| it.private_dns = true),
            ("dead", |it| it.state = EndpointState::Deleting),
            ("nobody's", |it| it.tags = Tags::new()),
            ("adopted", |it| it.tags = claim().tags(Origin::Adopted)),
            ("another cluster's too", |it| {
                it.tags.extend(another_claim().tags(Origin::Made));
            }),
            ("protected", |it| {
                it.tags.insert("p:protect".to_owned(), String::new());
            }),
            ("it knows whom the cluster trusts", |it| {
                let account = "111122223333".parse().unwrap();
                let marks = claim().registration_tags(true, Some(&account));
                it.owner = Some(account);
                it.tags.extend(marks);
            }),
            ("to another service", |it| it.service_name.push('1')),
        ];
        for (why, change) in keeps {
            let mut other = twin.clone();
            change(&mut other);
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
        let check_tags = |found, owns_registration, trust| {
            let marks = claim().registration_tags(owns_registration, trust);
            check_tags(&found, &claim(), marks, &Tags::new())
        };
        let account = "111122223333".parse().unwrap();
        assert!(check_tags(with_tags(47), true, None).is_ok());
        assert!(check_tags(with_tags(47), false, None).is_err());
        assert!(check_tags(with_tags(47), true, Some(&account)).is_err());
        let error = check_tags(with_tags(48), true, None).unwrap_err();
        assert_eq!(error.code, Code::ExistingEndpointUnusable);
        assert!(error.detail.contains("it would have 51"), "{error}");
        // What carries the claim needs no more room.
        let mut claimed = with_tags(47);
        claimed.tags.extend(claim().tags(Origin::Adopted));
        assert!(check_tags(claimed, true, None).is_ok());
        let full = |tags: usize, marks: Tags, asked: &Tags| {
            let mut full = with_tags(tags);
            full.tags.extend(claim().tags(Origin::Made));
            super::check_tags(&full, &claim(), marks, asked)
        };
        let none = Tags::new();
        assert!(full(46, claim().protection_tags(true), &none).is_ok());
        assert!(full(47, claim().protection_tags(true), &none).is_err());
        let asked = Tags::from(["a", "b"].map(|key| (key.to_owned(), String::new())));
        assert!(full(46, none, &asked).is_err());
    }

    #[test]
    fn a_reader_is_told_which_tags_an_endpoint_gets_and_which_not() {
        let asked = [("Team", "data"), ("Cost", "42")];
        let asked = Tags::from(asked.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let mut own = own("vpce-00000001");
        own.tags.insert("Cost".to_owned(), "41".to_owned());
        let notes = |found: &Endpoint| notes_on_tags(found, &claim(), &asked);
        let gets = "endpoint vpce-00000001 gets the tags asked for: ";
        let lacks = "endpoint vpce-00000001 does not get the tags ";
        assert_eq!(notes(&own), [format!("{gets}Cost, Team")]);
        let mut shared = own.clone();
        shared.tags.extend(another_claim().tags(Origin::Made));
        let others = format!("{lacks}Cost, because others use it too");
        assert_eq!(notes(&shared), [format!("{gets}Team"), others]);
        let foreign = endpoint("vpce-00000001", Tags::new());
        let kept = format!("{lacks}Cost, Team, because it was not made by this tool");
        assert_eq!(notes(&foreign), [kept]);
        own.tags.extend(asked.clone());
        assert!(notes(&own).is_empty(), "it has them all");
    }

    /// What an undo may touch where these are registered and private DNS is wanted.
    fn undone(found: &Endpoint, registered: &[&str]) -> UndoPlan {
        undo(found, &claim(), &facts(registered), true)
    }

    fn plan(registration: bool, private_dns: bool) -> UndoPlan {
        UndoPlan {
            anything: true,
            registration,
            private_dns,
        }
    }

    #[test]
    fn a_connection_that_worked_before_is_not_undone() {
        let mut own = own("vpce-00000002");
        assert!(!undone(&own, &["vpce-00000002"]).anything);
        // Interrupted before private DNS: finished by this run, undone if it fails.
        own.private_dns = false;
        assert_eq!(undone(&own, &["vpce-00000002"]), plan(true, false));
    }

    #[test]
    fn what_somebody_else_registered_or_switched_on_is_left_alone() {
        let mut foreign = endpoint("vpce-00000001", Tags::new());
        assert_eq!(undone(&foreign, &["vpce-00000001"]), plan(false, false));
        foreign.private_dns = false;
        assert_eq!(undone(&foreign, &[]), plan(true, true));
    }

    #[test]
    fn an_adopted_endpoint_keeps_the_registration_that_it_came_with_and_no_other() {
        let mut adopted = endpoint("vpce-00000001", claim().tags(Origin::Adopted));
        adopted.state = EndpointState::Pending;
        assert!(undone(&adopted, &["vpce-00000001"]).registration);
        let key = claim().found_registration_key();
        adopted.tags.insert(key, "yes".to_owned());
        assert!(!undone(&adopted, &["vpce-00000001"]).registration);
    }

    #[test]
    fn a_shared_endpoint_that_stays_gets_its_private_dns_switched_off_again() {
        let mut shared = endpoint("vpce-00000002", another_claim().tags(Origin::Made));
        shared.private_dns = false;
        assert!(undone(&shared, &[]).private_dns);
        shared.tags.extend(claim().tags(Origin::Made));
        assert!(undone(&shared, &[]).private_dns);
        shared.tags = claim().tags(Origin::Made);
        assert!(!undone(&shared, &[]).private_dns);
    }
}
