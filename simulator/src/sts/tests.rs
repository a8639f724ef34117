//! Roles and who may assume them.

use super::*;
use crate::World;
use crate::calls::Caller;
use crate::scenario::Scenario;

const SCENARIO: &str = r#"
title = "t"
story = "s"
[[roles]]
account = "444455556666"
name = "spokes/crdb-privatelink"
external_id = "handshake"
[[roles]]
account = "777788889999"
name = "open"
"#;

const SPOKE: &str = "arn:aws:iam::444455556666:role/spokes/crdb-privatelink";
const OPEN: &str = "arn:aws:iam::777788889999:role/open";

fn world() -> World {
    World::new(
        &Scenario::parse(SCENARIO).unwrap(),
        OffsetDateTime::UNIX_EPOCH,
    )
}

fn request(arn: &str, external_id: Option<&str>) -> AssumeRole {
    AssumeRole {
        role_arn: arn.to_owned(),
        role_session_name: "crdb-privatelink".to_owned(),
        external_id: external_id.map(str::to_owned),
        duration_seconds: None,
        policy: None,
    }
}

#[test]
fn a_role_is_assumed_by_who_knows_its_external_id() {
    let mut world = world();
    let home = world.ec2.caller();
    for (arn, external_id, allowed) in [
        (SPOKE, Some("handshake"), true),
        (SPOKE, Some("guess"), false),
        (SPOKE, None, false),
        (OPEN, None, true),
        (OPEN, Some("needless"), true),
        ("arn:aws:iam::777788889999:role/another", None, false),
        ("arn:aws:iam::444455556666:role/open", None, false),
    ] {
        let session = world.assume_role(&home, &request(arn, external_id));
        assert_eq!(session.is_ok(), allowed, "{arn} {external_id:?}");
        if let Err(error) = session {
            assert_eq!((error.status, error.code.as_str()), (403, "AccessDenied"));
            assert!(error.message.contains(arn), "{error}");
        }
    }
    let stranger = Caller {
        account: "777788889999".to_owned(),
        ..home
    };
    assert!(world.assume_role(&stranger, &request(OPEN, None)).is_err());
}

#[test]
fn a_session_belongs_to_the_account_of_its_role_and_expires() {
    let mut world = world();
    let home = world.ec2.caller();
    let session = world
        .assume_role(&home, &request(SPOKE, Some("handshake")))
        .unwrap();
    assert_eq!(session.account, "444455556666");
    assert_eq!(
        session.arn,
        "arn:aws:sts::444455556666:assumed-role/crdb-privatelink/crdb-privatelink"
    );
    assert_eq!(session.expires_at - world.now, Duration::from_secs(3600));
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let mut world = world();
    let home = world.ec2.caller();
    let cases: [fn(&mut AssumeRole); 6] = [
        |it| it.role_session_name = "a".to_owned(),
        |it| it.role_session_name = "a b".to_owned(),
        |it| it.external_id = Some("x".to_owned()),
        |it| it.duration_seconds = Some(899),
        |it| it.duration_seconds = Some(3601),
        |it| it.role_arn = "crdb-privatelink".to_owned(),
    ];
    for change in cases {
        let mut request = request(OPEN, None);
        change(&mut request);
        let refused = world.assume_role(&home, &request).unwrap_err();
        assert_eq!(refused.code, "ValidationError", "{request:?}");
    }
}
