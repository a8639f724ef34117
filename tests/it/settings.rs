//! What a definition tells its functions: it reaches each of them, nothing else, and
//! nobody who starts a run can say otherwise.

use engine::{EventKind, Execution, Machine, Outcome};
use serde_json::{Value, json};
use shared::config::Config;
use shared::settings::{SETTINGS, Settings};
use shared::{Code, StepErrorName};
use simulator::{Fault, FaultKind, Moment};
use steps::definition;
use system_tests::run::{Ending, Stage, ending, ready_after};

/// How all values begin that no one but a function may see.
const TOLD: &str = "told-to-functions-alone-";

/// Settings that are known again wherever they come.
fn settings(stage: &Stage) -> Settings {
    let cluster = stage.request["cluster_id"].as_str().map(str::to_owned);
    Settings::of(|name| match name {
        "ALLOWED_CLUSTERS" => cluster.clone(),
        // Would be part of what is written on VPCs, and on what is made.
        "TAG_PREFIX" | "RESOURCE_TAGS" => None,
        // The networks and accounts of the story are in them.
        "ALLOWED_SOURCES" => Some("0.0.0.0/0,::/0".to_owned()),
        "OTHER_ACCOUNTS" => None,
        name => Some(format!("{TOLD}{name}")),
    })
}

