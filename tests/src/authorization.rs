//! A judge over every call: whatever the functions and machines call in a simulated
//! world is held against the policies of their roles, as IAM would.
//!
//! Each request is judged once in a process, by a process of Node.js that evaluates
//! policies (`tests/authorization`), so a million runs cost no more than one. What
//! would be denied fails the test that made the call. All this is so with the feature
//! `outside-judges`; without it nobody judges, and Node.js is not needed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use engine::{TaskFailure, Tasks};
use serde_json::{Value, json};
use shared::accounts::session::{ACTIONS, policy};
use simulator::{Authorization, Caller, Judge, Simulator};
use steps::{FUNCTIONS, function_of, resource_name};

use crate::documents::{read, root};
use crate::policies::{
    Deployment, HOME, OTHER, OTHER_ROLE, REGION, STACK, STRANGER, document, singled,
};
use crate::tools::node;

/// The functions that answer API Gateway, which no definition calls.
pub const API: [&str; 2] = ["connections-api", "plan-connection"];

/// Whose role makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    Function(&'static str),
    Machine(&'static str),
}

tokio::task_local! {
    static ACTOR: Actor;
}

/// Tasks of a machine, each carried out in the role that it has on AWS: a function in
/// its own, what the definition calls itself in that of the machine.
pub struct InRoles<'a, T> {
    machine: &'static str,
    simulator: &'a Simulator,
    tasks: &'a T,
}

impl<'a, T: Tasks> InRoles<'a, T> {
    /// The tasks of a machine, by the name of its definition.
    pub fn new(machine: &'static str, simulator: &'a Simulator, tasks: &'a T) -> Self {
        Self {
            machine,
            simulator,
            tasks,
        }
    }
}

impl<T: Tasks> Tasks for InRoles<'_, T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let machine = Actor::Machine(self.machine);
        let actor = match function_of(resource) {
            Some(function) => {
                let called =
                    Authorization::new(&home(), "lambda:InvokeFunction", version(function));
                ACTOR.sync_scope(machine, || self.simulator.needs(called));
                Actor::Function(function)
            }
            None => machine,
        };
        ACTOR
            .scope(actor, self.tasks.invoke(resource, arguments))
            .await
    }
}

/// The account and Region of the stack.
pub fn home() -> Caller {
    Caller {
        account: HOME.to_owned(),
        region: REGION.to_owned(),
    }
}

/// The version of a function that a definition names.
fn version(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{HOME}:function:{STACK}-{function}:7")
}

/// A world all of whose calls are judged, with the feature `outside-judges`.
pub fn judged(simulator: Simulator) -> Simulator {
    if cfg!(feature = "outside-judges") {
        simulator.judged_by(Arc::new(Court))
    } else {
        simulator
    }
}

/// What is asked of the court, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// The name of the policies of whoever calls; none for a service of AWS.
    pub role: Option<String>,
    /// The ARN of the role, or the service.
    pub principal: String,
    /// The name of the policy of the resource, if it has one.
    pub resource_policy: Option<String>,
    /// What must be allowed.
    pub what: Authorization,
}

/// An answer of the court.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether IAM would allow it.
    pub allowed: bool,
    /// The statements without which it would not, each by its policy and its `Sid`.
    pub needed: Vec<String>,
    pub why: String,
}

struct Court;

thread_local! {
    /// What this thread has seen, so that the many runs of one thread share no lock.
    static SEEN: RefCell<HashSet<(String, Authorization)>> = RefCell::default();
    /// The statements that the calls of this thread needed, each as the set of policies
    /// with its role, and its `Sid`.
    static NEEDED: RefCell<BTreeSet<String>> = RefCell::default();
}

impl Judge for Court {
    fn needs(&self, who: Option<&str>, what: Authorization) {
        let who = match (who, ACTOR.try_with(|actor| *actor)) {
            (Some(function), _) | (None, Ok(Actor::Function(function))) => function.to_owned(),
            (None, Ok(Actor::Machine(machine))) => format!("{machine} machine"),
            // A test that looks or meddles, and no part of the stack.
            (None, Err(_)) => return,
        };
        if !is_of_the_stack(&who) {
            return;
        }
        let is_new = SEEN.with_borrow_mut(|seen| seen.insert((who.clone(), what.clone())));
        if !is_new {
            return;
        }
        requests(&who, &what).iter().for_each(demand);
    }
}

