//! Holds what the template does with a network and a key of the customer's to what the
//! documents for them say: `docs/network.md` and `docs/encryption.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::config::CA_BUNDLE;
use system_tests::documents::read;
use system_tests::template::{Template, list};

/// What Lambda does with a function's role from outside of it, and what is used on
/// behalf of others only.
const NOT_BY_THE_CODE: [&str; 4] = ["kms", "logs", "sqs", "xray"];

/// Where EC2 asks by itself.
const BY_EC2: &str = "route53:AssociateVPCWithHostedZone";

const SERVICES: [(&str, &str); 8] = [
    ("cloudwatch", "CloudWatch"),
    ("dynamodb", "DynamoDB"),
    ("ec2", "EC2"),
    ("route53", "Route 53"),
    ("route53profiles", "Route 53 Profiles"),
    ("route53resolver", "Route 53 Resolver"),
    ("secretsmanager", "Secrets Manager"),
    ("states", "Step Functions"),
];

/// The services that a function calls, by what its role allows. Whoever reads the key
/// calls the Cloud API.
fn reached(template: &Template, function: &str) -> BTreeSet<&'static str> {
    let role = template.functions()[function].property("Role")["Fn::GetAtt"][0].clone();
    let role = role.as_str().expect("a role");
    let statements = template.statements(role);
    let actions = statements.iter().flat_map(|statement| &statement.actions);
    let mut reached = BTreeSet::new();
    for action in actions.filter(|action| *action != BY_EC2) {
        let prefix = action.split(':').next().unwrap_or_default();
        if NOT_BY_THE_CODE.contains(&prefix) {
            continue;
        }
        let name = BTreeMap::from(SERVICES).get(prefix).copied();
        reached.insert(name.unwrap_or_else(|| panic!("{action}")));
    }
    let attached = template.resource(role).property("ManagedPolicyArns");
    if attached.to_string().contains("OtherAccountsPolicy") {
        reached.insert("STS");
    }
    if reached.contains("Secrets Manager") {
        reached.insert("Cloud API");
    }
    reached
}

/// The rows of the tables of a document, by their first column.
fn rows(document: &str) -> BTreeMap<String, Vec<String>> {
    let lines = document.lines().filter(|line| line.starts_with("| "));
    lines
        .map(|line| {
            let mut cells = line
                .trim_matches('|')
                .split('|')
                .map(|it| it.trim().to_owned());
            let first = cells.next().unwrap_or_default();
            (first.trim_matches('`').to_owned(), cells.collect())
        })
        .collect()
}

#[test]
fn the_document_says_what_every_function_reaches() {
    let template = Template::read();
    let rows = rows(&read("docs/network.md"));
    let mut all = BTreeSet::from(["Cloud API"]);
    for function in template.functions().into_keys() {
        let reached = reached(&template, function);
        let row = rows.get(function).unwrap_or_else(|| panic!("{function}"));
        let said = row[0].split(';').next().unwrap_or_default();
        let said: BTreeSet<&str> = said.split(", ").collect();
        let expected = match reached.is_empty() {
            true => BTreeSet::from(["nothing"]),
            false => reached.clone(),
        };
        assert_eq!(said, expected, "{function}");
        all.extend(reached);
    }
    for service in all {
        let row = rows.get(service).unwrap_or_else(|| panic!("{service}"));
        assert_eq!(row.len(), 3, "{service}: host, why, endpoint");
    }
}

#[test]
fn every_function_is_in_the_network_that_the_parameters_name() {
    let template = Template::read();
    let ids = |parameter: &str| json!({ "Fn::Split": [",", { "Ref": parameter }] });
    let network = json!({
        "SubnetIds": ids("SubnetIds"), "SecurityGroupIds": ids("SecurityGroupIds"),
    });
    assert_eq!(
        template.at("/Globals/Function/VpcConfig"),
        &json!({ "Fn::If": ["IsInVpc", network, { "Ref": "AWS::NoValue" }] })
    );
    for (folder, function) in template.functions() {
        assert!(function.property("VpcConfig").is_null(), "{folder}");
    }
}

#[test]
fn every_function_trusts_the_bundle_of_the_layer_that_is_named() {
    let template = Template::read();
    let common = template.at("/Globals/Function");
    let layer = json!([{ "Ref": "CaBundleLayer" }]);
    assert_eq!(
        common["Layers"],
        json!({ "Fn::If": ["HasCaBundle", layer, { "Ref": "AWS::NoValue" }] })
    );
    // Layers are unpacked there (Lambda developer guide, "Packaging your layer content").
    assert_eq!(
        common["Environment"]["Variables"][CA_BUNDLE],
        json!({ "Fn::If": ["HasCaBundle", "/opt/ca-bundle.pem", ""] })
    );
    for (folder, function) in template.functions() {
        assert!(function.property("Layers").is_null(), "{folder}");
    }
}

