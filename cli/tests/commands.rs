//! The real binary, as an operator uses it: stdout, stderr and exit codes.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use simulator::http::Server;
use simulator::scenario::KeySpec;
use simulator::{Fault, FaultKind, Moment, Pace, Scenario, Simulator};

/// The command with these words.
fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crdb-privatelink"));
    command.args(line.split_whitespace());
    command
}

fn run(line: &str) -> Output {
    command(line).output().unwrap()
}

fn provision(line: &str) -> Output {
    run(&format!("provision --speed=200 --scenario {line}"))
}

fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn has(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// A text without the ends of its lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a command said on stdout, which ended like this and said all of these parts.
#[track_caller]
fn told(output: &Output, exit_code: i32, parts: &[&str]) -> String {
    let said = stdout(output);
    assert_eq!(exit(output), exit_code, "{said}{}", stderr(output));
    has(&said, parts);
    said
}

/// The one JSON document of a `--json` command, which says nothing else.
#[track_caller]
fn json(output: &Output) -> Value {
    assert_eq!(stderr(output), "");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exit_code"], exit(output), "{document:#}");
    document
}

/// The same of one that came out like this.
#[track_caller]
fn json_of(output: &Output, exit_code: i32, outcome: &str) -> Value {
    let document = json(output);
    assert_eq!(document["outcome"], outcome, "{document:#}");
    assert_eq!(exit(output), exit_code, "{document:#}");
    document
}

fn count(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

/// A world that stays between commands and in which nothing takes time.
struct Standing {
    /// The name of its scenario.
    name: String,
    simulator: Simulator,
    server: Server,
    runtime: tokio::runtime::Runtime,
}

impl Standing {
    fn new(scenario: &str) -> Self {
        Self::with(scenario, |_| {})
    }

    /// The same with a change.
    fn with(name: &str, change: impl FnOnce(&mut Scenario)) -> Self {
        let mut scenario = Scenario::shipped(name).unwrap();
        scenario.pace = Pace::instant();
        change(&mut scenario);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let simulator = Simulator::new(&scenario, time::OffsetDateTime::now_utc);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime
            .block_on(Server::start(simulator.clone(), address))
            .unwrap();
        Self {
            name: name.to_owned(),
            simulator,
            server,
            runtime,
        }
    }

    fn run(&self, line: &str) -> Output {
        let named = if line.contains("--scenario") {
            String::new()
        } else {
            format!("--scenario {}", self.name)
        };
        run(&format!("{line} {named} --endpoint {}", self.server.url()))
    }

    /// From now on the operation is denied.
    fn denies(&self, operation: &str) {
        let fault = Fault::from_then_on(operation, 1, FaultKind::Denied, Moment::Before);
        self.simulator.add_fault(fault);
    }

    /// What there is in a VPC, at the clusters and in the ledger of it.
    fn things(&self, vpc: &str) -> String {
        self.simulator.look(|world| {
            let endpoints = world.ec2.endpoints.values().filter(|it| it.vpc_id == vpc);
            let endpoints: Vec<_> = endpoints.filter(|it| it.state.is_there()).collect();
            let ids: Vec<&str> = endpoints.iter().map(|it| it.id.as_str()).collect();
            let groups: Vec<_> = world
                .ec2
                .groups
                .values()
                .filter(|it| it.vpc_id == vpc && !it.is_default())
                .collect();
            let registrations = world.cloud.clusters().flat_map(|it| it.connections());
            let registrations: Vec<_> = registrations
                .filter(|it| ids.contains(&it.endpoint_id.as_str()))
                .collect();
            format!("{endpoints:#?} {groups:#?} {registrations:#?}")
        })
    }

    /// Everything that a command could change.
    fn account(&self) -> String {
        let vpcs: Vec<String> = self.simulator.look(|world| {
            let vpcs = world.ec2.vpcs.values();
            vpcs.map(|vpc| vpc.id.clone()).collect()
        });
        let things: Vec<String> = vpcs.iter().map(|vpc| self.things(vpc)).collect();
        format!("{things:?} {:?} {:?}", self.registered(), self.ledger())
    }

    fn registered(&self) -> Vec<String> {
        self.simulator.look(|world| {
            let registrations = world.cloud.clusters().flat_map(|it| it.connections());
            registrations.map(|it| it.endpoint_id.clone()).collect()
        })
    }

    /// The entries, by the id of their connection.
    fn ledger(&self) -> BTreeMap<String, Value> {
        self.simulator
            .look(|world| world.dynamodb.items(&world.stack.connections_table))
    }

    /// The VPCs whose lease is held.
    fn leases(&self) -> usize {
        self.simulator.look(|world| {
            let leases = world.dynamodb.items(&world.stack.leases_table);
            leases.values().filter(|it| !it["holder"].is_null()).count()
        })
    }

    /// The command on what it takes for an account.
    fn real(&self, line: &str) -> Output {
        self.as_account(line).output().unwrap()
    }

    fn as_account(&self, line: &str) -> Command {
        let mut command = command(line);
        command
            .env("AWS_ENDPOINT_URL", self.server.url())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "simulated")
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("COCKROACH_SERVER", self.server.url());
        command
    }

    fn endpoints(&self) -> usize {
        self.simulator.look(|world| world.ec2.endpoints.len())
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
    }
}

#[test]
fn a_fresh_vpc_is_connected_and_told_as_json() {
    let document = json_of(&provision("fresh-vpc --json"), 0, "ready");
    assert_eq!(document["result"]["port"], 26257);
    assert!(document["failure"].is_null());
    assert_eq!(count(&document["steps"]), 9);
    let mut steps = document["steps"].as_array().unwrap().iter();
    assert!(steps.all(|step| step["outcome"] == "done" && step["seconds"].is_number()));
    let seconds = document["elapsed_seconds"].as_f64().unwrap();
    let world_time = 60.0..3600.0;
    assert!(world_time.contains(&seconds), "the world's own: {seconds}");
}

#[test]
fn people_get_host_and_connection_string_on_stdout_and_progress_on_stderr() {
    let output = provision("standard-cluster --sql-user=app --database=shop");
    let string = "postgresql://app@internal-payments";
    let said = told(&output, 0, &[string, "/shop?sslmode=verify-full"]);
    let result = "[simulated: standard-cluster] Ready: ";
    assert!(said.starts_with(result), "{said}");
    let progress = stderr(&output);
    has(&progress, &["200 times as fast", "✓"]);
    let colour = '\x1b';
    assert!(
        !said.contains(colour) && !progress.contains(colour),
        "outside a terminal"
    );
}

#[test]
fn a_rejected_endpoint_is_rolled_back_and_explained() {
    let document = json_of(&provision("endpoint-rejected --json"), 4, "rolled-back");
    let failure = &document["failure"];
    assert_eq!(failure["code"], "endpoint-rejected");
    assert!(failure["fix"].as_str().unwrap().len() > 20);
    assert_eq!(count(&failure["undone"]), 3, "{failure:#}");
    assert_eq!(count(&failure["left"]), 0);
    let steps = document["steps"].as_array().unwrap().iter();
    assert_eq!(steps.filter(|step| step["part"] == "undo").count(), 3);

    let output = provision("endpoint-rejected");
    let expected = "Rolled back: nothing that this execution made is left.";
    told(&output, 4, &[expected]);
    has(&stderr(&output), &["Undoing what was made"]);
}

#[test]
fn what_was_made_is_kept_and_named_if_asked_for() {
    let output = provision("endpoint-rejected --on-failure=keep");
    told(&output, 5, &["Kept:", "Endpoint vpce-"]);
}

#[test]
fn what_cannot_be_undone_is_named_and_needs_a_person() {
    let world = Standing::new("endpoint-rejected");
    world.denies("ec2:DeleteSecurityGroup");
    let output = world.run("provision --scenario=endpoint-rejected --speed=200");
    told(&output, 5, &["Left behind:", "aws-access-denied"]);
}

#[test]
fn a_bad_request_is_refused_by_field_value_and_rule_before_anything_starts() {
    let output = run("provision --vpc-id=vpc-1");
    assert_eq!(exit(&output), 2);
    has(&stderr(&output), &["--vpc-id: `vpc-1` is not a VPC id"]);
    let document = json_of(&run("provision --json --cidr=nonsense"), 2, "not-started");
    assert_eq!(document["failure"]["code"], "invalid-request");
    for bad in [
        "provision --scenario=atlantis",
        "provision --profile=work",
        "provision --request=/no/such/file.json",
        "provision --speed=-1",
        "provision --aws --region=eu-west-1",
        "plan --endpoint=localhost",
        "plan --endpoint=http://192.0.2.1",
        "explain private-dns-conflct",
        "frobnicate",
        "deprovision --vpc-id=vpc-1",
        "deprovision --undo-seconds=5",
        "deprovision --request=/no/such/file.json",
        "deprovision --aws --region=eu-west-1",
        "deprovision --cidr=10.0.0.0/8",
        "sweep --connections-table=a",
        "sweep --minimum-age=0",
        "sweep --place=nowhere",
        "rebuild --ledger-is-complete",
    ] {
        assert_eq!(exit(&run(bad)), 2, "{bad}");
    }
}

/// A simulator does not say which world it runs.
#[test]
fn of_a_running_simulator_nothing_is_asked_for_that_nobody_named() {
    let world = Standing::new("standard-cluster");
    for command in ["provision", "plan", "deprovision"] {
        let output = run(&format!("{command} --endpoint {}", world.server.url()));
        assert_eq!(exit(&output), 2, "{command}");
        has(&stderr(&output), &["give --cluster-id", "`--scenario`"]);
    }
    assert!(world.simulator.calls().is_empty());
}

/// What people copy has more around it, and every flag is read like every other door.
#[test]
fn a_request_is_read_however_it_is_written() {
    let file = format!("{}/with-a-mark.json", env!("CARGO_TARGET_TMPDIR"));
    let request = Scenario::shipped("standard-cluster").unwrap().request;
    let text = serde_json::to_string(&request).unwrap();
    std::fs::write(&file, format!("\u{feff}{text}\r\n")).unwrap();
    let plain = run("plan --json --scenario=standard-cluster");
    let plain = json_of(&plain, 0, "planned")["plan"]["connection_id"].clone();
    let spelled = |field: &str| request[field].as_str().unwrap().to_uppercase();
    let (cluster, vpc) = (spelled("cluster_id"), spelled("vpc_id"));
    let ids = format!("--cluster-id={cluster} --region=EU-WEST-1 --vpc-id={vpc}");
    for asked in [format!("--request={file}"), ids] {
        let output = run(&format!("plan --json --scenario=standard-cluster {asked}"));
        let document = json_of(&output, 0, "planned");
        assert_eq!(document["plan"]["connection_id"], plain);
    }
}

#[test]
fn a_request_is_read_from_standard_input() {
    let mut plan = command("plan --json --scenario=standard-cluster --request -");
    plan.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = plan.stderr(Stdio::piped()).spawn().unwrap();
    let request = Scenario::shipped("standard-cluster").unwrap().request;
    let text = serde_json::to_string(&request).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    json_of(&child.wait_with_output().unwrap(), 0, "planned");
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_its_name_and_line() {
    let file = format!("{}/world.toml", env!("CARGO_TARGET_TMPDIR"));
    let refused = |text: String| {
        std::fs::write(&file, text).unwrap();
        let output = run(&format!("provision --scenario={file}"));
        assert_eq!(exit(&output), 2);
        stderr(&output)
    };
    let text = || Scenario::shipped_text("fresh-vpc").unwrap().to_owned();
    let said = refused(format!("{}\nx = = 1\n", text()));
    let line = text().lines().count() + 2;
    has(
        &said,
        &[
            &file,
            &format!("line {line}"),
            "\n",
            &format!("{line} | x = = 1"),
        ],
    );
    let misspelt = text().replacen("\nregion = ", "\nregoin = ", 1);
    assert_ne!(misspelt, text());
    has(&refused(misspelt), &[&file, "unknown field `regoin`"]);
    let missing = run("provision --scenario=./nofile.toml");
    assert_eq!(exit(&missing), 2);
    has(&stderr(&missing), &["./nofile.toml: No such file"]);
}

/// By hand it is the same API in the same version as that which the tool speaks.
#[test]
fn what_a_plan_says_to_do_by_hand_is_meant_for_the_same_api() {
    let parts = [
        "--header 'Cc-Version: 2024-09-16'",
        "\"${COCKROACH_SERVER:-https://cockroachlabs.cloud}/api/v1/clusters/",
        "/networking/private-endpoint-services\"",
    ];
    has(&stdout(&Standing::new("fresh-vpc").run("plan")), &parts);
}

#[test]
fn a_fix_names_flags_and_the_vpc() {
    let world = Standing::with("standard-cluster", |scenario| {
        scenario.vpcs[0].dns_hostnames = false;
    });
    for command in ["plan", "provision"] {
        let line = format!("{command} --scenario=standard-cluster --speed=200");
        let said = stdout(&world.run(&line));
        let said = flat(&said);
        assert!(said.contains("--no-private-dns`"), "{command}: {said}");
        assert!(!said.contains("the VPC's id"), "{command}: {said}");
    }
}

/// What would steer a terminal, hide what stands there, or run in a shell.
const STEERING: &str = "\u{1b}[31m\u{7}\u{9b}2J\u{202e}\u{2066}$(touch /tmp/run)`id`'\"\n#";

/// As much of it as EC2 can answer: XML has no words for the rest.
fn in_xml() -> String {
    let has_words = |c: &char| *c >= ' ' || *c == '\n';
    STEERING.chars().filter(has_words).collect()
}

fn is_for_reading(text: &str) -> bool {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    !text.contains(steers)
}

#[test]
fn names_of_others_steer_neither_terminal_nor_script() {
    let hostile = |scenario: &mut Scenario| {
        scenario.clusters[0].name = format!("orders{STEERING}");
        let tags = &mut scenario.vpcs[0].tags;
        tags.insert("Name".to_owned(), in_xml());
    };
    let world = Standing::with("fresh-vpc", hostile);
    let ran = |line: &str| {
        let output = world.run(line);
        let said = stdout(&output) + &stderr(&output);
        assert!(is_for_reading(&said), "{line}: {said:?}");
        said
    };
    ran("plan");
    ran("plan --ask-for-service --wait --speed=1000");
    ran("plan --json");
    let script = ran("plan --script");
    let lines: Vec<&str> = script
        .lines()
        .filter(|it| it.contains("touch /tmp"))
        .collect();
    assert!(!lines.is_empty(), "{script}");
    for line in lines {
        assert!(line.starts_with('#'), "{line}");
    }
    let said = ran("provision --no-private-dns --speed=1000 --tag=Team=$(id)'`");
    has(&said, &["Ready"]);
    world.simulator.meddle(|world| {
        let vpc = world.ec2.vpcs.values_mut().next().unwrap();
        let key = "cockroachdb-privatelink:protect".to_owned();
        vpc.tags.insert(key, in_xml());
    });
    let said = ran("deprovision --speed=1000");
    has(&said, &["connection-protected", "\u{fffd}"]);
}

#[test]
fn a_plan_says_what_would_be_made_and_changes_nothing() {
    let world = Standing::new("standard-cluster");
    let plan = |form: &str| world.run(&format!("plan --scenario=standard-cluster {form}"));
    let parts = [
        "make crdb-privatelink-",
        "subnet-0a10000000000000a in euw1-az1",
        "$21.90 a month",
        "create-vpc-endpoint",
    ];
    told(&plan(""), 0, &parts);
    let document = json_of(&plan("--json"), 0, "planned");
    let plan_of_it = &document["plan"];
    assert_eq!(plan_of_it["parts"]["price"]["usd_cents_per_month"], 2190);
    let script = stdout(&plan("--script"));
    assert_eq!(document["commands"], script);
    assert!(script.starts_with("#!/usr/bin/env bash\n"));
    let id = plan_of_it["connection_id"].as_str().unwrap();
    assert!(
        script.contains(&format!("crdb-privatelink {id}")),
        "{script}"
    );

    let reads = [
        "ec2:Describe",
        "route53:List",
        "route53profiles:List",
        "route53resolver:List",
        "secretsmanager:Get",
        "sts:Get",
        "cloud:GET",
    ];
    for call in world.simulator.calls() {
        let mut reads = reads.iter();
        assert!(reads.any(|it| call.operation.starts_with(it)), "{call:?}");
    }
    assert_eq!(world.endpoints(), 0);
    let cloud = world.simulator.look(|world| format!("{:?}", world.cloud));
    assert!(!cloud.contains("vpce-0"));
}

/// How `plan` ends where something stands in the way.
const IN_THE_WAY: i32 = 4;

/// What is known of a new connection before its cluster has an endpoint service.
const SO_FAR: [&str; 9] = [
    "Plan as far as it is known: vpc-0a1b2c3d4e5f60718 in eu-west-1 to cluster orders.",
    "Security group  make one; its name: (known after the cluster has its endpoint service)",
    "TCP 26257 from 10.20.0.0/16",
    "Endpoint        make one, to (known after the cluster has its endpoint service)",
    "in those of these zones in which the service is offered:",
    "subnet-0a10000000000000c in euw1-az3",
    "Registration    tell cluster orders of the endpoint",
    "Private DNS     on: internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud",
    "Price           $7.30",
];

#[test]
fn a_plan_shows_what_is_known_of_every_world_and_what_is_missing() {
    let asks = [
        "Waiting for     the endpoint service of orders",
        "(not asked for yet)",
        "--ask-for-service",
    ];
    let new = [
        "Plan: ",
        "+ security group crdb-",
        "+ endpoint to com.amazonaws.vpce.",
        "+ private DNS: internal-",
        "4 to add, 0 to change, 0 to remove.",
    ];
    let same = [
        "Plan: ",
        "Changes         nothing to change.",
        "use vpce-",
        "knows the endpoint already",
    ];
    let adopted = [
        "~ tags of endpoint vpce-0a10000000000000e",
        "~ private DNS goes on",
        "+ private endpoint connection",
        "1 to add, 2 to change, 0 to remove.",
    ];
    let shared = [
        "~ tags of security group sg-0a10000000000000d",
        "~ tags of endpoint vpce-",
        "1 to add, 2 to change, 0 to remove.",
    ];
    let creating = ["Waiting for     cluster orders (CREATING)", "with `--wait`"];
    let no_subnets = [
        "no subnet that it can have is known yet",
        "$7.30 a month for each zone",
        "not asked for yet",
    ];
    let taken = [
        "Something stands in the way: `provision` would fail.",
        "private-dns-conflict",
        "subnet-0a10000000000000a in euw1-az1",
        "Waiting for     the endpoint service",
    ];
    let refused = [
        "to cluster 1a2b3c4d-",
        "TCP 26257 from 10.20.0.0/16",
        "subnet-0a10000000000000a in euw1-az1",
        "Something stands in the way",
        "api-key-refused",
    ];
    for world in Scenario::names() {
        let (exit_code, parts): (i32, &[&str]) = match world {
            "fresh-vpc" | "endpoint-rejected" | "slow-world" | "zones-do-not-match" => {
                (6, &asks[..])
            }
            "cluster-is-creating" => (6, &creating[..]),
            "fresh-vpc-without-subnets" => (6, &no_subnets[..]),
            "private-dns-conflict" => (IN_THE_WAY, &taken[..]),
            "api-key-refused" => (IN_THE_WAY, &refused[..]),
            "connected" | "ledger-lost" | "orphans" => (0, &same[..]),
            "half-made-by-hand" => (0, &adopted[..]),
            "shared-endpoint" => (0, &shared[..]),
            _ => (0, &new[..]),
        };
        let said = told(&run(&format!("plan --scenario={world}")), exit_code, parts);
        if parts == asks {
            has(&said, &SO_FAR);
        }
        assert!(
            said.contains("Nothing has been changed."),
            "{world}: {said}"
        );
        let has_commands = said.contains("The same by hand");
        let differs = said.contains(" to add, ");
        assert_eq!(has_commands, differs, "{world}: {said}");
    }
}

/// By the limits of the request, with the lines of an execution that waits.
#[test]
fn a_plan_waits_until_all_is_known_or_nothing_comes_by_itself() {
    let waited = run("plan --scenario=cluster-is-creating --ask-for-service --wait --speed=1000");
    told(
        &waited,
        0,
        &["4 to add", "vpce-svc-0ad0ad0ad0ad0ad01", "$21.90 a month"],
    );
    let lines = [
        "Planning for vpc-0a1b2c3d4e5f60718 in eu-west-1",
        "Inspecting the cluster     cluster orders (CREATING); at most 1:00:00",
        "✓",
        "Cluster inspected          orders offers vpce-svc-0ad0ad0ad0ad0ad01",
        "Network inspected          a subnet in each of euw1-az1, euw1-az2, euw1-az3",
    ];
    has(&stderr(&waited), &lines);
    let alone = run("plan --scenario=cluster-is-creating --wait --speed=1000");
    told(
        &alone,
        6,
        &["the endpoint service of orders", "--ask-for-service"],
    );
    has(&stderr(&alone), &["cluster orders (CREATING)"]);
    let in_the_way = run("plan --scenario=zones-do-not-match --ask-for-service --wait --speed=200");
    let parts = ["no-subnet-in-service-zones", "TCP 26257 from 10.20.0.0/16"];
    told(&in_the_way, IN_THE_WAY, &parts);
}

#[test]
fn a_plan_tells_by_its_exit_code_whether_something_would_change() {
    let same = Standing::new("connected");
    for (asked, exit_code, parts) in [
        ("", 0, &["nothing to change"][..]),
        (
            "--cidr=10.20.0.0/20",
            7,
            &[
                "+ let in 10.20.0.0/20",
                "- let in 10.20.0.0/16",
                "1 to add, 0 to change, 1 to remove.",
            ],
        ),
        (
            "--no-private-dns",
            7,
            &[
                "~ private DNS goes off: an outage for whoever uses",
                "0 to add, 1 to change, 0 to remove.",
            ],
        ),
    ] {
        let line = format!("plan --detailed-exitcode {asked}");
        told(&same.run(&line), exit_code, parts);
        told(&same.run(&format!("plan {asked}")), 0, parts);
    }
    told(&run("plan --detailed-exitcode"), 6, &[]);
    let nothing = same.run("plan --script");
    assert_eq!((exit(&nothing), stdout(&nothing)), (0, String::new()));
    has(&stderr(&nothing), &["nothing to change"]);
    let document = json_of(&same.run("plan --json"), 0, "planned");
    assert_eq!(document.get("commands"), None);
    assert_eq!(document["plan"]["differences"]["told"], "nothing to change");
    let script = run("plan --script");
    assert_eq!(stdout(&script), "", "what is not a script is not on stdout");
}

/// The connection of the scenario `fresh-vpc`.
const ASKED: &str = "--cluster-id=1a2b3c4d-0000-4000-8000-000000000001 --region=eu-west-1 \
                     --vpc-id=vpc-0a1b2c3d4e5f60718";

#[test]
fn an_account_is_used_through_the_variables_of_aws_and_the_cloud_api() {
    let world = Standing::new("fresh-vpc");
    let url = world.server.url();
    let output = command(&format!("provision --aws --yes {ASKED}"))
        .env("AWS_ENDPOINT_URL_EC2", &url)
        .env("AWS_ENDPOINT_URL_ROUTE_53", &url)
        .env("AWS_ENDPOINT_URL_ROUTE53PROFILES", &url)
        .env("AWS_ENDPOINT_URL_ROUTE53RESOLVER", &url)
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url)
        .env("AWS_ENDPOINT_URL_STS", &url)
        .env("AWS_ACCESS_KEY_ID", "simulated")
        .env("AWS_SECRET_ACCESS_KEY", "simulated")
        .env("COCKROACH_SERVER", &url)
        .output()
        .unwrap();
    told(&output, 0, &[]);
    has(&stderr(&output), &["This is real"]);
    assert_eq!(world.endpoints(), 1);
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let world = Standing::new("fresh-vpc");
    let output = world
        .as_account(&format!("provision --json --aws --yes {ASKED}"))
        .env("AWS_CA_BUNDLE", "/nowhere/ca.pem")
        .output()
        .unwrap();
    assert_ne!(exit(&output), 0);
    let said = json(&output).to_string();
    has(
        &said,
        &[
            "configuration-invalid",
            "AWS_CA_BUNDLE names /nowhere/ca.pem",
        ],
    );
    assert_eq!(world.endpoints(), 0);
}

/// The stack of a simulated world.
const STACK: &str = "--connections-table=crdb-privatelink-connections \
                     --leases-table=crdb-privatelink-leases";

/// Every command that asks AWS, in a real account, by somebody who agrees.
fn in_a_real_account() -> [String; 7] {
    [
        format!("provision --aws --yes {ASKED}"),
        format!("plan --aws {ASKED}"),
        format!("plan --destroy --aws {ASKED}"),
        format!("deprovision --aws --yes {ASKED}"),
        format!("deprovision --aws --yes --force {ASKED}"),
        format!("sweep --aws {STACK}"),
        format!("rebuild --aws --apply --yes {STACK}"),
    ]
}

/// Nobody at home: no keys, and no file that has some.
fn of_nobody(mut command: Command) -> Command {
    for variable in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
    ] {
        command.env_remove(variable);
    }
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nowhere/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
        .env("HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// The one line by which a command says that it has not begun.
#[track_caller]
fn not_begun(mut command: Command, exit_code: i32) -> String {
    let began = Instant::now();
    let output = command.output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    let said = stderr(&output);
    assert_eq!(exit(&output), exit_code, "{said}");
    assert_eq!(
        (stdout(&output).as_str(), said.lines().count()),
        ("", 1),
        "{said}"
    );
    said
}

#[test]
fn without_credentials_nothing_begins_and_one_line_says_what_to_do() {
    let world = Standing::new("fresh-vpc");
    for line in in_a_real_account() {
        let said = not_begun(of_nobody(world.as_account(&line)), 3);
        let parts = [
            "error: there are no AWS credentials.",
            "`aws sso login`",
            "Nothing was changed.",
        ];
        has(&said, &parts);
    }
    assert_eq!(world.simulator.called(), 0);
}

#[test]
fn who_is_not_let_in_changes_nothing() {
    let world = Standing::new("connected");
    world.denies("sts:GetCallerIdentity");
    for line in in_a_real_account() {
        let said = not_begun(world.as_account(&line), 3);
        has(&said, &["answered AccessDenied", "Nothing was changed."]);
        let mut json = world.as_account(&format!("{line} --json"));
        let document = json_of(&json.output().unwrap(), 3, "not-started");
        assert_eq!(document["failure"]["code"], "aws-access-denied");
    }
    let calls = world.simulator.calls();
    assert!(
        calls
            .iter()
            .all(|it| it.operation == "sts:GetCallerIdentity")
    );
}

#[test]
fn where_nobody_listens_nothing_is_waited_for() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for line in [
        "provision",
        "plan",
        "deprovision",
        "sweep",
        "rebuild --apply",
    ] {
        let line = format!("{line} --scenario=connected --endpoint={url}");
        let said = not_begun(command(&line), 3);
        let parts = [
            format!("nothing listens at {url}"),
            "start it with `cargo run -p simulator`".to_owned(),
        ];
        has(&said, &parts.each_ref().map(String::as_str));
    }
    let world = Standing::new("fresh-vpc");
    for line in in_a_real_account() {
        let mut command = world.as_account(&line);
        command.env("AWS_ENDPOINT_URL_STS", &url);
        let said = not_begun(command, 3);
        has(&said, &["no answer from 127.0.0.1", "Check the Region"]);
    }
    assert_eq!(world.simulator.called(), 0);
}

/// The Cloud API alone is away. Who waits before the terminal is not kept for minutes.
#[test]
fn a_host_that_was_never_there_is_given_up_soon() {
    let world = Standing::new("standard-cluster");
    let mut command = world.as_account(&format!("provision --aws --yes --json {ASKED}"));
    let began = Instant::now();
    let output = command
        .env("COCKROACH_SERVER", "https://127.0.0.1:9")
        .output();
    let document = json(&output.unwrap());
    assert_eq!(
        document["failure"]["code"], "host-unreachable",
        "{document:#}"
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(world.endpoints(), 0);
}

#[test]
fn an_api_key_is_sent_to_nobody_in_clear() {
    let world = Standing::new("fresh-vpc");
    for line in in_a_real_account() {
        let mut command = world.as_account(&line);
        let output = command.env("COCKROACH_SERVER", "http://192.0.2.1").output();
        let output = output.unwrap();
        assert_eq!(exit(&output), 3, "{line}");
        let said = flat(&stderr(&output));
        has(&said, &["COCKROACH_SERVER", "is not an https URL"]);
    }
    assert_eq!(world.simulator.called(), 0);
}

/// A file of the AWS CLI.
fn configuration(name: &str, text: &str) -> String {
    let file = format!("{}/{name}.ini", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let world = Standing::new("fresh-vpc");
    let file = configuration("one-profile", "[profile work]\nregion = eu-west-1\n");
    let mut by_flag = of_nobody(world.as_account(&format!("plan --aws --profile=nope {ASKED}")));
    by_flag.env("AWS_CONFIG_FILE", &file);
    let mut by_variable = of_nobody(world.as_account(&format!("deprovision --aws --yes {ASKED}")));
    by_variable
        .env("AWS_CONFIG_FILE", &file)
        .env("AWS_PROFILE", "nope");
    for command in [by_flag, by_variable] {
        let said = not_begun(command, 3);
        has(&said, &["error: profile `nope` does not exist. "]);
    }
    assert_eq!(world.simulator.called(), 0);
}

/// As with the AWS CLI: its keys count before those in the environment, and its Region where
/// none is given.
#[test]
fn a_profile_brings_its_keys_and_its_region() {
    let world = Standing::new("standard-cluster");
    let text = "[profile work]\nregion = eu-west-1\naws_access_key_id = simulated\n\
                aws_secret_access_key = simulated\n";
    let file = configuration("with-keys", text);
    let asked = Scenario::shipped("standard-cluster").unwrap().request;
    let id = |field: &str| asked[field].as_str().unwrap().to_owned();
    let (cluster, vpc) = (id("cluster_id"), id("vpc_id"));
    let line = format!("plan --aws --json --cluster-id={cluster} --vpc-id={vpc}");
    let plan = |more: &str| {
        let mut command = world.as_account(&format!("{line} {more}"));
        // The keys of another account, in which there is no such VPC.
        command
            .env("AWS_ACCESS_KEY_ID", "999988887777")
            .env("AWS_CONFIG_FILE", &file)
            .env_remove("AWS_REGION");
        command.output().unwrap()
    };
    let document = json_of(&plan("--profile=work"), 0, "planned");
    assert_eq!(document["plan"]["request"]["region"], "eu-west-1");
    let document = json(&plan("--region=eu-west-1"));
    assert_ne!(document["outcome"], "planned", "{document:#}");
}

/// Both are built in, so that what is missing is the session alone.
#[test]
fn a_profile_without_a_session_is_told_to_sign_in() {
    let world = Standing::new("fresh-vpc");
    let sso = "sso_start_url = https://example.com/start\nsso_region = eu-west-1\n\
               sso_account_id = 111122223333\nsso_role_name = reader\n";
    let login = "login_session = arn:aws:iam::111122223333:user/kim\n";
    for (name, way) in [("sso", sso), ("login", login)] {
        let file = configuration(name, &format!("[default]\n{way}"));
        let mut command = of_nobody(world.as_account(&format!("plan --aws {ASKED}")));
        command.env("AWS_CONFIG_FILE", &file);
        let said = not_begun(command, 3);
        has(
            &said,
            &[
                "the AWS credentials cannot be had: ",
                "`aws sso login`, `aws login`",
            ],
        );
        assert!(!said.contains("cargo feature"), "{said}");
    }
    assert_eq!(world.simulator.called(), 0);
}

/// A run that is under way, and what it says.
struct Running {
    child: Child,
    progress: BufReader<ChildStderr>,
}

impl Running {
    fn start(line: &str) -> Self {
        Self::of(command(line))
    }

    fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let progress = BufReader::new(child.stderr.take().unwrap());
        Self { child, progress }
    }

    fn until(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = self.progress.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "the end, without {words}");
        }
    }

    /// Sends the signal of this name.
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    fn interrupt(&self) {
        self.signal("INT");
    }

    /// Its output, with what it has said since it was last listened to.
    fn end(mut self) -> Output {
        let mut progress = String::new();
        self.progress.read_to_string(&mut progress).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr = progress.into_bytes();
        output
    }
}

/// Who asks to stop: the name of the signal, what the command calls it, and its exit code.
/// Under `nohup` the last one does not count.
fn signals() -> Vec<(&'static str, &'static str, i32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let counts = mask.is_none_or(|mask| !mask.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']));
    let mut signals = vec![("INT", "Ctrl-C", 130), ("TERM", "SIGTERM", 143)];
    signals.extend(counts.then_some(("HUP", "SIGHUP", 129)));
    signals
}

/// A world that stands, in which what the other side does takes an hour.
fn slow(scenario: &str) -> Standing {
    Standing::with(scenario, |scenario| {
        let long = Duration::from_secs(3600);
        (scenario.pace.acceptance, scenario.pace.deregistration) = (long, long);
    })
}

/// In real time, while something is awaited for up to half a minute.
#[test]
fn every_signal_begins_the_undo_within_a_second_and_a_second_one_leaves() {
    for (signal, name, code) in signals() {
        let world = slow("standard-cluster");
        let url = world.server.url();
        let line = format!("provision --scenario=standard-cluster --endpoint {url}");
        let mut running = Running::start(&line);
        running.until("Waiting for acceptance");
        let began = Instant::now();
        running.signal(signal);
        running.until(&format!("{name}: the execution stops and undoes"));
        running.until(&format!("interrupted by {name}"));
        running.until("Undoing what was made");
        assert!(began.elapsed() < Duration::from_secs(1), "{name}");
        running.until("Deregistering the endpoint");
        // A terminal never leaves, so a person does.
        let (last, code) = match signal {
            "HUP" => {
                running.signal("HUP");
                running.interrupt();
                running.until("Ctrl-C: the execution stops and undoes");
                ("INT", 130)
            }
            other => (other, code),
        };
        let began = Instant::now();
        running.signal(last);
        let output = running.end();
        assert!(began.elapsed() < Duration::from_secs(1), "{name}");
        told(&output, code, &["May be left:", "Endpoint vpce-"]);
        assert_eq!(world.leases(), 0);
    }
}

#[test]
fn every_signal_stops_a_removal_within_a_second_and_is_never_called_a_crash() {
    for (signal, name, code) in signals() {
        let world = slow("connected");
        let url = world.server.url();
        let line = format!("deprovision --scenario=connected --endpoint {url}");
        let mut running = Running::start(&line);
        running.until("Deregistering the endpoint");
        let began = Instant::now();
        running.signal(signal);
        running.until(&format!("{name}: the execution removes nothing more"));
        let output = running.end();
        assert!(began.elapsed() < Duration::from_secs(1), "{name}");
        let stopped = format!("stopped by {name}");
        let said = told(&output, code, &["Left behind:", "endpoint vpce-", &stopped]);
        let said = said + &stderr(&output);
        assert!(
            !said.contains("crash") && !said.contains("again in"),
            "{said}"
        );
        assert_eq!((world.endpoints(), world.leases()), (1, 0));
        let entries = world.ledger();
        let entry = entries.values().next().unwrap().to_string();
        assert!(
            entry.contains("interrupted") && !entry.contains("crash"),
            "{entry}"
        );
    }
}

/// Another execution may hold it for an hour, and nothing has been made yet.
#[test]
fn who_waits_for_its_turn_stops_within_a_second() {
    let world = slow("standard-cluster");
    let url = world.server.url();
    let line = format!("provision --scenario=standard-cluster --endpoint {url}");
    let mut first = Running::start(&line);
    first.until("Waiting for acceptance");
    let mut second = Running::start(&line);
    second.until("Waiting for its turn");
    let began = Instant::now();
    second.signal("TERM");
    let output = second.end();
    assert!(began.elapsed() < Duration::from_secs(1));
    told(&output, 143, &["Not connected: nothing was made."]);
    assert_eq!(world.leases(), 1, "that of the first one");
    first.signal("TERM");
    first.until("Deregistering the endpoint");
    first.signal("TERM");
    assert_eq!(exit(&first.end()), 143);
}

/// What a change of private DNS changes of the endpoint of `connected`.
fn private_dns(world: &Standing) -> (bool, BTreeMap<String, String>) {
    world.simulator.look(|world| {
        let endpoint = &world.ec2.endpoints["vpce-0a10000000000000e"];
        (endpoint.private_dns, endpoint.tags.clone())
    })
}

/// The change of a connection that stands, under way.
fn changing(world: &Standing, asked: &str) -> Running {
    let url = world.server.url();
    Running::start(&format!(
        "provision --scenario=connected --endpoint {url} --speed=10 {asked}"
    ))
}

/// Otherwise it would be an outage for whoever uses the connection.
#[test]
fn a_change_that_is_stopped_is_put_back() {
    let world = Standing::new("connected");
    let before = private_dns(&world);
    let mut running = changing(&world, "--no-private-dns");
    running.until("Changing the endpoint");
    assert_ne!(private_dns(&world), before);
    running.signal("TERM");
    let said = told(&running.end(), 143, &["SIGTERM was received"]);
    assert!(!said.contains("Left behind"), "{said}");
    assert_eq!(private_dns(&world), before);
    assert_eq!(world.leases(), 0);
}

#[test]
fn a_change_that_is_being_put_back_goes_on_when_somebody_stops_it() {
    let world = Standing::new("connected");
    let before = private_dns(&world);
    // The last step, so that there is all to put back.
    let denied = FaultKind::Denied;
    let fault = Fault::once("ec2:RevokeSecurityGroupIngress", 1, denied, Moment::Before);
    world.simulator.add_fault(fault);
    let mut running = changing(&world, "--no-private-dns --cidr=10.20.0.0/20");
    running.until("Changing the endpoint back");
    running.interrupt();
    running.until("Ctrl-C: the execution stops and undoes");
    let said = told(&running.end(), 4, &["removing old rules"]);
    assert!(!said.contains("Left behind"), "{said}");
    assert_eq!(private_dns(&world), before);
    assert_eq!(world.leases(), 0);
}

/// As by `nohup`.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_may_go_where_that_was_ignored_from_the_beginning() {
    let plain = command("provision --speed=20");
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    ignoring.arg(plain.get_program()).args(plain.get_args());
    let mut running = Running::of(ignoring);
    running.until("Waiting for acceptance");
    running.signal("HUP");
    told(&running.end(), 0, &["Ready: "]);
}

#[test]
fn ctrl_c_takes_back_what_was_made() {
    let mut running = Running::start("provision --speed=20");
    running.until("Waiting for acceptance");
    running.interrupt();
    running.until("undoes what it made");
    running.until("Undoing what was made");
    told(&running.end(), 130, &["Ctrl-C was pressed", "Undone:"]);
}

#[test]
fn a_connection_is_taken_away_and_told_as_json() {
    let output = run("deprovision --json --speed=200");
    let document = json_of(&output, 0, "disconnected");
    assert_eq!(document["world"]["scenario"], "connected");
    assert_eq!(document["result"]["connection_id"], "0641d0de83b3ac79");
    assert_eq!(count(&document["result"]["undone"]), 3);
    assert_eq!(count(&document["steps"]), 6, "{document:#}");
    let mut steps = document["steps"].as_array().unwrap().iter();
    assert!(steps.all(|step| step["outcome"] == "done"));

    let output = run("deprovision --speed=200");
    let said = told(&output, 0, &["endpoint vpce-0a10000000000000e deleted"]);
    let result = "[simulated: connected] Disconnected: ";
    assert!(said.starts_with(result), "{said}");
    let progress = stderr(&output);
    has(&progress, &["Disconnecting vpc-0a1b2c3d4e5f60718", "✓"]);
    assert!(!progress.contains("Undoing"), "{progress}");
}

#[test]
fn what_provision_made_a_second_run_finds_and_deprovision_takes_away() {
    let world = Standing::new("fresh-vpc");
    let provision = || json_of(&world.run("provision --json --speed=200"), 0, "ready");
    let made = provision();
    let again = provision();
    assert_eq!(
        again["result"]["endpoint_id"],
        made["result"]["endpoint_id"]
    );
    assert_eq!(world.endpoints(), 1);
    let used = ["Endpoint        use vpce-", "Security group  use sg-"];
    told(&world.run("plan"), 0, &used);
    for _ in ["once", "twice"] {
        let output = world.run("deprovision --scenario=fresh-vpc --json --speed=200");
        let gone = json_of(&output, 0, "disconnected");
        let ids = [&gone, &made].map(|it| &it["result"]["connection_id"]);
        assert_eq!(ids[0], ids[1]);
    }
    let there = world.simulator.look(|world| {
        let endpoints = world.ec2.endpoints.values();
        endpoints.filter(|it| it.state.is_there()).count()
    });
    assert_eq!(there, 0);
}

#[test]
fn a_cluster_that_is_not_shown_leaves_its_registration_to_the_right_key() {
    let world = Standing::new("connected");
    let key = Scenario::shipped("connected").unwrap().keys.remove(0);
    let elsewhere = KeySpec {
        other_organization: true,
        ..key.clone()
    };
    world
        .simulator
        .meddle(|world| world.cloud.keys.add(&elsewhere));
    let parts = [
        "cluster-not-found",
        "Left behind:",
        "private endpoint connection of endpoint vpce-0a10000000000000e",
        "`--cluster-is-gone`",
    ];
    told(&world.run("deprovision --speed=200"), 5, &parts);
    assert_eq!(world.ledger().len(), 1);
    world.simulator.meddle(|world| world.cloud.keys.add(&key));
    told(&world.run("deprovision --speed=200"), 0, &[]);
    assert_eq!(world.ledger().len(), 0);
}

/// As with the credentials of another account.
#[test]
fn what_nobody_knows_is_not_said_to_be_gone() {
    let world = Standing::new("connected");
    let asked = "deprovision --speed=200 --vpc-id=vpc-0a1b2c3d4e5f60799";
    let parts = ["Refused: nothing was removed.", "vpc-not-found"];
    told(&world.run(asked), 4, &parts);
    let refused = world.run(&format!("{asked} --json"));
    json_of(&refused, 4, "disconnect-refused");
    let forced = world.run(&format!("{asked} --force"));
    let said = told(&forced, 0, &["nothing of ours to remove in the VPC"]);
    assert!(!said.contains("either side"), "{said}");
}

#[test]
fn a_vpc_of_another_account_is_reached_by_the_role_there() {
    let file = std::env::temp_dir().join(format!("other-account-{}.toml", std::process::id()));
    let text = Scenario::shipped_text("standard-cluster").unwrap();
    let account = "account = \"444455556666\"\n";
    let role = format!("[[roles]]\n{account}name = \"spoke\"\nexternal_id = \"a-handshake\"\n");
    let there = format!("{role}\n[[vpcs]]\n{account}");
    std::fs::write(&file, text.replace("[[vpcs]]\n", &there)).unwrap();
    let world = file.display().to_string();
    let asked = "--account-id=444455556666 --json";
    let made = provision(&format!("{world} {asked}"));
    let at_home = provision(&format!("{world} --json"));
    assert_eq!(json(&made)["outcome"], "ready");
    assert_eq!(json(&at_home)["failure"]["code"], "vpc-not-found");
    std::fs::write(&file, text).unwrap();
    let without_role = json(&provision(&format!("{world} {asked}")));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(without_role["failure"]["code"], "account-not-configured");
}

#[test]
fn a_connection_in_use_stays_if_so_asked() {
    let asked = "deprovision --speed=200 --unless-traffic-minutes=60";
    let parts = [
        "connection-carries-traffic",
        "180 new connections",
        "Nothing was changed.",
    ];
    told(&run(asked), 4, &parts);
    told(&run(&format!("{asked} --force")), 0, &[]);
}

#[test]
fn ctrl_c_keeps_what_has_not_been_taken_away_and_names_it() {
    let mut running = Running::start("deprovision --speed=20");
    running.until("Deleting the endpoint");
    running.interrupt();
    running.until("removes nothing more");
    let removed = "private endpoint connection of vpce-0a10000000000000e removed";
    told(
        &running.end(),
        130,
        &["Removed:", "Left behind:", "stopped by Ctrl-C", removed],
    );
}

/// What each finding is, and what becomes of it.
fn fates(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = document["result"]["findings"].as_array().unwrap().iter();
    let mut fates: Vec<_> = findings
        .map(|it| (text(&it["kind"]), text(&it["fate"])))
        .collect();
    fates.sort();
    fates
}

/// What is in the world `orphans`, with what becomes of that which can be removed.
fn orphans(fate: &str) -> Vec<(String, String)> {
    let mut fates = [
        ("entry-only", fate),
        ("left-over", fate),
        ("registration-gone", "stays"),
        ("registration-stale", "stays"),
        ("tags-copied", "stays"),
        ("unrecorded", fate),
        ("unrecorded", "stays"),
    ]
    .map(|(kind, fate)| (kind.to_owned(), fate.to_owned()))
    .to_vec();
    fates.sort();
    fates
}

#[test]
fn a_sweep_reports_every_kind_and_changes_nothing() {
    let world = Standing::new("orphans");
    let before = world.account();
    let parts = [
        "In eu-west-1:",
        "Without an entry in the ledger",
        "can be removed: `sweep --apply`",
        "stays: it may be younger than 24 hours",
        "stays: nobody can tell whose it is",
        "7 findings in 1 place: 3 can be removed, 4 stay.",
    ];
    told(&world.run("sweep"), 0, &parts);
    json_of(&world.run("sweep --json"), 0, "found");
    let detailed = world.run("sweep --json --detailed-exitcode");
    let document = json_of(&detailed, 7, "found");
    assert_eq!(fates(&document), orphans("removable"));
    assert_eq!(world.account(), before);
}

#[test]
fn a_sweep_removes_what_can_be_and_nothing_else() {
    let world = Standing::new("orphans");
    let vpc = |n: usize| format!("vpc-0a{n}00000000000000");
    let stays = [
        "vpc-0a1b2c3d4e5f60718".to_owned(),
        vpc(2),
        vpc(6),
        vpc(7),
        vpc(8),
    ];
    let of_these = || stays.each_ref().map(|vpc| world.things(vpc));
    let before = of_these();
    let output = world.run("sweep --apply --json --speed=200");
    let document = json_of(&output, 5, "something-stays");
    assert_eq!(fates(&document), orphans("removed"), "{document:#}");
    assert_eq!(of_these(), before);
    for gone in [3, 4, 5].map(vpc) {
        assert_eq!(world.things(&gone), "[] [] []", "{gone}");
    }
    let registered = world.registered();
    let endpoints = ["1", "2", "7", "9"].map(|n| format!("vpce-0a{n}0000000000000e"));
    assert_eq!(registered, endpoints, "those of what is gone are gone");
    assert_eq!(world.ledger().len(), 3);
    assert_eq!(world.leases(), 0);

    let before = world.account();
    let document = json(&world.run("sweep --apply --json --speed=200"));
    let fates = fates(&document);
    assert_eq!(fates.len(), 4, "{document:#}");
    assert!(fates.iter().all(|(_, fate)| fate == "stays"), "{fates:?}");
    assert_eq!(world.account(), before);
}

#[test]
fn a_sweep_does_not_take_a_lost_ledger_for_orphans_unless_told_so() {
    let sweep = "sweep --scenario=ledger-lost --apply --json --speed=200";
    let refused = json_of(&run(sweep), 4, "refused");
    assert_eq!(refused["failure"]["code"], "ledger-looks-lost");
    let fix = refused["failure"]["fix"].as_str().unwrap();
    has(fix, &["crdb-privatelink rebuild --apply"]);
    json_of(&run(&format!("{sweep} --ledger-is-complete")), 0, "removed");
}

#[test]
fn what_a_sweep_cannot_look_at_is_named() {
    let world = Standing::new("orphans");
    let output = world.run("sweep --place=444455556666/us-east-1 --place=eu-west-1");
    let parts = [
        "Incomplete:",
        "Could not be looked at:",
        "444455556666/us-east-1: account-not-configured",
        "7 findings in 1 place",
    ];
    told(&output, 5, &parts);
}

#[test]
fn ctrl_c_ends_a_sweep_after_the_removal_that_is_under_way() {
    let mut running = Running::start("sweep --apply --speed=20");
    running.until("Deleting the endpoint");
    running.interrupt();
    running.until("removes nothing more");
    let said = told(&running.end(), 130, &[]);
    assert_eq!(said.matches("stopped by Ctrl-C").count(), 3, "{said}");
}

#[test]
fn a_rebuilt_ledger_is_one_to_take_connections_away_by() {
    let world = Standing::new("ledger-lost");
    let before = world.account();
    json_of(&world.run("rebuild --json"), 0, "found");
    let detailed = world.run("rebuild --json --detailed-exitcode");
    let found = json_of(&detailed, 7, "found");
    assert_eq!(count(&found["result"]["entries"]), 2);
    assert_eq!(world.account(), before);

    let written = "2 entries written, 0 there already";
    told(&world.run("rebuild --apply"), 0, &[written]);
    assert_eq!(world.ledger().len(), 2);
    json_of(&world.run("rebuild --apply --json"), 0, "nothing-missing");

    let clean = told(&world.run("sweep --scenario=ledger-lost"), 0, &[]);
    assert!(clean.contains("] Nothing found: "), "{clean}");
    let output = world.run("deprovision --scenario=ledger-lost --json --speed=200");
    json_of(&output, 0, "disconnected");
    assert_eq!(world.things("vpc-0a1b2c3d4e5f60718"), "[] [] []");
    let entries = world.ledger().len();
    assert_eq!(entries, 1, "the ledger of the simulator is kept");
}

#[test]
fn a_real_account_is_not_swept_without_the_ledger_of_its_stack() {
    let world = Standing::new("orphans");
    let tables = "--connections-table=a --leases-table=b";
    for (line, missing) in [
        ("sweep --aws", "--connections-table, --leases-table"),
        (
            "rebuild --aws --apply --leases-table=b",
            "--connections-table",
        ),
        (
            &format!("sweep --aws --apply {tables}"),
            "--deprovision-machine",
        ),
    ] {
        let output = world.real(&format!("{line} --json"));
        let document = json_of(&output, 2, "not-started");
        assert_eq!(document["failure"]["code"], "invalid-request");
        has(document["failure"]["message"].as_str().unwrap(), &[missing]);
    }
    assert_eq!(world.simulator.called(), 0);
}

#[test]
fn in_a_real_account_the_machine_of_the_stack_removes() {
    let world = Standing::new("orphans");
    let before = world.account();
    let machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-deprovision";
    let line = format!("sweep --aws --apply --yes --json {STACK} --deprovision-machine {machine}");
    let output = world.real(&line);
    let document = json(&output);
    assert_eq!(fates(&document), orphans("under-way"), "{document:#}");
    assert_eq!(world.account(), before);
    let started = world
        .simulator
        .look(|world| world.step_functions.executions.clone());
    assert_eq!(started.len(), 3);
    assert!(started.iter().all(|run| run.machine == machine));
}

#[test]
fn a_proxy_of_the_surroundings_does_not_stand_before_the_simulator() {
    let mut command = command("provision --scenario=standard-cluster --speed=200 --json");
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(variable, "http://127.0.0.1:9");
    }
    assert_eq!(json(&command.output().unwrap())["outcome"], "ready");
}

