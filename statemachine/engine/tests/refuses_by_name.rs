//! What the engine does not support, or Step Functions would refuse, is
//! refused by state and field when a definition is loaded.

use engine::Machine;
use serde_json::{Value, json};

/// A sound definition that uses every state and field.
fn sound() -> Value {
    json!({
        "Comment": "Everything that is supported.",
        "QueryLanguage": "JSONata",
        "Version": "1.0",
        "StartAt": "Begin",
        "TimeoutSeconds": 3600,
        "States": {
            "Begin": {
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                "Comment": "Why.",
                "Assign": {"limit": 3, "seen": "{% $states.input.seen %}"},
                "Output": {"a": ["{% $states.input %}", 1]},
                "Next": "Work"
            },
            "Work": {
                "Type": "Task",
                "Resource": "${Work}",
                "Arguments": {"limit": "{% $limit %}"},
                "TimeoutSeconds": "{% $limit * 10 %}",
                "Assign": {"answer": "{% $states.result %}"},
                "Output": "{% $states.result.value %}",
                "Retry": [
                    {"ErrorEquals": ["Transient", "States.Timeout"], "IntervalSeconds": 1,
                     "MaxAttempts": 2, "BackoffRate": 1.5, "MaxDelaySeconds": 9,
                     "JitterStrategy": "FULL"},
                    {"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}
                ],
                "Catch": [
                    {"ErrorEquals": ["Denied"], "Next": "Failed"},
                    {"ErrorEquals": ["States.ALL"], "Next": "Failed",
                     "Assign": {"seen": "{% $states.errorOutput.Error %}"},
                     "Output": "{% $states.errorOutput.Cause %}"}
                ],
                "Next": "Decide"
            },
            "Decide": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $answer.ready %}", "Next": "Done", "Assign": {"limit": 1}},
                    {"Condition": "{% $limit > 3 %}", "Next": "Until", "Output": 7}
                ],
                "Default": "Pause",
                "Assign": {"limit": "{% $limit - 1 %}"}
            },
            "Pause": {"Type": "Wait", "Seconds": "{% $limit %}", "Next": "Work"},
            "Until": {"Type": "Wait", "Timestamp": "2030-01-01T00:00:00Z", "Next": "Work"},
            "Done": {"Type": "Succeed", "Output": "{% $answer %}"},
            "Failed": {"Type": "Fail", "Error": "{% $seen %}", "Cause": "It failed."}
        }
    })
}

/// The findings, one a line.
fn findings(definition: &Value) -> Vec<String> {
    match Machine::load(&definition.to_string()) {
        Ok(_) => Vec::new(),
        Err(error) => error.findings.iter().map(ToString::to_string).collect(),
    }
}

/// The sound definition with one field changed; `null` removes it.
fn changed(pointer: &str, value: Value) -> Value {
    let mut definition = sound();
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = definition.pointer_mut(parent).expect("a parent");
    match parent {
        Value::Object(fields) => {
            if value.is_null() {
                fields.shift_remove(key);
            } else {
                fields.insert(key.to_owned(), value);
            }
        }
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            panic!("{pointer} is in no object")
        }
    }
    definition
}

#[test]
fn a_definition_that_uses_all_that_is_supported_is_accepted() {
    assert_eq!(findings(&sound()), [""; 0]);
}

