//! Endings as they are told and counted.

use in_process::stage::assert_strict;
use serde_json::Value;
use shared::Code;
use shared::ids::{ClusterId, VpcId};
use shared::place::Place;
use time::macros::datetime;

use super::*;

const BEGIN: OffsetDateTime = datetime!(2026-11-22 18:00:00 UTC);

fn at(second: i64) -> OffsetDateTime {
    BEGIN + time::Duration::seconds(second)
}

fn milestone(phase: Phase, second: i64) -> Milestone {
    Milestone {
        phase,
        at: at(second),
    }
}

const RUN: &str = "arn:aws:states:eu-west-1:111122223333:execution:staging-provision:story";

fn subject() -> Subject {
    let place = Place {
        account_id: None,
        region: "eu-west-1".parse().unwrap(),
    };
    let vpc: VpcId = "vpc-0a1b2c3d4e5f60718".parse().unwrap();
    let cluster: ClusterId = "1a2b3c4d-0000-4000-8000-000000000001".parse().unwrap();
    Subject::of(place, vpc, cluster)
}

fn input(phase: Phase) -> Input {
    Input {
        phase,
        connection: Some(subject()),
        account_id: None,
        cluster_name: None,
        worked_before: false,
        seen_to_work: false,
        ready: None,
        removed: None,
        failure: None,
        timeline: vec![
            milestone(Phase::Requested, 2),
            milestone(Phase::ClusterInspected, 99),
        ],
        started_at: BEGIN,
        now: at(217),
        execution: RUN.to_owned(),
    }
}

fn ready() -> Input {
    let mut input = input(Phase::Ready);
    let subject = subject();
    input.ready = Some(Ready {
        connection_id: subject.connection_id,
        cluster_id: subject.cluster_id,
        region: subject.region,
        vpc_id: subject.vpc_id,
        endpoint_id: "vpce-0a10000000000000e".parse().unwrap(),
        host: "internal-orders.example".to_owned(),
        port: 26257,
        connection_string: "postgresql://…".to_owned(),
        notes: vec![],
    });
    input
}

fn failed(phase: Phase, code: Code, undone: &[&str], left: &[(&str, Code)]) -> Input {
    let cause = |code: Code| {
        serde_json::json!({"errorType": code.name().as_str(), "errorMessage": format!("{code}: this and that.")})
            .to_string()
    };
    let mut input = input(phase);
    input.failure = Some(Failure {
        failed_at: "CheckStatus".to_owned(),
        error: code.name().as_str().to_owned(),
        cause: cause(code),
        undone: undone.iter().map(|text| (*text).to_owned()).collect(),
        left: left
            .iter()
            .map(|(what, code)| Left {
                what: (*what).to_owned(),
                error: code.name().as_str().to_owned(),
                cause: cause(*code),
            })
            .collect(),
    });
    input
}

fn outcome(input: &Input) -> Outcome {
    handle(input).unwrap().outcome
}

fn told(input: &Input) -> String {
    outcome(input).sentence
}

/// The value of a metric of the stack, with the value of its other dimension.
fn metric(input: &Input, name: &str) -> Vec<(Option<String>, f64)> {
    let lines = figures(input, &handle(input).unwrap(), "staging");
    let with = lines.iter().filter_map(|line| {
        let value = line[name].as_f64()?;
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        let declared = metrics["Metrics"].as_array()?;
        assert!(
            declared.iter().any(|metric| metric["Name"] == name),
            "{line}"
        );
        assert_eq!(metrics["Dimensions"][0][0], "Stack");
        assert_eq!(line["Stack"], "staging");
        let dimension = metrics["Dimensions"][0].get(1).and_then(Value::as_str);
        let dimension = dimension.map(|name| line[name].as_str().unwrap().to_owned());
        Some((dimension, value))
    });
    with.collect()
}

#[test]
fn what_the_reader_should_know_is_in_the_notice_and_for_reading_only() {
    let mut input = ready();
    let notes = ["source 0.0.0.0/0 is wide", "a\u{9b}31m b\u{202e}"];
    input.ready.as_mut().unwrap().notes = notes.map(str::to_owned).into();
    input.ready.as_mut().unwrap().host = "evil\u{1b}[2J".to_owned();
    let sentence = told(&input);
    let end =
        "host evil\u{fffd}[2J, port 26257. Note: source 0.0.0.0/0 is wide; a\u{fffd}31m b\u{fffd}.";
    assert!(sentence.ends_with(end), "{sentence}");
}