/// Demands that a request is allowed.
///
/// # Panics
/// When it is not, naming who wanted what, and the condition that did not hold. A
/// server in whose thread that happens goes on, so [`refused`] remembers it.
pub fn demand(request: &Request) {
    let verdict = judge(request);
    if !verdict.allowed {
        let Authorization {
            action,
            resource,
            keys,
            ..
        } = &request.what;
        let who = request.role.as_ref().unwrap_or(&request.principal);
        let said = format!(
            "{who} may not {action} on {resource} with {keys:?}: {}",
            verdict.why
        );
        refusals().push(said.clone());
        panic!("{said}");
    }
    NEEDED.with_borrow_mut(|needed| needed.extend(verdict.needed));
}

/// What was refused in this process so far.
pub fn refused() -> Vec<String> {
    refusals().clone()
}

fn refusals() -> MutexGuard<'static, Vec<String>> {
    static REFUSALS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    REFUSALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The statements that the calls of this thread needed so far, each as its set of
/// policies with its role or resource, and its `Sid`.
pub fn needed() -> BTreeSet<String> {
    NEEDED.with_borrow(Clone::clone)
}

/// A program of somebody else also says who it is.
fn is_of_the_stack(who: &str) -> bool {
    let functions = FUNCTIONS.into_iter().chain(API);
    who.ends_with(" machine") || functions.into_iter().any(|function| function == who)
}

/// The ARNs of the roles of the stack, by their logical ids.
static ROLES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let stack = Deployment::of_stack(&[]);
    let roles = stack.trust().into_keys();
    roles.map(|role| (role.clone(), stack.arn(&role))).collect()
});

/// The organization of the stack's account.
pub const ORGANIZATION: &str = "o-a1b2c3d4e5";

/// The same of the stack, on a resource in this organization.
pub fn in_organization(what: Authorization, of_resource: &str) -> Authorization {
    what.with("aws:PrincipalOrgID", ORGANIZATION)
        .with("aws:ResourceOrgID", of_resource)
}

/// What is asked of the court about a call: with the policies of a stack that has
/// only defaults, and, in another account or for what only a parameter brings, with
/// those of one that has everything.
fn requests(who: &str, what: &Authorization) -> Vec<Request> {
    let logical = match who.strip_suffix(" machine") {
        Some(machine) => format!("{}MachineRole", resource_name(machine)),
        None => format!("{}Role", resource_name(who)),
    };
    let request = |set: &str, role: &str, principal: String| Request {
        role: Some(format!("{set}/{role}")),
        principal,
        resource_policy: None,
        what: what.clone(),
    };
    if what.account == OTHER {
        // In the role there, which the function's own session policy bounds.
        let principal = format!("arn:aws:iam::{OTHER}:role/{OTHER_ROLE}");
        return vec![request("other", who, principal)];
    }
    let principal = ROLES[&logical].clone();
    if what.action == "sts:AssumeRole" {
        // Callers of the API make accounts up. There is no role to judge about, and the
        // world refuses as IAM does.
        let known = [OTHER, STRANGER].map(|account| format!("arn:aws:iam::{account}:"));
        if !known.iter().any(|known| what.resource.starts_with(known)) {
            return Vec::new();
        }
        let mut of_organization = request("cognito", &logical, principal.clone());
        of_organization.what = in_organization(of_organization.what, ORGANIZATION);
        return vec![request("full", &logical, principal), of_organization];
    }
    let sets: &[&str] = match what.action.as_str() {
        "kms:Decrypt" => &["full"],
        _ => &["plain", "full"],
    };
    let sets = sets.iter();
    sets.map(|set| request(set, &logical, principal.clone()))
        .collect()
}

/// The endpoint that a private API answers through.
pub const API_ENDPOINT: &str = "vpce-0a1b2c3d4e5f60718";

/// The deployments whose policies are judged, by the name of the set.
pub fn deployments() -> &'static BTreeMap<&'static str, Deployment> {
    static ALL: LazyLock<BTreeMap<&'static str, Deployment>> = LazyLock::new(deployed);
    &ALL
}

