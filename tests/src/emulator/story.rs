//! One deployment for all stories of a test binary, and what a failed one leaves to
//! read.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use simulator::ec2::SecurityGroup;
use simulator::{Fault, FaultKind, Moment};
use tokio::runtime::Runtime;
use tokio::sync::RwLock;

use super::aws::{Aws, json as json_of};
use super::history::Run;
use super::ministack::Ministack;
use super::notices::Notices;
use super::stack::Stack;
use super::world::{self, World};
use super::{ACCOUNT, REGION, artifacts, folder, until};

/// How long a run of a machine may take on the wall. One of the longer ones takes ten
/// seconds on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The resources of the machines.
const MACHINES: [&str; 4] = [
    "ProvisionMachine",
    "DeprovisionMachine",
    "CheckFleetMachine",
    "SweepMachine",
];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static SYSTEM: LazyLock<System> = LazyLock::new(|| RUNTIME.block_on(System::start()));
/// Whether a story is told alone: a fault hits the n-th call of all stories.
static TURN: LazyLock<RwLock<()>> = LazyLock::new(RwLock::default);

/// The deployed system and the world around it.
#[derive(Debug)]
pub struct System {
    /// The simulated networks and clusters.
    pub world: World,
    /// The emulator.
    pub ministack: Ministack,
    /// Its services.
    pub aws: Aws,
    pub stack: Stack,
    /// What the system tells.
    pub notices: Notices,
    /// What became of a connection that was asked for, for VPC 0, before there was a
    /// key in the secret that the template makes.
    pub without_key: Value,
    // Held as long as this process lives: one of them at a time.
    _lock: fs::File,
}

impl System {
    /// Starts everything, deploys the template, and puts the key into the secret.
    async fn start() -> Self {
        let folder = folder();
        fs::create_dir_all(&folder).expect("a folder");
        let lock = fs::File::create(folder.join("lock")).expect("a lock file");
        lock.lock().expect("the lock");

        let began = Instant::now();
        let template = artifacts::prepare(&folder).await;
        say(&format!("binaries built and laid out: {}", took(began)));

        let began = Instant::now();
        let world = World::start().await;
        let ministack = Ministack::start(&folder, &world).await;
        let aws = Aws::at(&ministack.url);
        say(&format!("emulator started: {}", took(began)));

        let began = Instant::now();
        let simulator = world.url();
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let parameters = [
            ("Architecture", architecture),
            ("CloudApiUrl", &simulator),
            ("CheckSchedule", "rate(1 minute)"),
        ];
        let stack = Stack::deploy(&folder, &template, &ministack.url, &parameters).await;
        let notices = Notices::listen(&aws, stack.name("NoticeTopic")).await;
        say(&format!("template deployed: {}", took(began)));

        let mut system = Self {
            world,
            ministack,
            aws,
            stack,
            notices,
            without_key: Value::Null,
            _lock: lock,
        };
        let (connection, _) = system.ask(&world::vpc(0), world::STANDARD).await;
        system.without_key = system.over(&connection, "").await;
        system
            .aws
            .call(
                "secretsmanager",
                "secretsmanager.PutSecretValue",
                json!({"SecretId": system.stack.name("ApiKeySecret"), "SecretString": world::KEY}),
            )
            .await;
        system
    }

