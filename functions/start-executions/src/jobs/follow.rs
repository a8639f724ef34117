//! One look at a VPC's tags, and what follows from it.

use std::collections::BTreeSet;

use shared::StepError;
use shared::ec2::VpcTags;
use shared::executions::Executions;
use shared::ids::{ClusterId, VpcId};
use shared::ledger::{Ledger, Phase};
use shared::ownership::{Tags, connection_id};
use shared::place::{Place, Places};
use shared::request::ProvisionRequest;
use shared::vpc_tags::TagKeys;
use time::OffsetDateTime;

use super::{Tally, standing, start};
use crate::decide::{self, Occasion, Step};
use crate::refusal::{Refusal, StatusTag, status_tag};
use crate::report::Action;
use crate::wish::Wish;
use crate::{Door, Known};

/// One look at the tags of a VPC.
pub(super) struct Look<'a> {
    pub(super) place: &'a Place,
    pub(super) vpc: &'a VpcId,
    pub(super) tags: &'a Tags,
    /// Clusters to decide about, besides those that the tags name.
    pub(super) clusters: BTreeSet<ClusterId>,
    pub(super) occasion: &'a Occasion,
}

/// Does what the tags of one VPC ask for, and tells there what cannot be done.
pub(super) async fn follow<P, L, X>(
    door: &Door<'_, P, L, X>,
    known: &Known,
    ec2: &P::Ec2,
    look: Look<'_>,
    now: OffsetDateTime,
    tally: &mut Tally,
) where
    P: Places<Ec2: VpcTags>,
    L: Ledger,
    X: Executions,
{
    let keys = &known.keys;
    let admits = |request: &ProvisionRequest| known.admits(request);
    let wish = Wish::read(keys, look.tags, look.place, look.vpc, admits);
    let Some(wish) = tally.keep(wish) else {
        return;
    };
    let mut refusals = wish.refusals.clone();
    let mut clusters = look.clusters.clone();
    clusters.extend(wish.clusters().cloned());
    clusters.extend(keys.clusters_with_status(look.tags));
    for cluster in &clusters {
        let id = connection_id(&look.place.region, look.vpc, cluster);
        let wanted = wish.about(cluster);
        let connection = standing::connection(door.ledger, door.executions, &id, now).await;
        let Some(connection) = tally.keep(connection) else {
            continue;
        };
        if connection.is_none() && wanted.is_over() {
            let forgotten = forget(ec2, keys, &look, cluster).await;
            tally.keep(forgotten);
        }
        if wanted.is_over() && was_refused(keys, &look, cluster) {
            let why = "its removal was refused, and nobody has touched the tags since";
            tally.connection(&id, look.vpc, cluster, Action::left(why));
            continue;
        }
        let step = decide::decide(&id, wanted, connection.as_ref(), look.occasion);
        let action = match step {
            Step::Start(step) => start(door.executions, &step).await,
            Step::Leave(why) => Ok(Action::left(why)),
            Step::Refuse(refusal) => {
                refusals.push(refusal);
                continue;
            }
        };
        if let Some(action) = tally.keep(action) {
            tally.connection(&id, look.vpc, cluster, action);
        }
    }
    for refusal in &refusals {
        tally.vpc(look.vpc, Action::refused(refusal.code, &refusal.detail));
    }
    let told = tell(ec2, keys, &look, &refusals, now).await;
    tally.keep(told);
}

/// Writes to the VPC what is refused, and removes what was refused before.
async fn tell(
    ec2: &impl VpcTags,
    keys: &TagKeys,
    look: &Look<'_>,
    refusals: &[Refusal],
    now: OffsetDateTime,
) -> Result<(), StepError> {
    let key = keys.status();
    match status_tag(look.tags.get(&key).map(String::as_str), refusals, now) {
        StatusTag::Keep => Ok(()),
        StatusTag::Write(value) => ec2.tag_vpc(look.vpc, &Tags::from([(key, value)])).await,
        StatusTag::Remove => ec2.untag_vpc(look.vpc, &[key]).await,
    }
}

/// Removes what the status tag says of a run that left nothing, and that never
/// came as far as the ledger. Any other status is left: it may be all that is
/// known of a connection.
async fn forget(
    ec2: &impl VpcTags,
    keys: &TagKeys,
    look: &Look<'_>,
    cluster: &ClusterId,
) -> Result<(), StepError> {
    if keys.phase_in(look.tags, cluster) == Some(Phase::RolledBack.as_str()) {
        ec2.untag_vpc(look.vpc, &[keys.status_of(cluster)]).await?;
    }
    Ok(())
}

/// Whether a search meets a connection whose removal was refused. A refusal
/// leaves the ledger as it was, so without this each search would begin again
/// and announce it again.
fn was_refused(keys: &TagKeys, look: &Look<'_>, cluster: &ClusterId) -> bool {
    let said = keys.phase_in(look.tags, cluster);
    matches!(look.occasion, Occasion::Search(_)) && said == Some(Phase::DisconnectRefused.as_str())
}
