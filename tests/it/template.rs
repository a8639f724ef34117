//! Holds the template of the stack to the functions, the definitions and the
//! configuration that it deploys. What its roles may do is tested in
//! `permissions`; whether AWS would take it, by the tools that `.ci/run` calls.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::config::{CA_BUNDLE, Config};
use shared::console::{Deployed, HOSTS};
use shared::ledger::Phase;
use shared::metrics::{self, NAMESPACE, STACK};
use shared::notice::{DETAIL_TYPES, SOURCE};
use shared::request::ProvisionRequest;
use shared::runbook::ALARMS;
use shared::settings::{SETTINGS, substitution};
use shared::{Code, StepError};
use steps::resource_name;
use system_tests::documents::{read, root};
use system_tests::template::{Template, entries, function_folders, list};

/// The longest that a client of ours waits for one operation, in seconds: the
/// `operation_timeout` of `adapters::aws`.
const OPERATION_SECONDS: u64 = 22;

/// API Gateway gives up after this many seconds (API Gateway developer guide, "Quotas").
const API_SECONDS: u64 = 29;

/// The functions that AWS calls as they are, and not by version: they take settings
/// from their environment.
const DOORS: [&str; 3] = ["connections-api", "plan-connection", "start-executions"];

/// Where the properties of a function that a definition calls by version may depend on
/// a parameter, although SAM makes no new version when its value changes.
const MAY_DEPEND: [(&str, &str); 7] = [
    // Other code comes with it.
    ("Architectures", "Architecture"),
    // Nothing that is done depends on these; docs/operate.md says when they count.
    ("LoggingConfig", "LogLevel"),
    ("VpcConfig", "SubnetIds"),
    ("VpcConfig", "SecurityGroupIds"),
    ("Layers", "CaBundleLayer"),
    ("Environment", "CaBundleLayer"),
    // It is the function's, whatever the version, and counts at once.
    ("ReservedConcurrentExecutions", "ReserveConcurrency"),
];

/// The variables that a function needs besides those of all functions.
const NEEDS: [(&str, &str); 9] = [
    ("check-fleet", "CONNECTIONS_TABLE STACK_NAME"),
    ("find-orphans", "CONNECTIONS_TABLE LEASES_TABLE STACK_NAME"),
    ("report-outcome", "STACK_NAME"),
    // Their calls are those that are throttled first, and counted.
    ("check-status", "STACK_NAME"),
    ("create-endpoint", "STACK_NAME"),
    ("rebuild-ledger", "CONNECTIONS_TABLE"),
    (
        "start-executions",
        "ALLOWED_CLUSTERS ALLOWED_SOURCES CONNECTIONS_TABLE DEPROVISION_MACHINE \
         LEASES_TABLE OTHER_ACCOUNTS OTHER_ACCOUNT_EXTERNAL_ID OTHER_ACCOUNT_ROLE \
         PROVISION_MACHINE TAG_PREFIX",
    ),
    (
        "connections-api",
        "ALLOWED_CLUSTERS ALLOWED_SOURCES API_GROUP CHECK_FLEET_MACHINE CONNECTIONS_TABLE \
         DEPROVISION_MACHINE OTHER_ACCOUNTS OTHER_ACCOUNT_ROLE PROVISION_MACHINE",
    ),
    (
        "plan-connection",
        "ALLOWED_CLUSTERS ALLOWED_SOURCES API_GROUP API_KEY_SECRET API_KEY_SECRET_PATTERN \
         COCKROACH_SERVER OTHER_ACCOUNTS OTHER_ACCOUNT_EXTERNAL_ID OTHER_ACCOUNT_ROLE \
         RESOURCE_TAGS TAG_PREFIX",
    ),
];

/// The variables of a function, or of all.
fn variables(properties: &Value) -> BTreeMap<&str, &Value> {
    let variables = properties["Environment"]["Variables"].as_object();
    let variables = variables.into_iter().flatten();
    variables
        .map(|(name, value)| (name.as_str(), value))
        .collect()
}

