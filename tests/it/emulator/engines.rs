//! The definitions, run by our engine and by the emulator's interpreter: both take the
//! same path for the same world.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shared::config::Config;
use shared::settings::Settings;
use simulator::{Fault, FaultKind, Moment};
use steps::definition;
use system_tests::emulator::REGION;
use system_tests::emulator::history::{Run, path, without_loops};
use system_tests::emulator::story::{System, request, story, story_alone, text};
use system_tests::emulator::world::{
    ADVANCED, HALF_MADE, REJECTING, STANDARD, close, scenario, vpc,
};
use system_tests::run::Stage;

/// One run: its input, and the states that were entered.
struct Path {
    input: Value,
    states: Vec<String>,
}

impl From<Run> for Path {
    fn from(run: Run) -> Self {
        let input = text(&run.described["input"]);
        Self {
            input: serde_json::from_str(&input).expect("JSON"),
            states: run.path(),
        }
    }
}

/// Has the emulator make a connection.
async fn provisioned(system: &System, request: &Value) -> Path {
    let (_, execution) = system.ask_for(request).await;
    system.ended(&execution).await.into()
}

/// What our engine makes of it: in virtual time, so that nothing but the definition
/// decides, and in a thread of its own, because it brings its own runtime.
fn here<T: Send + 'static>(tell: impl FnOnce(&mut Stage) -> T + Send + 'static) -> T {
    let engine = std::thread::spawn(move || tell(&mut Stage::of(&scenario())));
    engine.join().expect("our engine ends")
}

fn provisions(stage: &mut Stage, input: Value) -> Vec<String> {
    stage.request = input;
    path(&stage.provision("engine"))
}

fn checks(stage: &Stage, input: Value) -> Vec<String> {
    stage.clock.advance(Duration::from_secs(600));
    let region = REGION.parse().expect("a Region");
    let machine = definition::check_fleet(&region, "", false, &Settings::default())
        .expect("the definition loads");
    let machine = ("check-fleet", &machine);
    path(&stage.execute(machine, "engine", input, Config::of(|_| None)))
}

/// Holds two paths against each other, but for how often was looked again.
fn alike(ours: &[String], theirs: &[String], ending: &str) {
    assert_eq!(
        without_loops(ours),
        without_loops(theirs),
        "\nours:   {ours:?}\ntheirs: {theirs:?}"
    );
    assert_eq!(ours.last().map(String::as_str), Some(ending));
}

/// Has the same connection made by both.
async fn both(system: &System, request: &Value, fault: Option<Fault>, ending: &str) {
    let theirs = provisioned(system, request).await;
    let ours = here(move |stage| {
        if let Some(fault) = fault {
            stage.simulator.add_fault(fault);
        }
        provisions(stage, theirs.input)
    });
    alike(&ours, &theirs.states, ending);
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn both_engines_connect_and_disconnect_a_standard_cluster_alike() {
    story("both engines: standard cluster", &vpc(12), async |system| {
        let vpc = vpc(12);
        let made = provisioned(system, &request(&vpc, STANDARD)).await;
        let id = connection(&vpc, STANDARD);
        let at = format!("/connections/{id}");
        let removed: Path = system.run_by(Method::DELETE, &at).await.into();
        let [ours, ours_removed] = here(move |stage| {
            let connected = provisions(stage, made.input);
            [connected, path(&stage.deprovision("engine"))]
        });
        alike(&ours, &made.states, "Ready");
        alike(&ours_removed, &removed.states, "Disconnected");

        // Nothing of it is left, and everybody is told.
        let event = system.notices.event("Connection Removed", &id).await;
        assert_eq!(event["detail"]["vpc_id"], vpc, "{event}");
        assert!(system.endpoints(&vpc).is_empty());
        assert_eq!(system.item(&id).await, None, "it is forgotten");
        assert_eq!(system.lease(&vpc).await, None);
        let (status, body) = system.api(Method::GET, &at, None).await;
        assert_eq!(status, 404, "{body}");
        assert_eq!(body["code"], "connection-not-found");
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn both_engines_connect_and_check_an_advanced_cluster_alike() {
    story("both engines: advanced cluster", &vpc(13), async |system| {
        let made = provisioned(system, &request(&vpc(13), ADVANCED)).await;
        let check = format!("/connections/{}/check", connection(&vpc(13), ADVANCED));
        let healthy: Path = system.run_by(Method::POST, &check).await.into();
        let world = &system.world.simulator;
        world.meddle(|world| close(world, &vpc(13)));
        let drifted: Path = system.run_by(Method::POST, &check).await.into();
        let inputs = (made.input, healthy.input, drifted.input);
        let [ours, ours_healthy, ours_drifted] = here(move |stage| {
            let made = provisions(stage, inputs.0);
            let healthy = checks(stage, inputs.1);
            stage.simulator.meddle(|world| close(world, &vpc(13)));
            [made, healthy, checks(stage, inputs.2)]
        });
        alike(&ours, &made.states, "Ready");
        alike(&ours_healthy, &healthy.states, "Checked");
        alike(&ours_drifted, &drifted.states, "Checked");
        let announces = |path: &[String]| path.iter().any(|state| state == "AnnounceChanges");
        assert!(!announces(&ours_healthy) && announces(&ours_drifted));
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn both_engines_adopt_alike() {
    story("both engines: adopted", HALF_MADE, async |system| {
        both(system, &request(HALF_MADE, STANDARD), None, "Ready").await;
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn both_engines_roll_back_alike() {
    story("both engines: rolled back", &vpc(14), async |system| {
        both(system, &request(&vpc(14), REJECTING), None, "RolledBack").await;
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn both_engines_leave_behind_alike() {
    let name = "both engines: rollback incomplete";
    story_alone(name, &vpc(15), async |system| {
        let denied = |nth| {
            let operation = "ec2:DeleteVpcEndpoints";
            Fault::from_then_on(operation, nth, FaultKind::Denied, Moment::Before)
        };
        let nth = system.next_call("ec2:DeleteVpcEndpoints");
        system.world.simulator.add_fault(denied(nth));
        let mut request = request(&vpc(15), REJECTING);
        // What is left holds the security group, which would be waited for.
        request["limits"] = json!({"undo_seconds": 60});
        both(system, &request, Some(denied(1)), "RollbackIncomplete").await;
    });
}

/// The id of a connection.
fn connection(vpc: &str, cluster: &str) -> String {
    let parse = "what is written here is well-formed";
    shared::ownership::connection_id(
        &REGION.parse().expect(parse),
        &vpc.parse().expect(parse),
        &cluster.parse().expect(parse),
    )
}