#[test]
fn the_api_key_is_never_printed_however_much_is_logged() {
    for line in [
        "provision --speed=200 --scenario=standard-cluster --log=debug",
        "plan --scenario=standard-cluster -vv",
        "provision --speed=200 --scenario=api-key-refused -vv",
    ] {
        let output = run(line);
        let said = stdout(&output) + &stderr(&output);
        assert!(!said.contains("CCDB1_sim"), "{line}");
    }
}

#[test]
fn codes_are_explained_from_the_catalogue() {
    let explained = run("explain private-dns-conflict");
    told(&explained, 0, &["Cause", "Route 53"]);
    let unknown = stderr(&run("explain dns-conflict"));
    has(&flat(&unknown), &["did you mean `private-dns-conflict`"]);
    let documents = stdout(&run("catalogue"));
    assert!(documents.starts_with("# Errors") && documents.contains("\n# Run book\n"));
    let both = run("explain rollback-incomplete");
    told(
        &both,
        0,
        &[
            "Alarm rollback-incomplete",
            "Phase rollback-incomplete",
            "What to do",
        ],
    );
    has(
        &stderr(&run("explain interupted")),
        &["did you mean `interrupted`"],
    );
    told(&run("provision --help"), 0, &["Exit codes:"]);
}

/// Of no world that is built in.
const STRANGE: &str = "--cluster-id=9f8e7d6c-0000-4000-8000-000000000009 --region=us-east-1 \
                       --vpc-id=vpc-0123456789abcdef0";

