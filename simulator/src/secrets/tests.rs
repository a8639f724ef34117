//! What Secrets Manager does, rule by rule.

use super::*;
use crate::World;

const SCENARIO: &str = r#"
    title = "secrets"
    story = "One secret of every kind."
    [[secrets]]
    name = "key"
    value = "CCDB1_old"
    [[secrets]]
    name = "empty"
    [[secrets]]
    name = "file"
    value = "CCDB1_old"
    binary = true
    [[secrets]]
    name = "leaving"
    value = "x"
    state = "scheduled-for-deletion"
    [[secrets]]
    name = "foreign"
    value = "x"
    state = "denied"
    [[secrets]]
    name = "sealed"
    value = "x"
    state = "undecryptable"
"#;

fn world() -> World {
    let scenario = Scenario::parse(SCENARIO).expect("the scenario is sound");
    World::new(&scenario, OffsetDateTime::UNIX_EPOCH)
}

fn answer(world: &mut World, request: Value) -> Result<Value, ApiError> {
    let caller = world.ec2.caller();
    world.get_secret_value(&caller, &request)
}

fn read(world: &mut World, id: &str) -> Result<String, String> {
    match answer(world, json!({ "SecretId": id })) {
        Ok(answer) => Ok(answer["SecretString"].as_str().unwrap().to_owned()),
        Err(error) => Err(error.code),
    }
}

#[test]
fn a_secret_is_read_by_name_by_arn_and_by_partial_arn() {
    let mut world = world();
    let arn = world
        .secrets
        .secret("key")
        .expect("it is there")
        .arn
        .clone();
    let partial = &arn[..arn.len() - 7];
    for id in ["key", arn.as_str(), partial] {
        assert_eq!(read(&mut world, id), Ok("CCDB1_old".to_owned()), "{id}");
    }
}

#[test]
fn every_reason_not_to_read_a_secret_has_its_own_code() {
    let mut world = world();
    for (id, code) in [
        ("nobody", "ResourceNotFoundException"),
        ("empty", "ResourceNotFoundException"),
        ("leaving", "InvalidRequestException"),
        ("foreign", "AccessDeniedException"),
        ("sealed", "DecryptionFailure"),
        ("", "ValidationException"),
    ] {
        assert_eq!(read(&mut world, id), Err(code.to_owned()), "{id}");
    }
}

#[test]
fn a_secret_without_a_version_says_which_label_is_missing() {
    let error = answer(&mut world(), json!({ "SecretId": "empty" }));
    let message = error.expect_err("it has no version").message;
    assert!(message.contains("staging label: AWSCURRENT"), "{message}");
}

/// What the service does and nobody here uses.
#[test]
fn only_the_current_version_can_be_read_and_the_rest_is_refused_by_name() {
    for member in ["VersionStage", "VersionId"] {
        let request = json!({ "SecretId": "key", member: "AWSPREVIOUS" });
        let error = answer(&mut world(), request).expect_err("nobody knows older ones");
        assert_eq!(error.code, "InvalidParameterException");
        assert!(error.message.contains(member), "{error}");
    }
}

/// The API reference of `GetSecretValue`: a field that was not stored is not there.
#[test]
fn what_was_stored_as_bytes_is_answered_as_bytes() {
    let answer = answer(&mut world(), json!({ "SecretId": "file" })).expect("it can be read");
    assert_eq!(answer["SecretBinary"], "Q0NEQjFfb2xk");
    assert_eq!(answer.get("SecretString"), None);
}

#[test]
fn a_new_value_is_current_from_then_on() {
    let mut world = world();
    let id = |world: &mut World| {
        let answer = answer(world, json!({ "SecretId": "key" }));
        answer.expect("it can be read")["VersionId"].clone()
    };
    let before = id(&mut world);
    let now = world.now;
    world.secrets.put("key", "CCDB1_new".to_owned(), now);
    assert_eq!(read(&mut world, "key"), Ok("CCDB1_new".to_owned()));
    assert_ne!(id(&mut world), before);
}

#[test]
fn a_secret_never_shows_in_debug_output() {
    assert!(!format!("{:?}", world().secrets).contains("CCDB1_old"));
}
