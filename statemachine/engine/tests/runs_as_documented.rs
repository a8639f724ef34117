//! Runs of small machines in virtual time, held against what the developer
//! guide and the States Language say.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::time::Duration;

use engine::{
    Clock, Event, EventKind, Execution, Machine, Observer, Outcome, Standing, TaskFailure, Tasks,
    VirtualClock, resume, run, trace,
};
use serde_json::{Value, json};

fn machine(start: &str, states: Value) -> Machine {
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": start, "States": states});
    load(&definition)
}

fn load(definition: &Value) -> Machine {
    match Machine::load(&definition.to_string()) {
        Ok(machine) => machine,
        Err(error) => panic!("{error}"),
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn execute(machine: &Machine, input: Value, tasks: &impl Tasks) -> Execution {
    let clock = VirtualClock::new();
    block_on(run(machine, "test", input, tasks, &clock, &()))
}

/// Runs a machine without tasks.
fn outcome(machine: &Machine, input: Value) -> Outcome {
    execute(machine, input, &no_tasks()).outcome
}

fn no_tasks() -> impl Tasks {
    async |resource: &str, _: Value| panic!("{resource} is called")
}

/// Answers each call by the next of these.
fn script(answers: Vec<Result<Value, TaskFailure>>) -> impl Tasks {
    let answers = RefCell::new(answers.into_iter());
    async move |resource: &str, _: Value| {
        let answer = answers.borrow_mut().next();
        answer.unwrap_or_else(|| panic!("one call of {resource} too many"))
    }
}

fn fails(error: &str) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new(error, format!("because of {error}")))
}

fn failed(error: &str, cause: &str) -> Outcome {
    Outcome::Failed {
        error: error.to_owned(),
        cause: cause.to_owned(),
    }
}

fn error(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { error, .. } => error,
        Outcome::Succeeded(_) | Outcome::TimedOut => panic!("not failed: {outcome:?}"),
    }
}

fn succeeded(value: Value) -> Outcome {
    Outcome::Succeeded(value)
}

fn lasted(execution: &Execution) -> i64 {
    let history = &execution.history;
    (history[history.len() - 1].at - history[0].at).whole_seconds()
}

/// A task with these fields that ends the machine, and a state that tells
/// what was caught.
fn task(fields: Value) -> Machine {
    let mut state = json!({"Type": "Task", "Resource": "work", "End": true});
    for (key, value) in fields.as_object().expect("fields") {
        state[key] = value.clone();
    }
    let caught = json!({"Type": "Succeed", "Output": {"caught": "{% $states.input %}"}});
    let mut states = json!({"Work": state});
    if fields.get("Catch").is_some() {
        states["Caught"] = caught;
    }
    machine("Work", states)
}

#[test]
fn assign_sees_the_variables_as_they_were() {
    let machine = machine(
        "Set",
        json!({
            "Set": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
            "Swap": {
                "Type": "Pass",
                "Assign": {"a": "{% $b %}", "b": "{% $a %}"},
                "Output": "{% [$a, $b] %}",
                "Next": "Tell"
            },
            "Tell": {"Type": "Succeed", "Output": {"now": "{% [$a, $b] %}", "before": "{% $states.input %}"}}
        }),
    );
    assert_eq!(
        outcome(&machine, json!({})),
        succeeded(json!({"now": [2, 1], "before": [1, 2]}))
    );
}

#[test]
fn without_output_a_state_hands_on_its_input_and_a_task_its_result() {
    let machine = machine(
        "Pass",
        json!({
            "Pass": {"Type": "Pass", "Next": "Work"},
            "Work": {"Type": "Task", "Resource": "work", "Next": "Wait"},
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Decide"},
            "Decide": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "End"}]},
            "End": {"Type": "Succeed"}
        }),
    );
    let echo = async |_: &str, arguments: Value| Ok(json!({"got": arguments}));
    let execution = execute(&machine, json!({"a": 1}), &echo);
    assert_eq!(execution.outcome, succeeded(json!({"got": {"a": 1}})));
}

