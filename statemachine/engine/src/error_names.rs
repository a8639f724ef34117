//! The reserved error names and what they match (States Language, "Error
//! names"; developer guide, "Handling errors").

/// Matches every error but the two that cannot be caught by a wildcard.
pub(crate) const ALL: &str = "States.ALL";
/// Matches every error but a timeout.
pub(crate) const TASK_FAILED: &str = "States.TaskFailed";
/// A task ran longer than its `TimeoutSeconds`.
pub(crate) const TIMEOUT: &str = "States.Timeout";
/// A value is larger than the service allows.
pub(crate) const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
/// The execution cannot go on; never retried, never caught.
pub(crate) const RUNTIME: &str = "States.Runtime";
/// No rule of a `Choice` matched and it has no `Default`.
pub(crate) const NO_CHOICE_MATCHED: &str = "States.NoChoiceMatched";
/// A JSONata expression failed, or yielded what its field cannot take.
pub(crate) const QUERY_EVALUATION_ERROR: &str = "States.QueryEvaluationError";

/// Reserved names that a definition may list in `ErrorEquals`. A name that
/// begins with `States.` and is not among them is a spelling mistake.
pub(crate) const RESERVED: &[&str] = &[
    ALL,
    TASK_FAILED,
    TIMEOUT,
    DATA_LIMIT_EXCEEDED,
    RUNTIME,
    NO_CHOICE_MATCHED,
    QUERY_EVALUATION_ERROR,
    "States.HeartbeatTimeout",
    "States.Permissions",
    "States.BranchFailed",
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.ResultWriterFailed",
    "States.Http.Socket",
];

/// Whether `ErrorEquals` with these names matches an error. Names are
/// compared exactly; there are no prefixes and no patterns.
pub(crate) fn matches(error_equals: &[String], error: &str) -> bool {
    error != RUNTIME
        && error_equals.iter().any(|name| match name.as_str() {
            ALL => error != DATA_LIMIT_EXCEEDED,
            TASK_FAILED => error != TIMEOUT,
            exact => exact == error,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_what_the_developer_guide_says() {
        let cases = [
            (ALL, "Transient", true),
            (ALL, TIMEOUT, true),
            (ALL, QUERY_EVALUATION_ERROR, true),
            (ALL, DATA_LIMIT_EXCEEDED, false),
            (ALL, RUNTIME, false),
            (TASK_FAILED, "Transient", true),
            (TASK_FAILED, "Lambda.Unknown", true),
            (TASK_FAILED, TIMEOUT, false),
            (TASK_FAILED, RUNTIME, false),
            (RUNTIME, RUNTIME, false),
            (DATA_LIMIT_EXCEEDED, DATA_LIMIT_EXCEEDED, true),
            (TIMEOUT, TIMEOUT, true),
            ("Transient", "Transient", true),
            ("Transient", "transient", false),
            ("Transient", "TransientToo", false),
        ];
        for (name, error, expected) in cases {
            assert_eq!(
                matches(&[name.to_owned()], error),
                expected,
                "{name} against {error}"
            );
        }
    }

    #[test]
    fn one_matching_name_of_several_is_enough() {
        let names = ["A".to_owned(), "B".to_owned()];
        assert!(matches(&names, "B"));
        assert!(!matches(&names, "C"));
    }
}
