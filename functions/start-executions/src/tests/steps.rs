//! One input at a time.

use in_process::stage::entry;
use serde_json::{Value, json};
use shared::executions::Machine;
use shared::ledger::{Connection, Phase};
use shared::request::{DeprovisionRequest, ProvisionRequest, RequestedBy, Seen};
use shared::{Code, StepErrorName};
use simulator::scenario::{RoleSpec, VpcSpec};
use simulator::step_functions::{Execution, ExecutionStatus};
use simulator::{Fault, FaultKind, Moment};

use super::scene::{A, ACCOUNT, B, Ending, PREFIX, Scene};
use crate::{Action, Report};

const OTHER_VPC: &str = "vpc-0b71e831cb5152c43";

fn actions(report: &Report) -> Vec<&Action> {
    report.done.iter().map(|entry| &entry.action).collect()
}

/// Why nothing was done, as the only thing that the report says.
fn left(report: &Report) -> &str {
    match actions(report)[..] {
        [Action::Left { why }] => why,
        _ => panic!("{report:?}"),
    }
}

fn ready(scene: &Scene, cluster: &str, requested_by: RequestedBy) -> Connection {
    let mut request = scene.stage.request.clone();
    request.cluster_id = cluster.parse().unwrap();
    request.requested_by = requested_by;
    let connection = Connection {
        account_id: ACCOUNT.parse().ok(),
        timeline: vec![],
        execution: "arn:aws:states:eu-west-1:111122223333:execution:x:before".into(),
        ..entry(request, Phase::Ready, scene.now())
    };
    scene.stage.ports.put_connection(&connection);
    connection
}

fn plain_vpc(id: &str) -> VpcSpec {
    serde_json::from_value(json!({ "id": id, "cidr": "10.9.0.0/16" })).unwrap()
}

fn tagged_vpc(id: &str, cluster: &str) -> VpcSpec {
    let tags = json!({ format!("{PREFIX}:cluster-id"): cluster });
    serde_json::from_value(json!({ "id": id, "cidr": "10.9.0.0/16", "tags": tags })).unwrap()
}

/// A run of provision that somebody has started with this input, and that is over.
fn by_hand(scene: &Scene, input: &Value) -> Execution {
    Execution {
        arn: "arn:aws:states:eu-west-1:111122223333:execution:x:by-hand".into(),
        machine: scene.stage.ports.machine_arn(Machine::Provision),
        name: "by-hand".into(),
        input: input.to_string(),
        status: ExecutionStatus::Failed,
        started_at: scene.now(),
        stopped_at: None,
        output: None,
    }
}

/// The same request for a run that waits, and does nothing if another was there.
fn unless_changed(connection: &Connection) -> String {
    let mut request = connection.request.clone();
    request.unless_changed = Some(Seen {
        execution: Some(connection.execution.clone()),
    });
    json!(request).to_string()
}

/// The role of this account that we assume.
fn role(account: &str) -> RoleSpec {
    RoleSpec {
        account: account.into(),
        name: "crdb-privatelink".into(),
        external_id: None,
    }
}

#[test]
fn every_kind_of_event_starts_what_the_tags_ask_for() {
    for kind in ["Tag Change", "CreateTags", "CreateVpc"] {
        let mut scene = Scene::new();
        scene.retag(&[
            ("cluster-id", Some(A)),
            ("cidrs", Some("10.0.0.0/8")),
            ("private-dns", Some("false")),
        ]);
        let event = match kind {
            "Tag Change" => scene.events.remove(0),
            "CreateTags" => scene.events.remove(1),
            _ => {
                let mut event = scene.api_call("CreateVpc", &[]);
                event["detail"]["responseElements"] =
                    json!({ "vpc": { "vpcId": scene.vpc(), "tagSet": {} } });
                event
            }
        };
        let report = scene.answer(&event).unwrap();
        let run = scene.run();
        let started = Action::Started {
            machine: "provision",
            name: run.name,
            execution: run.arn,
        };
        assert_eq!(actions(&report), [&started], "{kind}");
        let input: Value = serde_json::from_str(&run.input).unwrap();
        let request = ProvisionRequest::parse(&input).unwrap();
        assert_eq!(json!(request), input, "every default is filled in");
        assert_eq!(request.cluster_id.as_str(), A);
        assert_eq!(request.account_id.unwrap().as_str(), ACCOUNT);
        assert_eq!(request.requested_by, RequestedBy::VpcTag);
        assert!(!request.private_dns);
        assert_eq!(request.sources.cidrs, ["10.0.0.0/8".parse().unwrap()]);
    }
}

