//! Ids of EC2 resources: a prefix and eight or seventeen hexadecimal digits.

use super::error::client;
use crate::calls::ApiError;

/// Whether a text has the form of an id with this prefix.
pub(crate) fn well_formed(prefix: &str, id: &str) -> bool {
    id.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| {
            matches!(digits.len(), 8 | 17)
                && digits
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
}

/// Refuses a text that cannot be an id with this prefix.
pub(super) fn check(prefix: &str, id: &str, code: &str) -> Result<(), ApiError> {
    if well_formed(prefix, id) {
        Ok(())
    } else {
        Err(client(
            code,
            format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")"),
        ))
    }
}
