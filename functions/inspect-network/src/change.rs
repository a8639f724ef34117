//! What changes about a connection that is there. Only what we made changes, and
//! from what other connections share nothing is taken away.

use std::collections::BTreeSet;

use shared::ec2::{Endpoint, IngressRule, SecurityGroup, Source, Subnet};
use shared::ids::{SubnetId, ZoneId};
use shared::ownership::{Claim, Origin};
use shared::plan::{ChangePlan, EndpointGroup, EndpointShape, SecurityGroupPlan};
use shared::report::SQL_PORT;
use shared::request::ProvisionRequest;
use shared::vpc_tags::TagKeys;
use shared::{StepError, subnets};

/// What this connection may do with an endpoint that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// We made it, and nobody else uses it.
    All,
    /// We made it, and these clusters use it too: it may get more, and loses nothing.
    Adding(Vec<String>),
    /// It stays as it is, and why.
    Nothing(String),
}

/// What this connection may do with the endpoint.
pub(crate) fn reach(found: &Endpoint, claim: &Claim, works: bool) -> Reach {
    let others = claim.others_in(&found.tags);
    if Origin::of(&found.tags) != Some(Origin::Made) {
        return Reach::Nothing("it was not made by this tool".to_owned());
    }
    if claim.is_in(&found.tags) && others.is_empty() {
        return Reach::All;
    }
    // What is added for a connection that comes to nothing could not be told apart
    // from what the others have.
    if claim.is_in(&found.tags) && works {
        return Reach::Adding(others);
    }
    Reach::Nothing(shared_with(&others))
}

fn shared_with(others: &[String]) -> String {
    if others.is_empty() {
        return "this connection does not use it yet".to_owned();
    }
    format!("cluster {} uses it too", others.join(" and cluster "))
}

/// Our group, if it is there and somebody has taken it off an endpoint that we made. What
/// was added to an endpoint in its place stays there.
pub(crate) fn detached<'a>(
    found: &Endpoint,
    reach: &Reach,
    ours: Option<&'a SecurityGroup>,
) -> Option<&'a SecurityGroup> {
    let may_get_it = match reach {
        Reach::All | Reach::Adding(_) => true,
        Reach::Nothing(_) => false,
    };
    ours.filter(|group| may_get_it && Origin::of(&group.tags) == Some(Origin::Made))
        .filter(|group| !found.group_ids.contains(&group.id))
}

/// The subnets that the endpoint is to have.
///
/// # Errors
/// Those of subnets that were asked for and cannot be had, and `only-zone-swapped` for them.
pub(crate) fn wanted_subnets(
    found: &Endpoint,
    reach: &Reach,
    all: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    asked: &[SubnetId],
    keys: &TagKeys,
    notes: &mut Vec<String>,
) -> Result<Vec<SubnetId>, StepError> {
    let (id, has) = (&found.id, &found.subnet_ids);
    let out = match asked {
        [] => subnets::shut_out(all, has, keys),
        // Whoever names subnets means them.
        _ => Vec::new(),
    };
    let keeps = |kept: &[SubnetId], why: &str| {
        let kept = subnets::list_ids(kept);
        format!("endpoint {id} keeps {kept}, because {why}")
    };
    if let Reach::Nothing(why) = reach {
        if asked.iter().any(|subnet| !has.contains(subnet)) {
            notes.push(format!(
                "endpoint {id} keeps its own subnets, because {why}"
            ));
        }
        if !out.is_empty() {
            notes.push(keeps(&out, why));
        }
        return Ok(has.clone());
    }
    if asked.is_empty() {
        if let Reach::Adding(others) = reach {
            if !out.is_empty() {
                notes.push(keeps(&out, &shared_with(others)));
            }
            let more = subnets::of_other_zones(all, offered, has, keys);
            return Ok(has.iter().cloned().chain(more).collect());
        }
        let wanted = match subnets::led_by_tags(found, all, offered, keys) {
            Ok(wanted) => wanted,
            // Nobody has asked for it, so it holds up nothing that somebody has asked for.
            Err(error) => {
                let (why, fix) = (&error.detail, error.code.fix());
                notes.push(format!(
                    "endpoint {id} keeps its subnets in spite of their tags: {why}. {fix}"
                ));
                return Ok(has.clone());
            }
        };
        if !out.is_empty() {
            let out = subnets::list_ids(&out);
            notes.push(format!("endpoint {id} leaves {out}, shut out by tags"));
        }
        return Ok(wanted);
    }
    let asked = subnets::check_wanted(all, offered, asked, has)?;
    let wanted = match reach {
        Reach::Adding(others) => {
            let zones = subnets::zones_of(all, has);
            let is_new = |subnet: &&SubnetId| {
                let zone = subnets::zones_of(all, std::slice::from_ref(*subnet));
                zone.is_disjoint(&zones)
            };
            let more = asked.iter().filter(is_new).cloned();
            let wanted: Vec<SubnetId> = has.iter().cloned().chain(more).collect();
            if !subnets::are_same(&wanted, &asked) {
                let kept = has.iter().filter(|subnet| !asked.contains(subnet));
                let kept: Vec<SubnetId> = kept.cloned().collect();
                notes.push(keeps(&kept, &shared_with(others)));
            }
            wanted
        }
        Reach::All | Reach::Nothing(_) => asked,
    };
    subnets::check_way(found, all, &wanted)?;
    Ok(wanted)
}

