//! Worlds in which it does not work out.

use reqwest::Method;
use serde_json::json;
use system_tests::emulator::story::{story, text};
use system_tests::emulator::world::{REJECTING, vpc};

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn what_failed_is_undone_and_everybody_is_told_why() {
    story("endpoint rejected", &vpc(8), async |system| {
        let vpc = vpc(8);
        let (connection, execution) = system.ask(&vpc, REJECTING).await;
        let run = system.ended(&execution).await;
        assert_eq!(run.status(), "FAILED", "{}", run.described);
        assert_eq!(run.described["error"], "RolledBack", "{}", run.described);
        assert!(system.endpoints(&vpc).is_empty(), "nothing is left");
        assert_eq!(system.groups(&vpc), [], "nothing is left");

        let shown = system.over(&connection, "").await;
        assert_eq!(shown["phase"], "rolled-back", "{shown}");
        let failure = &shown["outcome"]["failure"];
        assert_eq!(failure["code"], "endpoint-rejected", "{shown}");
        assert_eq!(failure["left"], json!([]), "{shown}");
        let (cause, fix) = (text(&failure["cause"]), text(&failure["fix"]));
        assert!(!cause.is_empty() && !fix.is_empty(), "{shown}");
        assert_eq!(shown["endpoint_id"], json!(null), "{shown}");
        let (status, explained) = system
            .api(Method::GET, "/errors/endpoint-rejected", None)
            .await;
        assert_eq!(
            (status, text(&explained["cause"])),
            (200, cause.clone()),
            "{explained}"
        );

        let item = system
            .item(&connection)
            .await
            .expect("an item of the ledger");
        assert!(text(&item["outcome"]["S"]).contains(&fix), "{item}");

        let event = system.notices.event("Connection Failed", &connection).await;
        assert_eq!(event["detail"]["code"], "endpoint-rejected", "{event}");
        assert_eq!(event["detail"]["cause"], cause, "{event}");
        assert_eq!(event["detail"]["fix"], fix, "{event}");
        let notice = system.notices.notice(&["endpoint-rejected", &vpc]).await;
        assert!(notice.contains(&fix), "{notice}");
        assert_eq!(system.lease(&vpc).await, None);
    });
}
