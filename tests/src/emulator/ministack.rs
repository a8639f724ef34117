//! The emulator's process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use super::aws::{Aws, json as json_of};
use super::world::World;
use super::{ACCOUNT, REGION, SPEED};
use crate::tools::python;

/// How long it may take to start; it needs about two seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The emulator. It ends, with all functions that it started, when its standard
/// input is closed, that is, when this value or this process is gone.
#[derive(Debug)]
pub struct Ministack {
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// What it and the functions say.
    pub log: PathBuf,
    process: Child,
    line: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
}

impl Ministack {
    /// Starts it; what it does not emulate well is asked of `world`.
    ///
    /// # Panics
    /// With its log, if it does not start.
    pub async fn start(folder: &Path, world: &World) -> Self {
        let python = python("ministack", "tests/emulator/ministack.txt");
        let log = folder.join("ministack.log");
        let temporary = folder.join("tmp");
        // Unpacked functions of an earlier run.
        let _ = fs::remove_dir_all(&temporary);
        fs::create_dir_all(&temporary).expect("a folder for temporary files");
        let output = File::create(&log).expect("a log file");
        let simulator = world.url();
        let mut process = Command::new(python.join("bin/python"))
            .arg("-B") // leaves no compiled files in the source tree
            .arg(crate::documents::root().join("tests/emulator/launcher.py"))
            .arg(world.now().to_string())
            .arg(SPEED.to_string())
            // The functions inherit this, so nothing of the machine gets in.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TMPDIR", &temporary)
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
            .env("MINISTACK_REGION", REGION)
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            // Calls outside the policy of a function's role are refused.
            .env("AUTH", "true")
            .env("AWS_ENDPOINT_URL_CLOUDWATCH", &simulator)
            .env("AWS_ENDPOINT_URL_EC2", &simulator)
            .env("AWS_ENDPOINT_URL_ROUTE_53", &simulator)
            .env("AWS_ENDPOINT_URL_ROUTE53PROFILES", &simulator)
            .env("AWS_ENDPOINT_URL_ROUTE53RESOLVER", &simulator)
            .env("AWS_ENDPOINT_URL_STS", &simulator)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .spawn()
            .expect("Python starts");
        let say = process.stdin.take().expect("a pipe");
        let mut hear = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port = tokio::time::timeout(PATIENCE, hear.next_line()).await;
        let Ok(Ok(Some(port))) = port else {
            let log = fs::read_to_string(&log).unwrap_or_default();
            panic!("ministack did not start:\n{log}");
        };
        let url = format!("http://127.0.0.1:{port}");
        let health = Aws::at(&url).unsigned(Method::GET, "/_ministack/health");
        let health = json_of(health.send().await.expect("the emulator answers")).await;
        assert_eq!(health["auth"], "enabled", "policies are enforced: {health}");
        Self {
            url,
            log,
            process,
            line: Mutex::new((say, hear)),
        }
    }

    /// Puts events on the default bus as AWS itself does: entries as `PutEvents`
    /// takes them, `Detail` being JSON and not its text.
    ///
    /// # Panics
    /// If they are not taken.
    pub async fn put(&self, entries: &[Value]) {
        let text = |entry: &Value| {
            let mut entry = entry.clone();
            entry["Detail"] = Value::String(entry["Detail"].to_string());
            entry
        };
        let entries: Vec<Value> = entries.iter().map(text).collect();
        let (say, hear) = &mut *self.line.lock().await;
        let line = format!("{}\n", json!(entries));
        say.write_all(line.as_bytes()).await.expect("it listens");
        let answer = hear.next_line().await.expect("it answers");
        let answer: Value = serde_json::from_str(&answer.unwrap_or_default()).expect("JSON");
        assert_eq!(answer["answer"]["FailedEntryCount"], 0, "{answer}");
    }

    /// The processes of a function, by its name, that run now.
    pub fn processes_of(&self, function: &str) -> Vec<u32> {
        let parent = self.process.id().expect("it runs");
        let wanted = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("Linux").flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|id| id.parse().ok()) else {
                continue;
            };
            // Whatever ends meanwhile cannot be read.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let named = environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes());
            if named && parent_of(&entry.path()) == Some(parent) {
                found.push(id);
            }
        }
        found
    }
}

/// The parent of a process (proc(5), `/proc/pid/stat`: the fourth field, the second
/// after the name in parentheses).
fn parent_of(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, after) = stat.rsplit_once(") ")?;
    after.split(' ').nth(1)?.parse().ok()
}