#[test]
fn a_connection_is_told_with_its_host() {
    let outcome = outcome(&ready());
    assert_eq!(
        outcome.sentence,
        "Connected vpc-0a1b2c3d4e5f60718 in eu-west-1 to cluster 1a2b3c4d-0000-4000-8000-000000000001: host internal-orders.example, port 26257."
    );
    assert_eq!((outcome.seconds, outcome.at), (217, at(217)));
    assert_eq!(outcome.ready, ready().ready);
    assert_eq!(outcome.failure, None);
}

#[test]
fn a_failure_is_told_with_its_code_its_fix_and_what_is_there_now() {
    let begin = "Not connected: vpc-0a1b2c3d4e5f60718 in eu-west-1 to cluster 1a2b3c4d-0000-4000-8000-000000000001: this and that";
    let code = Code::EndpointRejected;
    for (input, end) in [
        (
            failed(Phase::RolledBack, code, &["endpoint vpce-1 deleted"], &[]),
            "Nothing that this execution made is left.",
        ),
        (
            failed(Phase::RolledBack, code, &[], &[]),
            "Nothing was changed.",
        ),
        (
            failed(Phase::KeptAfterFailure, code, &[], &[]),
            "What was made is kept, as asked for.",
        ),
        (
            failed(
                Phase::RollbackIncomplete,
                code,
                &["private endpoint connection removed"],
                &[
                    ("endpoint vpce-1", Code::AwsAccessDenied),
                    ("security group x", Code::SecurityGroupNotGoneInTime),
                ],
            ),
            "Left behind, for a person to remove: endpoint vpce-1, security group x.",
        ),
    ] {
        let expected = format!(
            "{begin} (endpoint-rejected). What to do: {} {end}",
            code.fix()
        );
        assert_eq!(told(&input), expected);
    }
}

#[test]
fn a_connection_that_is_taken_away_is_told_by_what_is_still_there() {
    let whose =
        "vpc-0a1b2c3d4e5f60718 in eu-west-1 from cluster 1a2b3c4d-0000-4000-8000-000000000001";
    for (undone, cluster_asked, expected) in [
        (
            &["x deleted"][..],
            true,
            "nothing of the connection is left on either side.",
        ),
        (
            &["x deleted"],
            false,
            "nothing of the connection is left in the VPC; the cluster was not asked, because nothing tells of an endpoint that is registered there.",
        ),
        (
            &[],
            true,
            "there was nothing of ours to remove on either side.",
        ),
        (
            &[],
            false,
            "there was nothing of ours to remove in the VPC; the cluster was not asked, because nothing tells of an endpoint that is registered there.",
        ),
    ] {
        let mut input = input(Phase::Disconnected);
        input.removed = Some(Removed {
            connection_id: "c0ffee".to_owned(),
            undone: undone.iter().map(|text| (*text).to_owned()).collect(),
            cluster_asked,
            vpc_asked: true,
        });
        assert_eq!(told(&input), format!("Disconnected {whose}: {expected}"));
        let removed = input.removed.as_mut().unwrap();
        removed.vpc_asked = false;
        assert!(told(&input).ends_with("neither side was asked."));
    }
    let code = Code::ApiKeyRefused;
    let phase = Phase::DisconnectIncomplete;
    for (left, end) in [
        (&[][..], "Nothing was changed."),
        (
            &[("private endpoint connection of endpoint vpce-1", code)],
            "Still there: private endpoint connection of endpoint vpce-1. Then disconnect again; what is already gone does no harm.",
        ),
    ] {
        let expected = format!(
            "Not disconnected: {whose}: this and that ({code}). What to do: {} {end}",
            code.fix()
        );
        assert_eq!(told(&failed(phase, code, &[], left)), expected);
    }
}

