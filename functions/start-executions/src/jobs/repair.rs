//! Connections are to be repaired, which a check has found drifted.

use shared::executions::Executions;
use shared::ledger::Ledger;
use shared::request::ProvisionRequest;
use shared::{Code, StepError};
use time::OffsetDateTime;

use super::{Tally, standing, start};
use crate::decide::{self, Step};
use crate::refusal::Refusal;
use crate::report::{Action, Entry};

/// Starts the repair of each of them. `admits` says whether what a connection was asked
/// for is still allowed.
pub(crate) async fn repair(
    ledger: &impl Ledger,
    executions: &impl Executions,
    admits: impl Fn(&ProvisionRequest) -> Result<(), StepError>,
    ids: &[String],
    now: OffsetDateTime,
    tally: &mut Tally,
) {
    for id in ids {
        let connection = standing::connection(ledger, executions, id, now).await;
        let Some(connection) = tally.keep(connection) else {
            continue;
        };
        let Some(connection) = connection else {
            tally.done.push(Entry {
                vpc_id: None,
                cluster_id: None,
                connection_id: Some(id.clone()),
                action: Action::left("the ledger does not know it"),
            });
            continue;
        };
        let step = match admits(&connection.request) {
            Ok(()) => decide::repair(&connection, now),
            Err(error) if error.code == Code::ConfigurationInvalid => {
                tally.keep::<()>(Err(error));
                continue;
            }
            Err(error) => Step::Refuse(Refusal::new(error.code, error.detail)),
        };
        let action = match step {
            Step::Start(step) => start(executions, &step).await,
            Step::Leave(why) => Ok(Action::left(why)),
            Step::Refuse(refusal) => Ok(Action::refused(refusal.code, &refusal.detail)),
        };
        if let Some(action) = tally.keep(action) {
            tally.connection(id, &connection.vpc_id, &connection.cluster_id, action);
        }
    }
}
