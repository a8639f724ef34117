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
    let both = [VPC, "vpc-0b71e831cb5152c43"];
    for (name, vpcs, at, must_exist) in [
        ("tag-change", &both[..1], "20:41:38", true),
        ("create-vpc", &both[..1], "15:33:07", true),
        ("create-tags", &both, "20:41:37", true),
        ("delete-tags", &both[..1], "21:02:11", false),
    ] {
        let at = OffsetDateTime::parse(&format!("2026-01-15T{at}Z"), &Rfc3339).unwrap();
        let expected = change(vpcs, at, must_exist);
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
    let spelled = target(&VPC.to_uppercase(), &cluster.to_uppercase());
    assert_eq!(spelled, target(VPC, cluster));
}

#[test]
fn fields_that_aws_adds_or_leaves_out_do_not_matter() {
    let mut bare = event("tag-change");
    let detail = bare["detail"].as_object_mut().unwrap();
    detail.retain(|field, _| {
        ["service", "resource-type", "changed-tag-keys"].contains(&field.as_str())
    });
    detail.insert("novelty".into(), json!({ "deep": [1, 2] }));
    assert!(matches!(read(&bare), Cause::Change(change) if !change.must_exist));
    // Without the keys that were changed, the tags have to be looked at.
    let detail = bare["detail"].as_object_mut().unwrap();
    detail.remove("changed-tag-keys");
    assert!(matches!(read(&bare), Cause::Change(_)));
}

#[test]
fn to_remove_all_tags_is_to_remove_ours() {
    let mut all = event("delete-tags");
    all["detail"]["requestParameters"]["tagSet"] = json!({});
    assert!(matches!(read(&all), Cause::Change(_)));
}

/// The event with another value there.
fn with(name: &str, path: &str, value: Value) -> Value {
    let mut event = event(name);
    *event.pointer_mut(path).unwrap() = value;
    event
}

fn nothing(name: &str, path: &str, value: Value) -> String {
    let cause = read(&with(name, path, value));
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
    let both = json!([status, "cockroachdb-privatelink:cidrs"]);
    let both = with("tag-change", "/detail/changed-tag-keys", both);
    assert!(matches!(read(&both), Cause::Change(_)));
}

#[test]
fn what_is_nothing_to_us_is_ignored_with_a_reason() {
    let (tag, run) = ("tag-change", "execution-status");
    let resources = "/detail/requestParameters/resourcesSet/items";
    let (call, status) = ("/detail/eventName", "/detail/status");
    let instance = json!([{ "resourceId": "i-0a71e831cb5152c43" }]);
    let other = json!("arn:aws:states:us-east-1:111122223333:stateMachine:other");
    for (name, path, value, why) in [
        (tag, "/detail/resource-type", json!("subnet"), "ec2 subnet"),
        (tag, "/detail/service", json!("rds"), "tags of rds vpc"),
        (tag, "/resources", json!([]), "no VPC"),
        ("create-tags", resources, instance, "no VPC"),
        ("create-vpc", call, json!("RunInstances"), "changes no tags"),
        (run, status, json!("RUNNING"), "the execution is RUNNING"),
        (run, status, json!("PENDING_REDRIVE"), "PENDING_REDRIVE"),
        (
            run,
            "/detail/stateMachineArn",
            other,
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
        let event = with("execution-status", "/detail/status", json!(status));
        assert!(matches!(read(&event), Cause::Ended(_)), "{status}");
    }
    // Longer inputs than 248 KB are left out.
    let event = with("execution-status", "/detail/input", json!(null));
    assert!(matches!(read(&event), Cause::Ended(it) if it.input.is_none()));
}

#[test]
fn our_own_inputs_are_read_strictly() {
    let repair = read(&json!({ "repair": ["a", " B"] }));
    assert_eq!(repair, Cause::Repair(vec!["a".into(), "b".into()]));
    let search = read(&json!({ "search": { "always": "us-east-1", "turn": 2 } }));
    let (always, turn) = ("us-east-1".to_owned(), 2);
    assert_eq!(search, Cause::Search(Search { always, turn }));
    let more = json!({ "search": { "always": "", "turn": 0, "vpc": 1 } });
    for (input, said) in [
        (json!({ "search": { "turn": 0 } }), "missing field `always`"),
        (json!({}), "repair"),
        (json!(null), "repair"),
        (json!({ "repair": "a" }), "invalid type: string"),
        (json!({ "repairs": [] }), "unknown variant `repairs`"),
        (more, "unknown field `vpc`"),
    ] {
        let error = Cause::read(&input, &known()).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        assert!(error.detail.contains(said), "{input}: {}", error.detail);
    }
}

#[test]
fn a_malformed_event_is_refused_by_the_name_of_its_field() {
    let tag = "tag-change";
    let (made, arn) = ("/detail/responseElements", "/detail/executionArn");
    let malformed = json!("arn:aws:ec2:::vpc/vpc-1");
    for (name, path, value, said) in [
        (tag, "/detail-type", json!("Scheduled"), "`Scheduled`"),
        (tag, "/detail", json!({}), "no text at /detail/service"),
        (tag, "/region", json!("Ohio"), "/region: `Ohio` is not"),
        (tag, "/account", json!(1), "no text at /account"),
        (tag, "/time", json!("noon"), "/time: `noon` is not"),
        (tag, "/resources/0", malformed, "`vpc-1` is not a VPC id"),
        ("create-vpc", made, json!({}), "Elements/vpc/vpcId"),
        ("create-tags", "/detail", json!({}), "/detail/eventName"),
        ("execution-status", arn, json!(7), arn),
    ] {
        let error = Cause::read(&with(name, path, value), &known()).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest, "{name} {path}");
        assert!(error.detail.contains(said), "{name} {path}: {error}");
    }
}
