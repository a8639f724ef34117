//! The door for time: the schedule.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use system_tests::emulator::story::{PATIENCE, story, text};
use system_tests::emulator::until;
use system_tests::emulator::world::{STANDARD, close, vpc};

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn the_schedule_checks_and_a_change_of_health_is_told() {
    story("scheduler, health, drift", &vpc(11), async |system| {
        let vpc = vpc(11);
        let connection = text(&system.connect(&vpc, STANDARD).await["connection_id"]);
        let path = format!("/connections/{connection}");
        // The schedule's rate is a minute here.
        let shown = until(
            "the schedule has it checked",
            Duration::from_secs(90),
            async || {
                let (_, shown) = system.api(Method::GET, &path, None).await;
                (!shown["health"].is_null()).then_some(shown)
            },
        )
        .await;
        assert_eq!(shown["health"]["status"], "healthy", "{shown}");

        // Somebody takes a rule away that clients need.
        let world = &system.world.simulator;
        world.meddle(|world| close(world, &vpc));
        let check = format!("{path}/check");
        let run = system.run_by(Method::POST, &check).await;
        assert_eq!(run.status(), "SUCCEEDED", "{}", run.described);
        let shown = until("the drift is recorded", PATIENCE, async || {
            let (_, shown) = system.api(Method::GET, &path, None).await;
            (shown["health"]["status"] == "drifted").then_some(shown)
        })
        .await;
        assert_ne!(shown["health"]["findings"], json!([]), "{shown}");
        let event = system
            .notices
            .event("Connection Drifted", &connection)
            .await;
        assert_eq!(event["detail"]["health"], "drifted", "{event}");
        system
            .notices
            .notice(&[
                "Connection Drifted",
                &vpc,
                "console.aws.amazon.com/states/",
                "docs/errors.md#",
            ])
            .await;
    });
}
