//! What there is to be seen in one place, on all sides.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use shared::cloud::{Cloud, ClusterState, Registration};
use shared::ec2::{Claimed, Endpoints, Inventory, VpcTags, by_connection};
use shared::ids::{ClusterId, EndpointId, SecurityGroupId, VpcId};
use shared::ledger::{Connection, Ledger, Phase, Upkeep};
use shared::place::{Place, Places};
use shared::vpc_tags::Asked;
use shared::{Code, StepError};
use time::OffsetDateTime;

use crate::{Known, Ports};

/// The registrations of a cluster; `Ok(None)` if it is deleted. One that is not shown
/// was not seen.
pub(crate) type ClusterSeen = Result<Option<Vec<Registration>>, StepError>;

/// What was seen of one place.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What carries our tags, by connection.
    pub(crate) things: Vec<Claimed>,
    /// The entries of this place, by id.
    pub(crate) entries: BTreeMap<String, Connection>,
    /// Those of the entries' endpoints that exist, whatever tags they carry.
    pub(crate) existing: BTreeSet<EndpointId>,
    /// The VPCs that a run is changing, of those that something may be removed from.
    pub(crate) leased: BTreeSet<VpcId>,
    /// When the groups that may be removed were first seen.
    pub(crate) groups_seen: BTreeMap<SecurityGroupId, OffsetDateTime>,
    /// What VPCs ask for by a tag.
    pub(crate) asked_for: BTreeMap<VpcId, Asked>,
    /// The clusters of all these.
    pub(crate) clusters: BTreeMap<ClusterId, ClusterSeen>,
    /// The endpoints of all entries of the ledger, and those that they have registrations
    /// of; other places included.
    pub(crate) known_endpoints: BTreeSet<EndpointId>,
}

impl Seen {
    /// The clusters that have answered.
    pub(crate) fn asked(&self) -> impl Iterator<Item = ClusterId> {
        let answered = self.clusters.iter().filter(|(_, seen)| seen.is_ok());
        answered.map(|(id, _)| id.clone())
    }

    /// Whether these things belong to a connection that the ledger has and that is
    /// not over.
    pub(crate) fn is_live(&self, things: &Claimed) -> bool {
        let entry = self.entries.get(&things.claim.connection_id);
        entry.is_some_and(|entry| !entry.leaves_nothing())
    }
}

/// Whether an entry says that something is there which a run is not at work on.
pub(crate) fn says_that_something_is_there(entry: &Connection) -> bool {
    if entry.phase == Phase::Disconnected {
        // It should have gone with the connection.
        return true;
    }
    entry.phase.is_over() && !entry.leaves_nothing() && entry.endpoint().is_some()
}

/// Looks at one place; answers also how many entries the whole ledger has of what is
/// there.
///
/// The order matters: EC2, then the ledger, then the leases (see the crate's page).
pub(crate) async fn look<P, C, L>(
    ports: &Ports<'_, P, C, L>,
    known: &Known,
    place: &Place,
    now: OffsetDateTime,
) -> Result<(Result<Seen, StepError>, usize), StepError>
where
    P: Places<Ec2: Inventory + Endpoints + VpcTags>,
    C: Cloud,
    L: Ledger + Upkeep,
{
    let mut seen = Seen::default();
    let in_ec2 = look_at_ec2(ports.places, known, place, &mut seen).await;
    let tagged: BTreeSet<String> = seen
        .things
        .iter()
        .map(|things| things.claim.connection_id.clone())
        .collect();
    let mut recorded = 0;
    let own = known.own_account.as_ref();
    let meet = |entry: Connection| {
        // What was only refused is known of as little as if it had no entry.
        recorded += usize::from(!entry.leaves_nothing());
        seen.known_endpoints.extend(entry.endpoint().cloned());
        let registered = entry.registrations.iter();
        seen.known_endpoints
            .extend(registered.map(|it| it.endpoint_id.clone()));
        // An id holds Region and VPC, so the account that an entry names or leaves
        // out makes no other connection of it.
        if tagged.contains(&entry.connection_id) || entry.place().as_seen_from(own) == *place {
            seen.entries.insert(entry.connection_id.clone(), entry);
        }
    };
    ports.ledger.every_entry(meet).await?;
    if let Err(error) = in_ec2 {
        return Ok((Err(error), recorded));
    }
    if let Err(error) = look_for_endpoints(ports.places, place, &mut seen).await {
        return Ok((Err(error), recorded));
    }
    look_at_leases(ports.ledger, place, now, &mut seen).await?;
    look_at_clusters(ports.cloud, &mut seen).await;
    Ok((Ok(seen), recorded))
}

