//! A run is over. Its lease goes back, the ledger learns of it if the run could not tell
//! itself, and what changed in the meantime is followed now.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use shared::StepError;
use shared::ec2::VpcTags;
use shared::executions::{Executions, Machine};
use shared::ledger::Ledger;
use shared::ownership::connection_id;
use shared::place::{Place, Places};
use shared::request::RequestedBy;
use time::OffsetDateTime;

use super::follow::{Look, follow};
use super::{Tally, standing, start};
use crate::cause::{Ended, Target};
use crate::decide::{self, Occasion};
use crate::report::Action;
use crate::{Door, Known};

/// Does what follows from the end of a run.
///
/// # Errors
/// Those of the ports.
pub(crate) async fn ended<P, L, X>(
    door: &Door<'_, P, L, X>,
    known: &Known,
    ended: &Ended,
    now: OffsetDateTime,
    tally: &mut Tally,
) -> Result<(), StepError>
where
    P: Places<Ec2: VpcTags>,
    L: Ledger,
    X: Executions,
{
    let Some(target) = target(door.executions, ended).await? else {
        return Ok(());
    };
    let Target {
        cluster_id,
        region,
        vpc_id,
        ..
    } = &target;
    let run = ended.execution.as_str();
    let id = connection_id(region, vpc_id, cluster_id);
    let status = Some(ended.status.as_str());
    standing::end_lease(door.ledger, (region, vpc_id), run, status, now).await?;
    door.ledger.record_interruption(&id, run).await?;
    let connection = door.ledger.connection(&id).await?;

    let requested_by = connection
        .as_ref()
        .map_or(target.requested_by, |it| it.request.requested_by);
    if requested_by == RequestedBy::Call {
        if let Some(rest) = connection.as_ref().and_then(decide::complete) {
            let action = start(door.executions, &rest).await?;
            tally.connection(&id, vpc_id, cluster_id, action);
            return Ok(());
        }
        // What a call took away may be what tags have asked for meanwhile.
        if ended.machine != Machine::Deprovision {
            return Ok(());
        }
    }
    let place = known.with_account(Place {
        account_id: target.account_id.clone(),
        region: region.clone(),
    })?;
    let ec2 = door.places.ec2(&place).await?;
    let ec2: &P::Ec2 = ec2.borrow();
    let Some(tags) = ec2.vpc_tags(vpc_id).await? else {
        tally.vpc(vpc_id, Action::left("the VPC is gone"));
        return Ok(());
    };
    let occasion = Occasion::End {
        machine: ended.machine,
        execution: ended.execution.clone(),
    };
    let look = Look {
        place: &place,
        vpc: vpc_id,
        tags: &tags,
        clusters: BTreeSet::from([cluster_id.clone()]),
        occasion: &occasion,
    };
    follow(door, known, ec2, look, now, tally).await;
    Ok(())
}

/// The connection that a run was for; `None` if its input was no request, so
/// that it cannot have done anything.
async fn target(executions: &impl Executions, ended: &Ended) -> Result<Option<Target>, StepError> {
    let input = match &ended.input {
        Some(input) => Some(input.clone()),
        None => {
            let run = executions.standing(ended.machine, &ended.execution);
            run.await?.map(|run| run.input)
        }
    };
    Ok(input.and_then(|input| serde_json::from_value(input).ok()))
}
