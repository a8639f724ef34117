//! The commands that `plan` prints, run as they are by bash, the AWS CLI and
//! curl, make what `provision` makes.

use std::process::Stdio;

use engine::ScaledClock;
use in_process::InProcess;
use shared::settings::Settings;
use simulator::Scenario;
use steps::Steps;
use system_tests::aftermath::Snapshot;
use system_tests::authorization::InRoles;
use system_tests::processes::{build, served};
use system_tests::run::{Ending, SECRET, Stage, changes, ending};
use system_tests::situations::{LIST, NEIGHBOURS_GROUP, add_neighbour, sources_by_name};
use system_tests::tools::python;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs a command to its end and answers what it printed.
async fn output(what: &str, command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|why| panic!("{what}: {why}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).await.expect("to be read");
    drop(stdin);
    let output = child.wait_with_output().await.expect("to end");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what}: {}\n{printed}\n{complaint}",
        output.status
    );
    printed
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
async fn the_commands_of_the_plan_lead_to_the_same_endpoint() {
    let mut scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    add_neighbour(&mut scenario);
    let request = &mut scenario.request;
    request.insert("sources".to_owned(), sources_by_name());
    let clock = ScaledClock::new(30.0);
    let (simulator, server) = served(&scenario, &clock).await;
    // The AWS CLI, pinned together with boto3 for the other judges.
    let tools = python("judges", "simulator/tests/judges/requirements.txt").join("bin");
    let binaries = build().await;

    let of_request = |field: &str| {
        scenario.request[field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut plan = Command::new(binaries.join("crdb-privatelink"));
    plan.args(["plan", "--script", "--endpoint", &server.url()])
        .args(["--cluster-id", &of_request("cluster_id")])
        .args(["--region", &of_request("region")])
        .args(["--vpc-id", &of_request("vpc_id")])
        .args(["--cidr", "10.20.0.0/16", "--prefix-list", LIST])
        .args(["--source-group", NEIGHBOURS_GROUP]);
    let script = output("plan", &mut plan, "").await;
    assert!(
        !simulator
            .calls()
            .iter()
            .any(|call| changes(&call.operation)),
        "plan has changed something"
    );

    #[expect(
        clippy::disallowed_methods,
        reason = "the tools of the machine, for the script only"
    )]
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.env("PATH", format!("{}:{path}", tools.display()))
        .env("AWS_ENDPOINT_URL", server.url())
        .env("AWS_ACCESS_KEY_ID", &scenario.account)
        .env("AWS_SECRET_ACCESS_KEY", "nothing")
        .env("COCKROACH_SERVER", server.url())
        .env("CRDB_API_KEY", &scenario.keys[0].secret)
        .env("PAUSE", "1");
    let printed = output("the script", &mut bash, &script).await;
    let by_hand = simulator.look(Snapshot::of);

    // Virtual time has a runtime of its own, so it needs a thread of its own.
    let automatic = tokio::task::spawn_blocking({
        let scenario = scenario.clone();
        move || {
            let stage = Stage::of(&scenario);
            let ending = ending(&stage.provision("automatic"));
            (ending, Snapshot::settled(&stage))
        }
    });
    let (Ending::Ready(ready), automatic) = automatic.await.expect("a run") else {
        panic!("not ready");
    };
    assert_eq!(by_hand.without_ids(), automatic.without_ids());
    assert!(
        printed.ends_with(&format!("{}\n", ready.connection_string)),
        "{printed}"
    );

    // What was made by hand is found, complete, and nothing is changed.
    let calls = simulator.calls().len();
    let ports = InProcess::new(simulator.clone(), SECRET);
    let machine = steps::definition::provision(&Settings::default()).expect("the definition loads");
    let request = serde_json::Value::Object(scenario.request.clone());
    let steps = Steps::in_process(&ports);
    let tasks = InRoles::new("provision", &simulator, &steps);
    let execution = engine::run(&machine, "after", request, &tasks, &clock, &()).await;
    assert!(
        matches!(ending(&execution), Ending::Ready(_)),
        "{}",
        engine::trace(&execution.history)
    );
    let later = simulator.calls();
    assert!(
        !later[calls..].iter().any(|call| changes(&call.operation)),
        "something was changed"
    );
}