async fn look_at_ec2<P>(
    places: &P,
    known: &Known,
    place: &Place,
    seen: &mut Seen,
) -> Result<(), StepError>
where
    P: Places<Ec2: Inventory + Endpoints + VpcTags>,
{
    let ec2 = &places.ec2(place).await?;
    let endpoints = ec2.managed_endpoints().await?;
    let groups = ec2.managed_groups().await?;
    seen.things = by_connection(&endpoints, &groups);
    let asking = ec2.tagged_vpcs(&known.keys.cluster_id()).await?;
    let asked = asking
        .into_iter()
        .filter_map(|(vpc, tags)| Some((vpc, known.keys.asked_in(&tags)?)));
    seen.asked_for = asked.collect();
    Ok(())
}

/// Whether the endpoints of entries exist that nothing with tags is found of: their
/// tags may have been taken off.
async fn look_for_endpoints<P>(places: &P, place: &Place, seen: &mut Seen) -> Result<(), StepError>
where
    P: Places<Ec2: Endpoints>,
{
    let ids: BTreeSet<EndpointId> = seen
        .entries
        .values()
        .filter(|entry| says_that_something_is_there(entry))
        .filter_map(|entry| entry.endpoint().cloned())
        .collect();
    let ids: Vec<EndpointId> = ids.into_iter().collect();
    if !ids.is_empty() {
        let ec2 = &places.ec2(place).await?;
        let found = ec2.endpoints_by_id(&ids).await?.into_iter();
        let there = found.filter(|endpoint| !endpoint.state.is_gone());
        seen.existing = there.map(|endpoint| endpoint.id).collect();
    }
    Ok(())
}

/// The leases, and the ages of groups, of what may be removed.
async fn look_at_leases(
    ledger: &impl Upkeep,
    place: &Place,
    now: OffsetDateTime,
    seen: &mut Seen,
) -> Result<(), StepError> {
    let orphans = || seen.things.iter().filter(|things| !seen.is_live(things));
    let entries = seen.entries.values();
    let entries = entries.filter(|entry| says_that_something_is_there(entry));
    let vpcs: BTreeSet<VpcId> = orphans()
        .map(|things| things.vpc_id.clone())
        .chain(entries.map(|entry| entry.vpc_id.clone()))
        .collect();
    let groups: BTreeSet<SecurityGroupId> = orphans()
        .flat_map(|things| things.groups.iter().map(|group| group.it.id.clone()))
        .collect();
    for group in groups {
        let first_seen = ledger.first_seen(&group, now).await?;
        seen.groups_seen.insert(group, first_seen);
    }
    for vpc in vpcs {
        if ledger.lease(&place.region, &vpc, now).await?.is_some() {
            seen.leased.insert(vpc);
        }
    }
    Ok(())
}

/// Two at a time: the API takes 10 requests a second for each key.
async fn look_at_clusters(cloud: &impl Cloud, seen: &mut Seen) {
    let things = seen.things.iter().map(|things| &things.claim.cluster_id);
    let entries = seen.entries.values().map(|entry| &entry.cluster_id);
    let ids: BTreeSet<ClusterId> = things.chain(entries).cloned().collect();
    seen.clusters = stream::iter(ids)
        .map(async |id| {
            let found = look_at_cluster(cloud, &id).await;
            (id, found)
        })
        .buffered(2)
        .collect()
        .await;
}

async fn look_at_cluster(cloud: &impl Cloud, id: &ClusterId) -> ClusterSeen {
    let cluster = cloud.cluster(id).await?.ok_or_else(|| {
        let detail = format!("the Cloud API shows no cluster {id}");
        StepError::new(Code::ClusterNotFound, detail)
    })?;
    if cluster.state == ClusterState::Deleted {
        return Ok(None);
    }
    cloud.registrations(id).await.map(Some)
}
