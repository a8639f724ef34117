//! Holds the HTTP API to its document, `infra/openapi.yaml`: the same routes, the
//! same schemas, no other answers. schemathesis, which we did not write, makes up
//! requests from the document and judges the answers.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON gets no further kinds of value"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use in_process::stage::{Stage, entry};
use serde_json::{Value, json};
use shared::Code;
use shared::executions::{Machine, execution_arn};
use shared::gateway::Answer;
use shared::ids::VpcId;
use shared::ledger::{Connection, Finding, Health, HealthStatus, Milestone, Phase};
use shared::ownership::connection_id;
use shared::report::{Explained, ExplainedLeft, Outcome, Ready};
use system_tests::api::{Host, SIGNED, STAGE};
use system_tests::authorization::refused;
use system_tests::documents::root;
use system_tests::openapi::document;
use system_tests::tools::python;
use time::Duration;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// The operations of the document: method, path, and what stands there.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                let operation = item.get(*method)?.clone();
                Some((method.to_uppercase(), path.clone(), operation))
            })
        })
        .collect()
}

/// Every object and array below a value, with itself.
fn all<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    found.push(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|it| all(it, found)),
        Value::Array(items) => items.iter().for_each(|it| all(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A ledger with a connection in every phase, some checked, some failed.
fn world() -> (Stage, Vec<String>) {
    let stage = Stage::shipped("standard-cluster");
    let ids = Phase::ALL.iter().enumerate().map(|(n, phase)| {
        let connection = connection(&stage, n, *phase);
        stage.ports.put_connection(&connection);
        connection.connection_id
    });
    let ids = ids.collect();
    (stage, ids)
}

fn connection(stage: &Stage, n: usize, phase: Phase) -> Connection {
    let mut request = stage.request.clone();
    request.vpc_id = format!("vpc-0000{n:04}").parse().expect("an id");
    request.private_dns = n % 4 != 1;
    request.sql_user = n.is_multiple_of(2).then(|| "app".to_owned());
    let at = stage.wait().now;
    let vpc: VpcId = request.vpc_id.clone();
    let id = connection_id(&request.region, &vpc, &request.cluster_id);
    let reached = Phase::ALL
        .iter()
        .take_while(|it| **it <= phase && **it <= Phase::Ready);
    let timeline = reached.zip(0i64..).map(|(phase, n)| Milestone {
        phase: *phase,
        at: at + Duration::minutes(n),
    });
    let health = Health {
        status: if n.is_multiple_of(2) {
            HealthStatus::Healthy
        } else {
            HealthStatus::Drifted
        },
        findings: vec![Finding {
            code: Code::EndpointGone.to_string(),
            detail: "the endpoint is gone".to_owned(),
        }],
        since: at,
        checked_at: at,
        before: None,
        to_announce: false,
    };
    // The functions may ask about runs of the stack only.
    let machine = if phase == Phase::Disconnecting {
        Machine::Deprovision
    } else {
        Machine::Provision
    };
    Connection {
        execution: execution_arn(&stage.ports.machine_arn(machine), "1"),
        account_id: (!n.is_multiple_of(3)).then(|| "111122223333".parse().expect("an account")),
        timeline: timeline.collect(),
        endpoint_id: (n % 3 != 1).then(|| "vpce-0a10000000000000e".parse().expect("an id")),
        security_group_id: (n % 3 != 1).then(|| "sg-0a10000000000000e".parse().expect("an id")),
        outcome: phase.is_over().then(|| outcome(&id, &request, phase, at)),
        health: (n % 3 != 2).then_some(health),
        ..entry(request, phase, at)
    }
}

fn outcome(
    id: &str,
    request: &shared::request::ProvisionRequest,
    phase: Phase,
    at: time::OffsetDateTime,
) -> Outcome {
    let code = Code::EndpointRejected;
    let left = ExplainedLeft {
        what: "endpoint vpce-0a10000000000000e".to_owned(),
        code: Code::EndpointNotGoneInTime.to_string(),
        detail: "still deleting".to_owned(),
        fix: Code::EndpointNotGoneInTime.fix().to_owned(),
    };
    let ready = Ready {
        connection_id: id.to_owned(),
        cluster_id: request.cluster_id.clone(),
        region: request.region.clone(),
        vpc_id: request.vpc_id.clone(),
        endpoint_id: "vpce-0a10000000000000e".parse().expect("an id"),
        host: "internal-orders.example".to_owned(),
        port: 26257,
        connection_string: "postgresql://USER@internal-orders.example:26257/defaultdb".to_owned(),
        notes: vec!["a note".to_owned()],
    };
    Outcome {
        phase,
        sentence: "What happened.".to_owned(),
        at,
        seconds: 420,
        ready: (phase == Phase::Ready).then_some(ready),
        failure: (phase != Phase::Ready).then(|| Explained {
            failed_at: "CheckStatus".to_owned(),
            code: code.to_string(),
            detail: "endpoint vpce-0a10000000000000e is rejected".to_owned(),
            cause: code.cause().to_owned(),
            fix: code.fix().to_owned(),
            undone: vec!["private endpoint connection removed".to_owned()],
            left: vec![left],
        }),
    }
}

#[test]
fn every_documented_route_is_answered_and_the_other_way_round() {
    let of_api = connections_api::ROUTES.map(|it| (it.method, it.path, "ConnectionsApiFunction"));
    let of_plan = plan_connection::ROUTES.map(|it| (it.method, it.path, "PlanConnectionFunction"));
    let routed: BTreeSet<(String, String, String)> = of_api
        .into_iter()
        .chain(of_plan)
        .map(|(method, path, function)| (method.to_owned(), path.to_owned(), function.to_owned()))
        .collect();
    let documented: BTreeSet<(String, String, String)> = operations(&document())
        .into_iter()
        .map(|(method, path, operation)| {
            // API Gateway lets everybody in where nothing is said.
            assert_eq!(
                operation["security"],
                json!([{"caller": []}]),
                "{method} {path}"
            );
            let integration = &operation["x-amazon-apigateway-integration"];
            assert_eq!(integration["type"], "aws_proxy", "{method} {path}");
            assert_eq!(integration["httpMethod"], "POST", "how Lambda is called");
            let uri = integration["uri"]["Fn::Sub"]
                .as_str()
                .expect("a substitution");
            let (_, rest) = uri.split_once("/functions/${").expect("a function");
            let (function, _) = rest.split_once(".Arn}/invocations").expect("its ARN");
            (method, path, function.to_owned())
        })
        .collect();
    assert_eq!(documented, routed);
}

/// The words that API Gateway's models do not know.
const NOT_IMPORTED: [&str; 7] = [
    "oneOf",
    "anyOf",
    "discriminator",
    "readOnly",
    "exclusiveMinimum",
    "const",
    "nullable",
];

/// What API Gateway cannot import (API Gateway developer guide, "Amazon API
/// Gateway important notes") and what the transform cannot include.
#[test]
fn api_gateway_can_import_the_document() {
    let text = system_tests::documents::read("infra/openapi.yaml");
    assert!(
        text.is_ascii(),
        "CloudFormation takes nothing else for granted"
    );
    assert!(!text.contains(": !") && !text.contains(": &") && !text.contains(": *"));
    let document = document();
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|it| it.starts_with("3.0."))
    );
    let mut values = Vec::new();
    all(&document, &mut values);
    for value in values.iter().filter_map(|it| it.as_object()) {
        for key in NOT_IMPORTED {
            assert!(!value.contains_key(key), "{key} in {value:?}");
        }
        assert!(!value.contains_key("$ref") || value.len() == 1, "{value:?}");
    }
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for name in schemas.keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
    }
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            assert!(response.get("$ref").is_none(), "{method} {path} {status}");
        }
    }
    for value in values.iter().filter_map(|it| it["$ref"].as_str()) {
        let name = value.strip_prefix("#/components/schemas/").expect(value);
        assert!(schemas.contains_key(name), "{value}");
    }
}

