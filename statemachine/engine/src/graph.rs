//! Checks how the states hang together.

use std::collections::{BTreeMap, BTreeSet};

use crate::fields::Notes;
use crate::machine::{After, Kind, State};

/// Refuses transitions to nowhere, states that nothing leads to, and machines
/// or loops without a way out.
pub(crate) fn check(notes: &Notes, start: Option<&str>, states: &BTreeMap<String, Option<State>>) {
    let exists = |name: &str| states.contains_key(name);
    if let Some(start) = start
        && !exists(start)
    {
        notes.findings.add(
            None,
            "StartAt",
            format!("leads to `{start}`, which does not exist"),
        );
    }
    for (name, state) in states {
        for target in state.iter().flat_map(|state| state.kind.targets()) {
            if !exists(target) && !target.is_empty() {
                notes.findings.add(
                    Some(name),
                    "",
                    format!("leads to `{target}`, which does not exist"),
                );
            }
        }
    }
    // With a state missing, so may be the ways through it.
    let whole: Option<BTreeMap<&str, &State>> = states
        .iter()
        .map(|(name, state)| Some((name.as_str(), state.as_ref()?)))
        .collect();
    if let (Some(start), Some(whole)) = (start, whole) {
        reachable(notes, start, &whole);
        terminal(notes, &whole);
    }
}

fn reachable(notes: &Notes, start: &str, states: &BTreeMap<&str, &State>) {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        if let Some(state) = states.get(name)
            && seen.insert(name)
        {
            open.extend(state.kind.targets());
        }
    }
    for name in states.keys().filter(|name| !seen.contains(*name)) {
        notes.findings.add(Some(name), "", "no state leads here");
    }
}

/// Every state must have a way to an end, or an execution that comes there
/// could never finish.
fn terminal(notes: &Notes, states: &BTreeMap<&str, &State>) {
    let mut ending: BTreeSet<&str> = states
        .iter()
        .filter(|(_, state)| ends(&state.kind))
        .map(|(name, _)| *name)
        .collect();
    loop {
        let before = ending.len();
        for (name, state) in states {
            if state
                .kind
                .targets()
                .iter()
                .any(|target| ending.contains(target))
            {
                ending.insert(name);
            }
        }
        if ending.len() == before {
            break;
        }
    }
    for name in states.keys().filter(|name| !ending.contains(*name)) {
        notes
            .findings
            .add(Some(name), "", "no way leads from here to an end");
    }
}

fn ends(kind: &Kind) -> bool {
    match kind {
        Kind::Succeed | Kind::Fail { .. } => true,
        Kind::Task(task) => matches!(task.after, After::End),
        Kind::Pass(after) | Kind::Wait(_, after) => matches!(after, After::End),
        Kind::Choice { .. } => false,
    }
}
