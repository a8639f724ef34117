//! Permissions are what is used: each function's role in the template allows
//! exactly what the function calls in the stories below, and each machine's role
//! exactly what its definition names.
//!
//! The stories are told in process; the simulator notes every call with the
//! function that made it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crdb_privatelink::steps::fleet::FleetSteps;
use crdb_privatelink::steps::sweep::SweepSteps;
use crdb_privatelink::steps::{FUNCTIONS, Steps, function_of, integrated, resource_name};
use engine::{Clock, Execution, Machine, TaskFailure, Tasks};
use in_process::InProcess;
use serde_json::{Value, json};
use shared::config::{Config, DEFAULT_TAG_PREFIX};
use shared::executions::Machine as Started;
use shared::gateway::respond;
use shared::ledger::{Connection, Phase};
use shared::ownership::Origin;
use simulator::ec2::EndpointState;
use simulator::{Fault, FaultKind, Moment, Scenario};
use start_connection::Known;
use system_tests::documents::read;
use system_tests::run::{Stage, block_on, changes};
use system_tests::template::{Statement, Template, list};
use system_tests::variants::{VARIANTS, calls_of};

/// The functions that answer API Gateway, which no definition calls.
const API: [&str; 2] = ["connections-api", "plan-connection"];

/// What Lambda itself does with a function's role: logs, traces, and for a
/// function that is called by events what becomes of those that fail.
const LAMBDA: [&str; 4] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];
const LAMBDA_WITH_DESTINATION: &str = "sqs:SendMessage";

/// What Step Functions itself does with a machine's role: logs and traces (Step
/// Functions developer guide, "Logging using CloudWatch Logs" and "X-Ray").
const STEP_FUNCTIONS: [&str; 12] = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// Actions that AWS may look for beside `ec2:CreateVpcEndpoint` ("Dependent
/// actions" in the service authorization reference of EC2), whatever is asked for.
/// Those that depend on what is asked for are noted by the simulator
/// ([`simulator::Call::actions`]).
const BESIDE_CREATE_VPC_ENDPOINT: [&str; 4] = [
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "route53:AssociateVPCWithHostedZone",
];

/// What is needed only with a parameter, and which condition of the template that
/// is. The simulated world has one account and the key of Secrets Manager.
const ONLY_IF: [(&str, &str); 2] = [
    ("sts:AssumeRole", "HasOtherAccounts"),
    ("kms:Decrypt", "HasKmsKey"),
];

/// Writes on what carries no tag of ours, by function: the VPC, its subnets.
const ON_THE_CUSTOMERS: [(&str, &str, &[&str]); 3] = [
    ("change-endpoint", "ec2:ModifyVpcEndpoint", &["subnet"]),
    ("create-security-group", "ec2:CreateSecurityGroup", &["vpc"]),
    (
        "create-endpoint",
        "ec2:CreateVpcEndpoint",
        &["vpc", "subnet"],
    ),
];

/// A world in which every function has a name.
struct Story {
    stage: Stage,
    ports: BTreeMap<&'static str, InProcess>,
    known: Known,
    config: Config,
}

impl Story {
    fn of(stage: Stage) -> Self {
        let ports = stage.ports();
        let arns = BTreeMap::from([
            ("PROVISION_MACHINE", ports.machine_arn(Started::Provision)),
            (
                "DEPROVISION_MACHINE",
                ports.machine_arn(Started::Deprovision),
            ),
            ("OWN_ACCOUNT", "111122223333".to_owned()),
        ]);
        let known = Known::new(Config::of(|name| arns.get(name).cloned()));
        let functions = FUNCTIONS.into_iter().chain(API);
        Self {
            ports: functions
                .map(|function| (function, ports.acting_as(function)))
                .collect(),
            stage,
            known,
            config: Config::of(|_| None),
        }
    }

    fn run(&self, machine: &Machine, name: &str, input: Value) -> Execution {
        block_on(engine::run(
            machine,
            name,
            input,
            self,
            &self.stage.clock,
            &(),
        ))
    }

