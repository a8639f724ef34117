//! Reads one state.

use crate::error_names::{ALL, RESERVED};
use crate::fields::Fields;
use crate::load::{LONGEST_SECONDS, effects};
use crate::machine::{After, Kind, Rule, State, Task, Until};
use crate::retry::{Catcher, LONGEST_DELAY_SECONDS, Retrier};
use crate::task::{INTEGRATION, INTEGRATIONS};
use crate::template::Template;
use crate::vet::Sees;
use crate::wait::parse_timestamp;

/// Fields of every state.
const COMMON: &[&str] = &["Type", "Comment", "QueryLanguage"];
/// Fields of states that go on and may change what comes along.
const FLOW: &[&str] = &["Next", "End", "Output", "Assign"];

/// The state, or `None` if something vital is wrong; smaller things are noted.
pub(crate) fn state(fields: &Fields<'_>) -> Option<State> {
    fields.string("Comment");
    fields.only_value("QueryLanguage", "JSONata");
    fields.required("Type");
    let mut sees = Sees::Input;
    let kind = match fields.string("Type")? {
        "Task" => {
            sees = Sees::Result;
            Kind::Task(task(fields)?)
        }
        "Pass" => {
            fields.only("a Pass", &[COMMON, FLOW]);
            Kind::Pass(after(fields)?)
        }
        "Wait" => {
            fields.only("a Wait", &[COMMON, FLOW, &["Seconds", "Timestamp"]]);
            let (until, after) = (until(fields), after(fields));
            Kind::Wait(until?, after?)
        }
        "Choice" => {
            let own = ["Choices", "Default", "Output", "Assign"];
            fields.only("a Choice", &[COMMON, &own]);
            choice(fields)?
        }
        "Succeed" => {
            fields.only("a Succeed", &[COMMON, &["Output"]]);
            Kind::Succeed
        }
        "Fail" => {
            fields.only("a Fail", &[COMMON, &["Error", "Cause"]]);
            Kind::Fail {
                error: text(fields, "Error"),
                cause: text(fields, "Cause"),
            }
        }
        other => {
            fields.refuse("Type", format!("`{other}` is not supported"));
            return None;
        }
    };
    Some(State {
        kind,
        effects: effects(fields, sees),
    })
}

/// A string or an expression for one.
fn text(fields: &Fields<'_>, field: &str) -> Option<Template> {
    if fields.has(field) {
        fields.string(field)?;
    }
    fields.template(field, Sees::Input)
}

fn after(fields: &Fields<'_>) -> Option<After> {
    match (fields.has("Next"), fields.value("End")) {
        (true, None) => fields
            .string("Next")
            .map(|next| After::Next(next.to_owned())),
        (false, Some(end)) if end == true => Some(After::End),
        (false, Some(_)) => {
            fields.refuse("End", "must be `true`");
            None
        }
        (true, Some(_)) => {
            fields.refuse("", "has both `Next` and `End`");
            None
        }
        (false, None) => {
            fields.refuse("", "has neither `Next` nor `End`");
            None
        }
    }
}

fn next(fields: &Fields<'_>) -> Option<String> {
    fields.required("Next")?;
    fields.string("Next").map(str::to_owned)
}

fn until(fields: &Fields<'_>) -> Option<Until> {
    match (fields.has("Seconds"), fields.has("Timestamp")) {
        (true, false) => fields
            .whole_or_expression("Seconds", 0..=LONGEST_SECONDS)
            .map(Until::Seconds),
        (false, true) => {
            let literal = fields.string("Timestamp")?;
            match fields.template("Timestamp", Sees::Input)? {
                Template::Literal(_) => match parse_timestamp(literal) {
                    Some(instant) => Some(Until::Instant(instant)),
                    None => {
                        fields.refuse("Timestamp", "must be a time as in 2030-12-31T23:59:59Z");
                        None
                    }
                },
                template @ (Template::Expression(_) | Template::Array(_) | Template::Object(_)) => {
                    Some(Until::Timestamp(template))
                }
            }
        }
        (true, true) | (false, false) => {
            fields.refuse("", "must have either `Seconds` or `Timestamp`");
            None
        }
    }
}

fn choice(fields: &Fields<'_>) -> Option<Kind> {
    fields.required("Choices")?;
    let rules = fields.objects("Choices");
    let rules = rules.iter().map(|rule| {
        let own = ["Condition", "Next", "Output", "Assign", "Comment"];
        rule.only("a choice rule", &[&own]);
        rule.required("Condition");
        let (condition, next) = (rule.expression("Condition", Sees::Input), next(rule));
        let effects = effects(rule, Sees::Input);
        Some(Rule {
            condition: condition?,
            next: next?,
            effects,
        })
    });
    // All rules are read before the first bad one ends it.
    let rules: Vec<_> = rules.collect();
    Some(Kind::Choice {
        rules: rules.into_iter().collect::<Option<_>>()?,
        default: fields.string("Default").map(str::to_owned),
    })
}