/// What changes about an endpoint, and what it was.
pub(crate) fn endpoint(
    found: &Endpoint,
    reach: &Reach,
    wanted: &[SubnetId],
    detached: Option<&SecurityGroup>,
    request: &ProvisionRequest,
    claim: &Claim,
    notes: &mut Vec<String>,
) -> (Option<EndpointShape>, Option<EndpointShape>) {
    let switches_off = found.private_dns && !request.private_dns;
    let switches_on = !found.private_dns && request.private_dns;
    let stays_on = match reach {
        Reach::All => None,
        Reach::Adding(others) => Some(shared_with(others)),
        Reach::Nothing(why) => Some(why.clone()),
    };
    let id = &found.id;
    if let Some(why) = stays_on.as_ref().filter(|_| switches_off) {
        notes.push(format!(
            "private DNS of endpoint {id} stays on, because {why}"
        ));
    }
    let switches_off = switches_off && stays_on.is_none();
    if let Some(group) = detached {
        let group = &group.id;
        notes.push(format!("endpoint {id} gets security group {group} back"));
    }
    let group = |on| {
        let id = detached?.id.clone();
        Some(EndpointGroup { id, on })
    };
    // The mark is this connection's own, whoever made the endpoint. One that does not use
    // it yet gets its marks with its claim.
    let is_protected = claim.is_protected(&found.tags);
    let protect = request.marks_protection();
    let marks = claim.is_in(&found.tags) && is_protected != protect;
    let changes = switches_off
        || marks
        || detached.is_some()
        || !subnets::are_same(&found.subnet_ids, wanted);
    let shape = changes.then(|| EndpointShape {
        subnet_ids: wanted.to_vec(),
        private_dns: switches_off.then_some(false),
        group: group(true),
        protected: marks.then_some(protect),
    });
    let former = (changes || switches_on).then(|| EndpointShape {
        subnet_ids: found.subnet_ids.clone(),
        private_dns: Some(found.private_dns),
        group: group(false),
        protected: marks.then_some(is_protected),
    });
    (shape, former)
}

