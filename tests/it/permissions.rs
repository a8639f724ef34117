//! Permissions are what is used: every statement of every role is needed by some call
//! of the stories below or by some start that the template names, which no other
//! statement of the role allows, and whatever is called is allowed (that is judged in
//! every test of this folder, with the feature `outside-judges`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::{Clock, Execution, Machine, TaskFailure, Tasks};
use in_process::InProcess;
use serde_json::{Value, json};
use shared::accounts::session::ACTIONS;
use shared::config::{Config, DEFAULT_TAG_PREFIX};
use shared::executions::Machine as Started;
use shared::gateway::respond;
use shared::ledger::{Connection, Phase};
use shared::ownership::Origin;
use shared::settings::Settings;
use simulator::ec2::EndpointState;
use simulator::{Authorization, Fault, FaultKind, Moment, Scenario};
use steps::{FUNCTIONS, Integrated, Steps, function_of, resource_name};
use system_tests::authorization::{
    API, API_ENDPOINT, InRoles, ORGANIZATION, Request, check, demand, deployments, home,
    in_organization, judge, named, needed, policies,
};
use system_tests::change;
use system_tests::documents::read;
use system_tests::policies::{HOME, OTHER, OTHER_ROLE, REGION, STACK, other_role};
use system_tests::run::{Goal, Stage, block_on, changes, deployed};
use system_tests::situations::{LIST, add_twin, prefix_list, unconnected};
use system_tests::template::{Resource, Statement, Template, list};
use system_tests::variants::{VARIANTS, changes_of};

/// Statements that no request below needs.
#[rustfmt::skip]
const IDLE: [(&str, &str); 7] = [
    ("\"xray:", "Lambda and Step Functions send traces by themselves"),
    ("\"logs:", "Lambda, Step Functions and API Gateway write logs by themselves"),
    ("\"InterfacesPolicy", "Lambda makes the interfaces of functions by itself"),
    ("\"kms:ViaService\":", "services decrypt with the customer's key, whose policy is the customer's"),
    ("\"KeyPolicy", "the same"),
    ("\"kms:*\"", "without it nobody could administer the key"),
    ("full/ConnectionsApi:", "judged by `a_private_api_answers_whom_it_should`"),
];

/// What is allowed on everything although its resources have names.
#[rustfmt::skip]
const WIDE: [(&str, &str); 6] = [
    ("identity of administrator", "a role of the customer's"),
    ("NetworkInterface on *", "Lambda makes it and gives it a name"),
    ("PrivateIpAddresses on *", "the same"),
    ("ApiLoggingRole", "API Gateway takes no role that may do less"),
    ("route53:AssociateVPCWithHostedZone", "the zone is AWS's own, and nobody is told its id"),
    ("cloudwatch:", "the metrics of AWS are in no data set of an account"),
];

/// A role that trusts everybody in the account of the stack.
const STRANGERS_ROLE: &str = "arn:aws:iam::555566667777:role/crdb-privatelink";

/// A world in which every function has a name.
struct Story {
    stage: Stage,
    ports: BTreeMap<&'static str, InProcess>,
    /// What the functions are told that start others.
    config: Config,
}

impl Story {
    fn of(stage: Stage) -> Self {
        let ports = stage.ports();
        let arn = |machine| Some(ports.machine_arn(machine));
        let config = Config::of(|name| match name {
            "PROVISION_MACHINE" => arn(Started::Provision),
            "DEPROVISION_MACHINE" => arn(Started::Deprovision),
            "OWN_ACCOUNT" => Some(HOME.to_owned()),
            "OTHER_ACCOUNT_ROLE" => Some(OTHER_ROLE.to_owned()),
            _ => None,
        });
        let functions = FUNCTIONS.into_iter().chain(API);
        let ports = functions.map(|function| (function, ports.acting_as(function)));
        Self {
            ports: ports.collect(),
            stage,
            config,
        }
    }

    fn run(&self, of: &'static str, machine: &Machine, name: &str, input: Value) -> Execution {
        let tasks = InRoles::new(of, &self.stage.simulator, self);
        let clock = &self.stage.clock;
        block_on(engine::run(machine, name, input, &tasks, clock, &()))
    }

    fn provision(&self, name: &str) -> Execution {
        let machine = Goal::Connect.machine();
        self.run("provision", &machine, name, self.stage.request.clone())
    }

    fn deprovision(&self, name: &str) -> Execution {
        let mut input = Goal::Disconnect.input(&self.stage.request);
        input["unless_traffic_minutes"] = json!(60);
        self.run("deprovision", &Goal::Disconnect.machine(), name, input)
    }

    fn check_fleet(&self, input: Value, repair: bool) -> Execution {
        let region = "eu-west-1".parse().expect("a Region");
        // The definition tells the door how other accounts are reached, too.
        let told =
            Settings::of(|name| (name == "OTHER_ACCOUNT_ROLE").then(|| OTHER_ROLE.to_owned()));
        let machine = steps::definition::check_fleet(&region, "", repair, &told);
        let machine = deployed("check-fleet", machine);
        self.run("check-fleet", &machine, "check", input)
    }