fn task(fields: &Fields<'_>) -> Option<Task> {
    let own = ["Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch"];
    fields.only("a Task", &[COMMON, FLOW, &own]);
    fields.required("Resource");
    let resource = fields.string("Resource");
    if let Some(resource) = resource {
        if resource.ends_with(".waitForTaskToken") {
            fields.refuse("Resource", "waiting for a task token is not supported");
        } else if resource.starts_with(INTEGRATION) && !INTEGRATIONS.contains(&resource) {
            fields.refuse("Resource", format!("`{resource}` is not supported"));
        }
    }
    let task = Task {
        resource: resource.unwrap_or_default().to_owned(),
        arguments: fields.template("Arguments", Sees::Input),
        timeout: fields.whole_or_expression("TimeoutSeconds", 1..=LONGEST_SECONDS),
        retriers: retriers(fields),
        catchers: catchers(fields),
        after: after(fields)?,
    };
    resource.map(|_| task)
}

fn retriers(fields: &Fields<'_>) -> Vec<Retrier> {
    let entries = fields.objects("Retry");
    let last = entries.len().saturating_sub(1);
    let own = [
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    ];
    let read = |(index, entry): (usize, &Fields<'_>)| {
        entry.only("a retrier", &[&own]);
        let full_jitter = match entry.string("JitterStrategy") {
            Some("FULL") => true,
            Some("NONE") | None => false,
            Some(_) => {
                entry.refuse("JitterStrategy", "must be `FULL` or `NONE`");
                false
            }
        };
        Retrier {
            error_equals: error_equals(entry, index == last),
            interval_seconds: entry
                .whole("IntervalSeconds", 1..=LONGEST_SECONDS)
                .unwrap_or(1),
            max_attempts: entry.whole("MaxAttempts", 0..=LONGEST_SECONDS).unwrap_or(3),
            backoff_rate: backoff_rate(entry),
            max_delay_seconds: entry.whole("MaxDelaySeconds", 1..=LONGEST_DELAY_SECONDS),
            full_jitter,
        }
    };
    entries.iter().enumerate().map(read).collect()
}

fn backoff_rate(entry: &Fields<'_>) -> f64 {
    const DEFAULT: f64 = 2.0;
    let Some(value) = entry.value("BackoffRate") else {
        return DEFAULT;
    };
    match value.as_f64() {
        Some(rate) if rate >= 1.0 => rate,
        Some(_) | None => {
            entry.refuse("BackoffRate", "must be a number of at least 1");
            DEFAULT
        }
    }
}

fn catchers(fields: &Fields<'_>) -> Vec<Catcher> {
    let entries = fields.objects("Catch");
    let last = entries.len().saturating_sub(1);
    let read = |(index, entry): (usize, &Fields<'_>)| {
        let own = ["ErrorEquals", "Next", "Output", "Assign", "Comment"];
        entry.only("a catcher", &[&own]);
        Catcher {
            error_equals: error_equals(entry, index == last),
            next: next(entry).unwrap_or_default(),
            effects: effects(entry, Sees::ErrorOutput),
        }
    };
    entries.iter().enumerate().map(read).collect()
}

fn error_equals(entry: &Fields<'_>, is_last: bool) -> Vec<String> {
    const FIELD: &str = "ErrorEquals";
    let Some(value) = entry.required(FIELD) else {
        return Vec::new();
    };
    let names: Option<Vec<String>> =
        value
            .as_array()
            .filter(|names| !names.is_empty())
            .and_then(|names| {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                names.collect()
            });
    let Some(names) = names else {
        entry.refuse(FIELD, "must be an array of strings that is not empty");
        return Vec::new();
    };
    for (index, name) in names.iter().enumerate() {
        if name.starts_with("States.") && !RESERVED.contains(&name.as_str()) {
            entry.refuse(FIELD, format!("`{name}` is no reserved error name"));
        }
        if names[..index].contains(name) {
            entry.refuse(FIELD, format!("lists `{name}` twice"));
        }
        if name == ALL && (names.len() > 1 || !is_last) {
            entry.refuse(
                FIELD,
                format!("`{ALL}` must be alone and in the last entry"),
            );
        }
    }
    names
}
