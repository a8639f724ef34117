//! From what was found to a health, and from a health to an announcement.

use shared::ledger::{Connection, Health, HealthStatus, Verdict};
use shared::notice::{self, Notice};
use shared::runbook::Entry;
use shared::{Code, bounds};
use time::OffsetDateTime;

use crate::Change;
use crate::judge::Judgement;

/// The health after this check.
///
/// What was seen to be wrong counts even where the rest could not be seen. What is
/// not settled is unknown at first, and drift once it has lasted longer than a new
/// connection may wait for acceptance.
pub(crate) fn next(connection: &Connection, found: &Judgement, now: OffsetDateTime) -> Health {
    let previous = connection.health.as_ref();
    let status = if !found.drift.is_empty() || has_stayed_unsettled(connection, found, now) {
        HealthStatus::Drifted
    } else if !found.unsettled.is_empty() || !found.unseen.is_empty() {
        HealthStatus::Unknown
    } else {
        HealthStatus::Healthy
    };
    let known = previous.and_then(known);
    let mut health = Health {
        status,
        findings: found.findings(),
        since: now,
        checked_at: now,
        before: None,
        to_announce: previous.is_some_and(|previous| previous.to_announce),
    };
    if status == HealthStatus::Unknown {
        health.before = known;
        if let Some(previous) = previous.filter(|it| it.status == HealthStatus::Unknown) {
            health.since = previous.since;
        }
        return health;
    }
    match known {
        Some(known) if known.status == status => health.since = known.since,
        // That a connection is healthy is news only if it was not before.
        known => {
            health.to_announce = status == HealthStatus::Drifted
                || known.is_some_and(|known| known.status == HealthStatus::Drifted);
        }
    }
    health
}

/// The last verdict that was one.
fn known(health: &Health) -> Option<Verdict> {
    match health.status {
        HealthStatus::Unknown => health.before,
        status @ (HealthStatus::Healthy | HealthStatus::Drifted) => Some(Verdict {
            status,
            since: health.since,
        }),
    }
}

fn has_stayed_unsettled(connection: &Connection, found: &Judgement, now: OffsetDateTime) -> bool {
    let Some(previous) = connection.health.as_ref() else {
        return false;
    };
    let code = Code::StateNotSettled.as_str();
    let was = previous.findings.iter().any(|finding| finding.code == code);
    let limit = connection.request.limits.acceptance_seconds;
    let limit = time::Duration::seconds(i64::try_from(limit).unwrap_or(i64::MAX));
    !found.unsettled.is_empty()
        && was
        && (previous.status == HealthStatus::Drifted || now - previous.since >= limit)
}