#[test]
fn the_context_object_tells_about_the_execution_and_the_state() {
    let machine = machine(
        "Tell",
        json!({"Tell": {"Type": "Pass", "Output": "{% $states.context %}", "End": true}}),
    );
    let arn = "arn:aws:states:eu-west-1:111122223333:stateMachine:provision";
    let Outcome::Succeeded(context) = outcome(&machine.with_arn(arn), json!([1])) else {
        panic!("failed");
    };
    assert_eq!(context["Execution"]["Name"], "test");
    assert_eq!(context["Execution"]["Input"], json!([1]));
    assert_eq!(
        context["Execution"]["StartTime"],
        "2030-01-01T00:00:00.000Z"
    );
    assert_eq!(context["State"]["Name"], "Tell");
    assert_eq!(context["State"]["EnteredTime"], "2030-01-01T00:00:00.000Z");
    assert_eq!(context["StateMachine"]["Id"], arn);
    assert_eq!(context["StateMachine"]["Name"], "provision");
    assert_eq!(
        context["Execution"]["Id"],
        "arn:aws:states:eu-west-1:111122223333:execution:provision:test"
    );
}

#[test]
fn a_choice_takes_the_first_rule_that_holds_and_else_its_default() {
    let machine = machine(
        "Decide",
        json!({
            "Decide": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $states.input > 10 %}", "Next": "End", "Output": "large"},
                    {"Condition": "{% $states.input > 5 %}", "Next": "End",
                     "Assign": {"how": "middling"}, "Output": "middling"}
                ],
                "Default": "End",
                "Assign": {"how": "by default"},
                "Output": "small"
            },
            "End": {"Type": "Succeed"}
        }),
    );
    for (input, expected) in [(11, "large"), (6, "middling"), (1, "small")] {
        assert_eq!(outcome(&machine, json!(input)), succeeded(json!(expected)));
    }
}

#[test]
fn a_choice_that_nothing_matches_fails() {
    let machine = machine(
        "Decide",
        json!({
            "Decide": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "End"}]},
            "End": {"Type": "Succeed"}
        }),
    );
    assert_eq!(
        error(&outcome(&machine, json!({}))),
        "States.NoChoiceMatched"
    );
}