/// As somebody does who has forgotten `--aws`.
#[test]
fn ids_that_are_not_of_the_simulated_world_are_refused() {
    for line in [
        "sweep --apply --place=444455556666/us-west-2",
        "rebuild --apply --place=us-west-2",
        &format!("provision {STRANGE}"),
        &format!("provision --scenario=standard-cluster {STRANGE}"),
        &format!("plan {STRANGE}"),
        &format!("plan --destroy {STRANGE}"),
        &format!("deprovision {STRANGE}"),
    ] {
        let output = run(line);
        assert_eq!((exit(&output), stdout(&output).as_str()), (2, ""), "{line}");
        let said = flat(&stderr(&output));
        assert!(said.starts_with("[simulated: "), "{line}: {said}");
        has(
            &said,
            &["not of the simulated world", "did you mean --aws?"],
        );
        let document = json_of(&run(&format!("{line} --json")), 2, "not-started");
        assert_eq!(document["world"]["simulated"], true, "{document:#}");
    }
    let only = run("deprovision --vpc-id=vpc-0123456789abcdef0");
    let said = flat(&stderr(&only));
    has(
        &said,
        &["the simulated world connected: vpc-0123456789abcdef0;"],
    );
    // Who writes a world or starts one knows what is in it.
    let world = Standing::new("connected");
    let asked = world.run(&format!("deprovision {STRANGE} --speed=200"));
    told(&asked, 4, &["vpc-not-found"]);
}

