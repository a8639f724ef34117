//! Lost events are searched for, in one of all places.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use shared::ec2::VpcTags;
use shared::executions::Executions;
use shared::ids::{AccountId, ClusterId, VpcId};
use shared::ledger::{Connection, Ledger, Phase};
use shared::place::{Place, Places};
use shared::places::PlaceList;
use shared::request::RequestedBy;
use shared::{StepError, StepErrorName};
use time::OffsetDateTime;

use super::follow::{Look, follow};
use super::{Tally, standing, start};
use crate::cause::Search;
use crate::decide::{self, Occasion};
use crate::report::{Action, Report, Trouble};
use crate::{Door, Known};

/// The clusters of connections, by VPC.
type Clusters = BTreeMap<VpcId, BTreeSet<ClusterId>>;

/// Looks at one of all places. What cannot be done there is part of the answer,
/// so that the other places are searched all the same.
///
/// # Errors
/// What may pass, because then this place is to be searched again first.
pub(crate) async fn search<P, L, X>(
    door: &Door<'_, P, L, X>,
    known: &Known,
    search: &Search,
    now: OffsetDateTime,
) -> Result<Report, StepError>
where
    P: Places<Ec2: VpcTags>,
    L: Ledger,
    X: Executions,
{
    let own = known.config.own_account()?;
    let listed = known.config.listed_accounts()?;
    let all = PlaceList::read(door.ledger, own.as_ref(), &[], &search.always, &listed).await?;
    let mut tally = Tally::default();
    let cause = match all.places.get(search.turn) {
        None => "every place has been searched".to_owned(),
        Some(place) => {
            let found = find(door, known, place, now, &mut tally).await;
            tally.keep(found);
            format!("lost events in {place} are searched for")
        }
    };
    if let Some(trouble) = &tally.trouble
        && trouble.name() == StepErrorName::Transient
    {
        return Err(trouble.clone());
    }
    // Last, because a check tells the first trouble only.
    if let Some(beyond) = all.beyond
        && search.turn + 1 == all.places.len()
    {
        tally.keep::<()>(Err(beyond));
    }
    let report = Report {
        places: Some(all.places.len()),
        trouble: tally.trouble.as_ref().map(Trouble::from),
        ..Report::of(cause, tally.done)
    };
    tracing::info!("{}", serde_json::json!(report));
    Ok(report)
}

/// Looks at every VPC of a place that has, or had, something to do with us.
async fn find<P, L, X>(
    door: &Door<'_, P, L, X>,
    known: &Known,
    place: &Place,
    now: OffsetDateTime,
    tally: &mut Tally,
) -> Result<(), StepError>
where
    P: Places<Ec2: VpcTags>,
    L: Ledger,
    X: Executions,
{
    let own = known.config.own_account()?;
    let in_ledger = place;
    let place = &known.with_account(place.clone())?;
    let ec2 = door.places.ec2(place).await?;
    let ec2: &P::Ec2 = ec2.borrow();
    let occasion = Occasion::Search(now);
    let tagged = ec2.tagged_vpcs(&known.keys.pattern()).await?;
    let (mut by_tag, by_call) = recorded(door.ledger, own.as_ref(), in_ledger).await?;
    for connection in by_call {
        let completed = complete(door, connection, now, tally).await;
        tally.keep(completed);
    }
    for (vpc, tags) in tagged {
        let look = Look {
            place,
            vpc: &vpc,
            tags: &tags,
            clusters: by_tag.remove(&vpc).unwrap_or_default(),
            occasion: &occasion,
        };
        follow(door, known, ec2, look, now, tally).await;
    }
    // All tags of these are gone, and perhaps the VPC.
    for (vpc, clusters) in by_tag {
        let Some(tags) = tally.keep(ec2.vpc_tags(&vpc).await) else {
            continue;
        };
        let Some(tags) = tags else {
            let why = "the VPC is gone; the check of its connections says so";
            tally.vpc(&vpc, Action::left(why));
            continue;
        };
        let look = Look {
            place,
            vpc: &vpc,
            tags: &tags,
            clusters,
            occasion: &occasion,
        };
        follow(door, known, ec2, look, now, tally).await;
    }
    Ok(())
}

/// The connections of a place: those that tags asked for, by VPC, and of those that calls
/// asked for the ones that may have to be completed.
async fn recorded(
    ledger: &impl Ledger,
    own: Option<&AccountId>,
    place: &Place,
) -> Result<(Clusters, Vec<Connection>), StepError> {
    let mut by_tag = Clusters::new();
    let mut by_call = Vec::new();
    let meet = |connection: Connection| {
        if connection.place().as_seen_from(own) != *place {
            return;
        }
        if connection.request.requested_by == RequestedBy::VpcTag {
            let clusters = by_tag.entry(connection.vpc_id).or_default();
            clusters.insert(connection.cluster_id);
        } else if !connection.phase.is_over() || connection.phase == Phase::Interrupted {
            by_call.push(connection);
        }
    };
    ledger.every_entry(meet).await?;
    Ok((by_tag, by_call))
}

/// Completes what a call asked for, if it was interrupted.
async fn complete<P, L: Ledger, X: Executions>(
    door: &Door<'_, P, L, X>,
    connection: Connection,
    now: OffsetDateTime,
    tally: &mut Tally,
) -> Result<(), StepError> {
    let settled = standing::settled(door.ledger, door.executions, connection, now).await?;
    if let Some(connection) = settled
        && let Some(rest) = decide::complete(&connection)
    {
        let action = start(door.executions, &rest).await?;
        let Connection {
            connection_id,
            vpc_id,
            cluster_id,
            ..
        } = &connection;
        tally.connection(connection_id, vpc_id, cluster_id, action);
    }
    Ok(())
}