#[test]
fn a_field_that_yields_something_unfit_is_a_query_evaluation_error() {
    let states = [
        json!({"Type": "Pass", "Output": "{% $states.input.absent %}", "Next": "End"}),
        json!({"Type": "Pass", "Output": {"a": "{% $states.input.absent %}"}, "Next": "End"}),
        json!({"Type": "Pass", "Output": "{% $sum %}", "Next": "End"}),
        json!({"Type": "Pass", "Output": "{% 1 / 0 %}", "Next": "End"}),
        json!({"Type": "Pass", "Assign": {"a": "{% 'a' + 1 %}"}, "Next": "End"}),
        json!({"Type": "Wait", "Seconds": "{% 'five' %}", "Next": "End"}),
        json!({"Type": "Wait", "Seconds": "{% 1.5 %}", "Next": "End"}),
        json!({"Type": "Wait", "Seconds": "{% -1 %}", "Next": "End"}),
        json!({"Type": "Wait", "Timestamp": "{% 'soon' %}", "Next": "End"}),
        json!({"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "End"}]}),
        json!({"Type": "Choice", "Choices": [{"Condition": "{% $states.input.absent %}", "Next": "End"}]}),
        json!({"Type": "Fail", "Error": "{% 1 %}"}),
        json!({"Type": "Task", "Resource": "work", "Arguments": "{% $states.input.absent %}", "Next": "End"}),
        json!({"Type": "Task", "Resource": "work", "TimeoutSeconds": "{% 0 %}", "Next": "End"}),
    ];
    for state in states {
        let end = json!({"Type": "Succeed"});
        let states = match state["Type"] == "Fail" {
            true => json!({"State": state}),
            false => json!({"State": state, "End": end}),
        };
        let outcome = outcome(&machine("State", states), json!({}));
        assert_eq!(
            error(&outcome),
            "States.QueryEvaluationError",
            "{state}: {outcome:?}"
        );
    }
}

#[test]
fn a_missing_key_inside_an_object_constructor_is_left_out() {
    let machine = machine(
        "Tell",
        json!({"Tell": {"Type": "Pass", "Output": "{% {'a': $states.input.absent, 'b': null} %}", "End": true}}),
    );
    assert_eq!(outcome(&machine, json!({})), succeeded(json!({"b": null})));
}

#[test]
fn a_fail_state_names_its_error_and_cause() {
    let fail = json!({"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "plain"});
    let machine_with = |state| machine("Failed", json!({"Failed": state}));
    assert_eq!(
        outcome(&machine_with(fail), json!({"e": "Rejected"})),
        failed("Rejected", "plain")
    );
    let silent = machine_with(json!({"Type": "Fail"}));
    assert_eq!(outcome(&silent, json!({})), failed("", ""));
}

#[test]
fn waits_take_their_time() {
    let wait = |field: &str, value: Value| {
        machine(
            "Wait",
            json!({"Wait": {"Type": "Wait", field: value, "End": true}}),
        )
    };
    for (machine, seconds) in [
        (wait("Seconds", json!(90)), 90),
        (wait("Seconds", json!("{% $states.input.n * 2 %}")), 14),
        (wait("Timestamp", json!("2030-01-01T01:00:00Z")), 3600),
        (
            wait("Timestamp", json!("{% $fromMillis($millis() + 5000) %}")),
            5,
        ),
        (wait("Timestamp", json!("2001-01-01T00:00:00Z")), 0),
    ] {
        let execution = execute(&machine, json!({"n": 7}), &no_tasks());
        assert_eq!(execution.outcome, succeeded(json!({"n": 7})));
        assert_eq!(lasted(&execution), seconds);
    }
}

#[test]
fn retries_wait_longer_each_time_up_to_the_cap() {
    let machine = task(json!({"Retry": [{
        "ErrorEquals": ["Transient"], "IntervalSeconds": 2, "BackoffRate": 3,
        "MaxAttempts": 4, "MaxDelaySeconds": 10, "JitterStrategy": "FULL"
    }]}));
    let calls = Cell::new(0);
    let tasks = async |_: &str, _: Value| {
        calls.set(calls.get() + 1);
        fails("Transient")
    };
    let execution = execute(&machine, json!({}), &tasks);
    assert_eq!(error(&execution.outcome), "Transient");
    assert_eq!(calls.get(), 5);
    assert_eq!(lasted(&execution), 2 + 6 + 10 + 10);
    // The rule for jitter decides how much of it is taken.
    let machine = machine.with_jitter(|full| full / 2);
    assert_eq!(lasted(&execute(&machine, json!({}), &tasks)), 14);
}

/// Whoever runs the execution knows that it is of no use.
#[test]
fn what_has_failed_for_good_is_caught_and_not_retried() {
    let machine = task(json!({
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    }));
    let calls = Cell::new(0);
    let tasks = async |_: &str, _: Value| {
        calls.set(calls.get() + 1);
        fails("Transient").map_err(TaskFailure::for_good)
    };
    let execution = execute(&machine, json!({}), &tasks);
    assert!(matches!(execution.outcome, Outcome::Succeeded(_)));
    assert_eq!((calls.get(), lasted(&execution)), (1, 0));
}

#[test]
fn the_retry_count_is_seen_and_starts_anew_with_each_visit() {
    let machine = machine(
        "Work",
        json!({
            "Work": {
                "Type": "Task", "Resource": "work", "Next": "Again",
                "Arguments": "{% $states.context.State.RetryCount %}",
                "Retry": [{"ErrorEquals": ["Transient"], "MaxAttempts": 1}]
            },
            "Again": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input = 'again' %}", "Next": "Work"}],
                "Default": "End"
            },
            "End": {"Type": "Succeed"}
        }),
    );
    let seen = RefCell::new(Vec::new());
    let answers = script(vec![
        fails("Transient"),
        Ok(json!("again")),
        fails("Transient"),
        Ok(json!("done")),
    ]);
    let tasks = async |resource: &str, arguments: Value| {
        seen.borrow_mut().push(arguments.clone());
        answers.invoke(resource, arguments).await
    };
    let execution = execute(&machine, json!({}), &tasks);
    assert_eq!(execution.outcome, succeeded(json!("done")));
    assert_eq!(*seen.borrow(), [0, 1, 0, 1]);
}

#[test]
fn an_error_is_caught_by_the_first_catcher_that_names_it() {
    let machine = task(json!({"Catch": [
        {"ErrorEquals": ["Denied"], "Next": "Caught", "Output": "denied"},
        {"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"},
        {"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "any"}
    ]}));
    for (name, expected) in [
        ("Denied", json!("denied")),
        (
            "Other",
            json!({"Error": "Other", "Cause": "because of Other"}),
        ),
        ("States.Timeout", json!("any")),
    ] {
        let execution = execute(&machine, json!({}), &script(vec![fails(name)]));
        assert_eq!(execution.outcome, succeeded(json!({"caught": expected})));
    }
}

#[test]
fn runtime_errors_and_exceeded_limits_are_not_caught_by_states_all() {
    let machine = task(json!({
        "Retry": [{"ErrorEquals": ["States.ALL"]}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    }));
    let execution = execute(&machine, json!({}), &script(vec![fails("States.Runtime")]));
    assert_eq!(error(&execution.outcome), "States.Runtime");
    let large = script(vec![Ok(json!("x".repeat(262_144)))]);
    let execution = execute(&machine, json!({}), &large);
    assert_eq!(error(&execution.outcome), "States.DataLimitExceeded");
    let just_fits = script(vec![Ok(json!("x".repeat(262_142)))]);
    let outcome = execute(&machine, json!({}), &just_fits).outcome;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}

#[test]
fn a_task_may_catch_the_failure_of_its_own_expressions() {
    for field in ["Arguments", "Output"] {
        let machine = task(json!({
            field: "{% $states.input.absent %}",
            "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught",
                       "Output": "{% $states.errorOutput.Error %}"}]
        }));
        let execution = execute(&machine, json!({}), &script(vec![Ok(json!({}))]));
        assert_eq!(
            execution.outcome,
            succeeded(json!({"caught": "States.QueryEvaluationError"})),
            "{field}"
        );
    }
}

#[test]
fn a_catcher_that_cannot_be_evaluated_fails_the_execution() {
    let machine = task(json!({"Catch": [
        {"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput.Nothing %}"}
    ]}));
    let execution = execute(&machine, json!({}), &script(vec![fails("Denied")]));
    assert_eq!(error(&execution.outcome), "States.QueryEvaluationError");
}

#[test]
fn a_task_that_never_answers_times_out() {
    let machine = task(json!({
        "TimeoutSeconds": "{% $states.input.limit %}",
        "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1, "IntervalSeconds": 5}],
        "Catch": [
            {"ErrorEquals": ["States.TaskFailed"], "Next": "Caught", "Output": "wrong"},
            {"ErrorEquals": ["States.Timeout"], "Next": "Caught", "Output": "{% $states.errorOutput.Error %}"}
        ]
    }));
    let never = async |_: &str, _: Value| pending().await;
    let execution = execute(&machine, json!({"limit": 30}), &never);
    assert_eq!(
        execution.outcome,
        succeeded(json!({"caught": "States.Timeout"}))
    );
    assert_eq!(lasted(&execution), 30 + 5 + 30);
}

#[test]
fn a_task_that_sleeps_on_the_clock_may_use_up_its_timeout_but_no_more() {
    let machine = task(json!({"TimeoutSeconds": 30}));
    for (seconds, expected) in [(30, None), (31, Some("States.Timeout"))] {
        let clock = VirtualClock::new();
        let tasks = async |_: &str, _: Value| {
            clock.sleep(Duration::from_secs(seconds)).await;
            Ok(json!("slept"))
        };
        let execution = block_on(run(&machine, "test", json!({}), &tasks, &clock, &()));
        match expected {
            None => assert_eq!(execution.outcome, succeeded(json!("slept"))),
            Some(name) => assert_eq!(error(&execution.outcome), name),
        }
        assert_eq!(lasted(&execution), 30);
    }
}

#[test]
fn the_machine_times_out_in_waits_tasks_and_pauses() {
    let definition = |state: Value| {
        load(&json!({
            "QueryLanguage": "JSONata", "StartAt": "State", "TimeoutSeconds": 60,
            "States": {"State": state}
        }))
    };
    let never = async |_: &str, _: Value| pending().await;
    let fails = async |_: &str, _: Value| fails("Transient");
    let wait = definition(json!({"Type": "Wait", "Seconds": 3600, "End": true}));
    let task = json!({"Type": "Task", "Resource": "work", "End": true,
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99}]});
    let executions = [
        execute(&wait, json!({}), &no_tasks()),
        execute(&definition(task.clone()), json!({}), &never),
        execute(&definition(task), json!({}), &fails),
    ];
    for execution in executions {
        assert_eq!(execution.outcome, Outcome::TimedOut);
        assert_eq!(lasted(&execution), 60);
        let last = execution.history.last().unwrap();
        assert_eq!(last.kind, EventKind::ExecutionTimedOut);
    }
}