fn definition(machine: &str) -> Value {
    let text = read(&format!("statemachine/{machine}.asl.json"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{machine}: {error}"))
}

/// The names of all `${…}` in a text.
fn placeholders(text: &str) -> BTreeSet<&str> {
    let pieces = text.split("${").skip(1);
    pieces
        .filter_map(|piece| piece.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

/// The smallest limit in seconds of the tasks that call a function.
fn task_limit(template: &Template, function: &str) -> Option<u64> {
    let resource = format!("${{{}FunctionArn}}", resource_name(function));
    let definitions = template.machines();
    let definitions = definitions.keys().map(|name| definition(name));
    definitions
        .flat_map(|definition| tasks_of(&definition, &resource))
        .min()
}

/// The limits of the tasks with that resource, at any depth.
fn tasks_of(value: &Value, resource: &str) -> Vec<u64> {
    let mut found = Vec::new();
    if value["Resource"].as_str() == Some(resource) {
        found.extend(value["TimeoutSeconds"].as_u64());
    }
    let inner: Vec<&Value> = match value {
        Value::Array(values) => values.iter().collect(),
        Value::Object(members) => members.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    found.extend(inner.iter().flat_map(|value| tasks_of(value, resource)));
    found
}

#[test]
fn a_folder_a_binary_and_a_resource_have_one_name() {
    let template = Template::read();
    let functions = template.functions();
    let folders = function_folders();
    let binaries: BTreeSet<String> = functions.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(binaries, folders, "infra/template.yaml and the folders");
    for (folder, function) in functions {
        let name = resource_name(folder);
        assert_eq!(function.name, format!("{name}Function"));
        let in_aws = format!("${{AWS::StackName}}-{folder}");
        function.has("FunctionName", &json!({ "Fn::Sub": in_aws }));
        let own_role = json!({ "Fn::GetAtt": [format!("{name}Role"), "Arn"] });
        function.has("Role", &own_role);
    }
}

#[test]
fn every_function_is_built_as_the_release_does() {
    let template = Template::read();
    let globals = template.at("/Globals/Function");
    // Where sam build calls cargo lambda, so which package's features it asks for.
    assert_eq!(globals["CodeUri"], "../functions/processes");
    let release = read(".github/workflows/release.yml");
    assert!(release.contains(
        "cargo lambda build --release --locked --target \"$TARGET.2.34\" --package processes "
    ));
    // SAM's cache would not see that a function has changed.
    let config: toml::Value = toml::from_str(&read("samconfig.toml")).expect("TOML");
    assert_eq!(
        config["default"]["build"]["parameters"]["cached"].as_bool(),
        Some(false)
    );
    for (folder, function) in template.functions() {
        assert!(function.property("CodeUri").is_null(), "{folder}");
        let method = &function.value["Metadata"]["BuildMethod"];
        assert_eq!(method, "rust-cargolambda", "{folder}");
    }
}

#[test]
fn every_log_group_is_one_functions_or_machines_and_forgets() {
    let template = Template::read();
    let mut expected = BTreeSet::new();
    for (folder, function) in template.functions() {
        let logs = format!("{}Logs", resource_name(folder));
        let group = template.resource(&logs);
        let logging = &function.property("LoggingConfig")["LogGroup"];
        assert_eq!(logging, &json!({ "Ref": logs }), "{folder}");
        let name = format!("/aws/lambda/${{AWS::StackName}}-{folder}");
        group.has("LogGroupName", &json!({ "Fn::Sub": name }));
        expected.insert(logs);
    }
    for (file, machine) in template.machines() {
        let logs = format!("{}Logs", machine.name);
        let group = template.resource(&logs);
        let name = format!("/aws/vendedlogs/states/${{AWS::StackName}}-{file}");
        group.has("LogGroupName", &json!({ "Fn::Sub": name }));
        let logging = machine.property("Logging");
        let arn = json!({ "Fn::GetAtt": [logs, "Arn"] });
        let group = json!([{ "CloudWatchLogsLogGroup": { "LogGroupArn": arn } }]);
        assert_eq!(logging["Destinations"], group, "{file}");
        assert_eq!(logging["Level"], "ERROR", "{file}");
        assert_eq!(logging["IncludeExecutionData"], false, "{file}");
        expected.insert(logs);
    }
    for group in template.of_type("AWS::Logs::LogGroup") {
        group.has("RetentionInDays", &json!({ "Ref": "LogRetentionDays" }));
        expected.remove(group.name);
    }
    assert_eq!(expected, BTreeSet::new());
}

#[test]
fn every_definition_is_deployed_under_its_own_name() {
    let template = Template::read();
    let machines = template.machines();
    let files: BTreeSet<String> = entries("statemachine")
        .iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some(name.strip_suffix(".asl.json")?.to_owned())
        })
        .collect();
    let deployed: BTreeSet<String> = machines.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(deployed, files);
    for (file, machine) in machines {
        assert_eq!(machine.name, format!("{}Machine", resource_name(file)));
        let in_aws = format!("${{AWS::StackName}}-{file}");
        machine.has("Name", &json!({ "Fn::Sub": in_aws }));
        machine.has("Type", &json!("STANDARD"));
    }
}

#[test]
fn every_placeholder_of_a_definition_is_substituted_and_no_other() {
    let template = Template::read();
    let functions: BTreeSet<&str> = template.functions().values().map(|it| it.name).collect();
    for (file, machine) in template.machines() {
        let text = read(&format!("statemachine/{file}.asl.json"));
        let substituted = machine.property("DefinitionSubstitutions").as_object();
        let substituted = substituted.unwrap_or_else(|| panic!("{file}: nothing is substituted"));
        let names: BTreeSet<&str> = substituted.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            placeholders(&text),
            "infra/template.yaml, {}: DefinitionSubstitutions",
            machine.name
        );
        for (name, value) in substituted {
            let Some(function) = name
                .strip_suffix("Arn")
                .filter(|it| it.ends_with("Function"))
            else {
                continue;
            };
            assert!(functions.contains(function), "{file}: {function}");
            // A version, so that a running execution ends with the functions that
            // it began with.
            let version = json!({ "Ref": format!("{function}.Version") });
            assert_eq!(value, &version, "{file}: {name}");
        }
    }
}

#[test]
fn a_machine_may_call_the_functions_that_its_definition_names_and_no_other() {
    let template = Template::read();
    for (file, machine) in template.machines() {
        let text = read(&format!("statemachine/{file}.asl.json"));
        let functions = placeholders(&text).into_iter();
        let functions = functions.filter_map(|name| name.strip_suffix("Arn"));
        let named: BTreeSet<String> = functions
            .filter(|name| name.ends_with("Function"))
            .map(|function| json!({ "Fn::Sub": format!("${{{function}.Arn}}:*") }).to_string())
            .collect();
        let role = format!("{}Role", machine.name);
        let statements = template.statements(&role).into_iter();
        let calls = statements.filter(|it| it.actions.contains("lambda:InvokeFunction"));
        let allowed: BTreeSet<String> = calls
            .flat_map(|statement| statement.resources)
            .map(|resource| resource.to_string())
            .collect();
        assert_eq!(
            allowed, named,
            "infra/template.yaml, {role}: lambda:InvokeFunction"
        );
    }
}

#[test]
fn a_new_version_is_published_with_every_change() {
    let template = Template::read();
    let globals = template.at("/Globals/Function");
    assert_eq!(globals["AutoPublishAliasAllProperties"], true);
    assert!(globals["AutoPublishAlias"].is_string());
}

/// Every parameter on which a value depends: through a reference, within a text, or by
/// a condition.
fn parameters(template: &Template, value: &Value, found: &mut BTreeSet<String>) {
    let is_parameter = |name: &str| !template.at("/Parameters")[name].is_null();
    match value {
        Value::Array(values) => values
            .iter()
            .for_each(|value| parameters(template, value, found)),
        Value::Object(members) => {
            for (name, value) in members {
                let text = value
                    .as_array()
                    .map_or(Some(value), |values| values.first());
                let text = text.and_then(Value::as_str);
                match (name.as_str(), text) {
                    ("Ref", Some(name)) if is_parameter(name) => {
                        found.insert(name.to_owned());
                    }
                    ("Fn::Sub", Some(text)) => found.extend(
                        placeholders(text)
                            .into_iter()
                            .filter(|name| is_parameter(name))
                            .map(str::to_owned),
                    ),
                    ("Condition" | "Fn::If", Some(name)) => {
                        parameters(template, &template.at("/Conditions")[name], found);
                    }
                    _ => {}
                }
                parameters(template, value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// SAM names a version by what stands in the template, not by what a parameter is. So
/// what a parameter says may not stand there: it would reach no run, and runs would not
/// end as they began.
#[test]
fn no_function_that_a_definition_calls_depends_on_a_parameter() {
    let template = Template::read();
    let mut used = BTreeSet::new();
    let mut functions = 0;
    for (folder, function) in template.functions() {
        if task_limit(&template, folder).is_none() {
            continue;
        }
        functions += 1;
        for properties in [
            template.at("/Globals/Function"),
            &function.value["Properties"],
        ] {
            for (property, value) in properties.as_object().into_iter().flatten() {
                // The door is called as it is, too; what it takes from there, a
                // definition tells, but for whom it trusts.
                if folder == "start-executions" && property == "Environment" {
                    for (name, value) in variables(properties) {
                        let mut found = BTreeSet::new();
                        parameters(&template, value, &mut found);
                        let is_told = SETTINGS.contains(&name) || name == CA_BUNDLE;
                        assert!(found.is_empty() || is_told, "{name}");
                    }
                    continue;
                }
                let mut found = BTreeSet::new();
                parameters(&template, value, &mut found);
                for parameter in found {
                    let may = MAY_DEPEND.into_iter();
                    let mut may = may.filter(|may| *may == (property.as_str(), parameter.as_str()));
                    let may = may.next();
                    assert!(may.is_some(), "{folder}: {property} depends on {parameter}");
                    used.extend(may);
                }
            }
        }
    }
    assert!(functions > 20, "{functions}");
    assert_eq!(used, MAY_DEPEND.into());
}

/// What a run is told and what a door reads from its environment is the same.
#[test]
fn runs_and_doors_have_the_same_settings() {
    let template = Template::read();
    let mut doors = BTreeSet::new();
    for (folder, function) in template.functions() {
        for (name, value) in variables(&function.value["Properties"]) {
            if !SETTINGS.contains(&name) {
                continue;
            }
            doors.insert(folder);
            for (machine, resource) in template.machines() {
                let told = &resource.property("DefinitionSubstitutions")[substitution(name)];
                assert_eq!(told, value, "{machine}, {folder}: {name}");
            }
        }
    }
    assert_eq!(doors, DOORS.into(), "only what is no version has settings");
}

/// A version keeps the environment that it was made with, so nothing but a definition
/// may call one.
#[test]
fn events_come_to_the_function_as_it_is() {
    let template = Template::read();
    let text = read("infra/template.yaml");
    assert!(!text.contains("Function.Alias"));
    let door = json!({ "Fn::GetAtt": ["StartExecutionsFunction", "Arn"] });
    let mut rules = 0;
    for rule in template.of_type("AWS::Events::Rule") {
        let targets = list(rule.property("Targets")).into_iter();
        for target in targets.filter(|target| target["Id"] == "start-executions") {
            assert_eq!(target["Arn"], door, "{}", rule.name);
            rules += 1;
        }
    }
    assert_eq!(rules, 3);
    let mut kept = template.of_type("AWS::Lambda::EventInvokeConfig");
    let config = kept.next().expect("what fails is kept");
    config.has("Qualifier", &json!("$LATEST"));
    config.has("FunctionName", &json!({ "Ref": "StartExecutionsFunction" }));
    assert!(kept.next().is_none());
}

/// Runs that are under way when another secret is named read the stack's own to their
/// end: it is there, and they may.
#[test]
fn the_secret_of_the_stack_is_left_when_another_is_named() {
    let template = Template::read();
    let secret = template.resource("ApiKeySecret");
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        let kept = secret.value[policy].as_str().unwrap_or_default();
        assert!(kept.starts_with("Retain"), "{policy}: {kept}");
    }
    let name = secret.property("Name")["Fn::Sub"].as_str().expect("a text");
    let own = json!({ "Fn::Sub": format!(
        "arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:{name}-??????"
    ) });
    let mut readers = 0;
    for role in template.of_type("AWS::IAM::Role") {
        for statement in template.statements(role.name) {
            if statement.actions.contains("secretsmanager:GetSecretValue") {
                assert!(statement.resources.contains(&own), "{}", role.name);
                assert_eq!(statement.counts_if, None, "{}", role.name);
                readers += 1;
            }
        }
    }
    assert!(readers > 5, "{readers}");
}

#[test]
fn every_function_gets_the_variables_that_it_needs_and_that_are_read() {
    let known = RefCell::new(BTreeSet::new());
    let _ = Config::of(|name| {
        known.borrow_mut().insert(name);
        None
    });
    let mut known = known.into_inner();
    // The stack knows no proxy.
    for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        assert!(known.remove(name), "{name}");
    }

    let template = Template::read();
    let common: BTreeSet<&str> = variables(template.at("/Globals/Function"))
        .into_keys()
        .collect();
    let mut used = common.clone();
    let needs = BTreeMap::from(NEEDS);
    for (folder, function) in template.functions() {
        let own: BTreeSet<&str> = variables(&function.value["Properties"])
            .into_keys()
            .collect();
        let needed = needs.get(folder).copied().unwrap_or_default();
        assert_eq!(own, needed.split_whitespace().collect(), "{folder}");
        used.extend(own);
    }
    assert_eq!(used, known, "the template and shared::config");

    // What the process takes from its configuration tells what it needs.
    for folder in function_folders() {
        let main = read(&format!("functions/{folder}/src/main.rs"));
        let needed = needs.get(folder.as_str()).copied().unwrap_or_default();
        let is_told = !DOORS.contains(&folder.as_str());
        for (taken, variable) in [
            (".ledger(", "CONNECTIONS_TABLE"),
            (".executions(", "PROVISION_MACHINE"),
            (".tag_prefix", "TAG_PREFIX"),
            (".cloud(", "API_KEY_SECRET"),
            (".accounts(", "OTHER_ACCOUNT_ROLE"),
            (".stack", "STACK_NAME"),
            ("metrics::print(", "STACK_NAME"),
        ] {
            let is_told = is_told && SETTINGS.contains(&variable);
            assert!(
                !main.contains(taken) || is_told || needed.split(' ').any(|it| it == variable),
                "{folder} takes {taken} and does not get {variable}"
            );
        }
    }
}

#[test]
fn a_function_outlives_its_clients_and_not_its_caller() {
    let template = Template::read();
    let common = template.at("/Globals/Function")["Timeout"].as_u64();
    let mut called = 0;
    for (folder, function) in template.functions() {
        let own = function.property("Timeout").as_u64();
        let timeout = own
            .or(common)
            .unwrap_or_else(|| panic!("{folder}: no Timeout"));
        assert!(timeout > OPERATION_SECONDS, "{folder}: {timeout} s");
        if let Some(limit) = task_limit(&template, folder) {
            // Seconds more, so that what it says when its time is over is heard; and no
            // more than that, or one of the two was forgotten.
            assert_eq!(limit, timeout + 5, "{folder}: its task, and itself");
            called += 1;
        }
        if ["connections-api", "plan-connection"].contains(&folder) {
            assert!(timeout < API_SECONDS, "{folder}: {timeout} s");
        }
    }
    assert!(
        called > 10,
        "only {called} functions are called by definitions"
    );
}

#[test]
fn whatever_people_choose_is_described_and_checked() {
    let template = Template::read();
    let parameters = template.at("/Parameters").as_object();
    let parameters = parameters.expect("Parameters");
    let mut grouped = BTreeSet::new();
    let groups = "/Metadata/AWS::CloudFormation::Interface/ParameterGroups";
    for group in template.at(groups).as_array().into_iter().flatten() {
        for name in group["Parameters"].as_array().into_iter().flatten() {
            assert!(grouped.insert(name.as_str().unwrap_or_default()), "{name}");
        }
    }
    let all: BTreeSet<&str> = parameters.keys().map(String::as_str).collect();
    assert_eq!(grouped, all, "every parameter is in one group");
    for (name, parameter) in parameters {
        let is_text = |field: &str| parameter[field].as_str().is_some_and(|it| it.len() > 10);
        assert!(is_text("Description"), "{name}");
        assert!(
            !parameter["Default"].is_null(),
            "{name}: nobody must answer questions"
        );
        let chosen = parameter["AllowedValues"].is_array() || parameter["MinValue"].is_number();
        let described = parameter["AllowedPattern"].is_string() && is_text("ConstraintDescription");
        assert!(chosen || described, "{name}: anything is allowed");
    }
}

#[test]
fn what_is_reserved_is_said() {
    let template = Template::read();
    let reserved = template.functions().into_values().filter_map(|function| {
        let reserved = &function.property("ReservedConcurrentExecutions")["Fn::If"];
        assert!(
            reserved.is_null() || reserved[0] == "ReservesConcurrency",
            "{}",
            function.name
        );
        reserved[1].as_u64()
    });
    let said = template.at("/Parameters/ReserveConcurrency/Description");
    let sum = format!("Takes {} of", reserved.sum::<u64>());
    assert!(
        said.as_str().is_some_and(|said| said.contains(&sum)),
        "{sum}"
    );
}

/// A look takes some half a second, and EC2 takes 20 a second (EC2 developer guide,
/// "Request throttling").
#[test]
fn a_crowd_that_looks_at_endpoints_stays_below_what_ec2_allows() {
    let template = Template::read();
    let functions = template.functions();
    let at_once = ["check-status", "delete-endpoint"].map(|function| {
        let reserved = functions[function].property("ReservedConcurrentExecutions");
        let at_once = reserved["Fn::If"][1].as_u64();
        at_once.unwrap_or_else(|| panic!("{function}: as many as there are"))
    });
    let a_second = 2 * at_once.iter().sum::<u64>();
    assert!(a_second < 20, "{a_second} looks a second");
}

#[test]
fn events_are_never_dropped_without_a_trace() {
    let template = Template::read();
    let queue = json!({ "Fn::GetAtt": ["LostEventsQueue", "Arn"] });
    for rule in template.of_type("AWS::Events::Rule") {
        for target in rule.property("Targets").as_array().into_iter().flatten() {
            assert_eq!(target["DeadLetterConfig"]["Arn"], queue, "{}", rule.name);
        }
    }
    for schedule in template.of_type("AWS::Scheduler::Schedule") {
        let lost = &schedule.property("Target")["DeadLetterConfig"]["Arn"];
        assert_eq!(lost, &queue, "{}", schedule.name);
    }
    let asynchronous = template.resource("StartExecutionsEvents");
    let on_failure = &asynchronous.property("DestinationConfig")["OnFailure"];
    assert_eq!(on_failure["Destination"], queue);
}

/// The most characters of the description of an alarm (CloudWatch API reference,
/// `PutMetricAlarm`).
const DESCRIPTION: usize = 1024;

/// What the template says of the dashboard's place.
const DASHBOARD: &str = "https://${AWS::Region}.${Console}/cloudwatch/home?region=${AWS::Region}#dashboards/dashboard/${AWS::StackName}";

/// A text of the template that has the host of the console in it, without it.
fn with_console(value: &Value) -> &str {
    let host =
        json!({ "Console": { "Fn::FindInMap": ["Console", { "Ref": "AWS::Partition" }, "Host"] } });
    assert_eq!(value["Fn::Sub"][1], host, "{value}");
    value["Fn::Sub"][0].as_str().unwrap_or_default()
}

#[test]
fn every_alarm_tells_somebody_and_has_its_entry_in_the_run_book() {
    let template = Template::read();
    let dashboard = dashboard_text(&template);
    let longest = template.at("/Parameters/DocumentsUrl/MaxLength").as_u64();
    let longest = "d".repeat(usize::try_from(longest.expect("a limit")).expect("small"));
    let mut found = BTreeSet::new();
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        let topic = json!([{ "Ref": "NoticeTopic" }]);
        alarm.has("AlarmActions", &topic);
        alarm.has("OKActions", &topic);
        let missing = alarm.property("TreatMissingData");
        assert!(!missing.is_null(), "{}", alarm.name);
        let shown = format!("${{{}.Arn}}", alarm.name);
        assert!(dashboard.contains(&shown), "{shown} is not shown");

        let name = alarm.property("AlarmName")["Fn::Sub"].as_str();
        let name = name.and_then(|name| name.strip_prefix("${AWS::StackName}-"));
        let entry = ALARMS.iter().find(|entry| Some(entry.name) == name);
        let entry = entry.unwrap_or_else(|| panic!("{name:?} is not in shared::runbook"));
        let expected = format!(
            "{} {} Run book: ${{DocumentsUrl}}/{} (crdb-privatelink explain {}). Dashboard: {DASHBOARD}",
            entry.meaning,
            entry.act,
            entry.place(),
            entry.name
        );
        let described = with_console(alarm.property("AlarmDescription"));
        assert_eq!(described, expected, "{}", alarm.name);
        let whole = described
            .replace("${DocumentsUrl}", &longest)
            .replace("${AWS::StackName}", &"s".repeat(26))
            .replace("${AWS::Region}", "ap-southeast-10")
            .replace("${Console}", HOSTS[1].1);
        assert!(!whole.contains("${"), "{whole}");
        let characters = whole.chars().count();
        assert!(characters <= DESCRIPTION, "{}: {characters}", alarm.name);
        found.insert(entry.name);
    }
    assert_eq!(found, ALARMS.map(|entry| entry.name).into());
    let alarms = found.len();
    assert!(
        read("docs/operate.md").contains(&format!("for {alarms} alarms")),
        "docs/operate.md says what {alarms} alarms cost"
    );
}

/// A function makes the links of a notice, and the template those of alarms: both lead
/// to the same place, in each partition.
#[test]
fn the_template_links_to_where_a_notice_links_to() {
    let template = Template::read();
    let hosts: Value = HOSTS
        .into_iter()
        .map(|(partition, host)| (partition.to_owned(), json!({ "Host": host })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(template.at("/Mappings/Console"), &hosts);
    let output = with_console(template.at("/Outputs/DashboardUrl/Value"));
    assert_eq!(output, DASHBOARD);
    let dashboard = template.resource("Dashboard");
    dashboard.has("DashboardName", &json!({ "Ref": "AWS::StackName" }));
    for (partition, host) in HOSTS {
        for (file, machine) in template.machines() {
            let name = machine.property("Name")["Fn::Sub"].as_str();
            let name = name.unwrap_or_default().replace("${AWS::StackName}", "net");
            let arn =
                format!("arn:{partition}:states:some-region-1:111122223333:execution:{name}:one");
            let deployed = Deployed::of(&arn).unwrap_or_else(|| panic!("{file}: {arn}"));
            let expected = DASHBOARD
                .replace("${AWS::StackName}", "net")
                .replace("${AWS::Region}", "some-region-1")
                .replace("${Console}", host);
            assert_eq!(deployed.dashboard_url(), expected, "{file}");
        }
    }
}

#[test]
fn an_alarm_watches_every_machine_for_runs_that_fail_and_that_time_out() {
    let template = Template::read();
    let watched: BTreeSet<(&str, String)> = template
        .of_type("AWS::CloudWatch::Alarm")
        .filter(|alarm| alarm.property("Namespace") == "AWS/States")
        .map(|alarm| {
            let dimension = &alarm.property("Dimensions")[0];
            assert_eq!(dimension["Name"], "StateMachineArn", "{}", alarm.name);
            let machine = dimension["Value"]["Ref"].as_str().unwrap_or_default();
            (alarm.text("MetricName"), machine.to_owned())
        })
        .collect();
    let machines = template.machines();
    let expected: BTreeSet<(&str, String)> = machines
        .values()
        .flat_map(|machine| {
            ["ExecutionsFailed", "ExecutionsTimedOut"].map(|what| (what, machine.name.to_owned()))
        })
        .collect();
    assert_eq!(watched, expected);
}

/// An execution that came to its end.
fn reported() -> (report_outcome::Input, report_outcome::Output) {
    let input = json!({
        "phase": "ready", "account_id": null, "cluster_name": "orders",
        "execution": "arn:aws:states:eu-west-1:111122223333:execution:net-provision:one",
        "connection": {
            "connection_id": "0123456789abcdef", "account_id": null, "region": "eu-west-1",
            "vpc_id": "vpc-0a71e831cb5152c43", "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
        },
        "worked_before": false, "seen_to_work": false, "ready": null, "removed": null, "failure": null, "timeline": [],
        "started_at": "2027-01-15T08:00:00Z", "now": "2027-01-15T08:05:00Z",
    });
    let input: report_outcome::Input = serde_json::from_value(input).expect("an input");
    let output = report_outcome::handle(&input).expect("an outcome");
    (input, output)
}

/// The metrics that the functions print, each with the dimension that it has besides that
/// of the stack, if any.
fn printed() -> BTreeMap<String, Option<String>> {
    let (input, output) = reported();
    let stack = "net";
    let mut lines = report_outcome::figures(&input, &output, stack);
    lines.push(check_fleet::Counts::default().metrics(input.now, stack));
    lines.push(find_orphans::Sum::default().metrics(input.now, stack));
    let throttled = StepError::new(Code::AwsThrottled, "slow down");
    lines.extend(metrics::throttled(input.now, stack, &throttled));

    let mut metrics = BTreeMap::new();
    for line in lines {
        assert_eq!(line[STACK], stack, "{line}");
        for described in line["_aws"]["CloudWatchMetrics"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_eq!(described["Namespace"], NAMESPACE);
            let sets = list(&described["Dimensions"]);
            assert_eq!(sets.len(), 1, "{line}");
            let names = sets[0].as_array().into_iter().flatten();
            let names: Vec<&str> = names.filter_map(Value::as_str).collect();
            let besides = match names[..] {
                [STACK] => None,
                [STACK, besides] => Some(besides.to_owned()),
                _ => panic!("{line}"),
            };
            for metric in described["Metrics"].as_array().into_iter().flatten() {
                let name = metric["Name"].as_str().unwrap_or_default().to_owned();
                metrics.insert(name, besides.clone());
            }
        }
    }
    metrics
}

/// Stacks of one account would ring each other's alarms.
#[test]
fn an_alarm_watches_what_is_measured_of_its_own_stack() {
    let template = Template::read();
    let printed = printed();
    let own = json!([{ "Name": STACK, "Value": { "Ref": "AWS::StackName" } }]);
    let mut ours = 0;
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        if alarm.property("Namespace") != NAMESPACE {
            continue;
        }
        let metric = alarm.text("MetricName");
        assert_eq!(printed.get(metric), Some(&None), "{}: {metric}", alarm.name);
        alarm.has("Dimensions", &own);
        ours += 1;
    }
    assert!(ours >= 9, "only {ours} alarms on our own metrics");
    let mut counts = 0;
    for (folder, function) in template.functions() {
        if let Some(stack) = variables(&function.value["Properties"]).get("STACK_NAME") {
            assert_eq!(**stack, own[0]["Value"], "{folder}");
            counts += 1;
        }
    }
    assert_eq!(counts, 5, "functions that count");
    // A filter could not tell the stack (docs/facts.md).
    assert!(template.of_type("AWS::Logs::MetricFilter").next().is_none());
}

fn dashboard_text(template: &Template) -> String {
    let body = &template.resource("Dashboard").property("DashboardBody")["Fn::Sub"];
    body.as_str().expect("a text").to_owned()
}

/// The dashboard of the stack `net`, with a word in place of each other reference.
fn dashboard(template: &Template) -> Value {
    let mut text = dashboard_text(template).replace("${AWS::StackName}", "net");
    while let Some(begin) = text.find("${") {
        let length = text[begin..].find('}').expect("a closed reference");
        text.replace_range(begin..=begin + length, "reference");
    }
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_dashboard_shows_what_is_measured_of_its_own_stack() {
    let template = Template::read();
    let printed = printed();
    let phases: BTreeSet<&str> = Phase::ALL.map(Phase::as_str).into();
    let dashboard = dashboard(&template);
    let mut shown = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().into_iter().flatten() {
        for line in widget["properties"]["metrics"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let words: Vec<&str> = line
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let [namespace, metric, dimensions @ ..] = &words[..] else {
                panic!("{line}");
            };
            if *namespace != NAMESPACE {
                assert!(namespace.starts_with("AWS/"), "{line}");
                continue;
            }
            shown.insert((*metric).to_owned());
            let known = printed.get(*metric).unwrap_or_else(|| panic!("{line}"));
            match dimensions {
                [STACK, "net"] => assert_eq!(*known, None, "{line}"),
                [STACK, "net", dimension, value] => {
                    assert_eq!(known.as_deref(), Some(*dimension), "{line}");
                    // Both dimensions, Phase and Step, take words of phases.
                    assert!(phases.contains(value), "{line}");
                }
                _ => panic!("{line}"),
            }
        }
    }
    // Alarms show the rest.
    let of_alarms = [
        "ApiKeyRefused",
        "KeysRefused",
        "OldestPendingSeconds",
        "RollbackIncomplete",
    ];
    let expected: BTreeSet<String> = printed
        .into_keys()
        .filter(|metric| !of_alarms.contains(&metric.as_str()))
        .collect();
    assert_eq!(shown, expected);
}

/// The queries of the dashboard, by the log group that they ask.
fn queries(template: &Template) -> BTreeMap<String, String> {
    let text = dashboard_text(template);
    let queries = text.split("\"query\": \"SOURCE '${").skip(1);
    queries
        .filter_map(|rest| rest.split_once("}' | "))
        .filter_map(|(group, rest)| Some((group.to_owned(), rest.split_once('"')?.0.to_owned())))
        .collect()
}

/// The names of fields in a query, between these words.
fn between<'q>(query: &'q str, begin: &str, end: char) -> Vec<&'q str> {
    let pieces = query.split(begin).skip(1);
    pieces
        .filter_map(|piece| Some(piece.split_once(end)?.0))
        .collect()
}

/// What a query asks for, the log has. Whether CloudWatch takes the query is only read.
#[test]
fn the_tables_of_the_dashboard_show_what_the_log_has() {
    let template = Template::read();
    let queries = queries(&template);
    assert_eq!(queries.len(), 2, "{queries:?}");

    let request = ProvisionRequest::parse(&json!({
        "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
        "region": "eu-west-1",
        "vpc_id": "vpc-0a71e831cb5152c43",
    }));
    let request = request.expect("a request");
    let row = |phase| {
        let entry = in_process::stage::entry(request.clone(), phase, reported().0.now);
        check_fleet::Row::of(&entry, None, None, "arn").expect("a row")
    };
    let query = &queries["CheckFleetLogs"];
    let shown = read("docs/operate.md").replace("\n| ", " | ");
    assert!(shown.contains(query), "docs/operate.md shows another query");
    let line = row(Phase::Interrupted).line();
    let mut asked = between(query, "latest(", ')');
    asked.extend(between(query, "ispresent(", ')'));
    asked.extend(between(query, " by ", ' '));
    for field in &asked {
        assert!(line.get(field).is_some(), "{field}: {line}");
    }
    for field in [
        "account_id",
        "region",
        "vpc_id",
        "cluster_name",
        "code",
        "since",
    ] {
        assert!(asked.contains(&field), "{field}");
    }
    let hidden = between(query, "filter state not in [", ']');
    let hidden = hidden[0].split(", ").map(|word| word.trim_matches('\''));
    let hidden: BTreeSet<&str> = hidden.collect();
    assert_eq!(
        hidden,
        BTreeSet::from(["healthy", row(Phase::Accepted).standing])
    );

    let (input, output) = reported();
    let lines = report_outcome::figures(&input, &output, "net");
    let query = &queries["ReportOutcomeLogs"];
    let fields = between(query, "fields ", '|')[0];
    for field in fields.trim().split(", ").filter(|it| *it != "@timestamp") {
        assert!(lines[0].get(field).is_some(), "{field}: {}", lines[0]);
    }
}

/// One thing that is left, refused or lost is enough for a person to be told, and where
/// nothing was measured nothing happened.
#[test]
fn an_alarm_of_a_single_thing_rings_for_one() {
    let template = Template::read();
    for name in [
        "RollbackIncompleteAlarm",
        "SomethingLeftAlarm",
        "KeyRefusedAlarm",
        "KeysRefusedAlarm",
        "RunsTimedOutAlarm",
        "RemovalsTimedOutAlarm",
        "EventsLostAlarm",
    ] {
        let alarm = template.resource(name);
        assert_eq!(alarm.property("Threshold"), 1, "{name}");
        let at_least = "GreaterThanOrEqualToThreshold";
        assert_eq!(alarm.property("ComparisonOperator"), at_least, "{name}");
        assert_ne!(alarm.property("TreatMissingData"), "breaching", "{name}");
    }
}

/// The door for events hears of whatever may change what is to be done: a VPC or its
/// tags, and the end of every run, however it ends.
#[test]
fn nothing_that_can_happen_is_missing_in_a_rule() {
    let template = Template::read();
    let detail = |rule: &str| template.resource(rule).property("EventPattern")["detail"].clone();
    let ended = detail("RunEndedRule");
    let ends = json!(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]);
    assert_eq!(ended["status"], ends);
    let machines = json!([{ "Ref": "ProvisionMachine" }, { "Ref": "DeprovisionMachine" }]);
    assert_eq!(ended["stateMachineArn"], machines);
    let called = detail("VpcCallRule");
    assert_eq!(called["errorCode"], json!([{ "exists": false }]));
    let made = &called["$or"][0]["eventName"];
    let tagged = &called["$or"][1]["eventName"];
    assert_eq!(
        (made, tagged),
        (&json!(["CreateVpc"]), &json!(["CreateTags", "DeleteTags"]))
    );
    // "Prefix matching while ignoring case" (EventBridge user guide, comparison operators).
    let prefix = json!({ "equals-ignore-case": { "Fn::Sub": "${TagPrefix}:" } });
    let keys = &detail("VpcTagChangeRule")["changed-tag-keys"];
    assert_eq!(keys, &json!([{ "prefix": prefix }]));
}

#[test]
fn people_are_told_of_every_event_of_ours() {
    let template = Template::read();
    let rule = template.resource("NoticeRule");
    let pattern = rule.property("EventPattern");
    assert_eq!(pattern["source"], json!([SOURCE]));
    assert_eq!(pattern["detail-type"], json!(DETAIL_TYPES));
    let message = &rule.property("Targets")[0]["InputTransformer"];
    let text = message["InputTemplate"]["Fn::Sub"]
        .as_str()
        .expect("a text");
    let notice = reported().1.notice.expect("a notice");
    let event = json!({ "detail-type": DETAIL_TYPES[0], "detail": notice });
    for (name, path) in message["InputPathsMap"].as_object().expect("paths") {
        assert!(text.contains(&format!("<{name}>")), "{name} is not used");
        let path = path.as_str().and_then(|path| path.strip_prefix('$'));
        let place = path.expect("a path").replace('.', "/");
        // What is missing would leave a hole in the sentence.
        let value = event.pointer(&place);
        assert!(value.is_some_and(Value::is_string), "{place}: {event}");
    }
    for told in ["account", "console", "dashboard", "book"] {
        assert!(text.contains(&format!("<{told}>")), "{told}: {text}");
    }
    // Where the run book is, the stack knows.
    assert_eq!(placeholders(text), BTreeSet::from(["DocumentsUrl"]));
}

#[test]
fn the_secret_of_the_default_stack_is_the_one_that_the_functions_look_for() {
    let template = Template::read();
    let secret = template.resource("ApiKeySecret");
    secret.has("Name", &json!({ "Fn::Sub": "${AWS::StackName}/api-key" }));
    // Made without a value, so that no key ever stands in a template.
    for field in ["SecretString", "GenerateSecretString"] {
        assert!(secret.property(field).is_null(), "{field}");
    }
    let config: toml::Value = toml::from_str(&read("samconfig.toml")).expect("TOML");
    let stack = config["default"]["global"]["parameters"]["stack_name"].as_str();
    let stack = stack.expect("a stack name");
    assert_eq!(format!("{stack}/api-key"), shared::config::DEFAULT_SECRET);
}

#[test]
fn what_samconfig_names_exists() {
    let config: toml::Value = toml::from_str(&read("samconfig.toml")).expect("TOML");
    let mut templates = 0;
    for (command, table) in config["default"].as_table().expect("a table") {
        let Some(path) = table["parameters"].get("template_file") else {
            continue;
        };
        let path = path.as_str().unwrap_or_default();
        assert!(root().join(path).is_file(), "{command}: {path}");
        templates += 1;
        // sam deploy must take what sam build wrote, not this file.
        assert_ne!(command, "deploy");
    }
    assert!(templates > 0);
    assert!(
        read(".gitignore").contains("/.aws-sam"),
        "sam build writes there"
    );
}
