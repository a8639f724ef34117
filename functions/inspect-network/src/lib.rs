//! Looks at the VPC and decides everything, before anything is made.
//!
//! Answers the plan, or *not yet* (a fresh VPC is made piece by piece), or an error
//! that names what stands in the way. Changes nothing.
//!
//! EC2 tells the age of neither a VPC nor a subnet, so only another look can tell
//! whether what is seen is all. What can be done without is waited for until the VPC has
//! been quiet for a while, and only as long as the endpoint would lack a zone: a VPC with
//! a subnet in each needs no second look, and one that will never have more costs half
//! a minute, once. What comes later is found by `check-fleet`.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoints, Network, SecurityGroups, Vpc};
use shared::ids::EndpointId;
use shared::ledger::OwnRegistration;
use shared::ownership::{Origin, Tags, security_group_name};
use shared::plan::{
    ChangePlan, ClusterFacts, EndpointPlan, NetworkPlan, SecurityGroupPlan, UndoPlan,
};
use shared::progress::{Growth, Progress, Wait};
use shared::request::ProvisionRequest;
use shared::sources::AllowedSources;
use shared::subject::Subject;
use shared::vpc_tags::TagKeys;
use shared::{Code, StepError, bounds, subnets};

mod change;
mod dns;
mod existing;
mod preview;
mod sources;
mod surroundings;
mod trust;
mod unfinished;

pub use preview::{GroupPreview, Preview, preview};

/// Most registrations that the ledger keeps of one connection. They travel along with
/// every run, and a removal takes them back one after the other.
pub const MOST_REGISTRATIONS: usize = 10;

/// What to look at.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection that is asked for.
    pub connection: Subject,
    /// How it is asked for, with all defaults.
    pub request: ProvisionRequest,
    /// What the cluster's side looks like.
    pub cluster: ClusterFacts,
    /// The registrations of this connection that the ledger has, those included that
    /// earlier runs could not take back.
    pub recorded: Vec<OwnRegistration>,
    /// The endpoint that the ledger has of a connection that stands.
    pub endpoint_id: Option<EndpointId>,
    /// Whether there are more looks, so that what may not be finished is waited for. A
    /// plan tells how it is now.
    pub patient: bool,
    /// What the last look saw of something that may still grow.
    pub growth: Option<Growth>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Looks once and decides. `prefix` is what people's tags begin with.
///
/// # Errors
/// One code for each thing that can stand in the way; see `docs/errors.md`.
pub async fn handle(
    ec2: &(impl Network + Endpoints + SecurityGroups),
    allowed: &AllowedSources,
    prefix: &str,
    input: Input,
) -> Result<Progress<NetworkPlan>, StepError> {
    let (patient, wait) = (input.patient, input.wait);
    match look(ec2, allowed, &TagKeys::new(prefix), input).await {
        Err(error) if patient => unfinished::wait_or(error, &wait),
        looked => looked,
    }
}

