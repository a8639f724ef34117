//! One run at a time changes a VPC's connections, and a lease that is not given back ends.
//! Two runs at once, in every order, are in `two_at_once`.

use std::time::Duration;

use engine::Clock;
use serde_json::json;
use shared::Code;
use shared::ledger::Phase;
use simulator::scenario::EndpointOutcome;
use system_tests::aftermath::{Snapshot, check, recorded};
use system_tests::books::{hold_lease, last_notice, lease_of, leases};
use system_tests::run::{Ending, OFFSETS, Stage, ending, has_waited, ready_after};
use system_tests::situations::two_clusters;

#[test]
fn a_run_that_is_rolled_back_leaves_the_other_one_its_path() {
    // Whichever registration comes first is rejected with its endpoint; the other
    // run begins anew.
    for offset in OFFSETS {
        let (stage, requests) = two_clusters();
        stage.simulator.meddle(|world| {
            for request in &requests {
                let id = request["cluster_id"].as_str().expect("an id");
                let cluster = world.cloud.cluster_mut(id).expect("a cluster");
                cluster.endpoint_outcome = EndpointOutcome::Rejected;
            }
        });
        let before = Snapshot::settled(&stage);
        let both = stage.provision_both(requests.each_ref(), Duration::from_secs(offset));
        for (execution, request) in both.iter().zip(&requests) {
            let Ending::Failed(name, failure) = ending(execution) else {
                panic!("{offset} s later: ready")
            };
            assert_eq!(name, "RolledBack", "{failure:#?}");
            let of_one = stage.for_request(request);
            let entry = recorded(&of_one).expect("an entry of its own");
            assert_eq!(entry.phase, Phase::RolledBack);
            assert_eq!(entry.endpoint_id, None);
        }
        assert_eq!(Snapshot::settled(&stage), before, "{offset} s later");
    }
}

/// Seconds since 1970 on the clock of the stage, and so much later.
fn in_seconds(stage: &Stage, seconds: i64) -> i64 {
    stage.clock.now().unix_timestamp() + seconds
}

#[test]
fn a_lease_that_has_expired_is_taken_over() {
    let stage = Stage::shipped("standard-cluster");
    hold_lease(&stage, "arn:a-run-that-was-lost", in_seconds(&stage, -1));
    let execution = stage.provision("next");
    assert!(!has_waited(&execution));
    ready_after(&execution);
    assert!(stage.simulator.look(leases).is_empty());
}

#[test]
fn a_lease_that_expires_meanwhile_is_waited_for() {
    let stage = Stage::shipped("standard-cluster");
    hold_lease(&stage, "arn:a-run-that-was-lost", in_seconds(&stage, 100));
    let execution = stage.provision("next");
    assert!(has_waited(&execution));
    ready_after(&execution);
    assert!(stage.simulator.look(leases).is_empty());
}

#[test]
fn a_lease_that_is_held_for_ever_is_given_up_and_stays() {
    const OTHER: &str = "arn:a-run-that-lasts";
    let stage = Stage::shipped("standard-cluster").asking("limits", json!({"lease_seconds": 600}));
    hold_lease(&stage, OTHER, in_seconds(&stage, 1_000_000));
    let before = Snapshot::settled(&stage);
    let begun = stage.clock.now();
    let execution = stage.provision("next");
    let waited = (stage.clock.now() - begun).whole_seconds();
    let ended = ending(&execution);
    let Ending::Failed(name, failure) = &ended else {
        panic!("ready")
    };
    assert_eq!(name, "RolledBack");
    assert_eq!(failure.code, Code::ConnectionBusy.as_str());
    assert!((600..700).contains(&waited), "{waited} s");
    assert!(failure.detail.contains("after 600 s"), "{}", failure.detail);
    assert_eq!(Snapshot::settled(&stage), before);
    check(&stage, &before, &ended).unwrap_or_else(|broken| panic!("{broken}"));
    let held = stage.simulator.look(leases);
    assert_eq!(held[&lease_of(&stage.request)], OTHER);
    // Whoever holds the lease has the entry too, if there is one.
    assert_eq!(recorded(&stage), None);
    let (kind, notice) = last_notice(&stage);
    assert_eq!(kind, "Connection Failed");
    assert_eq!(notice.code.as_deref(), Some("connection-busy"));
    assert!(
        notice.sentence.ends_with("Nothing was changed."),
        "{}",
        notice.sentence
    );
}

#[test]
fn the_entry_of_a_run_that_works_is_not_touched_by_one_that_gives_up() {
    let stage = Stage::shipped("slow-world");
    let impatient = {
        let mut request = stage.request.clone();
        request["limits"] = json!({"lease_seconds": 10});
        request
    };
    let both = stage.provision_both([&stage.request, &impatient], Duration::from_secs(60));
    let [first, second] = both.each_ref().map(ending);
    let Ending::Failed(_, failure) = second else {
        panic!("{second:?}")
    };
    assert_eq!(failure.code, Code::ConnectionBusy.as_str());
    assert!(matches!(first, Ending::Ready(_)));
    let entry = recorded(&stage).expect("an entry");
    assert_eq!(entry.phase, Phase::Ready);
    assert!(entry.execution.ends_with(":first"), "{}", entry.execution);
}

#[test]
fn a_lease_that_cannot_be_given_back_is_named_by_its_holder_and_expires() {
    let stage = Stage::shipped("standard-cluster").denying("dynamodb:DeleteItem", 1);
    let ended = ending(&stage.provision("kept"));
    assert!(
        matches!(ended, Ending::Ready(_)),
        "the outcome stands: {ended:?}"
    );
    let held = stage.simulator.look(leases);
    assert!(
        held[&lease_of(&stage.request)].ends_with(":kept"),
        "{held:?}"
    );
}

#[test]
fn who_asks_by_a_tag_reads_the_answer_there() {
    let tag = |stage: &Stage| {
        let cluster = stage.text("cluster_id");
        let key = format!("cockroachdb-privatelink:status:{cluster}");
        stage.vpc_tags().remove(&key)
    };
    let by_tag = |name: &str| Stage::shipped(name).asking("requested_by", json!("vpc-tag"));
    let stage = by_tag("standard-cluster");
    ready_after(&stage.provision("tagged"));
    let status = tag(&stage).expect("a status");
    assert!(status.starts_with("ready - 2030-01-01T00:"), "{status}");

    let stage = by_tag("endpoint-rejected");
    stage.provision("tagged");
    let status = tag(&stage).expect("a status");
    assert!(
        status.starts_with("rolled-back endpoint-rejected 2030-"),
        "{status}"
    );

    let stage = Stage::shipped("standard-cluster");
    stage.provision("called");
    assert_eq!(tag(&stage), None, "nobody asked by a tag");

    // No room for one more tag: the outcome is what it is.
    let stage = by_tag("standard-cluster");
    let vpc = stage.text("vpc_id");
    stage.simulator.meddle(|world| {
        let vpc = world.ec2.vpcs.get_mut(&vpc).expect("the VPC");
        vpc.tags = (0..50)
            .map(|n| (format!("tag-{n}"), String::new()))
            .collect();
    });
    let before = Snapshot::settled(&stage);
    let ended = ending(&stage.provision("tagged"));
    assert!(matches!(ended, Ending::Ready(_)), "{ended:?}");
    check(&stage, &before, &ended).unwrap_or_else(|broken| panic!("{broken}"));
}