/// The document's schema of an answer, closed: what it does not name may not be there.
fn schema_of(document: &Value, operation: &Value, answer: &Answer) -> Option<Value> {
    let response = operation["responses"].get(answer.status.to_string())?;
    let kind = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "content-type");
    let content = response["content"].get(&kind?.1)?;
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let name = name.to_lowercase();
        let there = answer.headers.iter().any(|(it, _)| *it == name);
        assert!(
            there || header["required"] != true,
            "{name} is missing: {answer:?}"
        );
    }
    let mut schema = content["schema"].clone();
    schema["components"] = closed(&document["components"]);
    Some(schema)
}

fn closed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: serde_json::Map<String, Value> = fields
                .iter()
                .map(|(key, value)| (key.clone(), closed(value)))
                .collect();
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.into()
        }
        Value::Array(items) => items.iter().map(closed).collect(),
        plain => plain.clone(),
    }
}

/// Calls in an order in which each one finds something.
fn calls(stage: &Stage, ids: &[String]) -> Vec<(&'static str, &'static str, Value)> {
    let body = json!({
        "cluster_id": stage.request.cluster_id,
        "region": stage.request.region,
        "vpc_id": stage.request.vpc_id,
    });
    let other = json!({"body": json!({"cluster_id": "x"}).to_string()});
    let text = json!({"headers": {"content-type": "text/plain"}, "body": "x"});
    let asked = json!({"headers": {"Idempotency-Key": "k"}, "body": body.to_string()});
    let mut changed = body.clone();
    changed["private_dns"] = json!(false);
    let again = json!({"headers": {"Idempotency-Key": "k"}, "body": changed.to_string()});
    let mut nowhere = body.clone();
    nowhere["vpc_id"] = json!("vpc-00000000");
    let nowhere = json!({"body": nowhere.to_string()});
    let query = |query: Value| json!({ "queryStringParameters": query });
    let of_code = |code: &str| json!({ "pathParameters": { "code": code } });
    let one = "/connections/{connection_id}";
    let mut calls = vec![
        ("POST", "/plans", json!({"body": body.to_string()})),
        ("POST", "/plans", nowhere),
        ("POST", "/plans", other.clone()),
        ("POST", "/plans", text.clone()),
        ("POST", "/connections", json!({"body": body.to_string()})),
        ("POST", "/connections", asked),
        ("POST", "/connections", again),
        ("POST", "/connections", other),
        ("POST", "/connections", text),
        ("GET", "/connections", json!({})),
        (
            "GET",
            "/connections",
            query(json!({"limit": "3", "phase": "ready"})),
        ),
        ("GET", "/connections", query(json!({"limit": "0"}))),
        ("GET", "/errors/{code}", of_code("vpc-not-found")),
        ("GET", "/errors/{code}", of_code("none")),
    ];
    for id in ids.iter().map(String::as_str).chain(["0000000000000000"]) {
        let at = json!({"pathParameters": {"connection_id": id}});
        calls.push(("GET", one, at.clone()));
        calls.push(("POST", "/connections/{connection_id}/check", at.clone()));
        calls.push(("DELETE", one, at));
    }
    calls
}