    /// A call of our API, signed; its status and its body.
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.api_once(method, path, body, None).await
    }

    /// The same with a key that tells a repetition from another call.
    pub async fn api_once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> (u16, Value) {
        let path = self.path(path);
        let mut request = self.aws.request("execute-api", method, &path);
        if let Some(body) = body {
            let body = body.to_string();
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.expect("the gateway answers");
        (answer.status().as_u16(), json_of(answer).await)
    }

    /// Where the emulator has a path of our API.
    pub fn path(&self, path: &str) -> String {
        format!(
            "/_aws/execute-api/{}/v1{path}",
            self.stack.name("ConnectionsApi")
        )
    }

    /// Asks the API for a connection: its id and the run.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn ask(&self, vpc: &str, cluster: &str) -> (String, String) {
        self.ask_for(&request(vpc, cluster)).await
    }

    /// The same in other words than the usual ones.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn ask_for(&self, request: &Value) -> (String, String) {
        let (status, body) = self.api(Method::POST, "/connections", Some(request)).await;
        assert_eq!(status, 202, "{body}");
        (text(&body["connection_id"]), text(&body["execution"]))
    }

    /// A connection as the API shows it, when no run is at work on it any more and the
    /// last one is not `earlier`.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn over(&self, connection: &str, earlier: &str) -> Value {
        let path = format!("/connections/{connection}");
        until(&format!("{connection} has settled"), PATIENCE, async || {
            let (status, shown) = self.api(Method::GET, &path, None).await;
            let phase = shown["phase"].as_str().unwrap_or_default();
            let at_work = !shared::ledger::Phase::ALL
                .iter()
                .any(|known| known.as_str() == phase && known.is_over());
            let known = status == 200 && shown["execution"] != earlier;
            (known && !at_work && !shown["outcome"].is_null()).then_some(shown)
        })
        .await
    }

    /// A connection that is asked for now, when it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn connect(&self, vpc: &str, cluster: &str) -> Value {
        let (connection, execution) = self.ask(vpc, cluster).await;
        self.ready(&connection, &execution).await
    }

    /// A connection when this run has made it ready.
    ///
    /// # Panics
    /// If it does not.
    pub async fn ready(&self, connection: &str, execution: &str) -> Value {
        let run = self.ended(execution).await;
        assert_eq!(run.status(), "SUCCEEDED", "{}", run.described);
        let shown = self.over(connection, "").await;
        assert_eq!(shown["phase"], "ready", "{shown}");
        shown
    }

    /// A run when it has ended.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn ended(&self, execution: &str) -> Run {
        until(&format!("{execution} has ended"), PATIENCE, async || {
            let run = Run::look(&self.aws, execution).await?;
            (run.status() != "RUNNING").then_some(run)
        })
        .await
    }

    /// A run that the API starts, when it has ended.
    ///
    /// # Panics
    /// If that is refused, or takes too long.
    pub async fn run_by(&self, method: Method, path: &str) -> Run {
        let (status, body) = self.api(method, path, None).await;
        assert_eq!(status, 202, "{body}");
        self.ended(&text(&body["execution"])).await
    }

    /// The ARNs of all runs of a machine, by its resource, that concern a VPC.
    pub async fn runs(&self, machine: &str, vpc: &str) -> Vec<String> {
        let listed = self
            .aws
            .call(
                "states",
                "AWSStepFunctions.ListExecutions",
                json!({"stateMachineArn": self.stack.name(machine)}),
            )
            .await;
        let mut runs = Vec::new();
        for listed in listed["executions"].as_array().into_iter().flatten() {
            let arn = text(&listed["executionArn"]);
            let described = self
                .aws
                .call(
                    "states",
                    "AWSStepFunctions.DescribeExecution",
                    json!({"executionArn": arn}),
                )
                .await;
            if text(&described["input"]).contains(vpc) {
                runs.push(arn);
            }
        }
        runs
    }

    /// What each function has logged so far, by log group.
    pub async fn logs(&self) -> Vec<(String, Vec<String>)> {
        let call = async |operation: &str, asked| {
            let target = format!("Logs_20140328.{operation}");
            self.aws.call("logs", &target, asked).await
        };
        let groups = call("DescribeLogGroups", json!({})).await;
        let mut logs = Vec::new();
        for group in groups["logGroups"].as_array().into_iter().flatten() {
            let name = text(&group["logGroupName"]);
            let mut lines = Vec::new();
            let mut asked = json!({"logGroupName": name, "limit": 10_000});
            loop {
                let page = call("FilterLogEvents", asked.clone()).await;
                let events = page["events"].as_array().into_iter().flatten();
                lines.extend(events.map(|event| text(&event["message"])));
                if page["nextToken"].is_null() {
                    break;
                }
                asked["nextToken"] = page["nextToken"].clone();
            }
            logs.push((name, lines));
        }
        logs
    }

    /// The item of a connection in the ledger.
    pub async fn item(&self, connection: &str) -> Option<Value> {
        self.get("ConnectionsTable", "connection_id", connection)
            .await
    }

    /// The lease of a VPC.
    pub async fn lease(&self, vpc: &str) -> Option<Value> {
        self.get("LeasesTable", "vpc", &format!("{REGION}/{vpc}"))
            .await
    }

    async fn get(&self, table: &str, key: &str, value: &str) -> Option<Value> {
        let asked = json!({
            "TableName": self.stack.name(table),
            "Key": {key: {"S": value}},
            "ConsistentRead": true,
        });
        let answer = self
            .aws
            .call("dynamodb", "DynamoDB_20120810.GetItem", asked);
        let item = &answer.await["Item"];
        (!item.is_null()).then(|| item.clone())
    }

    /// The endpoints of a VPC that are there.
    pub fn endpoints(&self, vpc: &str) -> Vec<String> {
        self.world.simulator.look(|world| {
            let there = world.ec2.endpoints.values();
            there
                .filter(|endpoint| endpoint.vpc_id == vpc && endpoint.state.is_there())
                .map(|endpoint| endpoint.id.clone())
                .collect()
        })
    }

    /// The security groups of a VPC, but for its default one.
    pub fn groups(&self, vpc: &str) -> Vec<SecurityGroup> {
        self.world.simulator.look(|world| {
            let groups = world.ec2.groups.values();
            let ours = groups.filter(|group| group.vpc_id == vpc && !group.is_default());
            ours.cloned().collect()
        })
    }

    /// A tag of a VPC.
    pub fn tag(&self, vpc: &str, key: &str) -> Option<String> {
        self.world
            .simulator
            .look(|world| world.ec2.vpcs[vpc].tags.get(key).cloned())
    }

    /// Sets or removes a tag of a VPC, as a person would, and tells no one.
    pub fn set_tag(&self, vpc: &str, key: &str, value: Option<&str>) {
        self.world.simulator.meddle(|world| {
            let vpc = world.ec2.vpcs.get_mut(vpc).expect("a VPC");
            match value {
                Some(value) => vpc.tags.insert(key.to_owned(), value.to_owned()),
                None => vpc.tags.remove(key),
            };
        });
    }

    /// The event that AWS puts on the bus when a tag of a VPC has changed ("Tag Change
    /// on Resource"), about the tags as they are now.
    pub fn tag_event(&self, vpc: &str, key: &str, version: u32) -> Value {
        let tags = self
            .world
            .simulator
            .look(|world| json!(world.ec2.vpcs[vpc].tags));
        json!({
            "Source": "aws.tag",
            "DetailType": "Tag Change on Resource",
            "Time": self.world.now(),
            "Resources": [format!("arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{vpc}")],
            "Detail": {
                "changed-tag-keys": [key],
                "service": "ec2",
                "resource-type": "vpc",
                "version": version,
                "tag-policy-compliant": "true",
                "tags": tags,
            },
        })
    }

    /// The number of the next call of an operation. Only for a story that is told
    /// alone.
    pub fn next_call(&self, operation: &str) -> u32 {
        let calls = self.world.simulator.calls();
        let earlier = calls.iter().filter(|call| call.operation == operation);
        u32::try_from(earlier.count()).expect("few calls") + 1
    }

    /// Makes the next call of an operation do its work and never answer. Only for a
    /// story that is told alone.
    pub fn hold(&self, operation: &str) -> u32 {
        let nth = self.next_call(operation);
        let fault = Fault::once(operation, nth, FaultKind::Timeout, Moment::After);
        self.world.simulator.add_fault(fault);
        nth
    }

    /// Waits until that call has done its work.
    ///
    /// # Panics
    /// If it never comes.
    pub async fn held(&self, operation: &str, nth: u32) {
        until(&format!("{operation} is held"), PATIENCE, async || {
            let calls = self.world.simulator.calls();
            calls
                .iter()
                .any(|call| call.operation == operation && call.nth == nth)
                .then_some(())
        })
        .await;
    }
}