#[test]
fn what_came_of_a_simulated_world_says_so() {
    let world = Standing::new("standard-cluster");
    let url = world.server.url();
    let said = stdout(&world.run("plan"));
    assert!(
        said.starts_with(&format!("[simulated: {url}] Plan: ")),
        "{said}"
    );
    let document = json(&world.run("plan --json"));
    assert_eq!(document["world"]["simulated"], true);
    let refused = stdout(&run("deprovision --speed=200 --unless-traffic-minutes=60"));
    assert!(
        refused.starts_with("[simulated: connected] Refused: "),
        "{refused}"
    );
    let script = run("plan --scenario=standard-cluster --script");
    has(&stderr(&script), &["[simulated: standard-cluster]"]);
}

/// The connection of the world `connected`, with `--aws` on what is taken for an account.
const CONNECTED: &str = "--cluster-id=5a0e8400-e29b-41d4-a716-446655440001 --region=eu-west-1 \
                         --vpc-id=vpc-0a1b2c3d4e5f60718";

#[test]
fn a_real_account_is_not_changed_where_nobody_can_be_asked() {
    let world = Standing::new("connected");
    let before = world.account();
    let stack = "--connections-table=a --leases-table=b";
    for line in [
        format!("provision --aws {CONNECTED}"),
        format!("deprovision --aws {CONNECTED}"),
        format!("sweep --aws --apply {stack} --deprovision-machine=arn"),
        format!("rebuild --aws --apply {stack}"),
    ] {
        let output = world.real(&line);
        assert_eq!((exit(&output), stdout(&output).as_str()), (2, ""), "{line}");
        let said = flat(&stderr(&output));
        has(&said, &["nothing was changed", "Add `--yes`"]);
        let document = json_of(&world.real(&format!("{line} --json")), 2, "not-started");
        assert_eq!(document["world"]["simulated"], false);
    }
    assert_eq!(world.simulator.called(), 0);
    assert_eq!(world.account(), before);
}