#[test]
fn a_machine_whose_tasks_move_the_clock_times_out_too() {
    let machine = load(&json!({
        "QueryLanguage": "JSONata", "StartAt": "Work", "TimeoutSeconds": 60,
        "States": {
            "Work": {"Type": "Task", "Resource": "work", "Next": "After"},
            "After": {"Type": "Succeed"}
        }
    }));
    let clock = VirtualClock::new();
    let tasks = async |_: &str, _: Value| {
        clock.advance(Duration::from_secs(61));
        Ok(json!({}))
    };
    let execution = block_on(run(&machine, "test", json!({}), &tasks, &clock, &()));
    assert_eq!(execution.outcome, Outcome::TimedOut);
    let entered = |event: &&Event| matches!(event.kind, EventKind::StateEntered { .. });
    assert_eq!(execution.history.iter().filter(entered).count(), 1);
}

#[test]
fn resources_and_placeholders_are_handed_to_the_tasks_as_they_are() {
    let machine =
        task(json!({"Resource": "${InspectCluster}", "Arguments": {"n": 1, "s": "${x}"}}));
    let tasks = async |resource: &str, arguments: Value| {
        assert_eq!(resource, "${InspectCluster}");
        assert_eq!(arguments, json!({"n": 1, "s": "${x}"}));
        Ok(json!({}))
    };
    assert_eq!(
        execute(&machine, json!({}), &tasks).outcome,
        succeeded(json!({}))
    );
}

