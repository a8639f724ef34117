//! The functions as the processes that Lambda would start, each behind a runtime
//! API of its own (Lambda developer guide, "Using the Lambda runtime API").

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use engine::{Clock, ScaledClock, TaskFailure, Tasks};
use in_process::integrations::Integrations;
use serde_json::Value;
use simulator::http::Server;
use simulator::{Scenario, Simulator};
use steps::{FUNCTIONS, Integrated, function_of};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::authorization::judged;

/// A world over HTTP whose calls are judged, in the time of a clock.
///
/// # Panics
/// When it cannot be served.
pub async fn served(scenario: &Scenario, clock: &ScaledClock) -> (Simulator, Server) {
    let time = clock.clone();
    let simulator = judged(Simulator::new(scenario, move || time.now()));
    let server = Server::start(simulator.clone(), (Ipv4Addr::LOCALHOST, 0).into()).await;
    (simulator, server.expect("a server"))
}

type Answer = Result<Value, TaskFailure>;
type Invocation = (Value, oneshot::Sender<Answer>);

/// One function's process.
struct Process {
    invocations: mpsc::Sender<Invocation>,
    // Ends with this value.
    _child: Child,
}

/// All functions, each in a process of its own.
pub struct Processes {
    processes: HashMap<&'static str, Process>,
    integrations: Integrations,
}

impl Processes {
    /// Starts all functions with AWS at `url`. Where the Cloud API is, calls must tell.
    /// What the definition calls itself does not go through them.
    ///
    /// # Panics
    /// When they cannot be built or started.
    pub async fn start(url: &str, integrations: Integrations) -> Self {
        let folder = build().await;
        let mut processes = HashMap::new();
        for function in FUNCTIONS {
            processes.insert(function, start(&folder.join(function), url).await);
        }
        Self {
            processes,
            integrations,
        }
    }

    /// Calls one function.
    ///
    /// # Errors
    /// What the function says, as Step Functions would report it.
    pub async fn call(&self, function: &str, payload: Value) -> Answer {
        let (answer, answered) = oneshot::channel();
        let process = &self.processes[function];
        let sent = process.invocations.send((payload, answer)).await;
        let exited = || TaskFailure::new("Runtime.ExitError", format!("{function} has exited"));
        sent.map_err(|_| exited())?;
        answered.await.map_err(|_| exited())?
    }
}

impl Tasks for Processes {
    async fn invoke(&self, resource: &str, arguments: Value) -> Answer {
        match function_of(resource) {
            Some(function) => self.call(function, arguments).await,
            None => self.integrations.integrate(resource, arguments).await,
        }
    }
}

/// Builds all binaries and answers their folder.
///
/// # Panics
/// When they cannot be built.
pub async fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--workspace", "--bins", "--quiet", "--locked"])
        .current_dir(crate::documents::root());
    if cfg!(feature = "outside-judges") {
        // As this test was built, or the libraries would be compiled once more.
        cargo.args(["--features", "outside-judges"]);
    }
    // What cargo told this test about its own package would reach the build scripts
    // that ask for such variables, so that ring and all above it would be compiled anew
    // at each change between this and a shell.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(name);
        }
    }
    let built = cargo.status().await.expect("cargo");
    assert!(built.success(), "the functions cannot be built");
    // This binary is target/debug/deps/it-…; theirs are target/debug/….
    let own = std::env::current_exe().expect("the path of this binary");
    own.ancestors()
        .nth(2)
        .expect("the folder of the binaries")
        .to_owned()
}

async fn start(binary: &std::path::Path, url: &str) -> Process {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("the address").to_string();
    let (invocations, queue) = mpsc::channel(1);
    let runtime = Runtime {
        queue: Arc::new(Mutex::new(queue)),
        pending: Arc::default(),
    };
    let app = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(runtime);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let child = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        // So that the world knows who calls.
        .env("AWS_SDK_UA_APP_ID", binary.file_name().unwrap_or_default())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "111122223333")
        .env("AWS_SECRET_ACCESS_KEY", "nothing")
        .env("AWS_ENDPOINT_URL", url)
        // Nobody is there: a definition tells where the Cloud API is.
        .env("COCKROACH_SERVER", "http://127.0.0.1:1")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|why| panic!("{}: {why}", binary.display()));
    Process {
        invocations,
        _child: child,
    }
}

#[derive(Clone)]
struct Runtime {
    queue: Arc<Mutex<mpsc::Receiver<Invocation>>>,
    pending: Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>,
}

impl Runtime {
    async fn answer(&self, id: &str, answer: Answer) {
        if let Some(waiting) = self.pending.lock().await.remove(id) {
            // Nobody waits any more for a task that timed out.
            let _ = waiting.send(answer);
        }
    }
}

async fn next(State(runtime): State<Runtime>) -> Response {
    let Some((payload, waiting)) = runtime.queue.lock().await.recv().await else {
        // The test is over; the process is killed while it waits.
        return std::future::pending().await;
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let id = format!("request-{now}");
    runtime.pending.lock().await.insert(id.clone(), waiting);
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", (now + 30_000).to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:111122223333:function:f".to_owned(),
        ),
    ];
    (headers, payload.to_string()).into_response()
}

async fn response(State(runtime): State<Runtime>, Path(id): Path<String>, body: Bytes) {
    let answer = serde_json::from_slice(&body)
        .map_err(|why| TaskFailure::new("Runtime.InvalidResponse", why.to_string()));
    runtime.answer(&id, answer).await;
}

async fn error(State(runtime): State<Runtime>, Path(id): Path<String>, body: Bytes) {
    let cause = String::from_utf8_lossy(&body).into_owned();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = said["errorType"]
        .as_str()
        .unwrap_or("Lambda.Unknown")
        .to_owned();
    runtime
        .answer(&id, Err(TaskFailure::new(name, cause)))
        .await;
}
