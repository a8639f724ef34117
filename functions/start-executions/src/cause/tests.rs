use serde_json::json;
use shared::config::Config;
use time::macros::datetime;

use super::*;

const PROVISION: &str =
    "arn:aws:states:us-east-1:111122223333:stateMachine:crdb-privatelink-provision";

fn known() -> Known {
    Known::new(Config::of(|name| match name {
        "PROVISION_MACHINE" => Some(format!("{PROVISION}:live")),
        "DEPROVISION_MACHINE" => Some(PROVISION.replace("provision", "deprovision")),
        _ => None,
    }))
}

fn event(name: &str) -> Value {
    let text = match name {
        "tag-change" => include_str!("../../events/tag-change.json"),
        "create-vpc" => include_str!("../../events/create-vpc.json"),
        "create-tags" => include_str!("../../events/create-tags.json"),
        "delete-tags" => include_str!("../../events/delete-tags.json"),
        "execution-status" => include_str!("../../events/execution-status.json"),
        other => panic!("{other}"),
    };
    serde_json::from_str(text).unwrap()
}

fn read(event: &Value) -> Cause {
    Cause::read(event, &known()).unwrap()
}

fn change(vpcs: &[&str], at: OffsetDateTime, must_exist: bool) -> Cause {
    Cause::Change(Change {
        place: Place {
            account_id: "111122223333".parse().ok(),
            region: "us-east-1".parse().unwrap(),
        },
        vpcs: vpcs.iter().map(|vpc| vpc.parse().unwrap()).collect(),
        at,
        must_exist,
    })
}

const VPC: &str = "vpc-0a71e831cb5152c43";

#[test]
fn every_kind_of_event_about_vpcs_is_read() {
    let (other, tagged) = ("vpc-0b71e831cb5152c43", datetime!(2026-01-15 20:41:37 UTC));
    for (name, expected) in [
        (
            "tag-change",
            change(&[VPC], datetime!(2026-01-15 20:41:38 UTC), true),
        ),
        (
            "create-vpc",
            change(&[VPC], datetime!(2026-01-15 15:33:07 UTC), true),
        ),
        ("create-tags", change(&[VPC, other], tagged, true)),
        (
            "delete-tags",
            change(&[VPC], datetime!(2026-01-15 21:02:11 UTC), false),
        ),
    ] {
        assert_eq!(read(&event(name)), expected, "{name}");
    }
}

/// CloudTrail has the ids as the caller wrote them.
#[test]
fn ids_of_an_event_are_read_in_any_spelling() {
    let written = json!([" VPC-0A71e831cb5152c43\n", "SUBNET-0a71e831cb5152c43"]);
    let mut event = event("create-tags");
    event["account"] = json!("1111-2222-3333");
    event["region"] = json!("US-EAST-1");
    let items = written.as_array().unwrap().iter();
    let items: Vec<Value> = items.map(|id| json!({ "resourceId": id })).collect();
    event["detail"]["requestParameters"]["resourcesSet"]["items"] = json!(items);
    let tagged = datetime!(2026-01-15 20:41:37 UTC);
    assert_eq!(read(&event), change(&[VPC], tagged, true));
    // The connection of a run is the same one, whoever started it.
    let target = |vpc: &str, cluster: &str| -> Target {
        let input = json!({"cluster_id": cluster, "region": " EU-West-1", "vpc_id": vpc});
        serde_json::from_value(input).unwrap()
    };
    let cluster = "1a2b3c4d-0000-4000-8000-00000000000a";
    assert_eq!(
        target(&VPC.to_uppercase(), &cluster.to_uppercase()),
        target(VPC, cluster)
    );
}

#[test]
fn fields_that_aws_adds_or_leaves_out_do_not_matter() {
    let mut bare = event("tag-change");
    let detail = bare["detail"].as_object_mut().unwrap();
    for field in [
        "version",
        "version-timestamp",
        "tag-policy-compliant",
        "tags",
    ] {
        detail.remove(field);
    }
    detail.insert("novelty".into(), json!({ "deep": [1, 2] }));
    assert!(matches!(read(&bare), Cause::Change(change) if !change.must_exist));
    // Without the keys that were changed, the tags have to be looked at.
    bare["detail"]
        .as_object_mut()
        .unwrap()
        .remove("changed-tag-keys");
    assert!(matches!(read(&bare), Cause::Change(_)));
}

#[test]
fn to_remove_all_tags_is_to_remove_ours() {
    let mut all = event("delete-tags");
    all["detail"]["requestParameters"]["tagSet"] = json!({});
    assert!(matches!(read(&all), Cause::Change(_)));
}

fn nothing(name: &str, path: &str, value: Value) -> String {
    let mut event = event(name);
    *event.pointer_mut(path).unwrap() = value;
    let cause = read(&event);
    let Cause::Nothing(why) = cause else {
        panic!("{name} {path}: {cause:?}");
    };
    why
}

#[test]
fn what_we_write_back_is_no_news() {
    let status = "cockroachdb-privatelink:status:1a2b3c4d-0000-4000-8000-000000000001";
    for own in [status, "cockroachdb-privatelink:status", "Name"] {
        let why = nothing("tag-change", "/detail/changed-tag-keys", json!([own]));
        assert!(why.contains("none of the tags"), "{why}");
        for call in ["create-tags", "delete-tags"] {
            let path = "/detail/requestParameters/tagSet/items/0/key";
            assert!(nothing(call, path, json!(own)).contains("none of the tags"));
        }
    }
    // Changed together with a wish, it is.
    let mut both = event("tag-change");
    both["detail"]["changed-tag-keys"] = json!([status, "cockroachdb-privatelink:cidrs"]);
    assert!(matches!(read(&both), Cause::Change(_)));
}