    fn provision(&self, name: &str) -> Execution {
        let machine = crdb_privatelink::definition::provision().expect("the definition loads");
        self.run(&machine, name, self.stage.request.clone())
    }

    fn deprovision(&self, name: &str) -> Execution {
        let machine = crdb_privatelink::definition::deprovision().expect("the definition loads");
        let mut input = json!({ "requested_by": self.stage.request["requested_by"] });
        for field in ["cluster_id", "region", "vpc_id"] {
            input[field] = self.stage.request[field].clone();
        }
        if input["requested_by"].is_null() {
            input["requested_by"] = json!("call");
        }
        input["unless_traffic_minutes"] = json!(60);
        self.run(&machine, name, input)
    }

    fn check_fleet(&self, input: Value, repair: bool) -> Execution {
        let region = "eu-west-1".parse().expect("a Region");
        let machine = crdb_privatelink::definition::check_fleet(&region, "", repair);
        self.run(&machine.expect("the definition loads"), "check", input)
    }

    /// An event for start-connection.
    fn event(&self, event: Value) -> Result<Value, TaskFailure> {
        block_on(self.invoke("${StartConnectionFunctionArn}", event))
    }

    /// A call of the API.
    fn call(&self, function: &str, method: &str, path: &str, body: Option<Value>) -> u16 {
        let ports = &self.ports[function];
        let now = self.stage.clock.now();
        let event = json!({
            "path": path,
            "httpMethod": method,
            "headers": { "content-type": "application/json" },
            "body": body.map(|body| body.to_string()),
            "requestContext": { "path": format!("/v1{path}"), "requestId": "1" },
        });
        // The functions behind API Gateway give up in time by themselves.
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().expect("a runtime");
        let answer = runtime.block_on(async {
            if function == "plan-connection" {
                let plan = async |request: &_| {
                    plan_connection::handle(ports, ports, &self.config, now, request).await
                };
                return respond(&plan, &event).await;
            }
            let door = connections_api::Door {
                ledger: ports,
                executions: ports,
                config: &self.config,
                now,
            };
            respond(&async |request: &_| door.handle(request).await, &event).await
        });
        let written = serde_json::to_value(answer).expect("JSON");
        let status = written["statusCode"]
            .as_u64()
            .and_then(|status| status.try_into().ok());
        status.expect("a status")
    }

    /// Sets or removes a tag of the VPC, and tells start-connection.
    fn tag(&self, name: &str, value: Option<&str>) {
        self.stage.clock.advance(Duration::from_secs(5));
        let vpc = self.vpc();
        let key = format!("{DEFAULT_TAG_PREFIX}:{name}");
        self.stage.simulator.meddle(|world| {
            let tags = &mut world.ec2.vpcs.get_mut(&vpc).expect("the VPC").tags;
            match value {
                Some(value) => tags.insert(key.clone(), value.to_owned()),
                None => tags.remove(&key),
            };
        });
        let told = self.event(json!({
            "source": "aws.tag",
            "detail-type": "Tag Change on Resource",
            "account": "111122223333",
            "region": "eu-west-1",
            "time": "2027-01-15T08:00:00Z",
            "resources": [format!("arn:aws:ec2:eu-west-1:111122223333:vpc/{vpc}")],
            "detail": {
                "service": "ec2", "resource-type": "vpc", "version": 3,
                "changed-tag-keys": [key], "tags": {},
            },
        }));
        assert!(told.is_ok(), "{told:?}");
    }

    /// Tells start-connection that the last run of its starting was stopped.
    fn stop_last_run(&self) {
        let run = self.stage.simulator.look(|world| {
            let runs = &world.step_functions.executions;
            runs.last().cloned().expect("a run")
        });
        let machine = run.arn.replace(":execution:", ":stateMachine:");
        let machine = machine.rsplit_once(':').expect("an ARN").0.to_owned();
        self.stage.simulator.meddle(|world| {
            for known in &mut world.step_functions.executions {
                if known.arn == run.arn {
                    known.status = simulator::step_functions::ExecutionStatus::Aborted;
                }
            }
        });
        let told = self.event(json!({
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "account": "111122223333",
            "region": "eu-west-1",
            "time": "2027-01-15T08:00:00Z",
            "resources": [run.arn],
            "detail": {
                "executionArn": run.arn, "stateMachineArn": machine, "name": run.name,
                "status": "ABORTED", "input": run.input,
            },
        }));
        assert!(told.is_ok(), "{told:?}");
    }

