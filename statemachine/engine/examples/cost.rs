//! Measures what a run costs: a machine of thirty states with fifteen tasks.

use std::time::Instant;

use engine::{Machine, TaskFailure, VirtualClock, run};
use serde_json::{Value, json};

fn definition() -> Value {
    let mut states = serde_json::Map::new();
    for n in 0..15 {
        states.insert(
            format!("Work{n}"),
            json!({
                "Type": "Task", "Resource": "${Work}", "TimeoutSeconds": 60,
                "Arguments": {"request": "{% $request %}", "n": n, "found": "{% $found[0].id %}"},
                "Assign": {"found": "{% $states.result.found %}", "status": "{% $states.result.status %}"},
                "Retry": [{"ErrorEquals": ["Transient"], "IntervalSeconds": 2, "JitterStrategy": "FULL"}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
                "Next": format!("Is{n}")
            }),
        );
        states.insert(
            format!("Is{n}"),
            json!({
                "Type": "Choice",
                "Choices": [{"Condition": "{% $status = 'pending' and $request.limit > 0 %}", "Next": "Failed"}],
                "Default": match n { 14 => "Done".to_owned(), n => format!("Work{}", n + 1) }
            }),
        );
    }
    states.insert("Begin".into(), json!({"Type": "Pass", "Assign": {"request": "{% $states.input %}", "found": [{"id": 1}]}, "Next": "Work0"}));
    states.insert(
        "Done".into(),
        json!({"Type": "Succeed", "Output": "{% $found %}"}),
    );
    states.insert("Failed".into(), json!({"Type": "Fail"}));
    json!({"QueryLanguage": "JSONata", "StartAt": "Begin", "TimeoutSeconds": 3600, "States": states})
}

fn main() {
    let text = definition().to_string();
    let began = Instant::now();
    let machine = Machine::load(&text).expect("a sound definition");
    println!("load: {:?}", began.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let input = json!({"account": "123456789012", "region": "eu-west-1", "vpc": "vpc-0123", "cluster": "c", "limit": 10, "subnets": ["a", "b", "c"]});
    let tasks = async |_: &str, _: Value| {
        Ok::<_, TaskFailure>(
            json!({"status": "ready", "found": [{"id": "vpce-1", "tags": {"a": "b"}}], "zones": ["a", "b"]}),
        )
    };
    const RUNS: u32 = 200;
    let began = Instant::now();
    for _ in 0..RUNS {
        let clock = VirtualClock::new();
        let execution = runtime.block_on(run(&machine, "x", input.clone(), &tasks, &clock, &()));
        assert_eq!(execution.history.len(), 2 + 32 * 2 + 30);
    }
    println!("run: {:?}", began.elapsed() / RUNS);
}
