//! A step that answers what no version of the definition knows.

use engine::{TaskFailure, Tasks};
use serde_json::{Value, json};
use shared::Code;
use steps::{Steps, function_of};
use system_tests::aftermath::{Snapshot, check};
use system_tests::run::{Ending, Stage, ending};

/// Does what is asked, but where one function would say that it is ready, it says
/// something that nobody knows.
struct Strange<T> {
    tasks: T,
    function: &'static str,
    /// Only where this is expected of it, for a function that two states call.
    expect: Option<&'static str>,
}

impl<T: Tasks> Tasks for Strange<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let expected = arguments["expect"].as_str().map(str::to_owned);
        let answer = self.tasks.invoke(resource, arguments).await?;
        let meant = function_of(resource) == Some(self.function)
            && expected.as_deref() == self.expect
            && answer["status"] == "ready";
        if meant {
            return Ok(json!({"status": "strange", "value": {}}));
        }
        Ok(answer)
    }
}

#[test]
fn what_was_made_is_undone_wherever_the_answer_comes() {
    for scenario in ["fresh-vpc", "half-made-by-hand", "shared-endpoint"] {
        for (function, expect) in [
            ("inspect-cluster", None),
            ("inspect-network", None),
            ("create-security-group", None),
            ("register-endpoint", None),
            ("check-status", Some("accepted")),
            ("check-status", Some("private-dns")),
        ] {
            if (scenario, function) == ("half-made-by-hand", "create-security-group") {
                // Its endpoint keeps the groups that it has.
                continue;
            }
            let stage = Stage::shipped(scenario);
            let before = Snapshot::settled(&stage);
            let ports = stage.ports();
            let strange = Strange {
                tasks: Steps::in_process(&ports),
                function,
                expect,
            };
            let ending = ending(&stage.provision_by("strange", &strange));
            let what = format!("{scenario}, {function} {expect:?}");
            check(&stage, &before, &ending).unwrap_or_else(|broken| panic!("{what}: {broken}"));
            let Ending::Failed(name, failure) = ending else {
                panic!("{what}: ready");
            };
            assert_eq!(name, "RolledBack", "{what}");
            assert_eq!(failure.code, Code::DefinitionError.as_str(), "{what}");
        }
    }
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
        let strange = Strange {
            tasks: Steps::in_process(&ports),
            function,
            expect: None,
        };
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
