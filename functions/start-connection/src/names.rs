//! The names of the runs that are started here: each follows from what causes it.

use sha2::{Digest, Sha256};

const AGAIN: &str = "again";

/// The name of the run that completes an interrupted one. There is one for each
/// interrupted run.
pub(crate) fn again(connection_id: &str, interrupted: &str) -> String {
    name(AGAIN, connection_id, &[interrupted])
}

/// Whether the run of this ARN was itself to complete an interrupted one.
pub(crate) fn is_again(execution: &str) -> bool {
    let name = execution.rsplit(':').next().unwrap_or_default();
    name.strip_prefix(AGAIN)
        .is_some_and(|rest| rest.starts_with('-'))
}

/// The name of a run that the tags of a VPC cause.
pub(crate) fn by_tags(connection_id: &str, cause: &[&str]) -> String {
    name("tag", connection_id, cause)
}

/// The name of a repair, of which there is one in an hour.
pub(crate) fn repair(connection_id: &str, hour: &str) -> String {
    name("repair", connection_id, &[hour])
}

/// The name of the run that takes an orphan away, of which there is one in an hour
/// for each state of its entry.
pub(crate) fn sweep(connection_id: &str, execution: &str, hour: &str) -> String {
    name("sweep", connection_id, &[execution, hour])
}

/// Step Functions allows 80 characters; CloudWatch wants them to be `0-9A-Za-z-_`
/// (Step Functions API reference, `StartExecution`). Each part is hashed with its
/// length before it, so that no two causes run together into the same text.
fn name(kind: &str, connection_id: &str, cause: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in cause {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let cause: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("{kind}-{connection_id}-{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef";

    #[test]
    fn names_keep_to_the_rule_of_step_functions() {
        for name in [
            again(ID, "arn:x"),
            by_tags(ID, &["a"]),
            repair(ID, "1"),
            sweep(ID, "arn:x", "1"),
        ] {
            assert!(name.len() <= 80, "{name}");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_follows_from_its_cause_and_from_nothing_else() {
        assert_eq!(by_tags(ID, &["a", "b"]), by_tags(ID, &["a", "b"]));
        assert_ne!(by_tags(ID, &["ab", ""]), by_tags(ID, &["a", "b"]));
        assert_ne!(repair(ID, "1"), repair(ID, "2"));
    }

    #[test]
    fn a_second_try_is_known_by_its_name() {
        let arn = |name: &str| format!("arn:aws:states:us-east-1:1:execution:provision:{name}");
        assert!(is_again(&arn(&again(ID, "arn:x"))));
        assert!(!is_again(&arn(&by_tags(ID, &["again-"]))));
        assert!(!is_again(&arn("against-all-odds")));
    }
}
