//! Holds the template to what protects an installation and those around it: who may
//! call, what cannot be deleted by mistake, and what is never changed for others.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::config::Setting;
use shared::sources::Allowed;
use system_tests::template::Template;

/// Who may call stands in the stage as it was deployed last.
#[test]
fn a_changed_parameter_reaches_the_stage_of_the_api() {
    let template = Template::read();
    let api = template.resource("ConnectionsApi");
    assert_eq!(api.property("AlwaysDeploy"), true);
}

#[test]
fn the_ledger_cannot_be_deleted_by_mistake() {
    let template = Template::read();
    let ledger = template.resource("ConnectionsTable");
    assert_eq!(ledger.property("DeletionProtectionEnabled"), true);
    let recovery = ledger.property("PointInTimeRecoverySpecification");
    assert_eq!(recovery["PointInTimeRecoveryEnabled"], true);
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        // Any other one would try to delete it, and leave the stack in a failed state.
        assert_eq!(ledger.value[policy], "Retain", "{policy}");
    }
}

/// API Gateway refuses to log in an account that has no role for it, and that role is
/// everybody's.
#[test]
fn by_default_nothing_is_asked_of_or_changed_for_the_whole_account() {
    let template = Template::read();
    assert_eq!(template.at("/Parameters/ApiAccessLog/Default"), "off");
    for name in ["ApiLoggingAccount", "ApiLoggingRole"] {
        let resource = template.resource(name);
        assert_eq!(resource.value["Condition"], "SetsUpApiLogs", "{name}");
    }
    assert_eq!(
        template.at("/Conditions/SetsUpApiLogs"),
        &json!({ "Fn::Equals": [{ "Ref": "ApiAccessLog" }, "set-up"] })
    );
}

/// Values of the access log that callers cannot put a quotation mark into.
const WITHOUT_MARKS: [&str; 9] = [
    "$context.error.responseType",
    "$context.httpMethod",
    "$context.identity.sourceIp",
    "$context.identity.userArn",
    "$context.path",
    "$context.requestId",
    "$context.requestTime",
    "$context.responseLatency",
    "$context.status",
];

#[test]
fn every_line_of_the_access_log_is_json() {
    let template = Template::read();
    let api = template.resource("ConnectionsApi");
    let format = &api.property("AccessLogSetting")["Fn::If"][1]["Format"];
    let line: Value = serde_json::from_str(format.as_str().expect("a text")).expect("JSON");
    let values = line.as_object().expect("an object").values();
    let values: BTreeSet<&str> = values.filter_map(Value::as_str).collect();
    assert_eq!(values, WITHOUT_MARKS.into());
}

/// Every policy resource that stands for secrets of clusters.
fn secrets_of_clusters<'t>(value: &'t Value, found: &mut Vec<&'t Value>) {
    if let Some(parts) = value["Fn::Join"].as_array()
        && parts[1] == json!({ "Fn::Split": ["{cluster_id}", { "Ref": "ApiKeySecretPattern" }] })
    {
        found.push(&parts[0]);
    }
    let inner: Vec<&Value> = match value {
        Value::Array(values) => values.iter().collect(),
        Value::Object(members) => members.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    inner
        .into_iter()
        .for_each(|value| secrets_of_clusters(value, found));
}

/// An asterisk would stand for every secret whose name begins and ends alike.
#[test]
fn a_pattern_of_secrets_names_those_with_the_id_of_a_cluster_and_no_others() {
    let template = Template::read();
    let mut found = Vec::new();
    secrets_of_clusters(template.at("/Resources"), &mut found);
    assert!(found.len() > 5, "only {} policies", found.len());
    let id = "?".repeat("1a2b3c4d-0000-4000-8000-000000000001".len());
    for stands_for_the_id in found {
        assert_eq!(stands_for_the_id, &json!(id));
    }
    let parameter = template.at("/Parameters/ApiKeySecretPattern");
    let schema = json!({ "pattern": parameter["AllowedPattern"] });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (pattern, is_good) in [
        ("crdb-privatelink/{cluster_id}", true),
        ("keys-{cluster_id}/prod", true),
        ("", true),
        ("{cluster_id}", false),
        ("{cluster_id}/key", false),
        ("crdb-privatelink/*{cluster_id}", false),
        ("crdb-privatelink/{cluster_id}?", false),
        ("crdb-privatelink", false),
    ] {
        assert_eq!(validator.is_valid(&json!(pattern)), is_good, "{pattern}");
    }
}

/// What the template takes, the functions read.
#[test]
fn allowed_sources_are_networks_prefix_lists_and_accounts() {
    let template = Template::read();
    let schema = json!({ "pattern": template.at("/Parameters/AllowedSources/AllowedPattern") });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (allowed, is_good) in [
        ("", true),
        ("10.0.0.0/8,2001:db8::/32", true),
        ("pl-63a5400a", true),
        ("222222222222,10.0.0.0/8,pl-0123456789abcdef0", true),
        ("any", false),
        ("pl-orders", false),
        ("sg-0a71e831", false),
        ("2222", false),
    ] {
        assert_eq!(validator.is_valid(&json!(allowed)), is_good, "{allowed}");
        let setting = Setting::new("ALLOWED_SOURCES", Some(allowed.to_owned()));
        assert_eq!(setting.list::<Allowed>().is_ok(), is_good, "{allowed}");
    }
}

/// CockroachDB Cloud is in one partition, and the definitions name it.
#[test]
fn what_people_name_is_in_the_partition_of_the_definitions() {
    for file in ["infra/template.yaml", "infra/other-account.yaml"] {
        let template = Template::read_from(file);
        let parameters = template.at("/Parameters").as_object().expect("Parameters");
        let mut arns = 0;
        for (name, parameter) in parameters {
            let pattern = parameter["AllowedPattern"].as_str().unwrap_or_default();
            arns += usize::from(pattern.contains("arn:"));
            assert_eq!(
                pattern.matches("arn:").count(),
                pattern.matches("arn:aws:").count(),
                "{name}: {pattern}"
            );
        }
        assert!(arns > 0, "{file}");
    }
}
