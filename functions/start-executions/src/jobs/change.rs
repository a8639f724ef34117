//! The tags of VPCs may have been changed: they are read as they are now, and followed.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use shared::ec2::VpcTags;
use shared::executions::Executions;
use shared::ids::VpcId;
use shared::ledger::Ledger;
use shared::place::Places;
use shared::{Code, StepError};
use time::OffsetDateTime;

use super::Tally;
use super::follow::{Look, follow};
use crate::cause::Change;
use crate::decide::Occasion;
use crate::report::Action;
use crate::{Door, Known};

/// How long a VPC that an event tells of may stay unseen before it counts as gone.
/// EC2 shows what it made within seconds; an event may come minutes late.
const UNSEEN_SECONDS: i64 = 120;

/// Follows the tags of each of these VPCs.
pub(crate) async fn change<P, L, X>(
    door: &Door<'_, P, L, X>,
    known: &Known,
    change: &Change,
    now: OffsetDateTime,
    tally: &mut Tally,
) where
    P: Places<Ec2: VpcTags>,
    L: Ledger,
    X: Executions,
{
    let Some(ec2) = tally.keep(door.places.ec2(&change.place).await) else {
        return;
    };
    let ec2: &P::Ec2 = ec2.borrow();
    let occasion = Occasion::Change(change.at);
    for vpc in &change.vpcs {
        let Some(tags) = tally.keep(ec2.vpc_tags(vpc).await) else {
            continue;
        };
        let Some(tags) = tags else {
            if tally.keep(unseen(vpc, change, now)).is_some() {
                tally.vpc(vpc, Action::left("the VPC is gone"));
            }
            continue;
        };
        let look = Look {
            place: &change.place,
            vpc,
            tags: &tags,
            clusters: BTreeSet::new(),
            occasion: &occasion,
        };
        follow(door, known, ec2, look, now, tally).await;
    }
}

/// Whether a VPC that EC2 does not show is gone, or too new to be shown.
fn unseen(vpc: &VpcId, change: &Change, now: OffsetDateTime) -> Result<(), StepError> {
    let age = (now - change.at).whole_seconds();
    if change.must_exist && age < UNSEEN_SECONDS {
        let detail = format!("EC2 does not show {vpc} yet, {age} s after the event about it");
        return Err(StepError::new(Code::AwsResourceBusy, detail));
    }
    Ok(())
}
