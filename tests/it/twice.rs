//! Every step, forward or undo, may be executed twice: Step Functions calls a
//! function again when the answer of the first call was lost.

use engine::{TaskFailure, Tasks};
use serde_json::Value;
use simulator::{Fault, FaultKind, Moment};
use steps::Steps;
use system_tests::aftermath::{Snapshot, check};
use system_tests::run::{Ending, Stage, ending};
use system_tests::variants::{VARIANTS, changes_of};

/// Calls everything twice and gives the second answer.
struct Twice<T>(T);

impl<T: Tasks> Tasks for Twice<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        self.0.invoke(resource, arguments.clone()).await?;
        self.0.invoke(resource, arguments).await
    }
}

fn provision_twice(stage: &Stage) -> Ending {
    let ports = stage.ports();
    let steps = Steps::in_process(&ports);
    ending(&stage.provision_by("twice", &Twice(steps)))
}

#[test]
fn forward_steps_may_run_twice() {
    for variant in &VARIANTS {
        let stage = (variant.stage)();
        let before = Snapshot::settled(&stage);
        let ending = provision_twice(&stage);
        assert!(
            matches!(ending, Ending::Ready(_)),
            "{}: {ending:?}",
            variant.name
        );
        check(&stage, &before, &ending)
            .unwrap_or_else(|broken| panic!("{}: {broken}", variant.name));
    }
}

#[test]
fn undo_steps_may_run_twice() {
    let mut rolled_back = 0;
    for variant in &VARIANTS {
        for operation in changes_of(variant) {
            for moment in Moment::ALL {
                let stage =
                    (variant.stage)().with(Fault::once(&operation, 1, FaultKind::Denied, moment));
                let before = Snapshot::settled(&stage);
                let ending = provision_twice(&stage);
                let what = format!("{}, {operation} {moment:?}", variant.name);
                check(&stage, &before, &ending).unwrap_or_else(|broken| panic!("{what}: {broken}"));
                rolled_back += u32::from(matches!(ending, Ending::Failed(..)));
            }
        }
    }
    assert!(rolled_back > 50, "only {rolled_back} runs were rolled back");
}