#[tokio::test]
async fn every_answer_is_as_documented() {
    let (stage, ids) = world();
    let calls = calls(&stage, &ids);
    let host = Host::new(stage);
    let document = document();
    let operations = operations(&document);
    let mut seen = BTreeSet::new();
    for (method, path, mut event) in calls {
        event["httpMethod"] = json!(method);
        event["resource"] = json!(path);
        event["path"] = json!(path);
        let answer = host.invoke(&event).await;
        let operation = operations.iter().find(|(m, p, _)| m == method && p == path);
        let (_, _, operation) = operation.expect("a documented route");
        let schema = schema_of(&document, operation, &answer)
            .unwrap_or_else(|| panic!("{method} {path}: {answer:?} is not documented"));
        let validator = jsonschema::draft4::new(&schema).expect("a schema");
        let problems: Vec<String> = validator
            .iter_errors(&answer.body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            problems.is_empty(),
            "{method} {path} {}: {problems:?}",
            answer.body
        );
        if answer.status >= 400 {
            assert_eq!(answer.body["status"], answer.status);
            for field in ["code", "cause", "fix"] {
                assert!(answer.body[field].is_string(), "{field}: {}", answer.body);
            }
        }
        seen.insert((method, path, answer.status));
    }
    let seen: Vec<String> = seen
        .iter()
        .map(|(m, p, s)| format!("{m} {p} {s}"))
        .collect();
    assert_eq!(
        seen,
        [
            "DELETE /connections/{connection_id} 202",
            "DELETE /connections/{connection_id} 404",
            "GET /connections 200",
            "GET /connections 400",
            "GET /connections/{connection_id} 200",
            "GET /connections/{connection_id} 404",
            "GET /errors/{code} 200",
            "GET /errors/{code} 404",
            "POST /connections 202",
            "POST /connections 400",
            "POST /connections 409",
            "POST /connections 415",
            "POST /connections/{connection_id}/check 202",
            "POST /connections/{connection_id}/check 404",
            "POST /plans 200",
            "POST /plans 400",
            "POST /plans 415",
            "POST /plans 422",
        ]
    );
}

