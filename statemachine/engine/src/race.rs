//! Limits how long something may take by a clock.

use std::time::Duration;

use crate::clock::{Clock, later};

/// What the future yields, or `None` if it took longer than the limit. A
/// result that arrives exactly at the limit counts.
pub(crate) async fn within<F: Future>(
    clock: &impl Clock,
    limit: Option<Duration>,
    future: F,
) -> Option<F::Output> {
    let Some(limit) = limit else {
        return Some(future.await);
    };
    let deadline = later(clock.now(), limit);
    tokio::select! {
        // The future goes first, so that it wins a tie.
        biased;
        // It may have moved a virtual clock past the deadline by itself.
        output = future => (clock.now() <= deadline).then_some(output),
        () = clock.sleep(limit) => None,
    }
}
