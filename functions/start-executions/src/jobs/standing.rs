//! How a connection stands: a run that is over counts as over, even if nobody told the
//! ledger.

use shared::StepError;
use shared::executions::Executions;
use shared::ids::{Region, VpcId};
use shared::ledger::{Connection, Ledger};
use time::{Duration, OffsetDateTime};

use crate::cause::is_over;
use crate::decide;

/// How long a function may go on whose run was stopped: it may take 30 seconds
/// (infra/template.yaml, `Timeout`), and clocks differ.
const OUTLIVES_SECONDS: i64 = 60;

/// A connection by its id.
pub(super) async fn connection(
    ledger: &impl Ledger,
    executions: &impl Executions,
    id: &str,
    now: OffsetDateTime,
) -> Result<Option<Connection>, StepError> {
    match ledger.connection(id).await? {
        Some(connection) => settled(ledger, executions, connection, now).await,
        None => Ok(None),
    }
}

/// A connection of which the ledger has this.
pub(super) async fn settled(
    ledger: &impl Ledger,
    executions: &impl Executions,
    connection: Connection,
    now: OffsetDateTime,
) -> Result<Option<Connection>, StepError> {
    if connection.phase.is_over() {
        return Ok(Some(connection));
    }
    let (machine, run) = (decide::last_goal(&connection), &connection.execution);
    let standing = executions.standing(machine, run).await?;
    let status = standing.as_ref().map(|run| run.status.as_str());
    if status.is_some_and(|status| !is_over(status)) {
        return Ok(Some(connection));
    }
    let Connection {
        connection_id,
        region,
        vpc_id,
        ..
    } = &connection;
    end_lease(ledger, (region, vpc_id), run, status, now).await?;
    ledger.record_interruption(connection_id, run).await?;
    ledger.connection(connection_id).await
}

/// Gives the lease of a run back that is over. One that did not come to its own end
/// keeps it for a while: the function that was at work is not told (Step Functions
/// API reference, `StopExecution`), and nobody else may change the VPC meanwhile.
pub(super) async fn end_lease(
    ledger: &impl Ledger,
    (region, vpc_id): (&Region, &VpcId),
    run: &str,
    status: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), StepError> {
    match status {
        Some("SUCCEEDED" | "FAILED") => ledger.release_lease(region, vpc_id, run).await,
        Some(_) | None => {
            let until = now + Duration::seconds(OUTLIVES_SECONDS);
            ledger.shorten_lease(region, vpc_id, run, until).await
        }
    }
}