#[test]
fn the_tag_that_goes_takes_its_connection_along_and_no_other() {
    for call in ["DeleteTags", "CreateTags"] {
        let mut scene = Scene::new();
        scene.retag(&[("cluster-id", Some(&format!("{A} {B}")))]);
        scene.come_to_rest();
        let by_call = "1a2b3c4d-0000-4000-8000-00000000000c";
        let wanted = (call == "CreateTags").then_some(B);
        ready(&scene, by_call, RequestedBy::Call);
        scene.retag(&[
            ("cluster-id", wanted),
            // Somebody copied a status.
            (&format!("status:{by_call}"), Some("ready - then")),
        ]);
        let runs = scene.runs().len();
        let report = scene.told(call, &["cluster-id"]);
        let new = scene.runs().split_off(runs);
        let expected = if wanted.is_some() { &[A][..] } else { &[A, B] };
        let gone = new.iter().map(|run| {
            let request: DeprovisionRequest = serde_json::from_str(&run.input).unwrap();
            assert_eq!(request.requested_by, RequestedBy::VpcTag);
            request.cluster_id.to_string()
        });
        let gone: Vec<String> = gone.collect();
        assert_eq!(gone, expected, "{report:?}");
    }
}

#[test]
fn events_about_nothing_of_ours_ask_nobody_anything() {
    let mut scene = Scene::new();
    scene.retag(&[
        ("status", Some("refused x y")),
        (&format!("status:{A}"), Some("ready")),
    ]);
    for event in std::mem::take(&mut scene.events) {
        assert_eq!(scene.answer(&event).unwrap().done, []);
    }
    assert_eq!(scene.stage.ports.simulator().calls(), []);
}

#[test]
fn a_vpc_without_our_tags_is_looked_at_and_left() {
    let scene = Scene::new();
    assert_eq!(scene.told("CreateTags", &["cluster-id"]).done, []);
    let calls = scene.stage.ports.simulator().calls();
    let calls: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(calls, ["ec2:DescribeVpcs"]);
}

#[test]
fn a_vpc_that_is_not_shown_yet_is_asked_for_again_until_it_counts_as_gone() {
    let scene = Scene::with(&[], |scenario| scenario.vpcs.clear());
    let made = scene.api_call("CreateTags", &["cluster-id"]);
    let removed = scene.api_call("DeleteTags", &["cluster-id"]);
    let error = scene.answer(&made).unwrap_err();
    assert_eq!(error.code, Code::AwsResourceBusy);
    assert_eq!(error.name(), StepErrorName::Transient, "asked again");
    assert!(left(&scene.answer(&removed).unwrap()).contains("gone"));
    scene.stage.advance(180);
    assert!(left(&scene.answer(&made).unwrap()).contains("gone"));
}

#[test]
fn one_vpc_that_makes_trouble_does_not_keep_the_others_waiting() {
    let mut scene = Scene::with(&[], |scenario| scenario.vpcs.push(tagged_vpc(OTHER_VPC, B)));
    scene.retag(&[("cluster-id", Some(A))]);
    let mut event = scene.events.remove(1);
    let resources = &mut event["detail"]["requestParameters"]["resourcesSet"]["items"];
    let resources = resources.as_array_mut().unwrap();
    resources.push(json!({ "resourceId": OTHER_VPC }));
    scene.stage.cut_off("ec2:DescribeVpcs");
    assert_eq!(scene.answer(&event).unwrap_err().code, Code::AwsUnavailable);
    assert_eq!(scene.runs().len(), 1);
    scene.answer(&event).unwrap();
    assert_eq!(scene.runs().len(), 2);
}

