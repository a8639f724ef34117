//! Expressions against one item.

use serde_json::json;

use super::*;
use crate::dynamodb::value::{Item, item, item_to_json};

fn example() -> Item {
    let attributes = json!({
        "phase": { "S": "ready" },
        "expires_at": { "N": "100" },
        "steps": { "L": [{ "N": "1" }, { "S": "two" }] },
        "folder": { "M": { "deep": { "S": "x" } } },
        "letters": { "SS": ["a", "b"] },
        "good": { "BOOL": true },
    });
    item(&attributes).unwrap()
}

fn placeholders() -> Placeholders {
    let names = json!({ "#phase": "phase", "#odd": "a.b" });
    let values = json!({
        ":ready": { "S": "ready" },
        ":re": { "S": "re" },
        ":n99": { "N": "99" },
        ":n100": { "N": "1e2" },
        ":a": { "S": "a" },
        ":yes": { "BOOL": true },
        ":S": { "S": "S" },
        ":list": { "L": [{ "S": "three" }] },
    });
    Placeholders::read(Some(&names), Some(&values)).unwrap()
}

fn read(text: &str) -> Result<Condition, ApiError> {
    condition("ConditionExpression", text, &mut placeholders())
}

#[test]
fn conditions_hold_or_do_not() {
    for (text, expected) in [
        ("phase = :ready", true),
        ("#phase <> :ready", false),
        ("absent <> :ready", true),
        ("absent = :ready", false),
        ("NOT absent = :ready", true),
        ("absent < :n100", false),
        ("expires_at = :n100", true),
        ("expires_at > :n99 and expires_at <= :n100", true),
        ("expires_at < :ready", false),
        ("expires_at BETWEEN :n99 AND :n100", true),
        ("phase IN (:a, :re)", false),
        ("phase IN (:a, :ready)", true),
        ("attribute_exists(phase)", true),
        ("attribute_exists(#odd)", false),
        ("attribute_not_exists(folder.wide)", true),
        (
            "attribute_exists(folder.deep) AND attribute_exists(steps[1])",
            true,
        ),
        ("attribute_exists(steps[2])", false),
        ("attribute_type(phase, :S)", true),
        ("begins_with(phase, :re)", true),
        ("begins_with(expires_at, :re)", false),
        ("contains(letters, :a)", true),
        ("contains(phase, :a)", true),
        ("contains(steps, :a)", false),
        ("size(phase) < :n99", true),
        ("good = :yes", true),
        // AND binds more tightly than OR, and NOT more tightly than both.
        ("phase = :ready OR absent = :a AND absent = :a", true),
        ("(phase = :ready OR absent = :a) AND absent = :a", false),
        ("NOT phase = :ready OR good = :yes", true),
        ("NOT (phase = :ready OR good = :yes)", false),
    ] {
        assert_eq!(read(text).unwrap().holds(&example()), expected, "{text}");
    }
}

#[test]
fn conditions_that_break_a_rule_are_refused() {
    for (text, message) in [
        ("", "The expression can not be empty;"),
        ("phase = ", "Syntax error; token: \"<EOF>\", near: \"=\""),
        ("phase == :a", "Syntax error; token: \"=\", near: \"== :a\""),
        (
            "phase = :a phase",
            "Syntax error; token: \"phase\", near: \":a phase\"",
        ),
        ("phase = 'a'", "Syntax error; token: \"'\", near: \"= 'a\""),
        (
            "region = :a",
            "Attribute name is a reserved keyword; reserved keyword: region",
        ),
        (
            "phase = :b",
            "An expression attribute value used in expression is not defined; attribute value: :b",
        ),
        (
            "#b = :a",
            "An expression attribute name used in the document path is not defined; attribute \
             name: #b",
        ),
        ("exists(phase)", "Invalid function name; function: exists"),
        (
            "begins_with(phase)",
            "Incorrect number of operands for operator or function; operator or function: \
             begins_with, number of operands: 1",
        ),
        (
            "begins_with(phase, :n99)",
            "Incorrect operand type for operator or function; operator or function: begins_with, \
             operand type: N",
        ),
        (
            "phase < :yes",
            "Incorrect operand type for operator or function; operator or function: <, operand \
             type: BOOL",
        ),
        (
            "attribute_exists(:a)",
            "Operator or function requires a document path; operator or function: \
             attribute_exists",
        ),
        (
            "expires_at BETWEEN :n100 AND :n99",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower \
             bound; lower bound operand: AttributeValue: {N:100}, upper bound operand: \
             AttributeValue: {N:99}",
        ),
        (
            "phase = phase",
            "The first operand must be distinct from the remaining operands for this operator or \
             function; operator: =, first operand: [phase]",
        ),
        (
            "((phase = :a))",
            "The expression has redundant parentheses;",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message),
            (
                "ValidationException",
                format!("Invalid ConditionExpression: {message}")
            ),
            "{text}"
        );
    }
}