/// A request for a connection.
pub fn request(vpc: &str, cluster: &str) -> Value {
    json!({"cluster_id": cluster, "region": REGION, "vpc_id": vpc})
}

/// The text of a JSON string.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Tells a story of one VPC, while others may be told.
pub fn story(name: &str, vpc: &str, tell: impl AsyncFnOnce(&System)) {
    told(name, vpc, async |system, began| {
        let _turn = TURN.read().await;
        began.set(Instant::now());
        tell(system).await;
    });
}

/// Tells a story while no other is told, because it needs faults. They end with it.
pub fn story_alone(name: &str, vpc: &str, tell: impl AsyncFnOnce(&System)) {
    told(name, vpc, async |system, began| {
        let _turn = TURN.write().await;
        began.set(Instant::now());
        let _faults = Faults(&system.world);
        tell(system).await;
    });
}

/// The faults of a story; they end with this value.
struct Faults<'a>(&'a World);

impl Drop for Faults<'_> {
    fn drop(&mut self) {
        self.0.simulator.end_faults();
    }
}

fn told(name: &str, vpc: &str, tell: impl AsyncFnOnce(&System, &Cell<Instant>)) {
    let system = &*SYSTEM;
    let log = fs::metadata(&system.ministack.log).map_or(0, |log| log.len());
    let began = Cell::new(Instant::now());
    let end = catch_unwind(AssertUnwindSafe(|| {
        RUNTIME.block_on(async {
            tell(system, &began).await;
            keeps_the_key(system, vpc, log).await;
        });
    }));
    match end {
        Ok(()) => say(&format!("{name}: {}", took(began.get()))),
        Err(panic) => {
            say(&format!("{name}: FAILED after {}", took(began.get())));
            eprintln!("{}", RUNTIME.block_on(evidence(system, vpc, log)));
            resume_unwind(panic);
        }
    }
}

