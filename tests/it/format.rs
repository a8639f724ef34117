//! How the definitions are laid out.

use serde_json::Value;
use system_tests::documents::{DEFINITIONS, read};
use system_tests::format::format;

/// Every case of the layout. What B and C assign differs by one column.
const LAID_OUT: &str = r#"{
  "StartAt": "A",
  "States": {
    "A": {
      "Type": "Task",
      "Assign": { "none": [], "nothing": {}, "list": [1, -2.0, true, null], "text": "\\\" {}[],:" },
      "Retry": [
        { "ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "MaxAttempts": 0 },
        { "ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxDelaySeconds": 20 }
      ],
      "Next": "B"
    },
    "B": {
      "Type": "Pass",
      "Assign": { "fits": "....................................................................." },
      "Next": "C"
    },
    "C": {
      "Type": "Pass",
      "Assign": {
        "fits": "......................................................................"
      },
      "Next": "D"
    },
    "D": {
      "Type": "Succeed"
    }
  }
}
"#;

#[test]
fn what_fits_stands_on_one_line() {
    assert_eq!(format(LAID_OUT), LAID_OUT);
    let longest = LAID_OUT.lines().find(|line| line.contains("\"fits\""));
    assert_eq!(longest.map(str::len), Some(100));
}

#[test]
fn the_layout_does_not_depend_on_the_space_that_was_there() {
    for (space, other) in [("\n", ""), ("\n", "\r\n\t"), (": ", " :"), (", ", "\n,")] {
        assert_eq!(format(&LAID_OUT.replace(space, other)), LAID_OUT);
    }
}

#[test]
fn a_definition_says_the_same_afterwards() {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    for path in DEFINITIONS {
        let text = read(path);
        let formatted = format(&text);
        // As texts, so that the order counts too.
        let (before, after) = (parsed(&text), parsed(&formatted));
        assert_eq!(before.to_string(), after.to_string(), "{path}");
        assert_eq!(format(&formatted), formatted, "{path}");
    }
}

#[test]
fn what_is_no_json_is_left_alone() {
    for text in ["", "{", "{ \"States\": { } ", "[1,\n2] 3"] {
        assert_eq!(format(text), text);
    }
}