#[test]
fn what_is_refused_is_told_on_the_vpc_once_until_it_is_put_right() {
    let mut scene = Scene::with(&[("ALLOWED_CLUSTERS", A)], |_| {});
    scene.retag(&[("cluster-id", Some(B))]);
    let report = scene.answer(&scene.events[0]).unwrap();
    let [Action::Left { .. }, Action::Refused { code, .. }] = actions(&report)[..] else {
        panic!("{report:?}");
    };
    assert_eq!(*code, "cluster-not-allowed");
    let told = scene.refusal().unwrap();
    let begins = "refused cluster-not-allowed 2027-01-15T08:";
    assert!(told.starts_with(begins) && told.contains(B), "{told}");

    scene.stage.advance(600);
    scene.answer(&scene.events[1]).unwrap();
    assert_eq!(scene.stage.calls("ec2:CreateTags"), 1);
    assert_eq!(scene.refusal(), Some(told));

    scene.retag(&[("cluster-id", Some(&format!("{A} {B}")))]);
    scene.answer(&scene.tag_change(&["cluster-id"])).unwrap();
    assert_eq!(scene.runs().len(), 1, "what is allowed is connected");
    scene.retag(&[("cluster-id", Some(A)), ("private-dns", Some("perhaps"))]);
    scene.answer(&scene.tag_change(&["cluster-id"])).unwrap();
    let told = scene.refusal().unwrap();
    assert!(told.starts_with("refused tag-value-invalid "), "{told}");
    scene.retag(&[("private-dns", None)]);
    scene.answer(&scene.tag_change(&["private-dns"])).unwrap();
    assert_eq!(scene.refusal(), None);
    assert_eq!(scene.runs().len(), 1);
}

#[test]
fn what_a_call_asked_for_otherwise_is_refused() {
    let mut scene = Scene::new();
    ready(&scene, A, RequestedBy::Call);
    scene.retag(&[("cluster-id", Some(A))]);
    let report = scene.answer(&scene.events[0]).unwrap();
    assert!(left(&report).contains("a call asked for the same"));
    scene.retag(&[("cidrs", Some("10.0.0.0/8"))]);
    let report = scene.answer(&scene.tag_change(&["cidrs"])).unwrap();
    let refused = Action::refused(Code::AskedForByCall, &format!("cluster {A}: ready"));
    assert_eq!(actions(&report), [&refused]);
    assert_eq!(scene.runs(), []);
}