    /// An event for start-executions.
    fn event(&self, event: Value) -> Result<Value, TaskFailure> {
        block_on(self.invoke("${StartExecutionsFunctionArn}", event))
    }

    /// A call of the API.
    fn call(&self, function: &str, method: &str, path: &str, body: Option<Value>) -> u16 {
        let ports = &self.ports[function];
        let config = Config::of(|_| None);
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
                    plan_connection::handle(ports, ports, &config, now, request).await
                };
                return respond(&plan, &event).await;
            }
            let door = connections_api::Door {
                ledger: ports,
                executions: ports,
                config: &config,
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

    /// Sets or removes a tag of the VPC, and tells start-executions.
    fn tag(&self, name: &str, value: Option<&str>) {
        self.stage.clock.advance(Duration::from_secs(5));
        let (vpc, key) = (self.stage.text("vpc_id"), tag_key(name));
        self.stage.tag_vpc(&key, value);
        let account = self.stage.text("account_id");
        let account = if account.is_empty() { HOME } else { &account };
        let told = self.event(json!({
            "source": "aws.tag",
            "detail-type": "Tag Change on Resource",
            "account": account,
            "region": "eu-west-1",
            "time": "2027-01-15T08:00:00Z",
            "resources": [format!("arn:aws:ec2:eu-west-1:{account}:vpc/{vpc}")],
            "detail": {
                "service": "ec2", "resource-type": "vpc", "version": 3,
                "changed-tag-keys": [key], "tags": {},
            },
        }));
        assert!(told.is_ok(), "{told:?}");
    }

    /// Tells start-executions that the last run of its starting was stopped, and what its
    /// input was unless that is too long for an event.
    fn stop_last_run(&self, is_short: bool) {
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
        // A run that failed may not have given its lease back either.
        for status in ["ABORTED", "FAILED"] {
            let told = self.event(json!({
              "source": "aws.states",
              "detail-type": "Step Functions Execution Status Change",
              "account": "111122223333",
              "region": "eu-west-1",
              "time": "2027-01-15T08:00:00Z",
              "resources": [run.arn],
              "detail": {
                  "executionArn": run.arn, "stateMachineArn": machine, "name": run.name,
                  "status": status, "input": is_short.then_some(&run.input),
              },
            }));
            assert!(told.is_ok(), "{told:?}");
        }
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
}

impl Tasks for Story {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let Some(function) = function_of(resource) else {
            let integrations = self.stage.integrations();
            return integrations.integrate(resource, arguments).await;
        };
        let mut steps = Steps::in_process(&self.ports[function]);
        if ["check-fleet", "start-executions"].contains(&function) {
            steps.config = self.config.clone();
        }
        steps.invoke(resource, arguments).await
    }
}

/// A tag of ours by its name.
fn tag_key(name: &str) -> String {
    format!("{DEFAULT_TAG_PREFIX}:{name}")
}

/// Tells all stories, in this account and for VPCs of another.
fn tell() {
    for account in [HOME, OTHER] {
        for scenario in Scenario::names() {
            let story = Story::of(shipped(scenario, account));
            let asked = Some(story.stage.request.clone());
            story.call("plan-connection", "POST", "/plans", asked);
            story.provision("shipped");
            story.stage.clock.advance(Duration::from_secs(900));
            story.check_fleet(json!({}), true);
            story.deprovision("shipped-away");
        }
        leftover(account);
        peered(account);
        shared_group(account);
        made_twice(account);
        changed(account);
        by_tag(account);
        forgotten(account);
        drifted(account);
        swept(account);
        undone(account);
    }
    for variant in &VARIANTS {
        let story = Story::of((variant.stage)());
        story.provision("again");
        story.deprovision("away");
        for operation in changes_of(variant) {
            fails_late((variant.stage)(), &operation);
        }
    }
    by_call();
}

/// The world of a shipped scenario, with its VPCs in an account.
fn shipped(name: &str, account: &str) -> Stage {
    let scenario = Scenario::shipped(name).expect("a shipped scenario");
    Stage::of(&moved(scenario, account))
}

/// A world whose VPCs are in an account.
fn moved(mut scenario: Scenario, account: &str) -> Scenario {
    if account == HOME {
        return scenario;
    }
    for vpc in &mut scenario.vpcs {
        vpc.account = Some(account.to_owned());
    }
    for entry in &mut scenario.stack.connections {
        entry.insert("account_id".to_owned(), account.to_owned());
    }
    scenario.roles = vec![other_role()];
    { &mut scenario.request }.insert("account_id".to_owned(), json!(account));
    scenario
}

/// A run that was lost has made another endpoint.
fn made_twice(account: &str) {
    let story = Story::of(shipped("standard-cluster", account));
    story.provision("first");
    add_twin(&story.stage);
    story.provision("again");
}