const WHOSE: [&str; 5] = [
    "Account         111122223333",
    "Caller          arn:aws:sts::111122223333:assumed-role/simulated/simulated",
    "Region          eu-west-1",
    "VPC             vpc-0a1b2c3d4e5f60718",
    "(5a0e8400-e29b-41d4-a716-446655440001)",
];

#[test]
fn what_is_changed_in_a_real_account_is_shown_before() {
    let world = Standing::new("standard-cluster");
    let request = Scenario::shipped(&world.name).unwrap().request;
    let id = |field: &str| request[field].as_str().unwrap().to_owned();
    let (cluster, vpc) = (id("cluster_id"), id("vpc_id"));
    let connection = format!("--cluster-id={cluster} --region=eu-west-1 --vpc-id={vpc}");
    let output = world.real(&format!("provision --aws --yes {connection}"));
    let said = told(&output, 0, &[]);
    assert!(said.starts_with("Ready: "), "nothing is simulated: {said}");
    let shown = stderr(&output);
    has(&shown, &WHOSE[..3]);
    let (before, _) = shown.split_once("Connecting vpc-").unwrap();
    assert!(before.contains("$21.90 a month"), "{shown}");

    let again = world.real(&format!("provision --aws --yes --json {connection}"));
    let document = json_of(&again, 0, "ready");
    assert_eq!(document["world"]["account_id"], "111122223333");
    assert_eq!(document["world"]["simulated"], false);
    let caller = document["world"]["caller"].as_str().unwrap();
    assert!(caller.starts_with("arn:aws:sts::111122223333:"), "{caller}");
}