/// Each call of a whole story fails once, before or after its effect, and the event
/// is delivered again.
#[test]
fn every_call_may_fail_and_it_ends_alike() {
    let story = |fault: Option<Fault>| {
        let mut scene = Scene::new();
        scene.retag(&[("cluster-id", Some(&format!("{A} x")))]);
        scene.stage.ports.simulator().set_seeded_faults(None);
        if let Some(fault) = fault {
            scene.stage.ports.simulator().add_fault(fault);
        }
        scene.come_to_rest();
        scene.retag(&[("cluster-id", Some(B))]);
        scene.come_to_rest();
        let runs = scene.runs().into_iter().map(|run| (run.machine, run.name));
        let runs: std::collections::BTreeSet<(String, String)> = runs.collect();
        let calls = scene.stage.ports.simulator().calls();
        let standing = [A, B].map(|cluster| scene.connection(cluster).map(|it| it.phase));
        assert_eq!(standing, [None, Some(Phase::Ready)]);
        assert_eq!(scene.refusal(), None);
        (runs.len(), calls.len())
    };
    let (runs, calls) = story(None);
    assert_eq!(runs, 3);
    let mut tried = 0;
    for nth in 1..=u32::try_from(calls).unwrap() {
        for moment in Moment::ALL {
            for kind in [FaultKind::CutOff, FaultKind::Throttle] {
                let (with_fault, _) = story(Some(Fault::once("*", nth, kind, moment)));
                assert_eq!(with_fault, runs, "call {nth}, {kind:?} {moment:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn a_run_that_is_over_gives_its_lease_back_and_only_its_own() {
    // The function of a run that was stopped may act for half a minute.
    for (status, keeps) in [
        (ExecutionStatus::Succeeded, false),
        (ExecutionStatus::Failed, false),
        (ExecutionStatus::TimedOut, true),
        (ExecutionStatus::Aborted, true),
    ] {
        let mut scene = Scene::new();
        scene.retag(&[("cluster-id", Some(&format!("{A} {B}")))]);
        scene.answer(&scene.events[0]).unwrap();
        let [one, other] = &scene.running()[..] else {
            panic!()
        };
        scene.work(one, Ending::Well);
        scene.answer(&scene.status_change(other, status)).unwrap();
        scene.stage.advance(61);
        assert_eq!(scene.holder().as_ref(), Some(&one.arn));
        for after in [0, 30] {
            // It comes twice.
            scene.stage.advance(after);
            scene.answer(&scene.status_change(one, status)).unwrap();
            assert_eq!(scene.holder().is_some(), keeps, "{status:?}");
        }
        scene.stage.advance(31);
        assert_eq!(scene.holder(), None, "{status:?}");
    }
}

#[test]
fn what_a_call_began_is_completed_with_its_own_request() {
    let scene = Scene::new();
    let before = ready(&scene, A, RequestedBy::Call);
    let mut begun = Connection {
        phase: Phase::EndpointMade,
        ..before
    };
    begun.request.add_trusted_owner = true;
    scene.stage.ports.put_connection(&begun);
    let aborted = Execution {
        arn: begun.execution.clone(),
        ..by_hand(&scene, &json!(begun.request))
    };
    let event = scene.status_change(&aborted, ExecutionStatus::Aborted);
    let report = scene.answer(&event).unwrap();
    let run = scene.run();
    assert_eq!(run.input, unless_changed(&begun));
    assert!(run.name.starts_with("again-"));
    assert_eq!(scene.connection(A).unwrap().phase, Phase::Interrupted);
    // The same event once more is the same run.
    assert_eq!(scene.answer(&event).unwrap(), report);
    assert_eq!(scene.runs().len(), 1);
    // That one is stopped as well.
    scene.stage.ports.put_connection(&Connection {
        execution: run.arn.clone(),
        ..begun
    });
    let stopped = scene.status_change(&run, ExecutionStatus::Aborted);
    assert_eq!(scene.answer(&stopped).unwrap().done, []);
    assert_eq!(scene.runs().len(), 1);
    assert_eq!(scene.connection(A).unwrap().phase, Phase::Interrupted);
}

#[test]
fn the_end_of_a_run_that_recorded_its_own_end_changes_nothing() {
    let mut scene = Scene::new();
    let run = scene.at_work(A);
    scene.work(&run, Ending::Badly);
    let recorded = scene.connection(A);
    let ended = scene.events.pop().unwrap();
    assert_eq!(ended["detail"]["status"], "FAILED");
    assert!(left(&scene.answer(&ended).unwrap()).contains("nobody has touched"));
    assert_eq!(scene.connection(A), recorded);
    assert_eq!(scene.runs().len(), 1);
}

#[test]
fn an_input_that_the_event_leaves_out_is_asked_for() {
    let mut scene = Scene::new();
    let run = scene.at_work(A);
    scene.work(&run, Ending::Stopped);
    let mut ended = scene.events.pop().unwrap();
    ended["detail"]["input"] = json!(null);
    scene.answer(&ended).unwrap();
    scene.stage.advance(61);
    assert_eq!(scene.holder(), None, "its function may act for a minute");
    assert_eq!(scene.running().len(), 1);
}

#[test]
fn a_run_whose_input_was_no_request_has_nothing_to_give_back() {
    let scene = Scene::new();
    let run = by_hand(&scene, &json!({"vpc": 5}));
    let event = scene.status_change(&run, ExecutionStatus::Failed);
    assert_eq!(scene.answer(&event).unwrap().done, []);
    assert_eq!(scene.stage.ports.simulator().calls(), []);
}

#[test]
fn repairs_start_once_in_an_hour() {
    let scene = Scene::new();
    let connection = ready(&scene, A, RequestedBy::Call);
    let repair = json!({ "repair": [scene.id(A), "0000000000000000"] });
    let report = scene.answer(&repair).unwrap();
    let [Action::Started { .. }, Action::Left { why }] = actions(&report)[..] else {
        panic!("{report:?}");
    };
    assert_eq!(why, "the ledger does not know it");
    let run = scene.run();
    assert_eq!(run.input, unless_changed(&connection));
    // It ends, whichever way, and the check asks again a minute later.
    let failed = ExecutionStatus::Failed;
    scene.stage.ports.end_run(&run.arn, failed);
    scene.stage.advance(60);
    let report = scene.answer(&repair).unwrap();
    let is_the_same = matches!(actions(&report)[0], Action::AlreadyStarted { .. });
    assert!(is_the_same, "{report:?}");
    scene.stage.advance(3600);
    scene.answer(&repair).unwrap();
    assert_eq!(scene.runs().len(), 2);
}

#[test]
fn an_orphan_is_taken_away_once_in_an_hour_and_whoever_starts_it_says_what_was_seen() {
    let scene = Scene::new();
    let orphan = |execution: Option<&str>| {
        let vpc = scene.vpc();
        let seen = json!({ "execution": execution });
        let request = json!({
            "cluster_id": A, "region": "eu-west-1", "vpc_id": vpc, "unless_changed": seen,
        });
        json!({ "remove": [request] })
    };
    for _ in 0..2 {
        scene.answer(&orphan(None)).unwrap();
    }
    let run = scene.run();
    let input = serde_json::from_str(&run.input).unwrap();
    let request = DeprovisionRequest::parse(&input).unwrap();
    assert_eq!(request.subject().connection_id, scene.id(A));
    assert_eq!(request.unless_changed.unwrap().execution, None);
    scene.answer(&orphan(Some("arn:a-run"))).unwrap();
    // Another state of the entry is another cause.
    assert_eq!(scene.runs().len(), 2);
}

#[test]
fn a_connection_to_a_cluster_that_is_allowed_no_more_is_not_repaired() {
    let scene = Scene::with(&[("ALLOWED_CLUSTERS", B)], |_| {});
    ready(&scene, A, RequestedBy::Call);
    ready(&scene, B, RequestedBy::Call);
    let repair = json!({ "repair": [scene.id(A), scene.id(B)] });
    let report = scene.answer(&repair).unwrap();
    let [Action::Refused { code, .. }, Action::Started { .. }] = actions(&report)[..] else {
        panic!("{report:?}");
    };
    assert_eq!(*code, "cluster-not-allowed");
}

#[test]
fn a_connection_at_work_is_not_repaired() {
    let mut scene = Scene::new();
    scene.at_work(A);
    let repair = json!({ "repair": [scene.id(A)] });
    let report = scene.answer(&repair).unwrap();
    assert_eq!(left(&report), "an execution is at work");
    assert_eq!(scene.runs().len(), 1);
}

#[test]
fn the_search_looks_at_one_place_and_finds_what_events_did_not_tell() {
    let other_account = "222233334444";
    let scene = Scene::with(&[], |scenario| {
        scenario.roles.push(role(other_account));
        scenario.vpcs.push(tagged_vpc(OTHER_VPC, A));
        scenario.vpcs.push(VpcSpec {
            account: Some(other_account.into()),
            ..tagged_vpc("vpc-0c71e831cb5152c43", A)
        });
        scenario.vpcs.push(VpcSpec {
            region: Some("us-east-1".into()),
            ..tagged_vpc("vpc-0d71e831cb5152c43", A)
        });
        scenario.vpcs.push(plain_vpc("vpc-0e71e831cb5152c43"));
    });
    // All tags of this one are gone, and so is the VPC of the next.
    ready(&scene, A, RequestedBy::VpcTag);
    let mut gone = ready(&scene, B, RequestedBy::VpcTag);
    gone.connection_id = "gone".into();
    gone.vpc_id = "vpc-0f71e831cb5152c43".parse().unwrap();
    scene.stage.ports.put_connection(&gone);

    let inputs = |scene: &Scene| -> Vec<Value> {
        let runs = scene.runs().into_iter();
        runs.map(|run| serde_json::from_str(&run.input).unwrap())
            .collect()
    };
    let always = format!("eu-west-1 us-east-1 {other_account}/eu-west-1");
    let search = |turn: usize| {
        let report = scene.search(&always, turn);
        assert_eq!((report.places, report.trouble), (Some(3), None));
    };
    search(0);
    let started = inputs(&scene);
    let vpcs: Vec<&Value> = started.iter().map(|input| &input["vpc_id"]).collect();
    let vpc = scene.vpc();
    assert_eq!(vpcs, [OTHER_VPC, vpc.as_str(), vpc.as_str()]);
    assert_eq!(scene.story(), ["provision", "deprovision", "deprovision"]);
    assert!(started.iter().all(|input| input["account_id"] == ACCOUNT));
    search(0);
    assert_eq!(scene.runs().len(), 3);

    for (turn, account, region) in [(2, other_account, "eu-west-1"), (1, ACCOUNT, "us-east-1")] {
        let before = scene.runs().len();
        search(turn);
        let started = inputs(&scene).split_off(before);
        let [input] = &started[..] else {
            panic!("{started:?}");
        };
        assert_eq!(input["account_id"], account);
        assert_eq!(input["region"], region);
    }
}

#[test]
fn listed_accounts_are_searched_in_every_region_that_is_named() {
    let [open, closed] = ["222233334444", "333344445555"];
    let listed = format!("{closed},{ACCOUNT},{open}");
    let scene = Scene::with(&[("OTHER_ACCOUNTS", listed.as_str())], |scenario| {
        scenario.roles.push(role(open));
        scenario.vpcs.push(VpcSpec {
            account: Some(open.into()),
            ..tagged_vpc(OTHER_VPC, A)
        });
    });
    let search = |turn: usize| {
        let always = format!("eu-west-1 us-east-1 {open}/eu-west-1");
        let report = scene.search(&always, turn);
        assert_eq!(report.places, Some(6));
        report
    };
    for turn in [0, 1, 3] {
        let report = search(turn);
        assert_eq!((report.done.as_slice(), report.trouble), (&[][..], None));
    }
    let report = search(2);
    let is_started = matches!(actions(&report)[..], [Action::Started { .. }]);
    assert!(is_started, "{report:?}");
    let input: Value = serde_json::from_str(&scene.runs()[0].input).unwrap();
    let found = ["account_id", "region", "vpc_id"].map(|field| input[field].clone());
    assert_eq!(found, [open, "eu-west-1", OTHER_VPC]);
    for turn in [4, 5] {
        let cause = search(turn).trouble.unwrap().cause;
        assert!(cause.starts_with("other-account-role-refused"), "{cause}");
    }
}

#[test]
fn places_beyond_those_of_one_search_are_told_at_its_end() {
    let accounts: Vec<String> = (0..502).map(|n| format!("{n:012}")).collect();
    let scene = Scene::with(&[], |scenario| {
        scenario.roles = accounts.iter().map(|account| role(account)).collect();
    });
    let places = accounts.iter().map(|it| format!("{it}/eu-west-1"));
    let always = places.collect::<Vec<_>>().join(" ");
    let search = |turn: usize| {
        let report = scene.search(&always, turn);
        assert_eq!(report.places, Some(500));
        report.trouble
    };
    assert_eq!(search(0), None);
    let cause = search(499).unwrap().cause;
    let said = "sweep-incomplete: places that are left out: 2, from 000000000500/eu-west-1 on";
    assert!(cause.starts_with(said), "{cause}");
}

/// A status that tells of a run which left nothing and never reached the ledger.
#[test]
fn a_status_without_a_connection_goes_with_the_wish() {
    let mut scene = Scene::new();
    let [failed, lost] = [A, B].map(|cluster| format!("status:{cluster}"));
    let rolled_back = "rolled-back connection-busy 2026-11-22T18:00:00Z";
    let ready = "ready - 2026-11-22T18:00:00Z";
    scene.retag(&[(&failed, Some(rolled_back)), (&lost, Some(ready))]);
    scene.told("DeleteTags", &["cluster-id"]);
    let tags = scene.tags();
    assert!(!tags.contains_key(&format!("{PREFIX}:{failed}")));
    // It is all that is known of the other one.
    assert!(tags.contains_key(&format!("{PREFIX}:{lost}")));
    assert_eq!(scene.runs(), []);
}

#[test]
fn the_report_reads_well() {
    let mut scene = Scene::new();
    scene.retag(&[("cluster-id", Some(A))]);
    let report = scene.answer(&scene.events[0]).unwrap();
    let run = scene.running().remove(0);
    assert_eq!(
        json!(report),
        json!({
            "cause": "the tags of a VPC may have been changed",
            "done": [{
                "vpc_id": scene.vpc(),
                "cluster_id": A,
                "connection_id": scene.id(A),
                "action": "started",
                "machine": "provision",
                "name": run.name,
                "execution": run.arn,
            }],
            "counts": { "started": 1 },
        })
    );
}

/// The refusal itself leaves the ledger as it was, so only the status tells of it.
#[test]
fn a_removal_that_was_refused_is_not_tried_again_until_somebody_touches_the_tags() {
    let mut scene = Scene::new();
    ready(&scene, A, RequestedBy::VpcTag);
    let status = format!("status:{A}");
    let refused = "disconnect-refused connection-protected 2026-11-22T18:00:00Z";
    scene.retag(&[(&status, Some(refused)), ("cluster-id", None)]);
    scene.find();
    assert!(scene.runs().is_empty(), "{:?}", scene.story());
    scene.told("DeleteTags", &["cluster-id"]);
    assert_eq!(scene.story(), ["deprovision"]);
}

#[test]
fn a_protecting_tag_refuses_once_and_the_status_says_so() {
    let mut scene = Scene::new();
    ready(&scene, A, RequestedBy::VpcTag);
    scene.retag(&[("cluster-id", None), ("protect", Some("true"))]);
    // The record of an earlier run is what leads the search to the connection.
    scene.find();
    assert!(scene.runs().is_empty(), "{:?}", scene.story());
    let first = scene.refusal().unwrap();
    assert!(first.contains("connection-protected"), "{first}");
    scene.find();
    assert_eq!(scene.refusal(), Some(first));
}

/// As Terraform does, which takes off the tags of a VPC that it has not set itself.
#[test]
fn a_protected_connection_stays_when_all_tags_go_at_once_until_they_say_no() {
    let status = format!("status:{A}");
    let ready_since = Some("ready 2026-11-22T18:00:00Z");
    let protect = [
        ("cluster-id", Some(A)),
        ("protect", Some("true")),
        (status.as_str(), ready_since),
    ];
    let gone = [("cluster-id", None), ("protect", None)];
    let mut scene = Scene::new();
    let mut connection = ready(&scene, A, RequestedBy::VpcTag);
    connection.request.protect = true;
    scene.stage.ports.put_connection(&connection);
    scene.retag(&protect);
    scene.retag(&gone);
    let refused = |scene: &Scene| {
        assert!(scene.runs().is_empty(), "{:?}", scene.story());
        let told = scene.refusal().unwrap();
        assert!(told.contains("Set protect to false to let it go"), "{told}");
    };
    for event in std::mem::take(&mut scene.events) {
        scene.answer(&event).unwrap();
    }
    refused(&scene);
    // Lost events, and all tags with them.
    scene.retag(&[("status", None), (&status, None)]);
    scene.events.clear();
    scene.find();
    refused(&scene);
    scene.retag(&[("protect", Some("False"))]);
    scene.find();
    assert_eq!(scene.story(), ["deprovision"]);
    assert_eq!(scene.refusal(), None);
}

#[test]
fn a_key_in_another_case_is_told_on_the_vpc_and_cuts_nothing() {
    let mut scene = Scene::new();
    ready(&scene, A, RequestedBy::VpcTag);
    scene.retag(&[("cluster-id", None), ("Cluster-Id", Some(A))]);
    scene.answer(&scene.tag_change(&["Cluster-Id"])).unwrap();
    scene.find();
    assert!(scene.runs().is_empty(), "{:?}", scene.story());
    let told = scene.refusal().unwrap();
    let how = format!("{PREFIX}:Cluster-Id: this key must be spelled {PREFIX}:cluster-id");
    assert!(told.starts_with("refused tag-value-invalid "), "{told}");
    assert!(told.contains(&how), "{told}");
}
