//! The real binaries, behind a runtime API, against the simulator over HTTP.

use engine::ScaledClock;
use in_process::integrations::Integrations;
use serde_json::{Value, json};
use shared::config::DEFAULT_SECRET;
use shared::request::ProvisionRequest;
use shared::settings::Settings;
use simulator::Scenario;
use simulator::http::Server;
use steps::FUNCTIONS;
use system_tests::authorization::{InRoles, refused};
use system_tests::documents::read;
use system_tests::processes::{Processes, served};
use system_tests::run::{Ending, ending};

/// What a definition would tell of this Cloud API and this secret.
fn settings(cloud: &str, secret: &str) -> Settings {
    Settings::of(|name| match name {
        "COCKROACH_SERVER" => Some(cloud.to_owned()),
        "API_KEY_SECRET" => Some(secret.to_owned()),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told_by_the_binaries_too() {
    let scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    let clock = ScaledClock::new(30.0);
    let (world, server) = served(&scenario, &clock).await;
    // Their environment says that the Cloud API is where nobody is.
    let processes = Processes::start(&server.url(), Integrations::new(world.clone())).await;
    let settings = settings(&server.url(), DEFAULT_SECRET);

    // Every function says so in a name that definitions match.
    for function in FUNCTIONS {
        let failure = processes
            .call(function, json!({"nonsense": true}))
            .await
            .expect_err(function);
        let (error, cause) = (failure.error, failure.cause);
        assert_eq!(error, "InvalidInput", "{function}: {cause}");
        assert!(cause.contains("invalid-request: "), "{function}: {cause}");
    }

    let machine = steps::definition::provision(&settings).expect("the definition loads");
    let request = Value::Object(scenario.request.clone());
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

/// Otherwise it would wait in vain for a call.
#[test]
fn the_payloads_of_the_benchmark_are_inputs() {
    let file = "tests/start-up/payloads.json";
    let payloads: Value = serde_json::from_str(&read(file)).expect("JSON");
    for function in FUNCTIONS {
        let payload = payloads["functions"].get(function);
        let payload = payload.unwrap_or_else(|| panic!("{file} has nothing for {function}"));
        if payload.is_null() {
            // It calls nobody.
            continue;
        }
        let field = |name: &str| (name.to_owned(), payloads["fields"][name].clone());
        let input: Value = match payload.as_array() {
            Some(names) => names.iter().filter_map(Value::as_str).map(field).collect(),
            None => payload.clone(),
        };
        let read = steps::read_input(function, input).expect("a step");
        read.unwrap_or_else(|error| panic!("{function}: {error}"));
    }
}

/// One process, as AWS keeps it between calls: runs with other settings come to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_does_as_each_call_tells_it() {
    let scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    let clock = ScaledClock::new(30.0);
    let (one, first) = served(&scenario, &clock).await;
    let (other, second) = served(&scenario, &clock).await;
    let processes = Processes::start(&first.url(), Integrations::new(one)).await;
    let request = ProvisionRequest::parse(&Value::Object(scenario.request.clone()));
    let connection = request.expect("a request").subject();
    let look = async |cloud: &str, secret: &str| {
        let told = settings(cloud, secret);
        let told = [
            ("cockroach_server", told.get("COCKROACH_SERVER")),
            ("api_key_secret", told.get("API_KEY_SECRET")),
        ];
        let call = json!({
            "settings": told.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "connection": connection,
            "may_request_service": false,
            "wait": { "since": "2026-01-01T00:00:00Z", "now": "2026-01-01T00:00:00Z", "limit_seconds": 60 },
        });
        processes.call("inspect-cluster", call).await
    };
    let asked = || {
        let calls = other.calls().into_iter();
        calls
            .filter(|it| it.operation.starts_with("cloud:"))
            .count()
    };
    let found = async |server: &Server| {
        let looked = look(&server.url(), DEFAULT_SECRET).await;
        looked.expect("it is there");
    };
    found(&first).await;
    assert_eq!(asked(), 0);
    found(&second).await;
    assert!(asked() > 0, "the other Cloud API was not asked");
    let before = asked();
    let failure = look(&first.url(), "crdb-privatelink/another").await;
    let cause = failure.expect_err("no such secret").cause;
    let expected = "secret-not-found: secret crdb-privatelink/another";
    assert!(cause.contains(expected), "{cause}");
    found(&first).await;
    assert_eq!(asked(), before);

    let told = json!({ "settings": { "cockroach_server": 5 } });
    let failure = processes.call("inspect-cluster", told).await;
    let cause = failure.expect_err("malformed").cause;
    assert!(
        cause.contains("configuration-invalid: settings.cockroach_server: `5` is not a text"),
        "{cause}"
    );
    assert_eq!(refused(), Vec::<String>::new());
}