/// API Gateway puts words of its own into these texts, and only `messageString` comes
/// as JSON: what else it knows of an error has quotation marks in it.
#[test]
fn what_api_gateway_refuses_by_itself_is_answered_in_json() {
    let document = document();
    let responses = document["x-amazon-apigateway-gateway-responses"].as_object();
    for (kind, response) in responses.expect("gateway responses") {
        let template = response["responseTemplates"]["application/json"].as_str();
        let template = template.unwrap_or_else(|| panic!("{kind}: no template"));
        let said = r#""[object has missing required properties ([\"vpc_id\"])]""#;
        let body = template.replace("$context.error.messageString", said);
        assert!(!body.contains("$context"), "{kind}: {body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            body["status"].to_string(),
            response["statusCode"].as_str().expect("a status"),
            "{kind}"
        );
    }
}

/// A field, a value of it, and whether that is good.
#[rustfmt::skip]
fn requests() -> Vec<(&'static str, Value, bool)> {
    vec![
        ("database", json!("orders"), true),
        ("database", json!("a b"), false),
        ("database", json!(""), false),
        ("sql_user", json!("app"), true),
        ("sql_user", json!("ä"), false),
        ("account_id", json!("111122223333"), true),
        ("account_id", json!("1111"), false),
        ("region", json!("us-gov-west-1"), true),
        ("region", json!("us-east-1a"), false),
        ("vpc_id", json!("vpc-0a71e83g"), false),
        ("vpc_id", json!("vpc-0a71e831\nx"), false),
        ("vpc_id", json!("vpc-0a71e8310"), false),
        ("cluster_id", json!("1a2b3c4d000040008000000000000001"), false),
        ("subnet_ids", json!(["subnet-0a71e831", "subnet-0a71e832"]), true),
        ("subnet_ids", json!(["subnet-0a71e831", "subnet-0a71e831"]), false),
        ("subnet_ids", json!("subnet-0a71e831"), false),
        ("sources", json!({"cidrs": ["10.0.0.0/8", "2001:db8::/56", "::/0", "1:2:3:4:5:6:7:8/128"]}), true),
        ("sources", json!({"cidrs": ["10.0.0.0/33"]}), false),
        ("sources", json!({"cidrs": ["2001:db8:::/56"]}), false),
        ("sources", json!({"cidrs": ["10.0.0.0/8", "10.0.0.0/8"]}), false),
        ("sources", json!({"cidr": ["10.0.0.0/8"]}), false),
        ("sources", json!({"security_group_ids": ["sg-0a71e831"], "include_peered_vpcs": true}), true),
        ("sources", json!({"security_group_ids": ["222222222222/sg-0a71e831"], "prefix_list_ids": ["pl-63a5400a"]}), true),
        ("sources", json!({"security_group_ids": ["2222/sg-0a71e831"]}), false),
        ("sources", json!({"prefix_list_ids": ["pl-1"]}), false),
        ("sources", json!({"prefix_list_ids": ["pl-63a5400a", "pl-63a5400a"]}), false),
        ("limits", json!({"undo_seconds": 10, "cluster_seconds": 7200}), true),
        ("limits", json!({"undo_seconds": 9}), false),
        ("limits", json!({"cluster_seconds": 7201}), false),
        ("limits", json!({"undo_seconds": "10"}), false),
        ("on_failure", json!("keep"), true),
        ("on_failure", json!("explode"), false),
        ("private_dns", json!("yes"), false),
        ("tags", json!({"CostCenter": "42", "Name": ""}), true),
        ("tags", json!({"CostCenter": 42}), false),
        ("tags", json!({"CostCenter": "4\n2"}), false),
        ("tags", json!({"CostCenter": "x".repeat(257)}), false),
        ("tags", json!([]), false),
        ("requested_by", json!("call"), false),
        ("privat_dns", json!(true), false),
    ]
}