/// The announcement of a health, if it is still to be made.
pub(crate) fn change(
    connection: &Connection,
    cluster_name: Option<&str>,
    health: &Health,
    execution: &str,
) -> Option<Change> {
    if !health.to_announce {
        return None;
    }
    let (vpc, region) = (&connection.vpc_id, &connection.region);
    let cluster = notice::cluster(&connection.cluster_id, cluster_name);
    let which = format!("The connection from {vpc} in {region} to cluster {cluster}");
    let (detail_type, sentence, code) = match health.status {
        HealthStatus::Unknown => return None,
        HealthStatus::Healthy => {
            let sentence = format!("{which} is as it was asked for again.");
            ("Connection Recovered", sentence, None)
        }
        HealthStatus::Drifted => {
            let findings = &health.findings;
            let details: Vec<&str> = findings.iter().map(|it| it.detail.as_str()).collect();
            let details = bounds::text(&details.join("; "), bounds::DETAIL);
            let sentence = format!("{which} is not as it was asked for: {details}.");
            let worst = findings.first().and_then(|it| Code::parse(&it.code));
            ("Connection Drifted", sentence, worst)
        }
    };
    let notice = Notice {
        health: Some(health.status),
        ..Notice::about(
            connection.subject(),
            cluster_name,
            sentence,
            Entry::of_health(health.status).place(),
            execution,
        )
    };
    Some(Change {
        connection_id: connection.connection_id.clone(),
        health: health.status,
        detail_type: detail_type.to_owned(),
        notice: match code {
            Some(code) => notice.explained(code),
            None => notice,
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::tests::connection;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// A batch of connections of which everything is wrong, at length.
        #[test]
        fn no_batch_is_too_large(
            details in prop::collection::vec(r#"["\\\x01a-z😀]{0,1000}"#, 15..60),
        ) {
            let found = Judgement {
                drift: details.iter().map(|it| (Code::SecurityGroupRuleUnplanned, it.clone())).collect(),
                ..Judgement::default()
            };
            let connection = connection();
            let health = next(&connection, &found, at(0));
            let item = serde_json::to_string(&health).unwrap();
            prop_assert!(item.len() <= 16 * 1024, "{} bytes in the ledger", item.len());
            let change = change(&connection, Some("orders"), &health, "arn").unwrap();
            let id = connection.connection_id.clone();
            let error = shared::StepError::new(Code::UnexpectedAwsAnswer, details.concat());
            let page = crate::Output {
                next: Some(id.clone()),
                checked: 10,
                changes: vec![change; crate::BATCH],
                to_repair: vec![id; crate::BATCH],
                counts: crate::Counts::default(),
                trouble: Some(error.to_string()),
                rows: Vec::new(),
            };
            let answer = serde_json::to_string(&page).unwrap();
            prop_assert!(answer.len() <= bounds::ANSWER / 4, "{} bytes", answer.len());
        }
    }

    #[test]
    fn findings_that_are_not_told_are_counted() {
        let many = (0..25).map(|n| (Code::EndpointGone, format!("f{n}")));
        let found = Judgement {
            drift: many.collect(),
            ..Judgement::default()
        };
        let findings = found.findings();
        assert_eq!(findings.len(), 20);
        assert_eq!(findings[19].detail, "f19 (and 5 more findings)");
    }

    const HEALTHY: HealthStatus = HealthStatus::Healthy;
    const DRIFTED: HealthStatus = HealthStatus::Drifted;
    const UNKNOWN: HealthStatus = HealthStatus::Unknown;

    fn at(minutes: i64) -> OffsetDateTime {
        datetime!(2026-11-22 18:00 UTC) + time::Duration::minutes(minutes)
    }

    fn found(status: HealthStatus) -> Judgement {
        let finding = |code| vec![(code, "why".to_owned())];
        match status {
            HEALTHY => Judgement::default(),
            DRIFTED => Judgement {
                drift: finding(Code::EndpointGone),
                ..Judgement::default()
            },
            UNKNOWN => Judgement {
                unseen: finding(Code::CloudUnavailable),
                ..Judgement::default()
            },
        }
    }

    /// What is told at these checks.
    fn told(statuses: &[HealthStatus], tells: bool) -> Vec<Option<&'static str>> {
        let checks = checks(statuses, tells).into_iter();
        checks.map(|(_, told)| told).collect()
    }

    const ILL: Option<&str> = Some("drifted");
    const WELL: Option<&str> = Some("recovered");

    /// The healths after these checks, one every ten minutes; what is to be
    /// announced is announced after each of them if `tells`.
    fn checks(statuses: &[HealthStatus], tells: bool) -> Vec<(Health, Option<&'static str>)> {
        let mut connection = connection();
        let check = |(n, status): (i64, &HealthStatus)| {
            let mut health = next(&connection, &found(*status), at(n * 10));
            assert_eq!((health.status, health.checked_at), (*status, at(n * 10)));
            let told = change(&connection, None, &health, "arn").map(|change| {
                assert_eq!(Some(change.health), change.notice.health);
                match change.detail_type.as_str() {
                    "Connection Drifted" => "drifted",
                    "Connection Recovered" => "recovered",
                    other => panic!("{other}"),
                }
            });
            let seen = health.clone();
            if told.is_some() && tells {
                health.to_announce = false;
            }
            connection.health = Some(health);
            (seen, told)
        };
        (0..).zip(statuses).map(check).collect()
    }

    #[test]
    fn a_change_is_announced_once_and_not_knowing_is_none() {
        for (statuses, expected) in [
            (&[HEALTHY, HEALTHY][..], &[None, None][..]),
            (&[DRIFTED, DRIFTED], &[ILL, None]),
            (&[HEALTHY, DRIFTED, HEALTHY], &[None, ILL, WELL]),
            (&[UNKNOWN, HEALTHY], &[None, None]),
            (&[UNKNOWN, DRIFTED], &[None, ILL]),
            (&[HEALTHY, UNKNOWN, HEALTHY], &[None, None, None]),
            (&[HEALTHY, UNKNOWN, DRIFTED], &[None, None, ILL]),
            (
                &[DRIFTED, UNKNOWN, UNKNOWN, DRIFTED],
                &[ILL, None, None, None],
            ),
            (&[DRIFTED, UNKNOWN, HEALTHY], &[ILL, None, WELL]),
        ] {
            assert_eq!(told(statuses, true), expected, "{statuses:?}");
        }
    }

    #[test]
    fn what_was_not_announced_is_announced_at_the_next_check() {
        for (statuses, expected) in [
            (&[DRIFTED, DRIFTED][..], &[ILL, ILL][..]),
            (&[DRIFTED, UNKNOWN, DRIFTED], &[ILL, None, ILL]),
            (&[DRIFTED, HEALTHY, HEALTHY], &[ILL, WELL, WELL]),
        ] {
            assert_eq!(told(statuses, false), expected, "{statuses:?}");
        }
    }

    #[test]
    fn a_verdict_stands_since_it_was_first_reached() {
        let since = |statuses| -> Vec<_> {
            let healths = checks(statuses, true).into_iter();
            healths.map(|(health, _)| health.since).collect()
        };
        assert_eq!(since(&[HEALTHY, HEALTHY]), [at(0), at(0)]);
        let healths = since(&[DRIFTED, UNKNOWN, UNKNOWN, DRIFTED]);
        assert_eq!(healths, [at(0), at(10), at(10), at(0)]);
        assert_eq!(since(&[DRIFTED, UNKNOWN, HEALTHY]), [at(0), at(10), at(20)]);
    }

    #[test]
    fn what_does_not_settle_is_drift_after_a_while() {
        let mut connection = connection();
        connection.request.limits.acceptance_seconds = 900;
        let unsettled = Judgement {
            unsettled: vec![(Code::StateNotSettled, "pending".to_owned())],
            ..Judgement::default()
        };
        let mut statuses = Vec::new();
        for (minutes, found) in [
            (0, &unsettled),
            (10, &unsettled),
            (20, &unsettled),
            (30, &unsettled),
            (40, &found(HEALTHY)),
            (50, &unsettled),
        ] {
            let health = next(&connection, found, at(minutes));
            statuses.push(health.status);
            connection.health = Some(health);
        }
        let expected = [UNKNOWN, UNKNOWN, DRIFTED, DRIFTED, HEALTHY, UNKNOWN];
        assert_eq!(statuses, expected);

        // That something else was unknown for long does not count.
        connection.health = Some(next(&connection, &found(UNKNOWN), at(60)));
        assert_eq!(next(&connection, &unsettled, at(120)).status, UNKNOWN);
    }

    #[test]
    fn what_was_seen_to_be_wrong_counts_though_the_rest_was_not_seen() {
        let both = Judgement {
            unseen: found(UNKNOWN).unseen,
            ..found(DRIFTED)
        };
        let health = next(&connection(), &both, at(0));
        assert_eq!(health.status, DRIFTED);
        assert_eq!(health.findings.len(), 2);
    }

    #[test]
    fn an_announcement_says_everything_with_cause_and_fix_of_the_worst() {
        let found = Judgement {
            drift: vec![
                (Code::EndpointGone, "the endpoint is gone".to_owned()),
                (Code::RegistrationStale, "it is stale".to_owned()),
            ],
            ..Judgement::default()
        };
        let connection = connection();
        let health = next(&connection, &found, at(0));
        let told = change(&connection, Some("orders"), &health, "arn");
        let notice = told.unwrap().notice;
        let named = format!("to cluster orders ({}) is not", connection.cluster_id);
        assert!(notice.sentence.contains(&named), "{}", notice.sentence);
        let said = ": the endpoint is gone; it is stale.";
        assert!(notice.sentence.ends_with(said), "{}", notice.sentence);
        assert_eq!(notice.cluster_name.as_deref(), Some("orders"));
        assert_eq!(notice.links.run_book, "errors.md#endpoint-gone-rejected");
        assert_eq!(notice.code.as_deref(), Some("endpoint-gone"));
        assert_eq!(notice.fix.as_deref(), Some(Code::EndpointGone.fix()));
        assert_eq!((notice.execution.as_str(), notice.phase), ("arn", None));
    }
}