#[test]
fn what_a_removal_costs_and_takes_away_is_shown_before() {
    let world = Standing::new("connected");
    let before = world.account();
    let parts = [
        "vpce-0a10000000000000e goes",
        "180 new connections",
        "in the last 60 minutes",
        "sg-0a10000000000000d goes",
        "private endpoint connection of vpce-0a10000000000000e goes",
        "a month less than now",
    ];
    let plan = world.real(&format!("plan --destroy --aws {CONNECTED}"));
    let said = told(&plan, 0, &parts);
    assert!(
        said.starts_with("Plan: remove the connection of vpc-"),
        "{said}"
    );
    let detailed = format!("plan --destroy --aws --json --detailed-exitcode {CONNECTED}");
    let document = json_of(&world.real(&detailed), 7, "to-remove");
    assert_eq!(document["endpoints"][0]["traffic"]["new_connections"], 180);
    assert_eq!(document["endpoints"][0]["goes"], true);
    assert_eq!(world.account(), before);

    let output = world.real(&format!("deprovision --aws --yes {CONNECTED}"));
    told(
        &output,
        0,
        &["Disconnected: nothing of the connection is left"],
    );
    let shown = stderr(&output);
    has(&shown, &WHOSE);
    has(&shown, &parts);
    let again = world.real(&format!("plan --destroy --aws {CONNECTED}"));
    told(&again, 0, &["there is nothing of ours to remove"]);
}

