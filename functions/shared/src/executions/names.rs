//! The names of the executions that are started by functions. A name follows from the
//! cause, so that a cause that is heard of twice starts one execution: the same name with
//! the same input is the same execution for as long as it lasts, and the name is used up
//! for 90 days once it has ended (Step Functions API reference, `StartExecution`).
//!
//! | Name | Cause |
//! | --- | --- |
//! | `tag-…` | the tags of a VPC |
//! | `again-…` | an execution that was interrupted |
//! | `repair-…`, `sweep-…` | what a check or a sweep has found |
//! | `call-…`, `remove-…`, `check-…` | a call of the API |
//! | `key-…` | the idempotency key of a call |

use time::OffsetDateTime;

use crate::ownership::hash;

const AGAIN: &str = "again";

/// Hexadecimal digits of the hash of a cause in a name.
const DIGITS: usize = 32;

/// The same in names that get a number at their end.
const FEW_DIGITS: usize = 16;

/// The execution that completes an interrupted one. There is one for each of these.
pub fn again(connection_id: &str, interrupted: &str) -> String {
    name(AGAIN, connection_id, &[interrupted], DIGITS)
}

/// Whether the execution of this ARN was itself to complete an interrupted one.
pub fn is_again(execution: &str) -> bool {
    let name = execution.rsplit(':').next().unwrap_or_default();
    name.strip_prefix(AGAIN)
        .is_some_and(|rest| rest.starts_with('-'))
}

/// An execution that the tags of a VPC cause.
pub fn by_tags(connection_id: &str, cause: &[&str]) -> String {
    name("tag", connection_id, cause, DIGITS)
}

/// A repair, of which there is one in an hour.
pub fn repair(connection_id: &str, hour: &str) -> String {
    name("repair", connection_id, &[hour], DIGITS)
}

/// The execution that takes an orphan away, of which there is one in an hour for each
/// state of its entry. `execution` is the last one that the entry has.
pub fn sweep(connection_id: &str, execution: &str, hour: &str) -> String {
    name("sweep", connection_id, &[execution, hour], DIGITS)
}

/// What a call asks for, given the last execution that the ledger has.
pub fn by_call(connection_id: &str, last: &str, input: &str, hour: &str) -> String {
    name("call", connection_id, &[last, input, hour], FEW_DIGITS)
}

/// The removal that a call asks for, given the last execution that the ledger has.
pub fn removal_by_call(connection_id: &str, last: &str, input: &str, hour: &str) -> String {
    name("remove", connection_id, &[last, input, hour], FEW_DIGITS)
}

/// The check of one connection that a call asks for in this second since 1970.
pub fn check(connection_id: &str, second: &str) -> String {
    name("check", connection_id, &[second], FEW_DIGITS)
}

/// The execution of an idempotency key. Callers do not know of each other's keys, so the
/// same key of two of them is not the same.
pub fn by_key(owner: &str, key: &str) -> String {
    format!("key-{}", hash(&[owner, key]))
}

/// The hour of a time, as a part of names.
pub fn hour(at: OffsetDateTime) -> String {
    at.unix_timestamp().div_euclid(3600).to_string()
}

/// Step Functions allows 80 characters; CloudWatch wants them to be `0-9A-Za-z-_`
/// (Step Functions API reference, `StartExecution`).
fn name(kind: &str, connection_id: &str, cause: &[&str], digits: usize) -> String {
    let cause: String = hash(cause).chars().take(digits).collect();
    format!("{kind}-{connection_id}-{cause}")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const ID: &str = "0123456789abcdef";

    /// The same cause has the same name in every version. What tags and calls cause is
    /// hashed with its input, so these follow its form.
    #[test]
    fn names_stay_as_they_are() {
        for (name, expected) in [
            (
                again(ID, "arn:x"),
                "again-0123456789abcdef-5a1c2279ac1ddf7d0726e0b3f69f5710",
            ),
            (
                by_tags(ID, &["provision", "{}", "", ""]),
                "tag-0123456789abcdef-b819fc95a41da39c543f75f30c6a3f3c",
            ),
            (
                repair(ID, "1"),
                "repair-0123456789abcdef-031dc88d0ec0c52d518bbc28b322da93",
            ),
            (
                sweep(ID, "arn:x", "1"),
                "sweep-0123456789abcdef-7d247fdc0bc8c83f61536a758c1c5563",
            ),
            (
                by_call(ID, "arn:x", "{}", "1"),
                "call-0123456789abcdef-7a114e18946b0d58",
            ),
            (
                removal_by_call(ID, "arn:x", "{}", "1"),
                "remove-0123456789abcdef-7a114e18946b0d58",
            ),
            (check(ID, "1"), "check-0123456789abcdef-031dc88d0ec0c52d"),
            (
                by_key("owner", "key"),
                "key-fb77d6b15b6b9e86073ba761310f35915f422d2ec7ac962995e0207b349fe14f",
            ),
        ] {
            assert_eq!(name, expected);
            assert!(name.len() <= 80, "{name}");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
                "{name}"
            );
        }
        assert_eq!(hour(datetime!(1970-01-01 01:59:59 UTC)), "1");
    }

    #[test]
    fn causes_do_not_run_together() {
        assert_ne!(by_tags(ID, &["ab", ""]), by_tags(ID, &["a", "b"]));
        assert_ne!(by_key("ab", "c"), by_key("a", "bc"));
    }

    #[test]
    fn a_second_try_is_known_by_its_name() {
        let arn = |name: &str| format!("arn:aws:states:us-east-1:1:execution:provision:{name}");
        assert!(is_again(&arn(&again(ID, "arn:x"))));
        assert!(!is_again(&arn(&by_tags(ID, &["again-"]))));
        assert!(!is_again(&arn("against-all-odds")));
    }
}