fn apply(text: &str) -> Result<serde_json::Value, ApiError> {
    let changed = update(text, &mut placeholders())?.apply(&example())?;
    Ok(item_to_json(&changed))
}

#[test]
fn updates_reach_into_maps_and_lists() {
    let changed = apply(
        "SET folder.wide = :a, steps[0] = :n99, steps[9] = :a, phase = folder.deep REMOVE steps[1], good",
    )
    .unwrap();
    assert_eq!(changed["folder"]["M"]["wide"], json!({ "S": "a" }));
    assert_eq!(
        changed["steps"],
        json!({ "L": [{ "N": "99" }, { "S": "a" }] })
    );
    assert_eq!(changed["phase"], json!({ "S": "x" }));
    assert!(changed.get("good").is_none());
    let appended = apply("SET steps = list_append(:list, steps)").unwrap();
    assert_eq!(appended["steps"]["L"][0], json!({ "S": "three" }));
    let less = apply("SET expires_at = expires_at - :n99").unwrap();
    assert_eq!(less["expires_at"], json!({ "N": "1" }));
}

#[test]
fn updates_that_break_a_rule_are_refused() {
    let invalid = |message: &str| format!("Invalid UpdateExpression: {message}");
    for (text, message) in [
        (
            "SET phase = :a SET good = :a",
            invalid("The \"SET\" section can only be used once in an update expression;"),
        ),
        (
            "SET phase = :a, phase = :re",
            invalid(
                "Two document paths overlap with each other; must remove or rewrite one of these \
                 paths; path one: [phase], path two: [phase]",
            ),
        ),
        (
            "SET folder.deep = :a REMOVE folder",
            invalid(
                "Two document paths overlap with each other; must remove or rewrite one of these \
                 paths; path one: [folder, deep], path two: [folder]",
            ),
        ),
        (
            "SET phase = :a + :n99",
            invalid(
                "Incorrect operand type for operator or function; operator or function: +, \
                 operand type: S",
            ),
        ),
        (
            "SET phase = newest(:a, :re)",
            invalid("Invalid function name; function: newest"),
        ),
        (
            "phase = :a",
            invalid("Syntax error; token: \"phase\", near: \"phase =\""),
        ),
        (
            "SET phase = absent",
            "The provided expression refers to an attribute that does not exist in the item"
                .to_owned(),
        ),
        (
            "SET phase = phase + :n99",
            "An operand in the update expression has an incorrect data type".to_owned(),
        ),
        (
            "SET absent.deep = :a",
            "The document path provided in the update expression is invalid for update".to_owned(),
        ),
    ] {
        assert_eq!(apply(text).unwrap_err().message, message, "{text}");
    }
}

#[test]
fn placeholders_are_all_defined_and_all_used() {
    let mut some = placeholders();
    condition("FilterExpression", "#phase = :a", &mut some).unwrap();
    let error = some.finish(&[("FilterExpression", true)]).unwrap_err();
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