#[test]
fn what_is_nothing_to_us_is_ignored_with_a_reason() {
    for (name, path, value, why) in [
        (
            "tag-change",
            "/detail/resource-type",
            json!("subnet"),
            "tags of ec2 subnet",
        ),
        (
            "tag-change",
            "/detail/service",
            json!("rds"),
            "tags of rds vpc",
        ),
        ("tag-change", "/resources", json!([]), "no VPC"),
        (
            "create-tags",
            "/detail/requestParameters/resourcesSet/items",
            json!([{ "resourceId": "i-0a71e831cb5152c43" }]),
            "no VPC",
        ),
        (
            "create-vpc",
            "/detail/eventName",
            json!("RunInstances"),
            "RunInstances changes",
        ),
        (
            "execution-status",
            "/detail/status",
            json!("RUNNING"),
            "the execution is RUNNING",
        ),
        (
            "execution-status",
            "/detail/status",
            json!("PENDING_REDRIVE"),
            "PENDING_REDRIVE",
        ),
        (
            "execution-status",
            "/detail/stateMachineArn",
            json!("arn:aws:states:us-east-1:111122223333:stateMachine:other"),
            "none of our machines",
        ),
    ] {
        let said = nothing(name, path, value);
        assert!(said.contains(why), "{name} {path}: {said}");
    }
}

#[test]
fn calls_that_failed_have_changed_nothing() {
    for name in ["create-vpc", "create-tags", "delete-tags"] {
        let mut failed = event(name);
        failed["detail"]["errorCode"] = json!("Client.UnauthorizedOperation");
        failed["detail"]["responseElements"] = json!(null);
        let Cause::Nothing(why) = read(&failed) else {
            panic!("{name}");
        };
        assert!(why.contains("failed"), "{why}");
    }
}

#[test]
fn the_end_of_a_run_is_read_with_its_input() {
    let Cause::Ended(ended) = read(&event("execution-status")) else {
        panic!();
    };
    assert_eq!(ended.machine, Machine::Provision);
    assert_eq!(ended.status, "ABORTED");
    let target: Target = serde_json::from_value(ended.input.unwrap()).unwrap();
    assert_eq!(target.vpc_id.as_str(), VPC);
    assert_eq!(target.requested_by, RequestedBy::Call);
    for status in ["SUCCEEDED", "FAILED", "TIMED_OUT"] {
        let mut event = event("execution-status");
        event["detail"]["status"] = json!(status);
        assert!(matches!(read(&event), Cause::Ended(_)), "{status}");
    }
    // Longer inputs than 248 KB are left out.
    let mut event = event("execution-status");
    event["detail"]["input"] = json!(null);
    assert!(matches!(
        read(&event),
        Cause::Ended(Ended { input: None, .. })
    ));
}

#[test]
fn our_own_inputs_are_read_strictly() {
    assert_eq!(
        read(&json!({ "repair": ["a", " B"] })),
        Cause::Repair(vec!["a".into(), "b".into()])
    );
    let search = Search {
        always: "us-east-1".to_owned(),
        turn: 2,
    };
    assert_eq!(
        read(&json!({ "search": { "always": "us-east-1", "turn": 2 } })),
        Cause::Search(search)
    );
    for (input, said) in [
        (json!({ "search": { "turn": 0 } }), "missing field `always`"),
        (json!({}), "repair"),
        (json!(null), "repair"),
        (json!({ "repair": "a" }), "invalid type: string"),
        (json!({ "repairs": [] }), "unknown variant `repairs`"),
        (
            json!({ "search": { "always": "", "turn": 0, "vpc": 1 } }),
            "unknown field `vpc`",
        ),
    ] {
        let error = Cause::read(&input, &known()).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        assert!(error.detail.contains(said), "{input}: {}", error.detail);
    }
}

#[test]
fn a_malformed_event_is_refused_by_the_name_of_its_field() {
    for (name, path, value, said) in [
        (
            "tag-change",
            "/detail-type",
            json!("Scheduled Event"),
            "`Scheduled Event`",
        ),
        (
            "tag-change",
            "/detail",
            json!({}),
            "no text at /detail/service",
        ),
        (
            "tag-change",
            "/region",
            json!("Ohio"),
            "/region: `Ohio` is not",
        ),
        ("tag-change", "/account", json!(1), "no text at /account"),
        ("tag-change", "/time", json!("noon"), "/time: `noon` is not"),
        (
            "tag-change",
            "/resources/0",
            json!("arn:aws:ec2:::vpc/vpc-1"),
            "`vpc-1` is not a VPC id",
        ),
        (
            "create-vpc",
            "/detail/responseElements",
            json!({}),
            "/detail/responseElements/vpc/vpcId",
        ),
        ("create-tags", "/detail", json!({}), "/detail/eventName"),
        (
            "execution-status",
            "/detail/executionArn",
            json!(7),
            "/detail/executionArn",
        ),
    ] {
        let mut event = event(name);
        *event.pointer_mut(path).unwrap() = value;
        let error = Cause::read(&event, &known()).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest, "{name} {path}");
        assert!(
            error.detail.contains(said),
            "{name} {path}: {}",
            error.detail
        );
    }
}