/// What is put in place of a field, `null` for nothing, and the finding that comes of it.
const MISTAKES: &str = r#"
# Top level.
/QueryLanguage = "JSONPath" => definition, field `QueryLanguage`
/QueryLanguage = null => definition, field `QueryLanguage`
/Version = "2.0" => definition, field `Version`
/TimeoutSeconds = 0 => definition, field `TimeoutSeconds`: must be a whole number
/TimeoutSeconds = "{% 1 %}" => definition, field `TimeoutSeconds`
/StartAt = null => definition, field `StartAt`: is missing
/StartAt = "Nowhere" => `Nowhere`, which does not exist
/States = {} => definition, field `States`
/Timeout = 1 => definition, field `Timeout`: a definition has no such field
/States/Begin = 1 => state `Begin`: must be an object
# Types and languages.
/States/Begin/Type = "Parallel" => state `Begin`, field `Type`: `Parallel` is not supported
/States/Begin/Type = "Map" => field `Type`: `Map` is not supported
/States/Begin/Type = "pass" => field `Type`: `pass` is not supported
/States/Begin/Type = null => state `Begin`, field `Type`: is missing
/States/Begin/QueryLanguage = "JSONPath" => state `Begin`, field `QueryLanguage`
/States/Begin/InputPath = "$.a" => field `InputPath`: belongs to JSONPath
/States/Begin/Result = {} => field `Result`: belongs to JSONPath
/States/Work/ResultPath = "$.a" => field `ResultPath`: belongs to JSONPath
/States/Work/Parameters = {} => field `Parameters`: belongs to JSONPath
/States/Pause/SecondsPath = "$.a" => field `SecondsPath`: belongs to JSONPath
/States/Decide/Choices/0/Variable = "$.a" => field `Choices[0].Variable`: belongs to JSONPath
# Fields in the wrong place, unsupported, or misspelled.
/States/Work/HeartbeatSeconds = 1 => state `Work`, field `HeartbeatSeconds`
/States/Work/Credentials = {} => state `Work`, field `Credentials`
/States/Work/Resource = "x.waitForTaskToken" => state `Work`, field `Resource`
/States/Work/Resource = "arn:aws:states:::dynamodb:query" => state `Work`, field `Resource`: `arn:aws:states:::dynamodb:query` is not supported
/States/Work/Resource = "arn:aws:states:::sns:publish" => `arn:aws:states:::sns:publish` is not supported
/States/Work/Resource = "arn:aws:states:::states:startExecution" => `arn:aws:states:::states:startExecution` is not supported
/States/Work/Resource = "arn:aws:states:::states:startExecution.sync:2" => `arn:aws:states:::states:startExecution.sync:2` is not supported
/States/Work/Resource = "arn:aws:states:::aws-sdk:ec2:describeVpcs" => `arn:aws:states:::aws-sdk:ec2:describeVpcs` is not supported
/States/Work/Resource = "arn:aws:states:eu-west-1:111122223333:activity:x" => field `Resource`: `arn:aws:states:eu-west-1:111122223333:activity:x` is not supported
/States/Work/Resource = null => state `Work`, field `Resource`: is missing
/States/Done/Assign = {"a": 1} => state `Done`, field `Assign`: a Succeed has no
/States/Done/Next = "Work" => state `Done`, field `Next`: a Succeed has no
/States/Failed/Output = 1 => state `Failed`, field `Output`: a Fail has no
/States/Decide/Next = "Done" => state `Decide`, field `Next`: a Choice has no
/States/Pause/Retry = [] => state `Pause`, field `Retry`: a Wait has no
/States/Work/Arguements = {} => state `Work`, field `Arguements`
# Transitions.
/States/Begin/End = true => state `Begin`: has both `Next` and `End`
/States/Begin/Next = null => state `Begin`: has neither `Next` nor `End`
/States/Begin/Next = "Nowhere" => state `Begin`: leads to `Nowhere`
/States/Decide/Default = "Nowhere" => state `Decide`: leads to `Nowhere`
/States/Decide/Choices/1/Next = "Nowhere" => state `Decide`: leads to `Nowhere`
/States/Work/Catch/0/Next = "Nowhere" => state `Work`: leads to `Nowhere`
/States/Work/Catch/0/Next = null => field `Catch[0].Next`: is missing
/States/Decide/Choices/1/Next = "Pause" => state `Until`: no state leads here
# Choices and waits.
/States/Decide/Choices = [] => state `Decide`, field `Choices`
/States/Decide/Choices = null => state `Decide`, field `Choices`: is missing
/States/Decide/Choices/0/Condition = null => field `Choices[0].Condition`: is missing
/States/Decide/Choices/0/Condition = "yes" => field `Choices[0].Condition`: must be an expression
/States/Pause/Seconds = -1 => state `Pause`, field `Seconds`: must be a whole number
/States/Pause/Seconds = 1.5 => state `Pause`, field `Seconds`
/States/Pause/Seconds = 100000000 => state `Pause`, field `Seconds`
/States/Pause/Seconds = "5" => state `Pause`, field `Seconds`: must be an expression
/States/Pause/Seconds = null => state `Pause`: must have either `Seconds` or `Timestamp`
/States/Pause/Timestamp = "2030-01-01T00:00:00Z" => state `Pause`: must have either
/States/Until/Timestamp = "tomorrow" => state `Until`, field `Timestamp`
/States/Work/TimeoutSeconds = 0 => state `Work`, field `TimeoutSeconds`
/States/Failed/Error = 1 => state `Failed`, field `Error`: must be a string
# Retriers and catchers.
/States/Work/Retry/0/MaxAttemps = 2 => state `Work`, field `Retry[0].MaxAttemps`
/States/Work/Retry/0/ErrorEquals = null => field `Retry[0].ErrorEquals`: is missing
/States/Work/Retry/0/ErrorEquals = [] => field `Retry[0].ErrorEquals`
/States/Work/Retry/0/ErrorEquals = ["A", "A"] => lists `A` twice
/States/Work/Retry/0/ErrorEquals = ["States.TimeOut"] => `States.TimeOut` is no reserved error name
/States/Work/Retry/0/ErrorEquals = ["States.ALL"] => field `Retry[0].ErrorEquals`: `States.ALL` must be alone
/States/Work/Retry/1/ErrorEquals = ["States.ALL", "A"] => field `Retry[1].ErrorEquals`: `States.ALL` must be alone
/States/Work/Catch/0/ErrorEquals = ["States.ALL"] => field `Catch[0].ErrorEquals`: `States.ALL` must be alone
/States/Work/Retry/0/IntervalSeconds = 0 => field `Retry[0].IntervalSeconds`
/States/Work/Retry/0/IntervalSeconds = "{% 1 %}" => field `Retry[0].IntervalSeconds`
/States/Work/Retry/0/MaxAttempts = -1 => field `Retry[0].MaxAttempts`
/States/Work/Retry/0/BackoffRate = 0.9 => field `Retry[0].BackoffRate`
/States/Work/Retry/0/MaxDelaySeconds = 0 => field `Retry[0].MaxDelaySeconds`
/States/Work/Retry/0/JitterStrategy = "full" => field `Retry[0].JitterStrategy`
/States/Work/Retry = [] => state `Work`, field `Retry`
/States/Work/Catch/0/ResultPath = "$.e" => field `Catch[0].ResultPath`: belongs to JSONPath
# Expressions.
/States/Begin/Output = {"a": [{"b": "{% 1 + %}"}]} => state `Begin`, field `Output.a[0].b`: is not JSONata
/States/Begin/Output = "{% 1" => state `Begin`, field `Output`: begins with
/States/Begin/Output = "{% $states.result %}" => `$states.result` does not exist in this field
/States/Work/Arguments = "{% $states.result %}" => `$states.result` does not exist in this field
/States/Work/Output = "{% $states.errorOutput %}" => `$states.errorOutput` does not exist
/States/Work/Catch/1/Output = "{% $states.result %}" => field `Catch[1].Output`: `$states.result`
/States/Begin/Output = "{% $eval('1') %}" => state `Begin`, field `Output`: `$eval` is not supported
/States/Begin/Output = "{% seen %}" => `seen` stands alone
/States/Begin/Output = "{% $misspelled %}" => state `Begin`, field `Output`: reads `$misspelled`
/States/Begin/Assign/states = 1 => field `Assign.states`: the name is reserved
/States/Begin/Assign/a-b = 1 => field `Assign.a-b`: a variable has
/States/Begin/Assign = [1] => state `Begin`, field `Assign`: must be an object
"#;