    fn connection(&self) -> Connection {
        let connections = self.stage.simulator.look(system_tests::books::connections);
        connections.into_values().next().expect("a connection")
    }

    fn connection_id(&self) -> String {
        self.connection().connection_id
    }

    /// The ledger says that the last run is still at work, and nobody is.
    fn unfinished(&self) {
        let phase = Phase::Accepted;
        let connection = Connection {
            phase,
            ..self.connection()
        };
        self.stage.ports().put_connection(&connection);
    }

    fn vpc(&self) -> String {
        self.text("vpc_id")
    }

    fn text(&self, field: &str) -> String {
        self.stage.request[field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Adds what was called, by function.
    fn note(&self, used: &mut Used) {
        for call in self.stage.simulator.calls() {
            let Some(function) = &call.by else { continue };
            let actions = used.entry(function.to_string()).or_default();
            actions.extend(call.actions().map(str::to_owned));
        }
    }
}

impl Tasks for Story {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let integrations = self.stage.integrations();
        let Some(function) = function_of(resource) else {
            return integrated(&integrations, resource, arguments);
        };
        let ports = &self.ports[function];
        if ["check-fleet", "start-connection"].contains(&function) {
            let now = || self.stage.clock.now();
            let steps = FleetSteps::new(ports, ports, &self.known, &now, integrations);
            return steps.invoke(resource, arguments).await;
        }
        if ["find-orphans", "rebuild-ledger"].contains(&function) {
            let steps = SweepSteps {
                places: ports,
                ledger: ports,
                executions: ports,
                cloud: ports,
                config: &self.config,
                now: &|| self.stage.clock.now(),
                services: integrations.into(),
            };
            return steps.invoke(resource, arguments).await;
        }
        let steps = Steps::new(ports, ports, ports, integrations);
        steps.invoke(resource, arguments).await
    }
}

/// The actions that were called, by function.
type Used = BTreeMap<String, BTreeSet<String>>;

/// Tells all stories.
fn told() -> Used {
    let mut used = Used::new();
    for scenario in Scenario::names() {
        let story = Story::of(Stage::shipped(scenario));
        let asked = Some(story.stage.request.clone());
        story.call("plan-connection", "POST", "/plans", asked);
        story.provision("shipped");
        story.deprovision("shipped-away");
        story.note(&mut used);
    }
    for variant in &VARIANTS {
        undone(variant, &mut used);
        let story = Story::of((variant.stage)());
        story.provision("again");
        story.stage.clock.advance(Duration::from_secs(900));
        story.check_fleet(json!({}), true);
        story.deprovision("away");
        story.note(&mut used);
    }
    leftover().note(&mut used);
    peered().note(&mut used);
    shared_group().note(&mut used);
    for story in changed() {
        story.note(&mut used);
    }
    by_tag().note(&mut used);
    drifted().note(&mut used);
    by_call().note(&mut used);
    swept().note(&mut used);
    used
}

/// Each change of a good run fails after its effect, so that each undo is seen.
fn undone(variant: &system_tests::variants::Variant, used: &mut Used) {
    let operations = calls_of(variant)
        .into_iter()
        .map(|(operation, _)| operation);
    for operation in operations.filter(|operation| changes(operation)) {
        let fault = Fault::once(&operation, 1, FaultKind::Denied, Moment::After);
        let story = Story::of((variant.stage)().with(fault));
        story.provision("undone");
        story.note(used);
    }
}

/// An endpoint of an earlier run that can never become usable.
fn leftover() -> Story {
    let mut scenario = Scenario::shipped("half-made-by-hand").expect("a shipped scenario");
    let claim = in_process::stage::claim(&scenario);
    let endpoint = &mut scenario.vpcs[0].endpoints[0];
    endpoint.state = EndpointState::Failed;
    endpoint.tags = claim.tags(Origin::Made);
    let story = Story::of(Stage::of(&scenario));
    story.provision("leftover");
    story
}

/// Networks of peered VPCs are sources.
fn peered() -> Story {
    let sources = json!({ "include_peered_vpcs": true });
    let story = Story::of(Stage::shipped("standard-cluster").asking("sources", sources));
    let asked = Some(story.stage.request.clone());
    story.call("plan-connection", "POST", "/plans", asked);
    story.provision("peered");
    story.stage.clock.advance(Duration::from_secs(900));
    story.check_fleet(json!({}), false);
    story
}

/// Two clusters behind one service share a group; the second one adds a rule, and
/// takes it along when it goes.
fn shared_group() -> Story {
    let mut scenario = Scenario::shipped("shared-endpoint").expect("a shipped scenario");
    scenario.vpcs[0].endpoints.clear();
    scenario.vpcs[0].groups.clear();
    scenario.clusters[0].connections.clear();
    let [one, other] = [0, 1].map(|index| json!(scenario.clusters[index].id));
    let mut story = Story::of(Stage::of(&scenario).asking("cluster_id", one));
    story.provision("first");
    story.stage.request["cluster_id"] = other;
    story.stage.request["sources"] = json!({ "cidrs": ["10.99.0.0/16"] });
    story.provision("second");
    story.deprovision("second-away");
    story
}

/// A connection that works is changed in every respect and back again, and each call
/// of another change fails after its effect.
fn changed() -> Vec<Story> {
    let mut story = Story::of(system_tests::change::changing());
    story.provision("changed");
    story.stage.request = Value::Object(system_tests::change::scenario().request);
    story.provision("changed-back");
    let failing = ["ec2:ModifyVpcEndpoint", "ec2:RevokeSecurityGroupIngress"].map(|operation| {
        let stage = system_tests::change::changing().forked();
        let fault = Fault::once(operation, 1, FaultKind::Denied, Moment::After);
        let story = Story::of(stage.with(fault));
        story.provision("put-back");
        story
    });
    failing.into_iter().chain([story]).collect()
}

/// Everything that tags on a VPC can lead to, good and bad.
fn by_tag() -> Story {
    let stage = Stage::shipped("fresh-vpc").asking("requested_by", json!("vpc-tag"));
    let story = Story::of(stage);
    let cluster = story.text("cluster_id");
    story.tag("cluster-id", Some("no-cluster"));
    story.tag("cluster-id", Some(&cluster));
    story.provision("tagged");
    story.stop_last_run();
    story.unfinished();
    story.tag("private-dns", Some("perhaps"));
    story.tag("private-dns", None);
    story.tag("cluster-id", None);
    story.deprovision("untagged");
    let found = story.event(json!({ "find": { "region": "eu-west-1" } }));
    assert!(found.is_ok(), "{found:?}");
    story
}

/// A connection that works, then one that does not, whose repair is stopped.
fn drifted() -> Story {
    let story = Story::of(Stage::shipped("fresh-vpc"));
    story.provision("first");
    story.stage.simulator.meddle(|world| {
        for endpoint in world.ec2.endpoints.values_mut() {
            endpoint.private_dns = false;
        }
    });
    for input in [
        json!({}),
        json!({ "connection_ids": [story.connection_id()] }),
    ] {
        story.stage.clock.advance(Duration::from_secs(900));
        story.check_fleet(input, true);
    }
    story.stop_last_run();
    story
}

/// A ledger that was lost: what it had is found, removed, and written anew.
fn swept() -> Story {
    let story = Story::of(Stage::shipped("fresh-vpc"));
    story.provision("first");
    let id = story.connection_id();
    story.stage.simulator.meddle(|world| {
        let (home, table) = (world.ec2.caller(), world.stack.connections_table.clone());
        let key = json!({ "connection_id": { "S": id } });
        let request = json!({ "TableName": table, "Key": key });
        let deleted = world.dynamodb(&home, "DeleteItem", &request);
        assert!(deleted.is_ok(), "{deleted:?}");
    });
    let region = "eu-west-1".parse().expect("a Region");
    let machine = crdb_privatelink::definition::sweep(&region, "").expect("it loads");
    let complete = json!({ "apply": true, "ledger_is_complete": true });
    story.run(&machine, "first-seen", complete.clone());
    story.stage.clock.advance(Duration::from_secs(2 * 86_400));
    story.run(&machine, "removed", complete);
    story.run(&machine, "told", json!({ "rebuild": true }));
    story.run(
        &machine,
        "rebuilt",
        json!({ "rebuild": true, "apply": true }),
    );
    // Now its endpoint goes.
    let all = story
        .stage
        .simulator
        .look(|world| world.ec2.endpoints.clone());
    for id in all.keys() {
        story.stage.simulator.meddle(|world| {
            if let Some(endpoint) = world.ec2.endpoints.get_mut(id) {
                endpoint.tags.clear();
            }
        });
    }
    story.run(&machine, "entry", json!({}));
    story
}

/// Every call of the API.
fn by_call() -> Story {
    let story = Story::of(Stage::shipped("fresh-vpc"));
    story.provision("first");
    story.unfinished();
    let connection = format!("/connections/{}", story.connection_id());
    let asked = Some(story.stage.request.clone());
    for (method, path, body) in [
        ("POST", "/connections", asked.clone()),
        ("POST", "/connections", asked),
        ("GET", "/connections", None),
        ("GET", connection.as_str(), None),
        ("POST", &format!("{connection}/check"), None),
        ("DELETE", connection.as_str(), None),
        ("DELETE", connection.as_str(), None),
    ] {
        let status = story.call("connections-api", method, path, body);
        assert!(status < 500, "{method} {path}: {status}");
    }
    story
}

/// What the role of a function allows that its own calls need.
fn allowed(template: &Template, function: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for statement in template.statements(&format!("{}Role", resource_name(function))) {
        assert!(statement.allows, "{function}: {statement:?}");
        allowed.extend(statement.actions);
    }
    for action in LAMBDA {
        assert!(allowed.remove(action), "{function} may not {action}");
    }
    let resource = template.resource(&format!("{}Function", resource_name(function)));
    if resource.property("EventInvokeConfig").is_object() {
        assert!(allowed.remove(LAMBDA_WITH_DESTINATION), "{function}");
    }
    for (action, _) in ONLY_IF {
        allowed.remove(action);
    }
    allowed
}

/// What is called, with what AWS may look for besides.
fn needed(called: &BTreeSet<String>) -> BTreeSet<String> {
    let mut needed = called.clone();
    if called.contains("ec2:CreateVpcEndpoint") {
        needed.extend(BESIDE_CREATE_VPC_ENDPOINT.map(str::to_owned));
    }
    needed
}

#[test]
fn every_function_may_do_what_it_does_and_nothing_else() {
    let template = Template::read();
    let used = told();
    let mut wrong = Vec::new();
    for function in FUNCTIONS.into_iter().chain(API) {
        let called = used.get(function).cloned().unwrap_or_default();
        let needed = needed(&called);
        let allowed = allowed(&template, function);
        for action in needed.difference(&allowed) {
            wrong.push(format!("{function} calls {action} and may not"));
        }
        for action in allowed.difference(&needed) {
            wrong.push(format!("{function} may {action} and never does"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_parameter_brings_is_allowed_where_it_is_needed() {
    let template = Template::read();
    for function in FUNCTIONS.into_iter().chain(API) {
        let statements = template.statements(&format!("{}Role", resource_name(function)));
        let all: BTreeSet<&str> = statements
            .iter()
            .flat_map(|statement| statement.actions.iter().map(String::as_str))
            .collect();
        let asks_ec2 = all.iter().any(|action| action.starts_with("ec2:"));
        let reads_key = all.contains("secretsmanager:GetSecretValue");
        for ((action, condition), is_needed) in ONLY_IF.into_iter().zip([asks_ec2, reads_key]) {
            let found: Vec<&Statement> = statements
                .iter()
                .filter(|statement| statement.actions.contains(action))
                .collect();
            assert_eq!(found.len(), usize::from(is_needed), "{function}: {action}");
            for statement in found {
                assert_eq!(
                    statement.counts_if.as_deref(),
                    Some(condition),
                    "{function}"
                );
                assert!(
                    !statement.resources.contains(&json!("*")),
                    "{function}: {action}"
                );
            }
        }
    }
}

/// Where EC2 allows it, a write is bound to what carries our tags.
#[test]
fn writes_are_bound_to_our_tags() {
    let template = Template::read();
    let mut bound = 0;
    for function in FUNCTIONS.into_iter().chain(API) {
        for statement in template.statements(&format!("{}Role", resource_name(function))) {
            let is_write = |action: &&String| {
                action.starts_with("ec2:") && !action.starts_with("ec2:Describe")
            };
            for action in statement.actions.iter().filter(is_write) {
                let place = format!("{function}, {action}");
                let kinds: Vec<String> = statement.resources.iter().map(kind_of).collect();
                let customers = ON_THE_CUSTOMERS
                    .iter()
                    .any(|(of, to, on)| *of == function && action == to && kinds == *on);
                if customers {
                    continue;
                }
                let condition = statement.condition.to_string();
                let by_tag = ["aws:ResourceTag/", "aws:RequestTag/"].iter().any(|key| {
                    condition.contains(&format!("{key}cockroachdb-privatelink:managed-by"))
                });
                let at_creation = condition.contains("ec2:CreateAction");
                // Tags of the customer's VPC: only our own keys.
                let own_keys = kinds == ["vpc"] && condition.contains("aws:TagKeys");
                assert!(by_tag || at_creation || own_keys, "{place}: {condition}");
                // Without keys in the request, DeleteTags would remove every tag.
                let clears = action == "ec2:DeleteTags" && !condition.contains("\"Null\"");
                assert!(!clears, "{place}: {condition}");
                bound += 1;
            }
        }
    }
    assert!(bound > 10, "only {bound} writes");
}

/// The kind in an ARN of EC2, such as `vpc-endpoint`; every one is of our account.
fn kind_of(resource: &Value) -> String {
    let arn = resource["Fn::Sub"].as_str().unwrap_or_default();
    let kind = arn.strip_prefix("arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:");
    let kind = kind.and_then(|kind| kind.strip_suffix("/*"));
    kind.unwrap_or_else(|| panic!("{resource} is not every one of a kind in this account"))
        .to_owned()
}

/// What a definition names: functions, and services with what they are asked about.
fn named(definition: &Value, found: &mut BTreeSet<(String, String)>) {
    if let Some(resource) = definition["Resource"].as_str() {
        let (action, on) = match function_of(resource) {
            Some(function) => {
                let function = resource_name(function);
                (
                    "lambda:InvokeFunction".to_owned(),
                    format!("{function}Function"),
                )
            }
            None => integration(resource, &definition["Arguments"]),
        };
        found.insert((action, on));
    }
    let inner: Vec<&Value> = match definition {
        Value::Array(values) => values.iter().collect(),
        Value::Object(members) => members.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    inner.into_iter().for_each(|value| named(value, found));
}

fn integration(resource: &str, arguments: &Value) -> (String, String) {
    match resource {
        "arn:aws:states:::events:putEvents" => ("events:PutEvents".to_owned(), "bus".to_owned()),
        _ => {
            let operation = resource.strip_prefix("arn:aws:states:::dynamodb:");
            let operation = operation.unwrap_or_else(|| panic!("what does {resource} need?"));
            let (first, rest) = operation.split_at(1);
            let table = arguments["TableName"].as_str().unwrap_or_default();
            let table = table.trim_start_matches("${").trim_end_matches('}');
            (
                format!("dynamodb:{}{rest}", first.to_uppercase()),
                table.to_owned(),
            )
        }
    }
}

#[test]
fn every_machine_may_do_what_its_definition_names_and_nothing_else() {
    let template = Template::read();
    let machines = template.machines();
    assert!(machines.len() >= 3);
    for (file, machine) in machines {
        let text = read(&format!("statemachine/{file}.asl.json"));
        let definition = serde_json::from_str(&text).expect("JSON");
        let mut needed = BTreeSet::new();
        named(&definition, &mut needed);

        let role = format!("{}Role", machine.name);
        assert_eq!(
            machine.property("Role"),
            &json!({ "Fn::GetAtt": [role, "Arn"] }),
            "{file}"
        );
        let mut allowed = BTreeSet::new();
        let mut of_itself = BTreeSet::new();
        for statement in template.statements(&role) {
            for action in &statement.actions {
                if STEP_FUNCTIONS.contains(&action.as_str()) {
                    of_itself.insert(action.clone());
                    continue;
                }
                for resource in &statement.resources {
                    allowed.insert((action.clone(), target_of(resource)));
                }
            }
        }
        assert_eq!(allowed, needed, "{file}");
        let expected: BTreeSet<String> = STEP_FUNCTIONS.map(str::to_owned).into();
        assert_eq!(of_itself, expected, "{file}");
    }
}

/// The resource of the template that a resource of a policy is about.
fn target_of(resource: &Value) -> String {
    if let Some(path) = resource["Fn::GetAtt"].as_array() {
        return path[0].as_str().unwrap_or_default().to_owned();
    }
    let text = resource["Fn::Sub"].as_str().unwrap_or_default();
    // Every version: a running execution calls the one that it began with.
    if let Some(name) = text
        .strip_prefix("${")
        .and_then(|it| it.strip_suffix(".Arn}:*"))
    {
        return name.to_owned();
    }
    assert!(text.ends_with(":event-bus/default"), "{resource}");
    "bus".to_owned()
}

#[test]
fn no_role_has_more_than_its_own_policy() {
    let template = Template::read();
    let mut roles = 0;
    for role in template.of_type("AWS::IAM::Role") {
        assert!(
            role.property("ManagedPolicyArns").is_null(),
            "{}",
            role.name
        );
        assert_eq!(
            role.property("PermissionsBoundary"),
            &json!({ "Fn::If": ["HasBoundary", { "Ref": "PermissionsBoundary" }, { "Ref": "AWS::NoValue" }] }),
            "{}",
            role.name
        );
        for statement in template.statements(role.name) {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{}: {action}", role.name);
            }
        }
        let trusted = list(&role.property("AssumeRolePolicyDocument")["Statement"]);
        assert_eq!(trusted.len(), 1, "{}", role.name);
        assert!(
            trusted[0]["Principal"]["Service"].is_string(),
            "{}",
            role.name
        );
        roles += 1;
    }
    assert!(roles > FUNCTIONS.len());
}

/// What may be done where, and on which condition.
type Grant = (String, String, String);

fn grants(statements: &[Statement]) -> BTreeSet<Grant> {
    let mut grants = BTreeSet::new();
    for statement in statements {
        for (action, resource) in statement
            .actions
            .iter()
            .flat_map(|action| statement.resources.iter().map(move |on| (action, on)))
        {
            if ["cloudwatch:", "ec2:", "route53:"]
                .iter()
                .any(|of| action.starts_with(of))
            {
                let condition = statement.condition.to_string();
                grants.insert((action.clone(), resource.to_string(), condition));
            }
        }
    }
    grants
}

#[test]
fn the_role_in_other_accounts_grants_what_the_functions_have_at_home() {
    let template = Template::read();
    let mut home = BTreeSet::new();
    for function in FUNCTIONS.into_iter().chain(API) {
        home.extend(grants(
            &template.statements(&format!("{}Role", resource_name(function))),
        ));
    }
    let away = Template::read_from("infra/other-account.yaml").statements("Role");
    let all: usize = away
        .iter()
        .map(|it| it.actions.len() * it.resources.len())
        .sum();
    let away = grants(&away);
    assert_eq!(away, home);
    assert_eq!(
        away.len(),
        all,
        "nothing but EC2, Route 53 and CloudWatch, and nothing twice"
    );
}