/// In a simulated world the ledger is known, too.
#[test]
fn a_plan_to_remove_says_what_would_be_refused() {
    let world = Standing::new("connected");
    told(&world.run("provision --protect --speed=200"), 0, &[]);
    let before = world.account();
    let parts = [
        "Refused: ",
        "protect: true",
        "Code            connection-protected",
    ];
    told(&world.run("plan --destroy"), 4, &parts);
    let document = json_of(&world.run("plan --destroy --json"), 4, "in-the-way");
    assert_eq!(document["failure"]["code"], "connection-protected");
    assert_eq!(world.account(), before);
    for bad in ["--wait", "--script", "--cidr=10.0.0.0/8", "--protect"] {
        assert_eq!(exit(&run(&format!("plan --destroy {bad}"))), 2, "{bad}");
    }
}

/// What may pass refuses nothing.
#[test]
fn a_plan_to_remove_that_could_not_look_does_not_say_that_it_is_refused() {
    let world = Standing::new("connected");
    let throttle = FaultKind::Throttle;
    let fault = Fault::from_then_on("ec2:DescribeVpcs", 1, throttle, Moment::Before);
    world.simulator.add_fault(fault);
    let document = json_of(&world.run("plan --destroy --json"), 3, "not-started");
    assert_eq!(document["failure"]["code"], "aws-throttled");
}