/// The same, read from the templates.
fn deployed() -> BTreeMap<&'static str, Deployment> {
    let full = [
        ("OtherAccountRole", OTHER_ROLE),
        ("OtherAccountExternalId", "a-handshake"),
        ("OtherAccounts", OTHER),
        ("ApiKeySecretPattern", "crdb-privatelink/{cluster_id}"),
        (
            "ApiKeyKmsKeyArn",
            "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-00000000000a",
        ),
        ("ApiAccessLog", "set-up"),
        ("SubnetIds", "subnet-0a1b2c3d4e5f60718"),
        ("SecurityGroupIds", "sg-0a1b2c3d4e5f60718"),
        ("NoticeEmail", "a@example.com"),
        ("ApiVpcEndpointIds", API_ENDPOINT),
        ("OnDrift", "repair"),
        ("OnOrphans", "remove"),
    ];
    let cognito = [
        ("OtherAccountRole", OTHER_ROLE),
        ("ApiAccess", "COGNITO"),
        (
            "ApiUserPoolArn",
            "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_a1B2c3D4e",
        ),
        ("ApiVpcEndpointIds", API_ENDPOINT),
        (
            "KmsKeyArn",
            "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-00000000000b",
        ),
    ];
    BTreeMap::from([
        ("plain", Deployment::of_stack(&[])),
        ("full", Deployment::of_stack(&full)),
        ("cognito", Deployment::of_stack(&cognito)),
        ("other", Deployment::of_other_account()),
    ])
}

