//! The definitions, run by our engine and by the emulator's interpreter: both take the
//! same path for the same world.

use serde_json::Value;
use simulator::{Fault, FaultKind, Moment};
use system_tests::emulator::history::{path, without_loops};
use system_tests::emulator::story::{System, story, story_alone};
use system_tests::emulator::world::{ADVANCED, HALF_MADE, REJECTING, STANDARD, scenario, vpc};
use system_tests::run::Stage;

/// Has the same connection made by both, and holds their paths against each other.
async fn both(system: &System, vpc: &str, cluster: &str, fault: Option<Fault>, ending: &str) {
    let (_, execution) = system.ask(vpc, cluster).await;
    let theirs = system.ended(&execution).await;
    let input = theirs.described["input"].as_str().expect("an input");
    let input: Value = serde_json::from_str(input).expect("JSON");

    // In virtual time, so that nothing but the definition decides.
    let mut stage = Stage::of(&scenario());
    stage.request = input;
    if let Some(fault) = fault {
        stage.simulator.add_fault(fault);
    }
    let ours = path(&stage.provision("engine"));
    let theirs_path = theirs.path();
    assert_eq!(
        without_loops(&ours),
        without_loops(&theirs_path),
        "\nours:   {ours:?}\ntheirs: {theirs_path:?}"
    );
    assert_eq!(ours.last().map(String::as_str), Some(ending));
}

#[test]
fn both_engines_connect_a_standard_cluster_alike() {
    story("both engines: standard cluster", &vpc(12), async |system| {
        both(system, &vpc(12), STANDARD, None, "Ready").await;
    });
}

#[test]
fn both_engines_connect_an_advanced_cluster_alike() {
    story("both engines: advanced cluster", &vpc(13), async |system| {
        both(system, &vpc(13), ADVANCED, None, "Ready").await;
    });
}

#[test]
fn both_engines_adopt_alike() {
    story("both engines: adopted", HALF_MADE, async |system| {
        both(system, HALF_MADE, STANDARD, None, "Ready").await;
    });
}

#[test]
fn both_engines_roll_back_alike() {
    story("both engines: rolled back", &vpc(14), async |system| {
        both(system, &vpc(14), REJECTING, None, "RolledBack").await;
    });
}

#[test]
fn both_engines_leave_behind_alike() {
    story_alone(
        "both engines: rollback incomplete",
        &vpc(15),
        async |system| {
            let fault = |nth| {
                let operation = "ec2:DeleteVpcEndpoints";
                Fault::from_then_on(operation, nth, FaultKind::Denied, Moment::Before)
            };
            // Later calls of other stories must not be hit: it counts what was and is.
            let calls = system.world.simulator.calls();
            let earlier = calls
                .iter()
                .filter(|call| call.operation == "ec2:DeleteVpcEndpoints");
            let nth = u32::try_from(earlier.count()).expect("few calls") + 1;
            let denied = Fault {
                repeat: 1,
                ..fault(nth)
            };
            system.world.simulator.add_fault(denied);
            both(
                system,
                &vpc(15),
                REJECTING,
                Some(fault(1)),
                "RollbackIncomplete",
            )
            .await;
        },
    );
}
