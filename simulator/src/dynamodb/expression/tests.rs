//! Expressions against one item.

use serde_json::json;

use super::*;
use crate::dynamodb::value::{Item, item, item_to_json};

fn example() -> Item {
    let attributes = json!({
        "phase": { "S": "ready" },
        "expires_at": { "N": "100" },
        "owner_id": { "S": "a" },
    });
    item(&attributes).unwrap()
}

fn placeholders() -> Placeholders {
    let names = json!({ "#phase": "phase", "#odd": "a.b" });
    let values = json!({
        ":ready": { "S": "ready" },
        ":re": { "S": "re" },
        ":n9": { "N": "9" },
        ":n99": { "N": "99" },
        ":n100": { "N": "0100" },
        ":a": { "S": "a" },
    });
    Placeholders::read(Some(&names), Some(&values)).unwrap()
}

fn read(text: &str) -> Result<Condition, ApiError> {
    condition(text, &mut placeholders())
}

/// The rows of a table: an expression, and what comes of it.
fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = table.lines().filter(|row| !row.is_empty());
    rows.map(|row| row.split_once(" => ").unwrap())
}

const CONDITIONS: &str = "
phase = :ready => true
#phase = :re => false
phase = owner_id => false
absent = :ready => false
NOT absent = :ready => true
absent < :n100 => false
expires_at = :n100 => true
expires_at > :n99 and NOT expires_at > :n100 => true
expires_at < :n9 => false
expires_at < :ready => false
expires_at > :ready => false
phase IN (:a, :re) => false
phase IN (:a, :ready) => true
absent IN (:a, :ready) => false
attribute_exists(phase) => true
attribute_exists(#odd) => false
attribute_not_exists(absent) => true
phase = :ready OR absent = :a AND absent = :a => true
(phase = :ready OR absent = :a) AND absent = :a => false
NOT phase = :ready OR owner_id = :a => true
NOT (phase = :ready OR owner_id = :a) => false
";

/// AND binds more tightly than OR, and NOT more tightly than both.
#[test]
fn conditions_hold_or_do_not() {
    for (text, expected) in rows(CONDITIONS) {
        let holds = read(text).unwrap().holds(&example());
        assert_eq!(holds.to_string(), expected, "{text}");
    }
}

const BROKEN_CONDITIONS: &str = r#"
phase =  => Syntax error; token: "<EOF>", near: "="
phase == :a => Syntax error; token: "=", near: "== :a"
phase = :a phase => Syntax error; token: "phase", near: ":a phase"
phase = 'a' => Syntax error; token: "'", near: "= 'a"
region = :a => Attribute name is a reserved keyword; reserved keyword: region
phase = :b => An expression attribute value used in expression is not defined; attribute value: :b
#b = :a => An expression attribute name used in the document path is not defined; attribute name: #b
exists(phase) => Invalid function name; function: exists
attribute_exists(phase, owner_id) => Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2
attribute_exists(:a) => Operator or function requires a document path; operator or function: attribute_exists
phase = phase => The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [phase]
((phase = :a)) => The expression has redundant parentheses;
"#;

#[test]
fn conditions_that_break_a_rule_are_refused() {
    let empty = ("", "The expression can not be empty;");
    for (text, message) in rows(BROKEN_CONDITIONS).chain([empty]) {
        let error = read(text).unwrap_err();
        let message = format!("Invalid ConditionExpression: {message}");
        assert_eq!(error.code, "ValidationException", "{text}");
        assert_eq!(error.message, message, "{text}");
    }
}

fn apply(text: &str) -> Result<serde_json::Value, ApiError> {
    let changed = update(text, &mut placeholders())?.apply(&example());
    Ok(item_to_json(&changed))
}

#[test]
fn updates_set_and_remove() {
    let changed = apply(
        "SET #phase = :re, #odd = :n9, expires_at = if_not_exists(expires_at, :n9), \
         seen = if_not_exists(seen, :n9) REMOVE owner_id, absent",
    );
    assert_eq!(
        changed.unwrap(),
        json!({
            "phase": { "S": "re" },
            "a.b": { "N": "9" },
            "expires_at": { "N": "100" },
            "seen": { "N": "9" },
        })
    );
}

const BROKEN_UPDATES: &str = r#"
SET phase = :a SET owner_id = :a => The "SET" section can only be used once in an update expression;
SET phase = :a REMOVE #phase => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [phase], path two: [phase]
SET region = :a => Attribute name is a reserved keyword; reserved keyword: region
SET phase = newest(:a, :re) => Invalid function name; function: newest
SET phase = if_not_exists(:a, :re) => Operator or function requires a document path; operator or function: if_not_exists
phase = :a => Syntax error; token: "phase", near: "phase ="
SET phase => Syntax error; token: "<EOF>", near: "phase"
"#;

#[test]
fn updates_that_break_a_rule_are_refused() {
    for (text, message) in rows(BROKEN_UPDATES) {
        let expected = format!("Invalid UpdateExpression: {message}");
        assert_eq!(apply(text).unwrap_err().message, expected, "{text}");
    }
}

/// What the service does and nobody here uses.
const UNKNOWN_CONDITIONS: &str = "
phase <> :a => the comparator <>
expires_at <= :n9 => the comparator <=
expires_at >= :n9 => the comparator >=
expires_at BETWEEN :n9 AND :n99 => BETWEEN
begins_with(phase, :re) => the function begins_with
NOT contains(phase, :re) => the function contains
attribute_type(phase, :a) => the function attribute_type
size(phase) < :n9 => the function size
expires_at > size(phase) => the function size
attribute_exists(phase.deep) => document paths; phase is followed by .
#odd[0] = :a => document paths; a.b is followed by [
";

const UNKNOWN_UPDATES: &str = "
ADD expires_at :n9 => ADD in an UpdateExpression
DELETE phase :a => DELETE in an UpdateExpression
SET phase = owner_id => one attribute as the value of another, as with owner_id
SET expires_at = :n9 + :n9 => arithmetic, as with +
SET expires_at = if_not_exists(expires_at, :n9) - :n9 => arithmetic, as with -
SET phase = list_append(phase, :a) => the function list_append
SET phase = if_not_exists(phase, if_not_exists(absent, :a)) => if_not_exists within if_not_exists
SET phase.deep = :a => document paths; phase is followed by .
REMOVE phase[0] => document paths; phase is followed by [
";

#[test]
fn what_this_world_does_not_know_is_refused_by_name() {
    let conditions = rows(UNKNOWN_CONDITIONS).map(|row| (row, read(row.0).unwrap_err()));
    let updates = rows(UNKNOWN_UPDATES).map(|row| (row, apply(row.0).unwrap_err()));
    for ((text, what), error) in conditions.chain(updates) {
        let expected = format!("the simulator does not know {what}");
        assert_eq!(error.code, "ValidationException", "{text}");
        assert_eq!(error.message, expected, "{text}");
    }
}

#[test]
fn placeholders_are_all_defined_and_all_used() {
    let mut some = placeholders();
    condition("#phase = :a", &mut some).unwrap();
    let error = some.finish(&[("ConditionExpression", true)]).unwrap_err();
    assert_eq!(
        error.message,
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#odd}"
    );
    let empty = Placeholders::read(Some(&json!({})), None).unwrap_err();
    assert_eq!(empty.message, "ExpressionAttributeNames must not be empty");
    let without_mark = Placeholders::read(None, Some(&json!({ "a": { "S": "b" } })));
    assert_eq!(
        without_mark.unwrap_err().message,
        "ExpressionAttributeValues contains invalid key: Syntax error; key: \"a\""
    );
}