#[test]
fn an_observer_is_told_each_event_of_the_history() {
    let machine = task(json!({}));
    let seen = RefCell::new(Vec::new());
    let observer = |event: &Event| seen.borrow_mut().push(event.clone());
    let clock = VirtualClock::new();
    let tasks = script(vec![Ok(json!(1))]);
    let execution = block_on(run(&machine, "test", json!({}), &tasks, &clock, &observer));
    assert_eq!(*seen.borrow(), execution.history);
}

#[test]
fn executions_on_one_clock_run_side_by_side() {
    let machine = machine(
        "Wait",
        json!({"Wait": {"Type": "Wait", "Seconds": "{% $states.input %}", "End": true}}),
    );
    let clock = VirtualClock::new();
    let start = clock.now();
    let tasks = no_tasks();
    let (short, long) = block_on(async {
        tokio::join!(
            run(&machine, "short", json!(10), &tasks, &clock, &()),
            run(&machine, "long", json!(60), &tasks, &clock, &()),
        )
    });
    assert_eq!((lasted(&short), lasted(&long)), (10, 60));
    assert_eq!((clock.now() - start).whole_seconds(), 60);
}

#[test]
fn a_trace_tells_the_story_of_a_run() {
    let machine = task(json!({
        "Retry": [{"ErrorEquals": ["Transient"], "IntervalSeconds": 3}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught", "Assign": {"e": "{% $states.errorOutput.Error %}"}}]
    }));
    let tasks = script(vec![fails("Transient"), fails("Denied")]);
    let execution = execute(&machine, json!({"vpc": "vpc-1"}), &tasks);
    assert_eq!(
        trace(&execution.history),
        "\
0:00:00          started with {\"vpc\":\"vpc-1\"}
0:00:00  Work    calls work with {\"vpc\":\"vpc-1\"}
0:00:00  Work    fails: Transient (because of Transient)
0:00:00  Work    retry 1 in 3 s after Transient
0:00:03  Work    calls work with {\"vpc\":\"vpc-1\"}
0:00:03  Work    fails: Denied (because of Denied)
0:00:03  Work    catches Denied, goes to Caught
0:00:03  Work    sets e
0:00:03  Caught  succeed
0:00:03          succeeded with {\"caught\":{\"Error\":\"Denied\",\"Cause\":\"because of Denied\"}}
"
    );
}

#[test]
fn a_failure_serialises_as_the_error_output() {
    assert_eq!(
        serde_json::to_value(TaskFailure::new("Denied", "why")).unwrap(),
        json!({"Error": "Denied", "Cause": "why"})
    );
}

#[test]
fn clocks_can_be_shared_by_threads() {
    fn shared<T: Clone + Send + Sync>(_: &T) {}
    shared(&VirtualClock::new());
    shared(&engine::ScaledClock::new(1.0));
}

/// Notes where an execution stands before each state, and when.
struct Places(VirtualClock, RefCell<Vec<(time::OffsetDateTime, Standing)>>);

impl Observer for Places {
    fn event(&self, _event: &Event) {}

    fn stands(&self, standing: &dyn Fn() -> Standing) {
        self.1.borrow_mut().push((self.0.now(), standing()));
    }
}

#[test]
fn an_execution_goes_on_from_wherever_it_stood() {
    let states = json!({
        "Ask": {
            "Type": "Task",
            "Resource": "work",
            "Assign": {"asked": "{% $states.result %}"},
            "Next": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 50, "Next": "AskAgain"},
        "AskAgain": {
            "Type": "Task",
            "Resource": "work",
            "Output": "{% [$asked, $states.result, $states.context.Execution, $now()] %}",
            "Next": "PauseLong",
        },
        "PauseLong": {"Type": "Wait", "Seconds": "{% $states.context.Execution.Input %}", "End": true},
    });
    for (input, outcome_is) in [(40, "Succeeded"), (60, "TimedOut")] {
        let machine = load(&json!({
            "QueryLanguage": "JSONata", "StartAt": "Ask", "TimeoutSeconds": 100, "States": states,
        }));
        let tasks = async |_: &str, _: Value| Ok(json!("answer"));
        let clock = VirtualClock::new();
        let places = Places(clock.clone(), RefCell::default());
        let whole = block_on(run(&machine, "a", json!(input), &tasks, &clock, &places));
        assert!(
            format!("{:?}", whole.outcome).starts_with(outcome_is),
            "{whole:?}"
        );
        let places = places.1.into_inner();
        assert_eq!(places.len(), 4);
        for (at, standing) in places {
            let clock = VirtualClock::starting_at(at);
            let rest = block_on(resume(&machine, standing, &tasks, &clock, &()));
            assert_eq!((&rest.name, &rest.outcome), (&whole.name, &whole.outcome));
            assert!(whole.history.ends_with(&rest.history), "{rest:?}");
            assert!(rest.history.len() < whole.history.len());
        }
    }
}