/// The API key is in nothing that the runs of a VPC took and gave, and in nothing that
/// the emulator and the functions have said since a story began.
async fn keeps_the_key(system: &System, vpc: &str, log: u64) {
    let mut all = said_since(system, log);
    for machine in MACHINES {
        for arn in system.runs(machine, vpc).await {
            if let Some(run) = Run::look(&system.aws, &arn).await {
                all += &format!("{} {}", run.described, json!(run.events));
            }
        }
    }
    for (_, lines) in system.logs().await {
        all += &lines.concat();
    }
    for event in system.notices.all().await {
        all += &event.to_string();
    }
    assert!(!all.contains(world::KEY), "the API key is told");
}

/// What there is to read about a story that failed: the runs that concern its VPC, and
/// what the emulator and the functions have said since it began.
async fn evidence(system: &System, vpc: &str, log: u64) -> String {
    let mut text = String::new();
    for machine in MACHINES {
        for arn in system.runs(machine, vpc).await {
            if let Some(run) = Run::look(&system.aws, &arn).await {
                text += &format!("{machine} {}\n", run.tell());
            }
        }
    }
    text += &format!("ministack:\n{}", said_since(system, log));
    for (function, lines) in system.logs().await {
        let runtime = ["START", "END", "REPORT"];
        let told = |line: &&String| !runtime.iter().any(|word| line.starts_with(word));
        let lines: Vec<&String> = lines.iter().filter(told).collect();
        for line in &lines[lines.len().saturating_sub(20)..] {
            text += &format!("{function}: {line}\n");
        }
    }
    text
}

/// What the emulator has written to its log since it had this length.
fn said_since(system: &System, length: u64) -> String {
    let said = fs::read(&system.ministack.log).unwrap_or_default();
    let since = usize::try_from(length).unwrap_or(0).min(said.len());
    String::from_utf8_lossy(&said[since..]).into_owned()
}

fn took(began: Instant) -> String {
    format!("{:.1} s", began.elapsed().as_secs_f64())
}

/// Says something whether the test passes or not; what is printed is shown only for
/// tests that fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "emulator: {line}");
}
