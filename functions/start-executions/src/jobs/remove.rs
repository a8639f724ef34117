//! Orphans are to be removed, which a sweep has found.

use shared::executions::Executions;
use shared::request::DeprovisionRequest;
use time::OffsetDateTime;

use super::{Tally, start};
use crate::decide;

/// Starts the removal of each of them.
pub(crate) async fn remove(
    executions: &impl Executions,
    requests: &[DeprovisionRequest],
    now: OffsetDateTime,
    tally: &mut Tally,
) {
    for request in requests {
        let action = start(executions, &decide::remove(request, now)).await;
        if let Some(action) = tally.keep(action) {
            let id = request.subject().connection_id;
            tally.connection(&id, &request.vpc_id, &request.cluster_id, action);
        }
    }
}