/// What changes about the rules of our group.
pub(crate) fn rules(
    change: &mut ChangePlan,
    group: &SecurityGroup,
    rules: &[IngressRule],
    planned: &[Source],
    sharers: &[String],
    claim: &Claim,
    notes: &mut Vec<String>,
) {
    let exact = || rules.iter().filter(|rule| rule.is_exactly_tcp(SQL_PORT));
    let admitted: BTreeSet<&Source> = exact().map(|rule| &rule.source).collect();
    let own = exact().filter(|rule| claim.is_own_rule(&rule.description));
    let own: BTreeSet<&Source> = own.map(|rule| &rule.source).collect();
    let added = planned.iter().filter(|source| !admitted.contains(source));
    change.sources_added = added.cloned().collect();
    let unplanned = own.iter().filter(|source| !planned.contains(source));
    let unplanned: Vec<Source> = unplanned.map(|source| (*source).clone()).collect();
    if sharers.is_empty() {
        change.sources_removed = unplanned;
    } else if !unplanned.is_empty() {
        let list: Vec<String> = unplanned.iter().map(ToString::to_string).collect();
        let (id, list, why) = (&group.id, list.join(", "), shared_with(sharers));
        notes.push(format!(
            "security group {id} still lets in {list}, because {why}"
        ));
    }
    let changes = !(change.sources_added.is_empty() && change.sources_removed.is_empty());
    change.former_group = changes.then(|| SecurityGroupPlan {
        name: group.name.clone(),
        sources: own.into_iter().cloned().collect(),
    });
}

#[cfg(test)]
mod tests {
    use shared::request::RequestedBy;

    use super::*;

    /// What is asked of an endpoint of ours with private DNS, by who else uses it.
    #[test]
    fn private_dns_that_others_use_stays_on_and_that_is_said() {
        let mut request = in_process::stage::Stage::shipped("connected").request;
        request.private_dns = false;
        let mut found = in_process::stage::endpoint("available");
        found.private_dns = true;
        let wanted = found.subnet_ids.clone();
        let other = "1a2b3c4d-0000-4000-8000-00000000000b".to_owned();
        for (reach, switched) in [
            (Reach::All, true),
            (Reach::Adding(vec![other.clone()]), false),
            (Reach::Nothing("somebody made it".to_owned()), false),
        ] {
            let mut notes = Vec::new();
            let claim = request.subject().claim();
            let (shape, former) =
                endpoint(&found, &reach, &wanted, None, &request, &claim, &mut notes);
            assert_eq!((shape.is_some(), former.is_some()), (switched, switched));
            let dns = shape.and_then(|it| it.private_dns);
            assert_eq!(dns, switched.then_some(false));
            assert_eq!(notes.len(), usize::from(!switched), "{notes:?}");
        }
    }

    /// Whoever made the endpoint and whoever else uses it. What tags ask for they protect
    /// themselves.
    #[test]
    fn the_mark_of_protection_follows_the_request_of_a_call() {
        let mut request = in_process::stage::Stage::shipped("connected").request;
        let claim = request.subject().claim();
        let mut found = in_process::stage::endpoint("available");
        found.private_dns = request.private_dns;
        let wanted = found.subnet_ids.clone();
        let reach = Reach::Nothing("somebody made it".to_owned());
        for (claimed, is_marked, protect, by, expected) in [
            (true, false, true, RequestedBy::Call, Some(true)),
            (true, true, true, RequestedBy::Call, None),
            (true, true, false, RequestedBy::Call, Some(false)),
            (true, false, true, RequestedBy::VpcTag, None),
            (true, true, true, RequestedBy::VpcTag, Some(false)),
            // It comes with the claim.
            (false, false, true, RequestedBy::Call, None),
        ] {
            found.tags = claim.protection_tags(is_marked);
            if claimed {
                found.tags.extend(claim.tags(Origin::Adopted));
            }
            (request.protect, request.requested_by) = (protect, by);
            let (shape, former) = endpoint(
                &found,
                &reach,
                &wanted,
                None,
                &request,
                &claim,
                &mut Vec::new(),
            );
            assert_eq!(shape.and_then(|it| it.protected), expected);
            let before = former.and_then(|it| it.protected);
            assert_eq!(before, expected.map(|protected| !protected));
        }
    }
}