#[test]
fn each_mistake_is_refused_with_its_state_and_field() {
    let rows = MISTAKES.lines().filter(|row| !row.is_empty());
    for row in rows.filter(|row| !row.starts_with('#')) {
        let (change, expected) = row.split_once(" => ").expect("a finding");
        let (pointer, value) = change.split_once(" = ").expect("a value");
        let value = serde_json::from_str(value).expect(row);
        let findings = findings(&changed(pointer, value));
        assert!(
            findings.iter().any(|finding| finding.contains(expected)),
            "{row}: found {findings:#?}"
        );
    }
}

#[test]
fn all_findings_are_listed_at_once() {
    let mut definition = changed("/States/Work/Retry/0/MaxAttemps", json!(2));
    definition["States"]["Pause"]["Seconds"] = json!(-1);
    definition["Version"] = json!(1);
    let error = Machine::load(&definition.to_string()).unwrap_err();
    assert_eq!(error.findings.len(), 3, "{error}");
    assert!(
        error
            .to_string()
            .contains("\n- state `Pause`, field `Seconds`")
    );
}

#[test]
fn a_name_of_more_than_80_characters_is_refused() {
    let name = "ä".repeat(81);
    let definition = json!({
        "QueryLanguage": "JSONata", "StartAt": name, "States": {&name: {"Type": "Succeed"}}
    });
    assert!(findings(&definition)[0].contains("1 to 80 characters"));
}

#[test]
fn a_loop_without_a_way_out_is_refused() {
    let definition = json!({
        "QueryLanguage": "JSONata", "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}
    });
    assert_eq!(
        findings(&definition),
        [
            "state `A`: no way leads from here to an end",
            "state `B`: no way leads from here to an end"
        ]
    );
}

#[test]
fn a_state_that_is_written_twice_is_refused() {
    let text = r#"{"QueryLanguage": "JSONata", "StartAt": "A",
        "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Succeed"}}}"#;
    let error = Machine::load(text).unwrap_err();
    assert_eq!(error.findings[0].field, "States.A");
}

#[test]
fn the_direct_integrations_are_taken_by_their_names() {
    for resource in engine::INTEGRATIONS {
        let mut definition = sound();
        definition["States"]["Work"]["Resource"] = json!(resource);
        assert!(Machine::load(&definition.to_string()).is_ok(), "{resource}");
    }
}

#[test]
fn text_that_is_not_json_is_refused() {
    assert!(
        Machine::load("{")
            .unwrap_err()
            .to_string()
            .contains("is not JSON")
    );
    assert!(
        Machine::load("[]")
            .unwrap_err()
            .to_string()
            .contains("must be an object")
    );
}

#[test]
fn the_definition_is_kept_as_it_was_read() {
    let machine = Machine::load(&sound().to_string()).unwrap();
    assert_eq!(machine.definition(), &sound());
}

/// Machines are shared by threads that run many executions.
#[test]
fn a_machine_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Machine::load(&sound().to_string()).unwrap());
}
