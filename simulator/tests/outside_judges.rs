//! Programs that we did not write look at the world over HTTP: boto3, the AWS
//! CLI, and the HTTP client of Python; and an emulator that we did not write is
//! asked the same. Each judge gets a world of its own from
//! the binary that people use, with a clock that runs sixty times too fast.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SPEED: &str = "60";

/// A world in a process of its own, which ends with the test.
struct World {
    process: Child,
    environment: Vec<(String, String)>,
}

impl World {
    fn start(scenario: &str) -> World {
        let mut process = Command::new(env!("CARGO_BIN_EXE_simulator"))
            .arg("--scenario")
            .arg(judges().join(scenario))
            .args(["--speed", SPEED])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let output = process.stdout.take().expect("its output is piped");
        let mut environment = Vec::new();
        for line in BufReader::new(output).lines() {
            let line = line.expect("its output is text");
            let Some(setting) = line.strip_prefix("export ") else {
                continue;
            };
            let (name, value) = setting.split_once('=').expect("a setting has a value");
            environment.push((name.to_owned(), value.to_owned()));
            if name == "COCKROACH_SERVER" {
                break;
            }
        }
        assert!(
            !environment.is_empty(),
            "the simulator says how it can be reached"
        );
        World {
            process,
            environment,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn judges() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges")
}

/// A Python environment, made if need be.
fn python(name: &str, requirements: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python-env");
    let made = Command::new(&script)
        .arg(name)
        .arg(requirements)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}", script.display()));
    let errors = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "the judges need Python:\n{errors}");
    PathBuf::from(String::from_utf8_lossy(&made.stdout).trim()).join("bin/python")
}

fn judge(script: &str) {
    judge_in("scenario.toml", script);
}

fn judge_in(scenario: &str, script: &str) {
    let python = python("judges", &judges().join("requirements.txt"));
    judge_by(&python, scenario, script);
}

fn judge_by(python: &Path, scenario: &str, script: &str) {
    let world = World::start(scenario);
    let output = Command::new(python)
        .arg("-B") // leaves no compiled files in the source tree
        .arg(judges().join(script))
        .envs(world.environment.iter().map(|(name, value)| (name, value)))
        // Nothing of the machine's own configuration may get in.
        .envs([
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_PAGER", ""),
            ("NO_PROXY", "127.0.0.1"),
            ("no_proxy", "127.0.0.1"),
        ])
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .output()
        .expect("python runs");
    // What a content judge counted.
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{script} is not content:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_reads_networks_as_ec2_writes_them() {
    judge("ec2_networks.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_makes_and_removes_security_groups() {
    judge("ec2_groups.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_makes_changes_and_removes_endpoints() {
    judge("ec2_endpoints.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_finds_the_hosted_zones_of_a_vpc() {
    judge_in("route53.toml", "route53.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_reads_what_went_through_an_endpoint() {
    judge_in("cloudwatch.toml", "cloudwatch.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_reads_and_writes_secrets() {
    judge("secrets_manager.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_keeps_a_ledger_and_a_lease() {
    judge_in("doors.toml", "dynamodb.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_starts_runs_puts_events_and_gets_into_another_account() {
    judge_in("doors.toml", "doors.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn dynamodb_answers_as_that_of_another_emulator() {
    // The environment of the engine's tests has that emulator.
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../statemachine/engine");
    let python = python("moto", &engine.join("tests/moto/requirements.txt"));
    judge_by(&python, "doors.toml", "dynamodb_differs.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn the_aws_cli_drives_every_operation() {
    judge("aws_cli.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn python_finds_the_cloud_api_as_documented() {
    judge("cloud_api.py");
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn boto3_sees_broken_connections_and_throttles_for_what_they_are() {
    judge_in("broken.toml", "broken.py");
}
