//! Request throttling of new endpoints: a token bucket per account and Region
//! ("Request throttling for the Amazon EC2 API", EC2 developer guide).

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::calls::{ApiError, Caller};
use crate::scenario::Throttle;

/// How many tokens a bucket holds, and how many come back each second. People who
/// were throttled report these for new endpoints. No single connection comes near
/// the buckets of other operations.
const BURST: f64 = 4.0;
const REFILL: f64 = 0.3;

#[derive(Debug, Clone)]
pub(super) struct Buckets {
    on: Throttle,
    buckets: HashMap<Caller, Bucket>,
}

#[derive(Debug, Clone)]
struct Bucket {
    tokens: f64,
    filled: OffsetDateTime,
}

impl Buckets {
    pub(super) fn new(on: Throttle) -> Self {
        Buckets {
            on,
            buckets: HashMap::new(),
        }
    }

    /// Takes a token for one call, or says that there is none.
    pub(super) fn take(
        &mut self,
        caller: &Caller,
        operation: &str,
        now: OffsetDateTime,
    ) -> Result<(), ApiError> {
        let counted = match self.on {
            Throttle::None => false,
            Throttle::CreateVpcEndpoint => operation == "CreateVpcEndpoint",
        };
        if !counted {
            return Ok(());
        }
        let bucket = self.buckets.entry(caller.clone()).or_insert(Bucket {
            tokens: BURST,
            filled: now,
        });
        let passed = (now - bucket.filled).as_seconds_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * REFILL).min(BURST);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            return Err(exceeded());
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

/// What a caller is told who is too fast: one of the server errors.
pub(super) fn exceeded() -> ApiError {
    ApiError::new(503, "RequestLimitExceeded", "Request limit exceeded.")
}
