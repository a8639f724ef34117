//! The real binaries, behind a runtime API, against the simulator over HTTP.

use std::net::Ipv4Addr;

use crdb_privatelink::steps::FUNCTIONS;
use engine::{Clock, ScaledClock};
use in_process::integrations::Integrations;
use serde_json::json;
use simulator::http::Server;
use simulator::{Scenario, Simulator};
use system_tests::authorization::{InRoles, judged, refused};
use system_tests::processes::Processes;
use system_tests::run::{Ending, ending};

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told_by_the_binaries_too() {
    let scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    let clock = ScaledClock::new(30.0);
    let time = clock.clone();
    let simulator = judged(Simulator::new(&scenario, move || time.now()));
    let integrations = Integrations::new(simulator.clone());
    let world = simulator.clone();
    let server = Server::start(simulator, (Ipv4Addr::LOCALHOST, 0).into())
        .await
        .expect("a server");
    let processes = Processes::start(&server.url(), integrations).await;

    // Every function says so in a name that definitions match.
    for function in FUNCTIONS {
        let failure = processes
            .call(function, json!({"nonsense": true}))
            .await
            .expect_err(function);
        assert_eq!(
            failure.error, "InvalidInput",
            "{function}: {}",
            failure.cause
        );
        assert!(
            failure.cause.contains("invalid-request: "),
            "{function}: {}",
            failure.cause
        );
    }

    let machine = crdb_privatelink::definition::provision().expect("the definition loads");
    let request = serde_json::Value::Object(scenario.request.clone());
    let tasks = InRoles::new("provision", &world, &processes);
    let execution = engine::run(&machine, "processes", request, &tasks, &clock, &()).await;
    let Ending::Ready(ready) = ending(&execution) else {
        panic!("{}", engine::trace(&execution.history));
    };
    assert_eq!(
        ready.host,
        "internal-payments-2718.j77.aws-eu-west-1.cockroachlabs.cloud"
    );
    assert_eq!(refused(), Vec::<String>::new());
}