/// Every action of a statement.
fn actions(statement: &Value) -> BTreeSet<String> {
    let actions = list(&statement["Action"]).into_iter();
    actions
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn interfaces_are_made_by_lambda_and_not_by_the_code() {
    let template = Template::read();
    let policy = template.resource("InterfacesPolicy");
    let statements = list(&policy.property("PolicyDocument")["Statement"]);
    let [allow, deny] = &statements[..] else {
        panic!("{statements:?}");
    };
    assert_eq!(allow["Effect"], "Allow");
    assert_eq!(deny["Effect"], "Deny");
    // Some functions read subnets and interfaces themselves.
    let mut denied = actions(deny);
    denied.insert("ec2:DescribeSubnets".to_owned());
    denied.insert("ec2:DescribeNetworkInterfaces".to_owned());
    assert_eq!(actions(allow), denied);
    assert_eq!(allow["Condition"], Value::Null);
    let functions = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-*";
    assert_eq!(
        deny["Condition"],
        json!({ "ArnLike": { "lambda:SourceFunctionArn": { "Fn::Sub": functions } } })
    );
    // The code of no function makes interfaces itself.
    for (folder, _) in template.functions() {
        let role = template.functions()[folder].property("Role")["Fn::GetAtt"][0].clone();
        for statement in template.statements(role.as_str().expect("a role")) {
            let both = statement.actions.intersection(&actions(deny)).count();
            assert_eq!(both, 0, "{folder}: {statement:?}");
        }
    }
}

#[test]
fn a_key_of_the_customers_encrypts_whatever_is_kept() {
    let template = Template::read();
    let key = json!({ "Ref": "KmsKeyArn" });
    let or_none = json!({ "Fn::If": ["HasOwnKey", key, { "Ref": "AWS::NoValue" }] });
    let mut seen = 0;
    for table in template.of_type("AWS::DynamoDB::Table") {
        let own = json!({ "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key });
        let chosen = json!({ "Fn::If": ["HasOwnKey", own, { "SSEEnabled": true }] });
        table.has("SSESpecification", &chosen);
        seen += 1;
    }
    for group in template.of_type("AWS::Logs::LogGroup") {
        group.has("KmsKeyId", &or_none);
        seen += 1;
    }
    for queue in template.of_type("AWS::SQS::Queue") {
        queue.has("KmsMasterKeyId", &or_none);
        // SQS takes one of the two.
        let managed = json!({ "Fn::If": ["HasOwnKey", { "Ref": "AWS::NoValue" }, true] });
        queue.has("SqsManagedSseEnabled", &managed);
        seen += 1;
    }
    for topic in template.of_type("AWS::SNS::Topic") {
        let chosen = json!({ "Fn::If": ["HasOwnKey", key, { "Ref": "NoticeKey" }] });
        topic.has("KmsMasterKeyId", &chosen);
        seen += 1;
    }
    assert!(seen > 30, "only {seen} things");

    let policy = template.resource("KeyPolicy");
    for statement in list(&policy.property("PolicyDocument")["Statement"]) {
        assert_eq!(statement["Resource"], key);
        let via = list(&statement["Condition"]["StringEquals"]["kms:ViaService"]);
        let via: Vec<&str> = via.iter().filter_map(|it| it["Fn::Sub"].as_str()).collect();
        let services = ["dynamodb", "sqs"].map(|it| format!("{it}.${{AWS::Region}}.amazonaws.com"));
        assert_eq!(via, services);
    }
}

/// Who may use a key by its policy, in which way, but not where.
fn users(statements: &Value) -> BTreeSet<(String, BTreeSet<String>)> {
    let statements = statements.as_array().into_iter().flatten();
    statements
        .filter_map(|statement| {
            let service = statement["Principal"]["Service"].as_str()?;
            Some((service.to_owned(), actions(statement)))
        })
        .collect()
}

/// Whoever may use the key that the stack makes must be let into the customer's.
#[test]
fn the_policy_in_the_document_lets_in_whom_the_stack_would() {
    let document = read("docs/encryption.md");
    let policy = document
        .split("```json\n")
        .nth(1)
        .and_then(|it| it.split("```").next());
    let policy: Value = serde_json::from_str(policy.expect("a policy")).expect("JSON");
    let said = users(&policy["Statement"]);

    let template = Template::read();
    let key = template.resource("NoticeKey");
    let mut needed = users(&key.property("KeyPolicy")["Statement"]);
    assert!(needed.len() >= 2);
    let logs = said
        .iter()
        .find(|(service, _)| service == "logs.eu-west-1.amazonaws.com");
    needed.extend(logs.cloned());
    assert!(logs.is_some());
    assert_eq!(said, needed);

    // The names of log groups, topic and queue, as the template makes them.
    for group in template.of_type("AWS::Logs::LogGroup") {
        let name = group.property("LogGroupName")["Fn::Sub"]
            .as_str()
            .expect("a name");
        let name = name.replace("${AWS::StackName}", "crdb-privatelink");
        let arns = list(
            &policy["Statement"][1]["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"],
        );
        let covered = arns.iter().filter_map(Value::as_str).any(|arn| {
            let pattern = arn.rsplit(':').next().unwrap_or_default();
            let is_prefix = pattern
                .strip_suffix('*')
                .is_some_and(|it| name.starts_with(it));
            is_prefix || pattern == name
        });
        assert!(covered, "{name}");
    }
}