#[test]
fn every_failure_carries_the_catalogues_words() {
    for code in Code::ALL {
        let input = failed(
            Phase::RollbackIncomplete,
            *code,
            &[],
            &[("endpoint vpce-1", *code)],
        );
        let explained = outcome(&input).failure.unwrap();
        assert_eq!(explained.code, code.as_str());
        assert_eq!(
            (explained.cause.as_str(), explained.fix.as_str()),
            (code.cause(), code.fix())
        );
        assert_eq!(explained.detail, "this and that.");
        assert_eq!(explained.left[0].code, code.as_str());
        assert_eq!(explained.left[0].fix, code.fix());
    }
}

#[test]
fn what_is_left_is_told_with_its_own_fix() {
    let left = [("endpoint vpce-1", Code::AwsAccessDenied)];
    let input = failed(
        Phase::RollbackIncomplete,
        Code::EndpointRejected,
        &[],
        &left,
    );
    let explained = outcome(&input).failure.unwrap();
    assert_eq!(explained.fix, Code::EndpointRejected.fix());
    assert_eq!(explained.left[0].fix, Code::AwsAccessDenied.fix());
}

#[test]
fn runs_are_counted_by_the_phase_that_they_ended_with() {
    let input = ready();
    assert_eq!(metric(&input, "Runs"), [(Some("ready".to_owned()), 1.0)]);
    assert_eq!(
        metric(&input, "RunSeconds"),
        [(Some("ready".to_owned()), 217.0)]
    );
    let steps: Vec<(Option<String>, f64)> = [
        ("requested", 2.0),
        ("cluster-inspected", 97.0),
        ("ready", 118.0),
    ]
    .map(|(step, seconds)| (Some(step.to_owned()), seconds))
    .into();
    assert_eq!(metric(&input, "StepSeconds"), steps);
    // A run that failed reached no further milestone.
    let failed = failed(Phase::RolledBack, Code::EndpointRejected, &[], &[]);
    assert_eq!(metric(&failed, "StepSeconds"), steps[..2]);
}

#[test]
fn the_alarms_ring_for_what_is_left_behind_and_for_the_key_and_for_nothing_else() {
    let left = [("endpoint vpce-1", Code::AwsAccessDenied)];
    for (input, incomplete, key) in [
        (ready(), 0.0, 0.0),
        (
            failed(Phase::RolledBack, Code::EndpointRejected, &[], &[]),
            0.0,
            0.0,
        ),
        (
            failed(Phase::RolledBack, Code::ApiKeyRefused, &[], &[]),
            0.0,
            1.0,
        ),
        // Every installation begins with this one.
        (
            failed(Phase::RolledBack, Code::SecretEmpty, &[], &[]),
            0.0,
            1.0,
        ),
        (
            failed(
                Phase::RollbackIncomplete,
                Code::EndpointRejected,
                &[],
                &left,
            ),
            1.0,
            0.0,
        ),
    ] {
        assert_eq!(metric(&input, "RollbackIncomplete"), [(None, incomplete)]);
        assert_eq!(metric(&input, "ApiKeyRefused"), [(None, key)]);
    }
}

#[test]
fn an_outcome_reads_back_from_the_ledger() {
    for input in [
        ready(),
        failed(Phase::RolledBack, Code::VpcNotFound, &["x"], &[]),
    ] {
        let outcome = outcome(&input);
        let text = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
    }
}

/// Longer than anything may be told, and of characters that JSON writes at length.
fn long() -> String {
    "\"\\\u{1}\n\u{1f600}".repeat(200)
}

/// A failure with so many things that were undone and that are left, all at length.
fn failed_at_length(code: Code, things: usize) -> Input {
    let mut failed = failed(Phase::RollbackIncomplete, code, &[], &[]);
    let failure = failed.failure.as_mut().unwrap();
    let name = code.name().as_str();
    let message = format!("{code}: {}", long());
    failure.cause = serde_json::json!({ "errorType": name, "errorMessage": message }).to_string();
    failure.undone = vec![long(); things];
    let left = Left {
        what: long(),
        error: name.to_owned(),
        cause: failure.cause.clone(),
    };
    failure.left = vec![left; things];
    failed
}