/// Nothing but the tags is common to these executions.
#[test]
fn what_is_protected_in_a_real_account_goes_by_force_only() {
    let world = Standing::new("connected");
    let provision = format!("provision --aws --yes --protect {CONNECTED}");
    let deprovision = format!("deprovision --aws --yes {CONNECTED}");
    told(&world.real(&provision), 0, &[]);
    let before = world.account();
    let parts = ["Refused: nothing was removed.", "connection-protected"];
    told(&world.real(&deprovision), 4, &parts);
    assert_eq!(world.account(), before);
    // Asked for without, it is free again.
    told(&world.run("provision --speed=200"), 0, &[]);
    let plan = world.real(&format!("plan --destroy --aws {CONNECTED}"));
    told(&plan, 0, &["vpce-0a10000000000000e goes"]);
    told(&world.run("provision --protect --speed=200"), 0, &[]);
    let forced = world.real(&format!("{deprovision} --force"));
    told(&forced, 0, &["Disconnected: "]);
}

/// By the stack, of whose ledger the command knows nothing.
#[test]
fn what_a_stack_protects_is_protected_without_it() {
    let world = Standing::new("connected");
    told(&world.run("provision --protect --speed=200"), 0, &[]);
    let output = world.real(&format!("deprovision --aws --yes {CONNECTED}"));
    told(&output, 4, &["connection-protected", "protect: true"]);
}

#[test]
fn an_account_that_is_named_is_asserted() {
    let world = Standing::new("connected");
    let line = |account: &str| format!("plan --aws --json --account-id={account} {CONNECTED}");
    json_of(&world.real(&line("111122223333")), 0, "planned");
    let calls = world.simulator.called();
    let other = json_of(&world.real(&line("444455556666")), 3, "not-started");
    assert_eq!(other["failure"]["code"], "account-not-configured");
    let message = other["failure"]["message"].as_str().unwrap();
    has(
        message,
        &["--account-id: 444455556666", "which is 111122223333"],
    );
    assert_eq!(world.simulator.called(), calls + 1, "STS alone was asked");
}

#[test]
fn a_removal_of_nothing_says_so_and_does_not_speak_for_the_cluster() {
    for scenario in [
        "api-key-refused",
        "half-made-by-hand",
        "shared-endpoint",
        "fresh-vpc",
    ] {
        let output = run(&format!("deprovision --speed=200 --scenario={scenario}"));
        let parts = [
            "Nothing removed: there was nothing of ours to remove in the VPC",
            "the cluster was not asked",
        ];
        let said = flat(&stdout(&output));
        assert_eq!(exit(&output), 0, "{scenario}: {said}");
        has(&said, &parts);
        assert!(!said.contains("either side"), "{scenario}: {said}");
    }
}

#[test]
fn an_adopted_endpoint_that_stays_is_named() {
    let world = Standing::new("half-made-by-hand");
    told(&world.run("provision --speed=200"), 0, &[]);
    let output = world.run("deprovision --speed=200");
    let said = flat(&stdout(&output));
    assert_eq!(exit(&output), 0, "{said}");
    has(
        &said,
        &[
            "what was not ours alone stays: endpoint vpce-",
            "(it was not made by this tool)",
        ],
    );
}

#[test]
fn every_field_that_is_wrong_is_named_by_its_flag_at_once() {
    let output = run("provision --cluster-id=nonsense --vpc-id=vpc-1 --cidr=42");
    assert_eq!(exit(&output), 2);
    let parts = [
        "--cluster-id: `nonsense` is not",
        "--vpc-id: `vpc-1` is not",
        "--cidr: `42` is not",
        "docs/provision-request.schema.json",
    ];
    has(&stderr(&output), &parts);
    let output = run("deprovision --vpc-id=vpc-1 --undo-seconds=5");
    let parts = [
        "--vpc-id: `vpc-1` is not",
        "--undo-seconds: `5` is not",
        "docs/deprovision-request.schema.json",
    ];
    has(&stderr(&output), &parts);
}
