//! Reads a definition and refuses by name what is wrong with it or not
//! supported.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::effects::Effects;
use crate::fields::{Fields, LONGEST_NAME, Notes};
use crate::findings::LoadError;
use crate::graph;
use crate::json;
use crate::load_state::state;
use crate::machine::{Compiled, State};
use crate::vet::Sees;

/// Longest `Seconds` and `TimeoutSeconds` (developer guide, "Wait" and "Task").
pub(crate) const LONGEST_SECONDS: u32 = 99_999_999;

/// Largest definition, in bytes (developer guide, "Service quotas").
const LARGEST_DEFINITION: usize = 1_048_576;

/// Reads a whole definition.
pub(crate) fn load(text: &str) -> Result<Compiled, LoadError> {
    let notes = Notes::default();
    if text.len() > LARGEST_DEFINITION {
        let rule = format!(
            "has {} bytes; the limit is {LARGEST_DEFINITION}",
            text.len()
        );
        notes.findings.add(None, "", rule);
    }
    let compiled = match json::read(text) {
        Ok((definition, duplicates)) => {
            for path in duplicates {
                notes.findings.add(None, path, "is written twice");
            }
            machine(&notes, definition)
        }
        Err(error) => {
            notes
                .findings
                .add(None, "", format!("is not JSON: {error}"));
            None
        }
    };
    notes.findings.into_result(compiled)
}

fn machine(notes: &Notes, definition: Value) -> Option<Compiled> {
    let Some(map) = definition.as_object() else {
        notes.findings.add(None, "", "must be an object");
        return None;
    };
    let fields = Fields::new(notes, None, map);
    fields.only(
        "a definition",
        &[&[
            "Comment",
            "QueryLanguage",
            "StartAt",
            "States",
            "TimeoutSeconds",
            "Version",
        ]],
    );
    fields.string("Comment");
    fields.required("QueryLanguage");
    fields.only_value("QueryLanguage", "JSONata");
    fields.only_value("Version", "1.0");
    let timeout = fields.whole("TimeoutSeconds", 1..=LONGEST_SECONDS);
    fields.required("StartAt");
    let start = fields.string("StartAt");
    let states = states(notes, &fields);
    graph::check(notes, start, &states);
    variables(notes, &states);
    let (start, states) = (start?.to_owned(), complete(states)?);
    Some(Compiled {
        start,
        states,
        timeout: timeout.map(|seconds| Duration::from_secs(seconds.into())),
        definition,
    })
}

/// The states by name; `None` for those with something wrong in them.
type Read = BTreeMap<String, Option<State>>;

fn states(notes: &Notes, fields: &Fields<'_>) -> Read {
    let Some(value) = fields.required("States") else {
        return Read::new();
    };
    let Some(states) = value.as_object().filter(|states| !states.is_empty()) else {
        fields.refuse("States", "must be an object that is not empty");
        return Read::new();
    };
    let mut read = Read::new();
    for (name, value) in states {
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            notes.findings.add(
                Some(name),
                "",
                format!("a name has 1 to {LONGEST_NAME} characters"),
            );
        }
        let state = match value.as_object() {
            Some(map) => state(&Fields::new(notes, Some(name), map)),
            None => {
                notes.findings.add(Some(name), "", "must be an object");
                None
            }
        };
        read.insert(name.clone(), state);
    }
    read
}

fn complete(states: Read) -> Option<BTreeMap<String, State>> {
    states
        .into_iter()
        .map(|(name, state)| Some((name, state?)))
        .collect()
}

/// `Output` and `Assign` of a state, a rule or a catcher.
pub(crate) fn effects(fields: &Fields<'_>, sees: Sees) -> Effects {
    let assign = fields.templates("Assign", sees);
    for (name, _) in &assign {
        let place = format!("Assign.{name}");
        let mut characters = name.chars();
        if name == "states" {
            fields.refuse(&place, "the name is reserved");
        } else if !characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
            || name.len() > LONGEST_NAME
        {
            fields.refuse(
                &place,
                format!(
                    "a variable has 1 to {LONGEST_NAME} letters, digits and underscores \
                     and begins with a letter or an underscore"
                ),
            );
        }
    }
    Effects {
        output: fields.template("Output", sees),
        assign,
    }
}

/// Refuses variables that are read somewhere and assigned nowhere; most are
/// misspelled. Whether the assignment comes first on every way is not checked.
fn variables(notes: &Notes, states: &Read) {
    // With a state missing, so may be its assignments.
    let Some(states) = states
        .values()
        .map(Option::as_ref)
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let assigned: Vec<&str> = states
        .into_iter()
        .flat_map(State::all_effects)
        .flat_map(|effects| &effects.assign)
        .map(|(name, _)| name.as_str())
        .collect();
    for (name, (state, field)) in &*notes.reads.borrow() {
        if !assigned.contains(&name.as_str()) {
            notes.findings.add(
                state.as_deref(),
                field.as_str(),
                format!("reads `${name}`, which no state assigns"),
            );
        }
    }
}