#[test]
fn the_longest_end_fits_into_an_answer_and_its_sentence_into_an_event() {
    let mut ready = ready();
    ready.ready.as_mut().unwrap().notes = vec![long(); 300];
    for input in [failed_at_length(Code::EndpointRejected, 300), ready] {
        let output = handle(&input).unwrap();
        let bytes = serde_json::to_string(&output).unwrap().len();
        assert!(bytes <= bounds::ANSWER / 2, "{bytes} bytes");
        let bytes = serde_json::to_string(&output.outcome.sentence)
            .unwrap()
            .len();
        assert!(bytes <= 4096, "{bytes} bytes");
    }
}

/// A `Fail` state writes it as it is.
#[test]
fn the_longest_failure_fits_into_a_cause_and_keeps_its_codes() {
    for code in Code::ALL {
        for (things, told) in [
            (0, 0),
            (1, 1),
            (6, 6),
            (30, 30),
            (31, 31),
            (40, 31),
            (300, 31),
        ] {
            let failure = outcome(&failed_at_length(*code, things)).failure.unwrap();
            let cause = serde_json::to_string(&failure).unwrap();
            assert!(
                cause.len() <= bounds::CAUSE,
                "{code}: {} bytes",
                cause.len()
            );
            assert_eq!((failure.undone.len(), failure.left.len()), (told, told));
            assert_eq!(failure.code, code.as_str());
            assert!(failure.left.iter().all(|left| left.code == code.as_str()));
            if things > told {
                let more = format!("and {} more", things - 30);
                assert_eq!(
                    [&failure.left[30].what, &failure.undone[30]],
                    [&more, &more]
                );
            }
        }
    }
}

/// Nobody has to cut a cause that only one thing has made long.
#[test]
fn what_is_left_alone_is_told_at_length() {
    let failure = outcome(&failed_at_length(Code::AwsAccessDenied, 1)).failure;
    let failure = failure.unwrap();
    for text in [
        &failure.undone[0],
        &failure.left[0].what,
        &failure.left[0].detail,
    ] {
        assert!(text.len() > bounds::DETAIL / 2, "{} bytes", text.len());
    }
}

#[test]
fn an_end_is_announced_in_the_words_of_its_outcome() {
    let failed = failed(Phase::RolledBack, Code::EndpointRejected, &[], &[]);
    for input in [ready(), failed] {
        let Output { outcome, notice } = handle(&input).unwrap();
        let notice = notice.unwrap();
        let subject = subject();
        assert_eq!(notice.connection_id, subject.connection_id);
        assert_eq!(
            (&notice.region, &notice.vpc_id, &notice.cluster_id),
            (&subject.region, &subject.vpc_id, &subject.cluster_id)
        );
        assert_eq!((notice.phase, notice.health), (Some(input.phase), None));
        assert_eq!(notice.sentence, outcome.sentence);
        assert_eq!((notice.version, notice.execution.as_str()), (1, RUN));
        let failure = outcome.failure.map(|it| (it.code, it.cause, it.fix));
        assert_eq!(
            failure,
            notice
                .code
                .zip(notice.cause)
                .zip(notice.fix)
                .map(|((code, cause), fix)| (code, cause, fix))
        );
    }
}

#[test]
fn the_cluster_is_told_by_name_where_it_is_known() {
    let mut input = ready();
    input.cluster_name = Some("orders".to_owned());
    let Output { outcome, notice } = handle(&input).unwrap();
    let sentence = &outcome.sentence;
    let named = "to cluster orders (1a2b3c4d-0000-4000-8000-000000000001): host";
    assert!(sentence.contains(named), "{sentence}");
    assert_eq!(notice.unwrap().cluster_name.as_deref(), Some("orders"));
}

#[test]
fn a_notice_leads_to_the_execution_and_to_what_explains_it() {
    let links = |input: &Input| handle(input).unwrap().notice.unwrap().links;
    let ready = links(&ready());
    assert!(ready.execution.is_some_and(|link| link.ends_with(RUN)));
    assert!(
        ready
            .dashboard
            .is_some_and(|link| link.ends_with("/staging"))
    );
    assert_eq!(ready.run_book, "run-book.md#phase-ready");
    let failed = failed(Phase::RolledBack, Code::EndpointRejected, &[], &[]);
    let run_book = links(&failed).run_book;
    assert_eq!(run_book, "errors.md#endpoint-rejected-rejected");
}