/// Each change of a good run fails after its effect, so that each undo is seen.
fn undone(account: &str) {
    for name in [
        "fresh-vpc",
        "standard-cluster",
        "half-made-by-hand",
        "shared-endpoint",
    ] {
        let good = Story::of(shipped(name, account));
        good.provision("good");
        let calls = good.stage.simulator.calls().into_iter();
        let operations: BTreeSet<_> = calls.map(|call| call.operation).collect();
        for operation in operations.iter().filter(|it| changes(it)) {
            fails_late(shipped(name, account), operation);
        }
    }
}

/// The operation fails after its effect.
fn fails_late(stage: Stage, operation: &str) {
    let fault = Fault::once(operation, 1, FaultKind::Denied, Moment::After);
    Story::of(stage.with(fault)).provision("undone");
}

/// An endpoint of an earlier run that can never become usable.
fn leftover(account: &str) {
    let mut scenario = Scenario::shipped("half-made-by-hand").expect("a shipped scenario");
    let claim = in_process::stage::claim(&scenario);
    let endpoint = &mut scenario.vpcs[0].endpoints[0];
    endpoint.state = EndpointState::Failed;
    endpoint.tags = claim.tags(Origin::Made);
    let story = Story::of(Stage::of(&moved(scenario, account)));
    story.provision("leftover");
}

/// Networks of peered VPCs are sources, and those of a prefix list.
fn peered(account: &str) {
    let sources = json!({ "include_peered_vpcs": true, "prefix_list_ids": [LIST] });
    let mut scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    scenario.prefix_lists.push(prefix_list(account));
    let stage = Stage::of(&moved(scenario, account));
    let story = Story::of(stage.asking("sources", sources));
    let asked = Some(story.stage.request.clone());
    story.call("plan-connection", "POST", "/plans", asked);
    story.provision("peered");
    story.stage.clock.advance(Duration::from_secs(900));
    story.check_fleet(json!({}), false);
}

/// Two clusters behind one service share a group; the second one adds a rule, and
/// takes it along when it goes.
fn shared_group(account: &str) {
    let scenario = unconnected();
    let [one, other] = [0, 1].map(|index| json!(scenario.clusters[index].id));
    let stage = Stage::of(&moved(scenario, account));
    let mut story = Story::of(stage.asking("cluster_id", one));
    story.provision("first");
    story.stage.request["cluster_id"] = other;
    story.stage.request["sources"] = json!({ "cidrs": ["10.99.0.0/16"] });
    story.provision("second");
    story.deprovision("second-away");
}

/// A connection that works is changed in every respect and back again, and each call
/// of another change fails after its effect.
fn changed(account: &str) {
    let scenario = moved(change::scenario(), account);
    let changing = || {
        let mut stage = Stage::of(&scenario);
        for (field, value) in change::asked() {
            stage.request[field] = value;
        }
        stage
    };
    let mut story = Story::of(changing());
    story.stage.request["protect"] = json!(true);
    story.provision("changed");
    story.stage.request = Value::Object(scenario.request.clone());
    story.provision("changed-back");
    for operation in ["ec2:ModifyVpcEndpoint", "ec2:RevokeSecurityGroupIngress"] {
        let fault = Fault::once(operation, 1, FaultKind::Denied, Moment::After);
        Story::of(changing().with(fault)).provision("put-back");
    }
}

/// Everything that tags on a VPC can lead to, good and bad.
fn by_tag(account: &str) {
    let stage = shipped("fresh-vpc", account).asking("requested_by", json!("vpc-tag"));
    let story = Story::of(stage);
    let cluster = story.stage.text("cluster_id");
    story.tag("cluster-id", Some("no-cluster"));
    story.tag("cluster-id", Some(&cluster));
    story.provision("tagged");
    story.stop_last_run(true);
    story.unfinished();
    story.tag("private-dns", Some("perhaps"));
    story.tag("private-dns", None);
    story.tag("cluster-id", None);
    story.stop_last_run(false);
    story.deprovision("untagged");
    let search = json!({ "search": { "always": "eu-west-1", "turn": 0 } });
    let found = story.event(search).expect("an answer");
    assert!(found["trouble"].is_null(), "{found}");
}

/// What the status says of a run that left nothing, not even an entry, goes with the
/// wish.
fn forgotten(account: &str) {
    let story = Story::of(shipped("fresh-vpc", account));
    let status = tag_key(&format!("status:{}", story.stage.text("cluster_id")));
    let said = "rolled-back connection-busy 2027-01-15T07:00:00Z";
    story.stage.tag_vpc(&status, Some(said));
    story.tag("cluster-id", None);
    let tags = story.stage.vpc_tags();
    assert!(!tags.contains_key(&status), "{tags:?}");
}

