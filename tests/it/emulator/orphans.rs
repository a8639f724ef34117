//! What was left behind: the sweep, and the run that it starts.

use serde_json::{Value, json};
use simulator::World;
use system_tests::emulator::story::{PATIENCE, story, text};
use system_tests::emulator::until;
use system_tests::emulator::world::{STANDARD, vpc};

const DAY: i64 = 24 * 3600;

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_connection_that_the_ledger_has_lost_is_reported_and_then_removed() {
    story("sweep", &vpc(19), async |system| {
        let vpc = vpc(19);
        let connection = text(&system.connect(&vpc, STANDARD).await["connection_id"]);
        let dynamodb = async |operation: &str, asked: Value| {
            let target = format!("DynamoDB_20120810.{operation}");
            system.aws.call("dynamodb", &target, asked).await
        };
        let lost = json!({
            "TableName": system.stack.name("ConnectionsTable"),
            "Key": {"connection_id": {"S": connection}},
        });
        dynamodb("DeleteItem", lost).await;

        // It was made two days ago, and its group was seen then.
        let made = |world: &World| world.now.unix_timestamp() - 2 * DAY;
        system.world.simulator.meddle(|world| {
            let endpoints = world.ec2.endpoints.values_mut();
            let ours = endpoints.filter(|endpoint| endpoint.vpc_id == vpc);
            ours.for_each(|endpoint| endpoint.created -= 2 * time::Duration::DAY);
        });
        let seen = system.world.simulator.look(made).to_string();
        for group in system.groups(&vpc) {
            let note = json!({
                "TableName": system.stack.name("LeasesTable"),
                "Item": {"vpc": {"S": format!("first-seen/{}", group.id)}, "first_seen": {"N": seen}},
            });
            dynamodb("PutItem", note).await;
        }

        let sweep = async |input: Value| {
            let asked = json!({
                "stateMachineArn": system.stack.name("SweepMachine"),
                "input": input.to_string(),
            });
            let started = system
                .aws
                .call("states", "AWSStepFunctions.StartExecution", asked);
            let run = system.ended(&text(&started.await["executionArn"])).await;
            assert_eq!(run.status(), "SUCCEEDED", "{}", run.described);
        };
        // This emulator leaves the output of the ending out; the event says it, too.
        sweep(json!({})).await;
        let event = system
            .notices
            .event("Connection Orphaned", &connection)
            .await;
        assert_eq!(event["detail"]["vpc_id"], vpc, "{event}");
        assert_eq!(event["detail"]["code"], "orphaned-resources", "{event}");
        assert_eq!(system.endpoints(&vpc).len(), 1);
        let runs = system.runs("DeprovisionMachine", &vpc).await;
        assert!(runs.is_empty(), "it only reports: {runs:?}");

        // The other stories' connections have entries, but few of them.
        sweep(json!({"apply": true, "ledger_is_complete": true})).await;
        let runs = until("the removal has begun", PATIENCE, async || {
            let runs = system.runs("DeprovisionMachine", &vpc).await;
            (!runs.is_empty()).then_some(runs)
        });
        let run = system.ended(&runs.await[0]).await;
        assert_eq!(run.status(), "SUCCEEDED", "{}", run.described);
        assert!(system.endpoints(&vpc).is_empty());
        assert_eq!(system.item(&connection).await, None);
        assert_eq!(system.lease(&vpc).await, None);
    });
}
