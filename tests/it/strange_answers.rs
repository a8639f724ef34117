//! A step that answers what no version of the definition knows.

use std::cell::Cell;
use std::collections::BTreeSet;

use engine::{TaskFailure, Tasks};
use serde_json::{Value, json};
use shared::Code;
use steps::{Steps, definition, function_of};
use system_tests::aftermath::{Snapshot, check};
use system_tests::run::{Ending, Stage, ending};

/// Does what is asked, but where one function would say that it is ready, it says
/// something that nobody knows.
struct Strange<T> {
    tasks: T,
    function: &'static str,
    /// Only where this is expected of it, for a function that two states call.
    expect: Option<String>,
    /// Whether it came to that.
    said: Cell<bool>,
}

impl<T> Strange<T> {
    fn of(tasks: T, function: &'static str, expect: Option<String>) -> Self {
        Self {
            tasks,
            function,
            expect,
            said: Cell::new(false),
        }
    }
}

impl<T: Tasks> Tasks for Strange<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let expected = arguments["expect"].as_str().map(str::to_owned);
        let answer = self.tasks.invoke(resource, arguments).await?;
        let meant = function_of(resource) == Some(self.function)
            && expected == self.expect
            && answer["status"] == "ready";
        if meant {
            self.said.set(true);
            return Ok(json!({"status": "strange", "value": {}}));
        }
        Ok(answer)
    }
}

/// A function, and what is expected of it.
type Asked = (&'static str, Option<String>);

/// Asked again in none of the worlds below: what puts a change back asks the same function.
const NOT_TRIED: Asked = ("change-endpoint", None);

/// What `provision` asks again until it is ready, and fails without.
fn asked_again() -> BTreeSet<Asked> {
    let provision: Value = serde_json::from_str(definition::PROVISION).expect("a definition");
    let states = provision["States"].as_object().expect("states");
    let waits = states.values().filter(|state| state["Type"] == "Wait");
    let asked = waits.filter_map(|wait| states.get(wait["Next"].as_str()?));
    let needed = asked.filter(|state| state["Catch"][0]["Assign"]["failure"].is_object());
    let functions = needed.filter_map(|state| {
        let expect = state["Arguments"]["expect"].as_str().map(str::to_owned);
        Some((function_of(state["Resource"].as_str()?)?, expect))
    });
    functions.collect()
}

#[test]
fn what_was_made_is_undone_wherever_the_answer_comes() {
    let mut tried = BTreeSet::from([NOT_TRIED]);
    for scenario in ["fresh-vpc", "half-made-by-hand", "shared-endpoint"] {
        for (function, expect) in asked_again() {
            let stage = Stage::shipped(scenario);
            let before = Snapshot::settled(&stage);
            let ports = stage.ports();
            let strange = Strange::of(Steps::in_process(&ports), function, expect.clone());
            let ending = ending(&stage.provision_by("strange", &strange));
            if !strange.said.get() {
                continue;
            }
            let what = format!("{scenario}, {function} {expect:?}");
            check(&stage, &before, &ending).unwrap_or_else(|broken| panic!("{what}: {broken}"));
            let Ending::Failed(name, failure) = ending else {
                panic!("{what}: ready");
            };
            assert_eq!(name, "RolledBack", "{what}");
            assert_eq!(failure.code, Code::DefinitionError.as_str(), "{what}");
            tried.insert((function, expect));
        }
    }
    assert_eq!(
        tried,
        asked_again(),
        "asked again, and in none of these worlds"
    );
}

#[test]
fn in_an_undo_it_is_no_success_either() {
    for (function, left) in [
        ("deregister-endpoint", "private endpoint connection"),
        ("delete-endpoint", "endpoint"),
        ("delete-security-group", "security group"),
    ] {
        let stage = Stage::shipped("endpoint-rejected");
        let ports = stage.ports();
        let strange = Strange::of(Steps::in_process(&ports), function, None);
        let Ending::Failed(name, failure) = ending(&stage.provision_by("strange", &strange)) else {
            panic!("{function}: ready");
        };
        assert_eq!(name, "RollbackIncomplete", "{function}");
        let named = failure
            .left
            .iter()
            .any(|it| it.what.starts_with(left) && it.code == Code::DefinitionError.as_str());
        assert!(named, "{function}: {:?}", failure.left);
    }
}
