//! What Secrets Manager does, rule by rule.

use super::*;

const SCENARIO: &str = r#"
    title = "secrets"
    story = "One secret of every kind."
    [[secrets]]
    name = "key"
    value = "CCDB1_old"
    [[secrets]]
    name = "empty"
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

fn read(world: &mut World, id: &str) -> Result<String, String> {
    let read = world.secrets_get_secret_value(id, &VersionQuery::default());
    read.map(|value| value.version.value)
        .map_err(|error| error.code)
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
    let error = world().secrets_get_secret_value("empty", &VersionQuery::default());
    let message = error.expect_err("it has no version").message;
    assert!(message.contains("staging label: AWSCURRENT"), "{message}");
}

#[test]
fn a_new_value_is_current_and_the_old_one_stays_as_the_previous() {
    let mut world = world();
    let put = world.secrets_put_secret_value("key", "CCDB1_new".to_owned(), None);
    assert_eq!(put.expect("it is written").stages, [CURRENT]);
    assert_eq!(read(&mut world, "key"), Ok("CCDB1_new".to_owned()));
    let previous = VersionQuery {
        id: None,
        stage: Some(PREVIOUS.to_owned()),
    };
    let previous = world
        .secrets_get_secret_value("key", &previous)
        .expect("it is kept");
    assert_eq!(previous.version.value, "CCDB1_old");
}

#[test]
fn a_secret_never_shows_in_debug_output() {
    let value = world().secrets_get_secret_value("key", &VersionQuery::default());
    assert!(!format!("{value:?} {:?}", world().secrets).contains("CCDB1_old"));
}