/// A connection that works, then one that does not, whose repair is stopped.
fn drifted(account: &str) {
    let story = Story::of(shipped("fresh-vpc", account));
    story.provision("first");
    story.stage.simulator.meddle(|world| {
        for endpoint in world.ec2.endpoints.values_mut() {
            endpoint.private_dns = false;
            endpoint.interfaces.pop();
        }
    });
    for input in [
        json!({}),
        json!({ "connection_ids": [story.connection_id()] }),
    ] {
        story.stage.clock.advance(Duration::from_secs(900));
        story.check_fleet(input, true);
    }
    story.stop_last_run(true);
    let stage = Stage::of(&moved(change::scenario(), account));
    stage.simulator.meddle(change::take_group_off);
    Story::of(stage).provision("put-on");
}

/// A ledger that was lost: what it had is found, removed, and written anew.
fn swept(account: &str) {
    let story = Story::of(shipped("fresh-vpc", account));
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
    let places = format!("{account}/{REGION}");
    let machine = steps::definition::sweep(&region, &places, &Settings::default());
    let machine = deployed("sweep", machine);
    let complete = json!({ "apply": true, "ledger_is_complete": true });
    story.run("sweep", &machine, "first-seen", complete.clone());
    story.stage.clock.advance(Duration::from_secs(2 * 86_400));
    story.run("sweep", &machine, "removed", complete);
    story.run("sweep", &machine, "told", json!({ "rebuild": true }));
    story.run(
        "sweep",
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
    story.run("sweep", &machine, "entry", json!({}));
}

/// Every call of the API.
fn by_call() {
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
    // It is being removed, says the ledger, by the run that was started last.
    let runs = story.stage.ports().started();
    let connection = Connection {
        phase: Phase::Disconnecting,
        execution: runs.last().expect("a run").arn.clone(),
        ..story.connection()
    };
    story.stage.ports().put_connection(&connection);
    let path = format!("/connections/{}", connection.connection_id);
    assert_eq!(story.call("connections-api", "DELETE", &path, None), 202);
}

/// What nobody is seen to call: rules, schedules, alarms, API Gateway and Lambda act by
/// themselves, as a service or in a role.
fn by_themselves() -> Vec<Request> {
    let deployment = &deployments()["full"];
    let template = deployment.template();
    let mut all = Vec::new();
    let mut ask = |principal: &str, role: Option<&str>, policy: Option<String>, what| {
        all.push(Request {
            role: role.map(|role| format!("full/{role}")),
            principal: principal.to_owned(),
            resource_policy: policy.map(|policy| format!("full/{policy}")),
            what,
        });
    };
    let needs = |action: &str, on: &str| Authorization::new(&home(), action, on);
    let queue = deployment.arn("LostEventsQueue");
    let topic = deployment.arn("NoticeTopic");
    let rule = |name: &str| deployment.arn(name);

    for (name, rule_of) in deployment.of_resources("AWS::Events::Rule", "") {
        for target in list(&rule_of["Targets"]) {
            let on = target["Arn"].as_str().expect("a target");
            if on.contains(":lambda:") {
                let starts = needs("lambda:InvokeFunction", on).with("aws:SourceArn", rule(&name));
                ask("events.amazonaws.com", None, Some(on.to_owned()), starts);
            } else {
                // No condition of the topic's policy is supported for EventBridge ("Amazon
                // SNS permissions", EventBridge user guide), so no key is promised.
                let policy = Some("NoticeTopicPolicy".to_owned());
                ask(
                    "events.amazonaws.com",
                    None,
                    policy,
                    needs("sns:Publish", on),
                );
            }
            let lost = target["DeadLetterConfig"]["Arn"].as_str().expect("a queue");
            let sends = needs("sqs:SendMessage", lost).with("aws:SourceArn", rule(&name));
            let policy = Some("LostEventsQueuePolicy".to_owned());
            ask("events.amazonaws.com", None, policy, sends);
        }
    }
    for schedule in deployment
        .of_resources("AWS::Scheduler::Schedule", "Target")
        .into_values()
    {
        let role = schedule["RoleArn"].as_str().expect("a role");
        let logical = logical(role);
        // Versions and aliases are authorized by the machine.
        let machine = schedule["Arn"].as_str().expect("a target");
        let machine = machine.strip_suffix(":live").unwrap_or(machine);
        let lost = schedule["DeadLetterConfig"]["Arn"]
            .as_str()
            .expect("a queue");
        for what in [
            needs("states:StartExecution", machine),
            needs("sqs:SendMessage", lost),
        ] {
            ask(role, Some(logical), None, what);
        }
        let assumes = needs("sts:AssumeRole", role).with("aws:SourceAccount", HOME);
        ask("scheduler.amazonaws.com", None, None, assumes);
    }
    for (name, actions) in deployment.of_resources("AWS::CloudWatch::Alarm", "AlarmActions") {
        for on in list(&actions) {
            let on = on.as_str().expect("a topic");
            let publishes = needs("sns:Publish", on).with("aws:SourceArn", rule(&name));
            let policy = Some("NoticeTopicPolicy".to_owned());
            ask("cloudwatch.amazonaws.com", None, policy, publishes);
        }
    }
    for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
        let key = deployment.arn("NoticeKey");
        let of_topic = needs(action, &key).with("kms:EncryptionContext:aws:sns:topicArn", &topic);
        let of_account = needs(action, &key).with("aws:SourceAccount", HOME);
        for (service, what) in [("events", of_topic), ("cloudwatch", of_account)] {
            let service = format!("{service}.amazonaws.com");
            ask(&service, None, Some("NoticeKey".to_owned()), what);
        }
    }
    for (function, method, path) in [
        ("ConnectionsApiFunction", "GET", "connections"),
        ("ConnectionsApiFunction", "POST", "connections"),
        (
            "ConnectionsApiFunction",
            "DELETE",
            "connections/0a1b2c3d4e5f",
        ),
        ("PlanConnectionFunction", "POST", "plans"),
    ] {
        let on = deployment.arn(function);
        let call = format!("arn:aws:execute-api:{REGION}:{HOME}:a1b2c3d4e5/v1/{method}/{path}");
        let calls = needs("lambda:InvokeFunction", &on).with("aws:SourceArn", call);
        ask("apigateway.amazonaws.com", None, Some(on), calls);
    }
    for function in template.of_type("AWS::Serverless::Function") {
        let role = deployment.text(function.property("Role"));
        ask(
            "lambda.amazonaws.com",
            None,
            None,
            needs("sts:AssumeRole", &role),
        );
        let own = json!({ "Ref": function.name });
        let mut kept = template.of_type("AWS::Lambda::EventInvokeConfig");
        if kept.any(|config| config.property("FunctionName") == &own) {
            ask(
                &role,
                Some(logical(&role)),
                None,
                needs("sqs:SendMessage", &queue),
            );
        }
    }
    // A cluster may have a secret of its own, with the cluster's id in its name.
    for (role, document) in deployment.identity() {
        let action = "secretsmanager:GetSecretValue";
        if document.to_string().contains(action) {
            let secret = "crdb-privatelink/5a0e8400-e29b-41d4-a716-446655440001-a1B2c3";
            let secret = format!("arn:aws:secretsmanager:{REGION}:{HOME}:secret:{secret}");
            let arn = deployment.arn(&role);
            ask(&arn, Some(&role), None, needs(action, &secret));
        }
    }
    let logs = json!("apigateway.amazonaws.com");
    for (role, trust) in deployment.trust() {
        if trust["Statement"][0]["Principal"]["Service"] == logs {
            let assumes = needs("sts:AssumeRole", &deployment.arn(&role));
            ask("apigateway.amazonaws.com", None, None, assumes);
        }
    }
    for machine in template.of_type("AWS::Serverless::StateMachine") {
        let role = deployment.text(machine.property("Role"));
        let assumes = needs("sts:AssumeRole", &role).with("aws:SourceAccount", HOME);
        ask("states.amazonaws.com", None, None, assumes);
    }
    all
}

