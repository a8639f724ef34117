//! moto's Step Functions as a child process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http;

/// How long all executions together may take; they need a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// How an execution ended on moto.
pub(crate) struct Ended {
    /// `SUCCEEDED`, `FAILED` or `TIMED_OUT`.
    pub(crate) status: String,
    pub(crate) output: Option<Value>,
    pub(crate) error: String,
    pub(crate) cause: String,
    /// The states that were entered, in order.
    pub(crate) path: Vec<String>,
}

/// The running server. It is killed when this is dropped, and ends by itself
/// when its standard input is closed, that is, with this process.
pub(crate) struct Server {
    child: Child,
    port: u16,
    began: Instant,
}

impl Server {
    /// Starts moto; its functions are called at this endpoint.
    pub(crate) fn start(lambda_endpoint: &str) -> Server {
        let engine = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = engine.join("../..");
        let python = python(&root, &engine.join("tests/moto/requirements.txt"));
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto.log");
        let mut child = Command::new(python)
            .arg(engine.join("tests/moto/launcher.py"))
            .arg(lambda_endpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a log file"))
            .spawn()
            .expect("Python starts");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        let read = BufReader::new(stdout).read_line(&mut port);
        match (read, port.trim().parse()) {
            (Ok(_), Ok(port)) => Server {
                child,
                port,
                began: Instant::now(),
            },
            _ => {
                let _ = child.kill();
                let log = fs::read_to_string(&log).unwrap_or_default();
                panic!("moto did not start:\n{log}");
            }
        }
    }

    /// Starts an execution and returns its ARN.
    pub(crate) fn start_execution(&self, name: &str, definition: &str, input: &Value) -> String {
        let machine = self.call(
            "CreateStateMachine",
            &json!({
                "name": name,
                "definition": definition,
                "roleArn": "arn:aws:iam::123456789012:role/machine"
            }),
        );
        let execution = self.call(
            "StartExecution",
            &json!({
                "name": name,
                "stateMachineArn": machine["stateMachineArn"],
                "input": input.to_string()
            }),
        );
        text(&execution["executionArn"])
    }

    /// Waits for the end of an execution.
    pub(crate) fn await_end(&self, execution: &str) -> Ended {
        let request = json!({"executionArn": execution, "maxResults": 1000});
        let described = loop {
            let described = self.call("DescribeExecution", &request);
            if described["status"] != "RUNNING" {
                break described;
            }
            assert!(
                self.began.elapsed() < PATIENCE,
                "{execution} is still running"
            );
            pause(Duration::from_millis(50));
        };
        let history = self.call("GetExecutionHistory", &request);
        let events = history["events"].as_array().map_or(&[][..], Vec::as_slice);
        let entered = events.iter().filter_map(|event| {
            let details = &event["stateEnteredEventDetails"];
            details["name"].as_str().map(str::to_owned)
        });
        // The description writes an output that is text without its quotes;
        // the history writes JSON.
        let output = events
            .iter()
            .find_map(|event| event["executionSucceededEventDetails"]["output"].as_str());
        Ended {
            status: text(&described["status"]),
            output: output.map(|output| serde_json::from_str(output).expect("output is JSON")),
            error: text(&described["error"]),
            cause: text(&described["cause"]),
            path: entered.collect(),
        }
    }

    /// Makes a table with a key of one text.
    pub(crate) fn create_table(&self, name: &str, key: &str) {
        self.call_service(
            "dynamodb",
            "DynamoDB_20120810.CreateTable",
            &json!({
                "TableName": name,
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST"
            }),
        );
    }

    fn call(&self, action: &str, request: &Value) -> Value {
        self.call_service("states", &format!("AWSStepFunctions.{action}"), request)
    }

    fn call_service(&self, service: &str, action: &str, request: &Value) -> Value {
        // The server looks at the service's name in the signature only.
        let headers = format!(
            "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: {action}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=none\r\n"
        );
        let answer = http::post(self.port, &headers, &request.to_string());
        let (status, body) = answer.expect("moto answers");
        assert_eq!(status, 200, "{action} {request}: {body}");
        serde_json::from_str(&body).expect("an answer in JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter of the virtual environment, which is made if need be.
fn python(root: &Path, requirements: &Path) -> PathBuf {
    let made = Command::new(root.join("tests/python-env"))
        .arg("moto")
        .arg(requirements)
        .stderr(Stdio::inherit())
        .output()
        .expect("tests/python-env runs");
    assert!(
        made.status.success(),
        "no Python environment for moto, see above; this test cannot do without"
    );
    let path = String::from_utf8(made.stdout).expect("a path");
    Path::new(path.trim()).join("bin/python")
}

/// Lets the server work for a moment.
fn pause(duration: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    let _ = receiver.recv_timeout(duration);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