/// A request that the document takes is one that the type takes, and what the
/// type refuses the document refuses: clients are made from the document. It has
/// one spelling of an id, and people's others are read all the same.
#[test]
fn document_and_type_refuse_the_same_requests() {
    let document = document();
    let schema = json!({
        "$ref": "#/components/schemas/ConnectionRequest",
        "components": document["components"],
    });
    let validator = jsonschema::draft4::new(&schema).expect("a schema");
    let read = |body: &Value| {
        let event = json!({ "body": body.to_string() });
        shared::gateway::ConnectionRequest::read(&shared::gateway::Request::read(&event))
    };
    let valid = json!({
        "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
        "region": "eu-west-1",
        "vpc_id": "vpc-0a71e831cb5152c43",
    });
    for (field, value, is_good) in requests() {
        let mut body = valid.clone();
        body[field] = value;
        assert_eq!(read(&body).is_ok(), is_good, "the type: {body}");
        assert_eq!(validator.is_valid(&body), is_good, "the document: {body}");
    }
    for (field, value) in [
        ("vpc_id", json!(" VPC-0A71E831cb5152c43\n")),
        ("cluster_id", json!("1A2B3C4D-0000-4000-8000-000000000001")),
        ("region", json!("EU-West-1")),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        assert_eq!(read(&body), read(&valid), "{body}");
        assert!(!validator.is_valid(&body), "{body}");
    }
}

/// The programs of schemathesis and its Python.
fn schemathesis() -> PathBuf {
    python("schemathesis", "tests/schemathesis/requirements.txt").join("bin")
}

/// CloudFormation reads YAML 1.1, in which a bare `on` or `12:30` is no text.
#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn other_readers_of_yaml_read_the_same_document() {
    let output = Command::new(schemathesis().join("python"))
        .args([
            "-c",
            "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)",
        ])
        .arg(root().join("infra/openapi.yaml"))
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(read, document());
}

/// The document with values that lead into the world: without them, hardly any
/// made-up id would be that of a connection.
fn with_examples(mut document: Value, stage: &Stage, ids: &[String]) -> Value {
    let examples = |values: &[String]| -> Value {
        let named = values.iter().enumerate();
        named
            .map(|(n, value)| (format!("e{n}"), json!({ "value": value })))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let known: Vec<String> = Code::ALL.iter().take(5).map(ToString::to_string).collect();
    let paths = document["paths"].as_object_mut().expect("paths");
    for item in paths.values_mut() {
        for operation in item.as_object_mut().expect("a path").values_mut() {
            let parameters = operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                match parameter["name"].as_str() {
                    Some("connection_id") => parameter["examples"] = examples(ids),
                    Some("code") => parameter["examples"] = examples(&known),
                    _ => {}
                }
            }
            let body = operation.pointer_mut("/requestBody/content/application~1json");
            if let Some(body) = body {
                body["example"] = json!({
                    "cluster_id": stage.request.cluster_id,
                    "region": stage.request.region,
                    "vpc_id": stage.request.vpc_id,
                });
            }
        }
    }
    document
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
async fn schemathesis_finds_no_undocumented_answer() {
    let (stage, ids) = world();
    let document = with_examples(document(), &stage, &ids);
    let host = Arc::new(Host::new(stage));
    let address = Arc::clone(&host).serve(document).await;
    let folder = scratch();
    let output = tokio::process::Command::new(schemathesis().join("schemathesis"))
        .args(["--config-file"])
        .arg(root().join("tests/schemathesis/schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(format!("http://{address}/openapi.json"))
        .args(["--url", &format!("http://{address}{STAGE}")])
        .args(["--header", &format!("Authorization: {SIGNED}")])
        .env(
            "SCHEMATHESIS_HOOKS",
            root().join("tests/schemathesis/hooks.py"),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // It leaves a cache where it runs.
        .current_dir(&folder)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .kill_on_drop(true)
        .output()
        .await
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let answers = host.answers();
    println!("{said}{answers:#?}");
    assert_eq!(refused(), Vec::<String>::new());
    assert!(output.status.success(), "{said}{errors}");
    // It came to the bottom of each operation, not only to the checks at its door.
    for (reached, least) in [
        ("DELETE /connections/{connection_id} 202", 3),
        ("DELETE /connections/{connection_id} 404", 3),
        ("GET /connections 200", 10),
        ("GET /connections 400", 10),
        ("GET /connections/{connection_id} 200", 10),
        ("GET /connections/{connection_id} 404", 10),
        ("GET /errors/{code} 200", 3),
        ("POST /connections 202", 10),
        ("POST /connections 400", 10),
        ("POST /connections/{connection_id}/check 202", 3),
        ("POST /plans 200", 3),
        ("POST /plans 400", 10),
        ("POST /plans 422", 3),
    ] {
        let times = answers.get(reached).copied().unwrap_or_default();
        assert!(times >= least, "{reached}: {times} times; {answers:#?}");
    }
}

/// An empty folder below the target directory: what schemathesis kept of an earlier
/// run would lead this one elsewhere.
fn scratch() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