/// A definition under its name.
type Named = (&'static str, Machine);

fn execute(stage: &Stage, (name, machine): &Named, input: Value) -> Execution {
    stage.execute((*name, machine), name, input, Config::of(|_| None))
}

/// The definitions that make and take away, told these settings.
fn machines(settings: &Settings) -> (Named, Named) {
    let provision = definition::provision(settings).expect("it loads");
    let deprovision = definition::deprovision(settings).expect("it loads");
    (("provision", provision), ("deprovision", deprovision))
}

/// Goes through all that a run leaves for others to see: outputs, variables, what it
/// writes into the ledger and announces, errors. Answers how often a function was told.
fn told(execution: &Execution, settings: &Settings) -> usize {
    let expected: Value = SETTINGS
        .iter()
        .map(|name| {
            let value = settings.get(name).expect("all are set");
            (name.to_ascii_lowercase(), Value::from(value))
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut told = 0;
    for event in &execution.history {
        let mut seen = event.kind.clone();
        if let EventKind::TaskScheduled {
            resource,
            arguments,
            ..
        } = &mut seen
            && !engine::INTEGRATIONS.contains(&resource.as_str())
        {
            assert_eq!(arguments["settings"].take(), expected, "{resource}");
            told += 1;
        }
        if let EventKind::StateExited {
            state, assigned, ..
        } = &mut seen
            && state == "Begin"
        {
            assert_eq!(assigned.remove("settings").as_ref(), Some(&expected));
        }
        let seen = serde_json::to_string(&seen).expect("JSON");
        assert!(!seen.contains(TOLD), "{seen}");
    }
    told
}

#[test]
fn each_function_is_told_and_nobody_else() {
    let stage = Stage::shipped("fresh-vpc");
    let settings = settings(&stage);
    let (provision, deprovision) = machines(&settings);
    let request = stage.request.clone();

    let failing = Stage::shipped("fresh-vpc").with(Fault::once(
        "cloud:POST private-endpoint-connections",
        1,
        FaultKind::Denied,
        Moment::Before,
    ));
    let execution = execute(&failing, &provision, request.clone());
    assert!(told(&execution, &settings) > 5, "{execution:?}");

    let execution = execute(&stage, &provision, request.clone());
    ready_after(&execution);
    assert!(told(&execution, &settings) > 8);

    let region = request["region"].as_str().expect("a text");
    let region = region.parse().expect("a Region");
    let check = definition::check_fleet(&region, "", true, &settings).expect("it loads");
    let execution = execute(&stage, &("check-fleet", check), json!({}));
    assert!(matches!(execution.outcome, Outcome::Succeeded(_)));
    assert!(told(&execution, &settings) >= 2);

    let removal = json!({
        "cluster_id": request["cluster_id"],
        "region": request["region"],
        "vpc_id": request["vpc_id"],
    });
    let execution = execute(&stage, &deprovision, removal);
    assert!(
        matches!(execution.outcome, Outcome::Succeeded(_)),
        "{execution:?}"
    );
    assert!(told(&execution, &settings) > 4);
}

/// The input of an execution is not where settings come from, and whatever it is, it is
/// the function that refuses it.
#[test]
fn who_starts_a_run_cannot_say_otherwise() {
    let stage = Stage::shipped("fresh-vpc");
    let others = Settings::of(|name| {
        (name == "ALLOWED_CLUSTERS").then(|| "ffffffff-0000-4000-8000-000000000009".to_owned())
    });
    let mut asked = stage.request.clone();
    asked["settings"] = json!({ "allowed_clusters": "" });
    let (provision, deprovision) = machines(&others);
    for (machine, input, expected) in [
        (&provision, stage.request.clone(), "cluster-not-allowed"),
        (&provision, asked.clone(), "unknown field `settings`"),
        (&deprovision, asked, "unknown field `"),
        (&provision, json!([1, 2]), "invalid-request"),
        (&provision, json!("text"), "invalid-request"),
        (&provision, json!(null), "invalid-request"),
        (&provision, json!({}), "invalid-request"),
        (&deprovision, json!([{}]), "invalid-request"),
        (&deprovision, json!(5), "invalid-request"),
    ] {
        let execution = execute(&stage, machine, input.clone());
        let Ending::Failed(_, failure) = ending(&execution) else {
            panic!("{input}: {execution:?}");
        };
        let code = Code::parse(&failure.code).expect("a code of the catalogue");
        assert_eq!(code.name(), StepErrorName::InvalidInput, "{input}: {code}");
        let failure = serde_json::to_string(&failure).expect("JSON");
        assert!(failure.contains(expected), "{input}: {failure}");
    }
    let calls = stage.simulator.calls();
    assert!(
        calls
            .iter()
            .all(|call| call.operation.starts_with("events:")),
        "nothing was asked for or changed: {calls:?}"
    );
}

/// What is allowed holds in the machine, so nobody who starts it gets past the doors.
#[test]
fn a_run_that_is_started_directly_keeps_to_what_is_allowed() {
    let stage = Stage::shipped("fresh-vpc");
    let mut wide = stage.request.clone();
    wide["sources"] = json!({ "cidrs": ["10.0.0.0/8", "::/0"] });
    let told = |setting: &'static str, value: &'static str| {
        machines(&Settings::of(|name| {
            (name == setting).then(|| value.to_owned())
        }))
        .0
    };
    for (machine, input, expected) in [
        (told("TAG_PREFIX", ""), &wide, "source ::/0 is wider than"),
        (
            told("ALLOWED_SOURCES", "10.0.0.0/8"),
            &wide,
            "source ::/0 lies in none of the allowed sources",
        ),
        // The networks of the VPC, which the request does not name.
        (
            told("ALLOWED_SOURCES", "192.0.2.0/24"),
            &stage.request,
            "source 10.20.0.0/16 lies in none of the allowed sources",
        ),
        (
            told("ALLOWED_CLUSTERS", "ffffffff-0000-4000-8000-000000000009"),
            &stage.request,
            "cluster-not-allowed",
        ),
    ] {
        let execution = execute(&stage, &machine, input.clone());
        let Ending::Failed(_, failure) = ending(&execution) else {
            panic!("{input}: {execution:?}");
        };
        let failure = serde_json::to_string(&failure).expect("JSON");
        assert!(failure.contains(expected), "{expected}: {failure}");
    }
    assert!(stage.simulator.look(|world| world.ec2.endpoints.is_empty()));
}