/// What the dashboard shows of executions that failed.
#[test]
fn a_figure_tells_which_connection_it_is_of() {
    let mut input = failed(Phase::RolledBack, Code::EndpointRejected, &[], &[]);
    input.cluster_name = Some("orders".to_owned());
    for line in figures(&input, &handle(&input).unwrap(), "staging") {
        for (field, expected) in [
            ("account_id", "111122223333"),
            ("region", "eu-west-1"),
            ("vpc_id", "vpc-0a1b2c3d4e5f60718"),
            ("cluster_name", "orders"),
            ("code", "endpoint-rejected"),
            ("execution", RUN),
        ] {
            assert_eq!(line[field], expected, "{field}");
        }
    }
}

/// What the run has seen counts more than what was asked for.
#[test]
fn the_account_of_the_vpc_is_announced_as_far_as_it_is_known() {
    let account = |asked: Option<&str>, seen: Option<&str>| {
        let mut input = ready();
        input.connection.as_mut().unwrap().account_id = asked.map(|it| it.parse().unwrap());
        input.account_id = seen.map(|it| it.parse().unwrap());
        let account = handle(&input).unwrap().notice.unwrap().account_id;
        account.map(|it| it.to_string())
    };
    let (asked, seen) = ("444455556666", "555566667777");
    // That of the stack, whose execution this is.
    assert_eq!(account(None, None).as_deref(), Some("111122223333"));
    assert_eq!(account(Some(asked), None).as_deref(), Some(asked));
    assert_eq!(account(None, Some(seen)).as_deref(), Some(seen));
    assert_eq!(account(Some(asked), Some(seen)).as_deref(), Some(seen));
}

/// It is explained like any other, and nobody else hears of it.
#[test]
fn a_request_that_cannot_be_read_is_explained_and_neither_announced_nor_counted() {
    for phase in [Phase::RolledBack, Phase::DisconnectIncomplete] {
        let mut input = failed(phase, Code::InvalidRequest, &[], &[]);
        input.connection = None;
        let Output { outcome, notice } = handle(&input).unwrap();
        assert_eq!(
            outcome.sentence,
            format!(
                "The request could not be read: this and that (invalid-request). What to do: {} Nothing was changed.",
                Code::InvalidRequest.fix()
            )
        );
        let failure = outcome.failure.clone().unwrap();
        assert_eq!(failure.code, "invalid-request");
        assert_eq!(failure.fix, Code::InvalidRequest.fix());
        assert_eq!(notice, None);
        let output = Output { outcome, notice };
        assert_eq!(figures(&input, &output, "staging"), Vec::<Value>::new());
    }
}

#[test]
fn a_misspelled_field_is_refused() {
    assert_strict(&ready());
}

#[test]
fn a_connection_that_worked_before_is_told_of_as_one_that_is_there() {
    let told = |phase, undone: &[&str], left: &[(&str, Code)]| {
        let mut input = failed(phase, Code::EndpointNotChangedInTime, undone, left);
        input.worked_before = true;
        let unseen = told(&input);
        input.seen_to_work = true;
        let seen = told(&input);
        assert!(!unseen.contains("works as it did"), "{unseen}");
        assert_eq!(seen == unseen, undone.is_empty() || !left.is_empty());
        seen
    };
    let back = told(
        Phase::RolledBack,
        &["endpoint vpce-1 is in subnet-1 again"],
        &[],
    );
    assert!(
        back.starts_with("Not changed: the connection of vpc-"),
        "{back}"
    );
    assert!(
        back.ends_with("works as it did before; nothing that this execution changed is left."),
        "{back}"
    );
    let untouched = told(Phase::RolledBack, &[], &[]);
    assert!(untouched.ends_with("Nothing was changed."), "{untouched}");
    let left = [(
        "subnets, security group and private DNS of endpoint vpce-1",
        Code::AwsAccessDenied,
    )];
    let left = told(Phase::RollbackIncomplete, &[], &left);
    assert!(
        left.contains("Not as before: subnets, security group and private DNS of endpoint vpce-1."),
        "{left}"
    );
}
