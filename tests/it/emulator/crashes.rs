//! Processes and runs that end before their time.

use system_tests::emulator::story::{PATIENCE, story_alone, text};
use system_tests::emulator::until;
use system_tests::emulator::world::{STANDARD, vpc};

use serde_json::json;

/// What makes the endpoint; its answer is held, so that the moment is certain: the
/// endpoint is there, and the function does not know.
const MAKES_ENDPOINT: &str = "ec2:CreateVpcEndpoint";

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_function_that_is_killed_in_mid_step_is_called_again() {
    story_alone("function killed in mid-step", &vpc(9), async |system| {
        let vpc = vpc(9);
        let nth = system.hold(MAKES_ENDPOINT);
        let (connection, execution) = system.ask(&vpc, STANDARD).await;
        system.held(MAKES_ENDPOINT, nth).await;
        let function = system.stack.name("CreateEndpointFunction");
        let processes = system.ministack.processes_of(function);
        assert!(!processes.is_empty(), "{function} is at work");
        for process in processes {
            let killed = tokio::process::Command::new("bash")
                .arg("-c")
                .arg(format!("kill -KILL {process}"))
                .status();
            assert!(killed.await.expect("bash").success(), "{process} is killed");
        }
        system.ready(&connection, &execution).await;
        assert_eq!(system.endpoints(&vpc).len(), 1);
        let run = system.ended(&execution).await;
        let died = run
            .events
            .iter()
            .any(|event| event["taskFailedEventDetails"]["error"] == "Runtime.ExitError");
        assert!(died, "{}", run.tell());
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_run_that_is_stopped_from_outside_is_taken_up_again() {
    story_alone("run stopped from outside", &vpc(10), async |system| {
        let vpc = vpc(10);
        let nth = system.hold(MAKES_ENDPOINT);
        let (connection, execution) = system.ask(&vpc, STANDARD).await;
        system.held(MAKES_ENDPOINT, nth).await;
        system
            .aws
            .call(
                "states",
                "AWSStepFunctions.StopExecution",
                json!({"executionArn": execution, "cause": "a test"}),
            )
            .await;
        // The lease goes, or the next run would have to wait for hours.
        let second = until("another run is at work", PATIENCE, async || {
            let item = system.item(&connection).await?;
            let second = text(&item["execution"]["S"]);
            (second != execution).then_some(second)
        })
        .await;
        // Only what the ledger has as interrupted is done again under such a name.
        assert!(second.contains(":again-"), "{second}");
        let ready = system.ready(&connection, &second).await;
        assert_eq!(system.endpoints(&vpc).len(), 1);
        assert_eq!(json!([ready["endpoint_id"]]), json!(system.endpoints(&vpc)));
        let first = system.ended(&execution).await;
        assert_eq!(first.status(), "ABORTED");
        assert_eq!(system.lease(&vpc).await, None);
    });
}