/// The policies of all deployments, as the court reads them: those of roles and of
/// resources by the set and the logical id, those who may assume a role by its ARN.
pub fn policies() -> Value {
    let (mut identity, mut resource, mut trust) = (json!({}), json!({}), json!({}));
    let mut boundaries = json!({});
    for (set, deployment) in deployments() {
        for (role, document) in deployment.identity() {
            identity[format!("{set}/{role}")] = json!([{ "name": role, "document": document }]);
        }
        for (role, document) in deployment.trust() {
            trust[deployment.arn(&role)] = document;
        }
        let mut of_resources = deployment.permissions();
        for (kind, property) in [
            ("AWS::SQS::QueuePolicy", "PolicyDocument"),
            ("AWS::SNS::TopicPolicy", "PolicyDocument"),
            ("AWS::KMS::Key", "KeyPolicy"),
        ] {
            of_resources.extend(deployment.of_resources(kind, property));
        }
        if *set != "other" {
            let of_api = deployment
                .of_api()
                .map(|it| ("ConnectionsApi".to_owned(), it));
            of_resources.extend(of_api);
        }
        for (name, document) in of_resources {
            resource[format!("{set}/{name}")] = document;
        }
    }
    // Each function has a session of its own in the role of another account.
    for (function, _) in ACTIONS {
        let session = policy(function);
        let statements = singled("Session", &session["Statement"][0]);
        let document = document(statements);
        boundaries[format!("other/{function}")] =
            json!([{ "name": "session", "document": document }]);
        identity[format!("other/{function}")] = identity["other/Role"].clone();
    }
    let hub = json!({ "AWS": format!("arn:aws:iam::{HOME}:root") });
    let anybody = json!({ "Effect": "Allow", "Principal": hub, "Action": "sts:AssumeRole" });
    trust[format!("arn:aws:iam::{STRANGER}:role/{OTHER_ROLE}")] =
        json!({ "Version": "2012-10-17", "Statement": [anybody] });
    // Two roles of the customer's: one for people who operate connections, one of an
    // application that has nothing to do with them.
    let calls = json!({
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": format!("{}/*", deployments()["full"].arn("ConnectionsApi")),
    });
    let document = json!({ "Version": "2012-10-17", "Statement": [calls] });
    identity["operator"] = json!([{ "name": "operator", "document": document }]);
    identity["application"] = json!([]);
    // And one that may do everything that the documented service control policy lets it.
    let mut statements = documented_policy()["Statement"].clone();
    let all = json!({ "Effect": "Allow", "Action": "ec2:*", "Resource": "*" });
    statements.as_array_mut().expect("a list").push(all);
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    identity["administrator"] = json!([{ "name": "administrator", "document": document }]);
    json!({
        "identity": identity, "boundaries": boundaries,
        "resource": resource, "trust": trust,
    })
}

/// The service control policy that `docs/security.md` shows.
fn documented_policy() -> Value {
    let page = read("docs/security.md");
    let (_, rest) = page.split_once("```json\n").expect("a policy");
    let (policy, _) = rest.split_once("```").expect("its end");
    serde_json::from_str(policy).expect("JSON")
}

/// How [`needed`] names a statement: by what its policy belongs to, and its `Sid`, or
/// its place from 0 if it has none.
pub fn named(of: &str, statement: &Value) -> String {
    let sid = statement["sid"].as_str().or(statement["Sid"].as_str());
    sid.map_or_else(
        || format!("{of} {}", statement["statement"]),
        |sid| format!("{of} {sid}"),
    )
}

/// Asks the court; what it was asked before it answers from memory.
///
/// # Panics
/// When Node.js or what `tests/authorization` pins is not there, or when the policies
/// or the request are nothing that AWS would take.
pub fn judge(request: &Request) -> Verdict {
    let mut bench = bench();
    if let Some(verdict) = bench.decided.get(request) {
        return verdict.clone();
    }
    let verdict = bench.decide(request);
    bench.decided.insert(request.clone(), verdict.clone());
    verdict
}

/// What the court says of the policies themselves, whatever is asked: each action,
/// resource and key must be one that the reference knows together.
///
/// # Panics
/// As with [`judge`].
pub fn check() -> Value {
    let mut process = started("check.mjs");
    let mut input = process.stdin.take().expect("a pipe");
    writeln!(input, "{}", policies()).expect("the court listens");
    drop(input);
    let output = process.wait_with_output().expect("the court answers");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What the policy of a statement belongs to. All sessions in another account are in one
/// role there.
fn role_of(statement: &Value) -> &str {
    let of = statement["of"].as_str().unwrap_or_default();
    match statement["kind"].as_str() {
        Some("identity") if of.starts_with("other/") => "other/Role",
        _ => of,
    }
}

/// Of the statements that allow a request, those without which their policies would not.
///
/// What Lambda needs for a network doubles what some functions need without one. And the
/// role in another account has for all functions what each one has at home, where one may
/// be allowed more than the next: there it is enough that a statement allows something.
fn necessary(by: &[Value]) -> Vec<String> {
    let is_of_lambda = |one: &Value| {
        let sid = one["sid"].as_str().unwrap_or_default();
        sid.starts_with("InterfacesPolicy")
    };
    let is_needed = |one: &&Value| {
        let does_as_well =
            |other: &Value| other["kind"] == one["kind"] && other != *one && !is_of_lambda(other);
        role_of(one) == "other/Role" || !by.iter().any(does_as_well)
    };
    let needed = by.iter().filter(is_needed);
    needed.map(|one| named(role_of(one), one)).collect()
}

fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: LazyLock<Mutex<Bench>> = LazyLock::new(|| Mutex::new(Bench::open()));
    BENCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A script of the court, with what it needs.
fn started(script: &str) -> Child {
    let folder = "tests/authorization";
    Command::new("node")
        .arg(root().join(folder).join(script))
        .arg(node(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs")
}

/// The process that judges. It ends when its questions end: with this process.
struct Bench {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    decided: HashMap<Request, Verdict>,
}

impl Bench {
    fn open() -> Self {
        let mut process = started("judge.mjs");
        let mut bench = Self {
            questions: process.stdin.take().expect("a pipe"),
            answers: BufReader::new(process.stdout.take().expect("a pipe")),
            decided: HashMap::new(),
            _process: process,
        };
        let read = bench.ask(&policies());
        assert_eq!(read["errors"], json!([]), "the policies");
        bench
    }

    fn ask(&mut self, question: &Value) -> Value {
        let mut answer = String::new();
        writeln!(self.questions, "{question}").expect("the court listens");
        self.answers
            .read_line(&mut answer)
            .expect("the court answers");
        serde_json::from_str(&answer).unwrap_or_else(|why| panic!("{why}: {answer}"))
    }

    fn decide(&mut self, request: &Request) -> Verdict {
        let what = &request.what;
        let account = what
            .resource
            .split(':')
            .nth(4)
            .filter(|account| !account.is_empty());
        let answer = self.ask(&json!({
            "id": 0,
            "principal": request.principal,
            "role": request.role,
            "action": what.action,
            "resource": what.resource,
            "resourceAccount": account.unwrap_or(&what.account),
            "context": what.keys,
            "resourcePolicy": request.resource_policy,
        }));
        let errors = &answer["errors"];
        assert_eq!(
            *errors,
            json!([]),
            "AWS is asked no such thing: {request:?}"
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let by = answer["by"].as_array().cloned().unwrap_or_default();
        Verdict {
            allowed: answer["allowed"] == true,
            needed: necessary(&by),
            why: text(&answer["why"]),
        }
    }
}