async fn look(
    ec2: &(impl Network + Endpoints + SecurityGroups),
    allowed: &AllowedSources,
    keys: &TagKeys,
    input: Input,
) -> Result<Progress<NetworkPlan>, StepError> {
    let Input {
        connection,
        request,
        cluster,
        recorded,
        endpoint_id,
        patient,
        growth,
        wait,
    } = input;
    let claim = connection.claim();
    let in_use = endpoint_id.as_ref();
    let (vpc_id, region) = (&connection.vpc_id, &connection.region);
    let vpc = find_vpc(ec2, &connection).await?;
    // What an earlier run has added and could not take off goes with the connection.
    let added = || recorded.iter().find_map(|it| it.trusted_account.clone());
    let trusted = cluster.trusted_accounts.as_deref();
    let may_add = request.add_trusted_owner;
    let acting = ec2.account().await;
    let trust_account = trust::decide(&connection, acting.as_ref(), &vpc.owner, trusted, may_add)?;
    let mut trust_account = trust_account.or_else(added);

    let service_name = &cluster.service_name;
    let Some(service) = ec2.endpoint_service(service_name).await? else {
        let owner = &vpc.owner;
        let detail =
            format!("EC2 in {region} shows no endpoint service {service_name} to account {owner}");
        return Err(StepError::new(Code::ServiceNotVisible, detail));
    };
    let endpoints = ec2.endpoints(vpc_id).await?;
    let standing = existing::find(&endpoints, &cluster, &claim, in_use);
    check_registrations(&recorded, standing.map(|found| &found.id))?;
    let mut notes = Vec::new();

    let private_host = if request.private_dns {
        dns::check_attributes(vpc_id, ec2.vpc_dns(vpc_id).await?)?;
        let host = dns::private_host(&cluster, &service)?;
        dns::check_conflict(&host, service_name, &endpoints, &claim)?;
        let is_on = standing.is_some_and(|found| found.private_dns);
        if !is_on {
            dns::check_zones(ec2, vpc_id, &service, &host, &mut notes).await?;
        }
        dns::check_resolver(ec2, &vpc, &service, &host, is_on, &mut notes).await?;
        Some(host)
    } else {
        let host = cluster.private_host.as_deref();
        notes.push(dns::note_without_private_dns(host));
        None
    };

    let sources = sources::decide(ec2, allowed, &request, &vpc, &mut notes).await?;
    let group_name = security_group_name(service_name);

    let subnets = ec2.subnets(vpc_id).await?;
    let offered = subnets::offered(&service.zone_ids, &cluster.zone_ids);
    let group = ec2.group_named(vpc_id, &group_name).await?;
    let mut change = ChangePlan {
        endpoint: None,
        former_endpoint: None,
        sources_added: Vec::new(),
        sources_removed: Vec::new(),
        former_group: None,
    };
    let mut twins = Vec::new();
    let (endpoint, undo, keeps_groups) = if let Some(found) = standing {
        let works = existing::works(found, &claim, &cluster, request.private_dns);
        let reach = change::reach(found, &claim, works);
        let detached = change::detached(found, &reach, group.as_ref());
        let keeps_groups = match detached {
            Some(_) => false,
            None => existing::check_groups(ec2, found, group.as_ref(), &sources).await?,
        };
        let mut undo = existing::undo(found, &claim, &cluster, request.private_dns);
        // It is there from an earlier run, and goes with the connection.
        undo.registration |= recorded.iter().any(|it| it.endpoint_id == found.id);
        // What an earlier run of this connection added goes with it too.
        trust_account = trust_account.or_else(|| found.trusted_account(&claim));
        // An endpoint that is registered already needs no trust, and an undo that
        // leaves the registration alone would leave the trust behind.
        trust_account = trust_account.filter(|_| undo.registration);
        let mut marks = claim.registration_tags(undo.registration, trust_account.as_ref());
        marks.extend(claim.private_dns_tags(request.private_dns));
        marks.extend(claim.protection_tags(request.marks_protection()));
        existing::check_tags(found, &claim, marks, &request.tags)?;
        notes.extend(existing::note(found, &claim));
        twins = existing::twins(&endpoints, found, &cluster, &claim, in_use);
        notes.extend(existing::note_on_twins(&twins));
        notes.extend(existing::notes_on_tags(found, &claim, &request.tags));
        let asked = &request.subnet_ids;
        let wanted =
            change::wanted_subnets(found, &reach, &subnets, &offered, asked, keys, &mut notes)?;
        (change.endpoint, change.former_endpoint) = change::endpoint(
            found, &reach, &wanted, detached, &request, &claim, &mut notes,
        );
        let endpoint = EndpointPlan {
            existing: Some(found.id.clone()),
            service_name: service_name.clone(),
            zone_ids: subnets::zones_of(&subnets, &wanted),
            subnet_ids: wanted,
            protected: request.marks_protection(),
        };
        (endpoint, undo, keeps_groups)
    } else {
        if subnets.is_empty() {
            let awaited = format!("subnets of {vpc_id} (none yet)");
            return wait.pending(awaited, Code::SubnetsNotReadyInTime);
        }
        let choice = subnets::choose(&subnets, &offered, &request.subnet_ids, keys);
        if patient && request.subnet_ids.is_empty() {
            let seen = unfinished::Seen {
                vpc_id,
                subnets: &subnets,
                offered: cluster.zone_ids.union(&service.zone_ids).cloned().collect(),
                chosen: choice.as_ref().ok(),
            };
            if let Some(pending) = unfinished::more_zones(&seen, &wait, growth) {
                return Ok(Progress::Pending(pending));
            }
        }
        let choice = choice?;
        notes.extend(subnets::notes(&subnets, &offered, &choice, keys));
        let endpoint = EndpointPlan {
            existing: None,
            service_name: service_name.clone(),
            subnet_ids: choice.subnet_ids,
            zone_ids: choice.zone_ids,
            protected: request.marks_protection(),
        };
        let undo = UndoPlan {
            anything: true,
            registration: true,
            private_dns: false,
        };
        (endpoint, undo, false)
    };

    let claims = |tags: &Tags| claim.is_in(tags);
    let ours = group
        .as_ref()
        .filter(|group| !keeps_groups && Origin::of(&group.tags) == Some(Origin::Made))
        .filter(|group| claims(&group.tags));
    if let Some(group) = ours {
        let rules = ec2.ingress_rules(std::slice::from_ref(&group.id)).await?;
        let mut sharers = claim.others_in(&group.tags);
        sharers.extend(standing.map_or_else(Vec::new, |found| claim.others_in(&found.tags)));
        sharers.sort();
        sharers.dedup();
        let (planned, claim) = (&sources, &claim);
        change::rules(
            &mut change,
            group,
            &rules,
            planned,
            &sharers,
            claim,
            &mut notes,
        );
    }
    let (planned, private_dns) = (&endpoint.subnet_ids, request.private_dns);
    notes.extend(surroundings::notes(ec2, &vpc, private_dns, planned, &sources).await?);
    let is_known = ours.is_some() || standing.is_some_and(|found| claims(&found.tags));

    Ok(Progress::Ready(NetworkPlan {
        account_id: vpc.owner,
        endpoint,
        security_group: (!keeps_groups).then_some(SecurityGroupPlan {
            name: group_name,
            sources,
        }),
        trust_account,
        private_host,
        change: is_known.then_some(change),
        twins,
        undo,
        notes: bounds::texts(notes, bounds::NOTES),
    }))
}

async fn find_vpc(ec2: &impl Network, connection: &Subject) -> Result<Vpc, StepError> {
    let (vpc_id, region) = (&connection.vpc_id, &connection.region);
    ec2.vpc(vpc_id).await?.ok_or_else(|| {
        StepError::new(
            Code::VpcNotFound,
            format!("there is no VPC {vpc_id} in {region}"),
        )
    })
}

/// Whether the ledger has room for one registration more, if this run adds one.
fn check_registrations(
    recorded: &[OwnRegistration],
    used: Option<&EndpointId>,
) -> Result<(), StepError> {
    let is_recorded = recorded.iter().any(|it| used == Some(&it.endpoint_id));
    if is_recorded || recorded.len() < MOST_REGISTRATIONS {
        return Ok(());
    }
    let detail = format!(
        "earlier executions have left {} private endpoint connections that they could not \
         remove; disconnect first",
        recorded.len()
    );
    Err(StepError::new(Code::RegistrationNotGoneInTime, detail))
}

#[cfg(test)]
mod tests;