/// The logical id of a role of the stack, by its ARN.
fn logical(role: &str) -> &str {
    let name = role
        .rsplit_once(&format!("/{STACK}-"))
        .map(|(_, name)| name);
    let name = name.and_then(|name| name.rsplit_once('-'));
    name.unwrap_or_else(|| panic!("{role} is no role of the stack"))
        .0
}

/// Without the feature the other tests of this folder make their calls unjudged; that
/// this one is ignored then says so.
#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn the_calls_of_all_these_tests_are_judged_by_the_policies() {
    Story::of(Stage::shipped("fresh-vpc")).provision("judged");
    let needed = needed();
    let is_of_role = |it: &String| it.starts_with("full/CreateEndpointRole ");
    assert!(needed.iter().any(is_of_role), "{needed:?}");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn every_start_is_allowed_and_every_statement_is_needed() {
    tell();
    by_themselves().iter().for_each(demand);
    let needed = needed();
    let mut idle = Vec::new();
    let mut used = 0;
    for (kind, policies) in policies().as_object().expect("kinds of policies") {
        for (of, policy) in policies.as_object().expect("policies") {
            // Of the roles outside, and of deployments whose statements the full one has too.
            let elsewhere = [
                "plain/",
                "cognito/",
                "operator",
                "application",
                "administrator",
                STRANGERS_ROLE,
            ];
            let is_shown = kind == "identity" && of.starts_with("other/") && of != "other/Role";
            if is_shown || elsewhere.iter().any(|other| of.starts_with(other)) {
                continue;
            }
            let document = if ["identity", "boundaries"].contains(&kind.as_str()) {
                &policy[0]["document"]
            } else {
                policy
            };
            for (at, mut statement) in list(&document["Statement"]).into_iter().enumerate() {
                statement["statement"] = json!(at);
                let what = format!("{of}: {statement}");
                if statement["Effect"] == "Deny" || IDLE.iter().any(|(it, _)| what.contains(it)) {
                    continue;
                }
                match needed.contains(&named(of, &statement)) {
                    true => used += 1,
                    false => idle.push(what),
                }
            }
        }
    }
    assert!(idle.is_empty(), "nothing needs\n{}", idle.join("\n"));
    assert!(used > 200, "only {used} statements");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn what_is_not_ours_is_left_alone() {
    let deployments = deployments();
    let tag = |name: &str| format!("aws:ResourceTag/cockroachdb-privatelink:{name}");
    let managed = (tag("managed-by"), "crdb-privatelink");
    let origin = |origin: &'static str| (tag("origin"), origin);
    let service = "ec2:VpceServiceName".to_owned();
    let service = (service, "com.amazonaws.eu-west-1.sts");
    let none: &[(String, &str)] = &[];
    let ours = std::slice::from_ref(&managed);
    let adopted: &[_] = &[managed.clone(), origin("adopted")];
    // Somebody has set our tags on the endpoint of a service of AWS.
    let of_aws: &[_] = &[managed.clone(), origin("made"), service];
    let (endpoint, group) = ("vpc-endpoint/vpce-0a", "security-group/sg-0a");
    let (vpc, subnet) = ("vpc/vpc-0a", "subnet/subnet-0a");
    let mut asked = 0;
    for (action, kind, has) in [
        ("ec2:DeleteVpcEndpoints", endpoint, none),
        ("ec2:DeleteVpcEndpoints", endpoint, ours),
        ("ec2:DeleteVpcEndpoints", endpoint, adopted),
        ("ec2:DeleteVpcEndpoints", endpoint, of_aws),
        ("ec2:ModifyVpcEndpoint", endpoint, none),
        ("ec2:ModifyVpcEndpoint", group, ours),
        ("ec2:DeleteSecurityGroup", group, none),
        ("ec2:DeleteSecurityGroup", group, ours),
        ("ec2:AuthorizeSecurityGroupIngress", group, none),
        ("ec2:RevokeSecurityGroupIngress", group, ours),
        ("ec2:DeleteTags", endpoint, none),
        // Without keys in the request, every tag would go.
        ("ec2:DeleteTags", endpoint, ours),
        ("ec2:DeleteTags", vpc, none),
        ("ec2:CreateTags", endpoint, none),
        ("ec2:CreateTags", group, none),
        ("ec2:CreateTags", vpc, none),
        ("ec2:CreateTags", subnet, ours),
        ("ec2:ModifyVpcAttribute", vpc, none),
    ] {
        for (set, deployment) in deployments {
            let account = if *set == "other" { OTHER } else { HOME };
            let on = format!("arn:aws:ec2:{REGION}:{account}:{kind}1b2c3d4e5f60718");
            let mut what = Authorization::new(&home(), action, on);
            what.account = account.to_owned();
            if action == "ec2:CreateTags" {
                // Somebody else's key, or the one that makes an endpoint deletable.
                let made = (
                    "cockroachdb-privatelink:origin".to_owned(),
                    "made".to_owned(),
                );
                what = what.tagging([(&made.0, &made.1)]);
            }
            for (key, value) in has {
                what = what.with(key, *value);
            }
            for role in deployment.identity().into_keys() {
                let request = Request {
                    principal: deployment.arn(&role),
                    role: Some(format!("{set}/{role}")),
                    resource_policy: None,
                    what: what.clone(),
                };
                assert!(!judge(&request).allowed, "{role} of {set} may {what:?}");
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "only {asked} requests");
}

/// Which accounts are reached is for the stack to say, and by whom for the role there.
#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn only_the_functions_reach_other_accounts_and_only_those_that_are_named() {
    let other = format!("arn:aws:iam::{OTHER}:role/{OTHER_ROLE}");
    let function = deployments()["full"].arn("CreateEndpointRole");
    assert_eq!(
        function,
        format!("arn:aws:iam::{HOME}:role/{STACK}/{STACK}-CreateEndpointRole-1A2B3C4D5E6F")
    );
    let no_path = format!("arn:aws:iam::{HOME}:role/{STACK}-CreateEndpointRole-1A2B3C4D5E6F");
    let other_stack =
        format!("arn:aws:iam::{HOME}:role/{STACK}-dev/{STACK}-dev-CreateEndpointRole");
    for (set, principal, role, organization, assumes) in [
        ("full", &function, other.as_str(), ORGANIZATION, true),
        // The list counts, not the organization.
        ("full", &function, other.as_str(), "o-of-others", true),
        ("full", &function, STRANGERS_ROLE, ORGANIZATION, false),
        ("cognito", &function, other.as_str(), ORGANIZATION, true),
        ("cognito", &function, STRANGERS_ROLE, ORGANIZATION, true),
        ("cognito", &function, STRANGERS_ROLE, "o-of-others", false),
        ("full", &no_path, other.as_str(), ORGANIZATION, false),
        ("full", &other_stack, other.as_str(), ORGANIZATION, false),
    ] {
        let what = Authorization::new(&home(), "sts:AssumeRole", role)
            .with("sts:RoleSessionName", shared::accounts::SESSION_NAME)
            .with("sts:ExternalId", "a-handshake");
        let request = Request {
            role: Some(format!("{set}/CreateEndpointRole")),
            principal: principal.clone(),
            resource_policy: None,
            what: in_organization(what, organization),
        };
        let verdict = judge(&request);
        assert_eq!(verdict.allowed, assumes, "{request:?}: {}", verdict.why);
    }
}

/// With the service control policy of `docs/security.md`.
#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn our_tags_can_be_reserved_for_the_functions() {
    let function = deployments()["full"].arn("CreateEndpointRole");
    let other = format!("arn:aws:iam::{OTHER}:role/{OTHER_ROLE}");
    let admin = format!("arn:aws:iam::{HOME}:role/administrator");
    let ours = (
        "cockroachdb-privatelink:origin".to_owned(),
        "made".to_owned(),
    );
    let theirs = ("Team".to_owned(), "data".to_owned());
    let (endpoint, group) = ("vpc-endpoint/vpce-0a", "security-group/sg-0a");
    for (principal, action, kind, tag, allowed) in [
        (&admin, "ec2:CreateTags", endpoint, &ours, false),
        (&admin, "ec2:CreateTags", group, &ours, false),
        (&admin, "ec2:CreateVpcEndpoint", endpoint, &ours, false),
        (&admin, "ec2:CreateSecurityGroup", group, &ours, false),
        (&admin, "ec2:CreateTags", endpoint, &theirs, true),
        (&admin, "ec2:CreateTags", "vpc/vpc-0a", &ours, true),
        (&function, "ec2:CreateTags", endpoint, &ours, true),
        (&other, "ec2:CreateTags", endpoint, &ours, true),
    ] {
        let account = if principal == &other { OTHER } else { HOME };
        let on = format!("arn:aws:ec2:{REGION}:{account}:{kind}1b2c3d4e5f60718");
        let mut what = Authorization::new(&home(), action, on).tagging([(&tag.0, &tag.1)]);
        what.account = account.to_owned();
        let request = Request {
            role: Some("administrator".to_owned()),
            principal: principal.clone(),
            resource_policy: None,
            what,
        };
        let verdict = judge(&request);
        assert_eq!(verdict.allowed, allowed, "{request:?}: {}", verdict.why);
    }
}

/// API Gateway adds what the policy of a private API allows to what the caller's own
/// policies do ("How API Gateway resource policies affect authorization workflow",
/// developer guide), so it must not allow what was meant to be granted one by one. With
/// Cognito the authorizer knows the caller, and IAM sees nobody.
#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_private_api_answers_whom_it_should() {
    for (set, who, endpoint, answers) in [
        ("full", "operator", API_ENDPOINT, true),
        ("full", "operator", "vpce-0aaaaaaaaaaaaaaaa", false),
        ("full", "application", API_ENDPOINT, false),
        ("full", "anonymous", API_ENDPOINT, false),
        ("cognito", "anonymous", API_ENDPOINT, true),
        ("cognito", "anonymous", "vpce-0aaaaaaaaaaaaaaaa", false),
    ] {
        let role = (who != "anonymous").then(|| who.to_owned());
        let principal = match &role {
            Some(role) => format!("arn:aws:iam::{HOME}:role/{role}"),
            None => who.to_owned(),
        };
        let call =
            format!("arn:aws:execute-api:{REGION}:{HOME}:a1b2c3d4e5/v1/DELETE/connections/0a1b");
        let what = Authorization::new(&home(), "execute-api:Invoke", call);
        let request = Request {
            role,
            principal,
            resource_policy: Some(format!("{set}/ConnectionsApi")),
            what: what.with("aws:SourceVpce", endpoint),
        };
        let verdict = judge(&request);
        assert_eq!(
            verdict.allowed, answers,
            "{set}, {who} by {endpoint}: {}",
            verdict.why
        );
    }
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn the_reference_knows_every_action_with_its_resource_and_keys() {
    let said = check();
    assert_eq!(said["findings"], json!([]));
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let wide = said["couldBeScoped"]
        .as_array()
        .expect("a list")
        .iter()
        .map(text);
    let excused = |it: &String| WIDE.iter().any(|(what, _)| it.contains(what));
    let wide: Vec<String> = wide.filter(|it| !excused(it)).collect();
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

/// The policies besides its own that a role must have: functions make their interfaces
/// with one, and who uses tables or the queue uses their key with another.
fn besides(template: &Template, role: Resource<'_>) -> Value {
    let mut policies = Vec::new();
    let mut add = |condition: &str, policy: &str| {
        policies
            .push(json!({ "Fn::If": [condition, { "Ref": policy }, { "Ref": "AWS::NoValue" }] }));
    };
    let trusted = &role.property("AssumeRolePolicyDocument")["Statement"][0]["Principal"];
    if trusted["Service"] == "lambda.amazonaws.com" {
        add("IsInVpc", "InterfacesPolicy");
    }
    if !role.property("Path").is_null() {
        add("HasOtherAccounts", "OtherAccountsPolicy");
    }
    let statements = template.statements(role.name);
    let mut actions = statements.iter().flat_map(|it| &it.actions);
    if actions.any(|action| action.starts_with("dynamodb:") || action.starts_with("sqs:")) {
        add("HasOwnKey", "KeyPolicy");
    }
    if policies.is_empty() {
        return Value::Null;
    }
    policies.into()
}

#[test]
fn no_role_has_more_than_its_own_policy_and_those_of_parameters() {
    let template = Template::read();
    let mut roles = 0;
    for role in template.of_type("AWS::IAM::Role") {
        role.has("ManagedPolicyArns", &besides(&template, role));
        let chosen = json!({ "Ref": "PermissionsBoundary" });
        let boundary = json!(["HasBoundary", chosen, { "Ref": "AWS::NoValue" }]);
        role.has("PermissionsBoundary", &json!({ "Fn::If": boundary }));
        for statement in template.statements(role.name) {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{}: {action}", role.name);
            }
        }
        let trusted = list(&role.property("AssumeRolePolicyDocument")["Statement"]);
        assert_eq!(trusted.len(), 1, "{}", role.name);
        let service = &trusted[0]["Principal"]["Service"];
        assert!(service.is_string(), "{}", role.name);
        roles += 1;
    }
    assert!(roles > FUNCTIONS.len());
}

/// What may be done where, and on which condition.
type Grant = (String, String, String);

fn grants(statements: &[Statement]) -> BTreeSet<Grant> {
    let mut grants = BTreeSet::new();
    for statement in statements {
        let services = [
            "cloudwatch:",
            "ec2:",
            "route53:",
            "route53profiles:",
            "route53resolver:",
        ];
        let is_of_them = |action: &&String| services.iter().any(|of| action.starts_with(of));
        for action in statement.actions.iter().filter(is_of_them) {
            for on in &statement.resources {
                let condition = statement.condition.to_string();
                grants.insert((action.clone(), on.to_string(), condition));
            }
        }
    }
    grants
}

/// By its path a role is known in other accounts.
#[test]
fn a_function_asks_another_account_for_what_it_may_do_at_home() {
    let template = Template::read();
    let path = json!({ "Fn::Sub": "/${AWS::StackName}/" });
    let mut reaching = BTreeMap::new();
    for function in FUNCTIONS.into_iter().chain(API) {
        let role = format!("{}Role", resource_name(function));
        let has_path = template.resource(&role).property("Path") == &path;
        let actions: BTreeSet<String> = grants(&template.statements(&role))
            .into_iter()
            .map(|(action, ..)| action)
            .collect();
        assert_eq!(
            has_path,
            !actions.is_empty(),
            "infra/template.yaml, {role}: a Path, if it asks EC2, Route 53 or CloudWatch"
        );
        let path = format!("functions/{function}/src/main.rs");
        let main = read(&path);
        for part in [".accounts(", r#".limited_to(env!("CARGO_BIN_NAME"))"#] {
            assert_eq!(main.contains(part), has_path, "{path}: {part}, as {role}");
        }
        if has_path {
            reaching.insert(function, actions);
        }
    }
    let listed = ACTIONS.iter().map(|(function, actions)| {
        let actions = actions.iter().map(|it| (*it).to_owned());
        (*function, actions.collect::<BTreeSet<_>>())
    });
    let listed: BTreeMap<&str, BTreeSet<String>> = listed.collect();
    assert_eq!(
        reaching, listed,
        "functions/shared/src/accounts/session.rs: write the documents anew"
    );
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
    assert_eq!(
        away, home,
        "infra/other-account.yaml and the roles of infra/template.yaml"
    );
    let why = "nothing but EC2, Route 53 and CloudWatch, and nothing twice";
    assert_eq!(away.len(), all, "{why}");
}

/// A service may be talked into assuming somebody's role; who does not know the
/// handshake is not let in, nor is a role that is none of the stack's.
#[test]
fn the_role_of_another_account_asks_for_the_handshake_and_for_a_role_of_the_stack() {
    let template = Template::read_from("infra/other-account.yaml");
    let trust = "/Resources/Role/Properties/AssumeRolePolicyDocument/Statement";
    let statements = template.at(trust).as_array().expect("statements");
    assert_eq!(statements.len(), 1);
    let condition = &statements[0]["Condition"];
    let asked = &condition["StringEquals"]["sts:ExternalId"];
    assert_eq!(asked, &json!({ "Ref": "ExternalId" }));
    let roles = condition["ArnLike"]["aws:PrincipalArn"].to_string();
    let of_the_stack = "${StackAccount}:role/${StackName}/*";
    assert!(roles.contains(of_the_stack), "{roles}");
}
