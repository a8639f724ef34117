//! Request throttling: token buckets per account, Region and operation
//! ("Request throttling for the Amazon EC2 API", EC2 developer guide).

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::calls::{ApiError, Caller};
use crate::scenario::Throttle;

/// All buckets.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    on: Throttle,
    buckets: HashMap<(Caller, String), Bucket>,
}

#[derive(Debug, Clone)]
struct Bucket {
    tokens: f64,
    filled: OffsetDateTime,
}

/// How much a bucket holds and how many tokens come back each second.
struct Class {
    burst: f64,
    refill: f64,
}

/// The class of an operation. People who were throttled report 4 and 0.3 for
/// new endpoints; changing and deleting endpoints is likely of the same kind,
/// but nobody has published figures, so those have the usual ones.
fn class(operation: &str) -> Class {
    match operation {
        "CreateVpcEndpoint" => Class {
            burst: 4.0,
            refill: 0.3,
        },
        _ if operation.starts_with("Describe") => Class {
            burst: 100.0,
            refill: 20.0,
        },
        _ => Class {
            burst: 50.0,
            refill: 5.0,
        },
    }
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
            Throttle::All => true,
        };
        if !counted {
            return Ok(());
        }
        let class = class(operation);
        let bucket = self
            .buckets
            .entry((caller.clone(), operation.to_owned()))
            .or_insert(Bucket {
                tokens: class.burst,
                filled: now,
            });
        let passed = (now - bucket.filled).as_seconds_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * class.refill).min(class.burst);
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
