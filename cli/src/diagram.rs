//! `diagram`: the state machine as a picture, made from its definition.
//!
//! The picture is for a reader of `docs/pictures.md`, so it shows what is done and
//! leaves out how it is decided and what is written down on the way: a state that
//! only chooses, waits, notes or records something is drawn as the arrows that
//! lead through it. All ways end in the same line, which reports the outcome.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;
use shared::settings::Settings;
use steps::definition;

use crate::error::Error;
use crate::{Answer, arguments, words};

/// Prints the picture of a state machine.
///
/// # Errors
/// When the definition cannot be loaded; a test rules that out.
pub fn run(machine: arguments::Picture) -> Result<Answer, Error> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let picture = match machine {
        arguments::Picture::Provision => {
            mermaid(definition::provision(&Settings::default())?.definition())
        }
        arguments::Picture::Deprovision => straight(&read(definition::DEPROVISION), "disconnect"),
        arguments::Picture::CheckFleet => straight(&read(definition::CHECK_FLEET), "check"),
        arguments::Picture::Sweep => straight(&read(definition::SWEEP), "sweep"),
    };
    Ok(Answer::done(picture))
}

/// A definition that has no undo line as a Mermaid `stateDiagram-v2`: a step that
/// fails is followed by the same states as one that does not.
pub fn straight(definition: &Value, title: &str) -> String {
    let picture = Picture::new(&definition["States"]);
    let start = definition["StartAt"].as_str().unwrap_or_default();
    let firsts: Vec<String> = picture
        .next_drawn(start)
        .into_iter()
        .map(|arrow| arrow.to)
        .collect();
    let mut story = Vec::new();
    for first in &firsts {
        for task in picture.reachable(first, &BTreeSet::new()) {
            if !story.contains(&task) {
                story.push(task);
            }
        }
    }
    let story = picture.in_order(story);
    let mut text = String::from("stateDiagram-v2\n    [*] --> Story\n");
    text += &picture.group("Story", title, &story, &firsts, &BTreeSet::new());
    text += &picture.closing("    Story --> End\n", "Story");
    text
}

/// The definition as a Mermaid `stateDiagram-v2`: the story, its waits (an arrow
/// from a state to itself), and the undo line.
pub fn mermaid(definition: &Value) -> String {
    let picture = Picture::new(&definition["States"]);
    let start = definition["StartAt"].as_str().unwrap_or_default();
    let undo = picture.undo_line(start);
    let first = picture
        .next_drawn(start)
        .first()
        .map(|arrow| arrow.to.clone())
        .unwrap_or_default();

    let mut text = String::from("stateDiagram-v2\n    [*] --> Story\n");
    let story: Vec<String> = picture.reachable(&first, &undo);
    text += &picture.group("Story", "connect", &story, &[first], &undo);
    let undone: Vec<String> = undo
        .iter()
        .filter(|state| picture.is_drawn(state))
        .cloned()
        .collect();
    let undone = picture.in_order(undone);
    let entries = picture.entries(&undo);
    text += &picture.group(
        "Undo",
        "take back what was made",
        &undone,
        &entries,
        &BTreeSet::new(),
    );
    let ways = "    Story --> Undo: a step fails\n    Story --> End\n    Undo --> End\n";
    text += &picture.closing(ways, "Story");
    text
}

/// The function that begins the end of every run.
const REPORT: &str = "${ReportOutcomeFunctionArn}";

/// An arrow to a state that is drawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    to: String,
    waits: bool,
}

struct Picture<'a> {
    states: &'a Value,
    /// The end that all ways have in common, up to the endings themselves.
    end: BTreeSet<String>,
}

impl<'a> Picture<'a> {
    fn new(states: &'a Value) -> Self {
        let mut picture = Self {
            states,
            end: BTreeSet::new(),
        };
        let mut open: Vec<String> = picture
            .names()
            .filter(|state| states[*state]["Resource"] == REPORT)
            .map(str::to_owned)
            .collect();
        while let Some(state) = open.pop() {
            if picture.end.insert(state.clone()) {
                open.extend(picture.next(&state));
                open.extend(picture.caught_by(&state));
            }
        }
        picture
    }

    fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let states = self.states.as_object().into_iter().flatten();
        states.map(|(name, _)| name.as_str())
    }

    fn kind(&self, state: &str) -> &str {
        self.states[state]["Type"].as_str().unwrap_or_default()
    }

    /// Where a run has no report, nothing but what it does is in its definition.
    fn is_drawn(&self, state: &str) -> bool {
        self.kind(state) == "Task" && (self.end.is_empty() || words::of(state).is_some())
    }

    /// Whether story and undo end where this state begins.
    fn is_end(&self, state: &str) -> bool {
        self.end.contains(state) || matches!(self.kind(state), "Succeed" | "Fail")
    }

    /// The states that may come next when nothing fails. An error that is caught by
    /// its name is an answer like any other.
    fn next(&self, state: &str) -> Vec<String> {
        let body = &self.states[state];
        let choices = body["Choices"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|choice| &choice["Next"]);
        let all = choices.chain([&body["Default"], &body["Next"]]);
        let all = all.filter_map(Value::as_str).map(str::to_owned);
        all.chain(self.catchers(state, false)).collect()
    }

    /// Where a state leads to when it fails.
    fn caught_by(&self, state: &str) -> Vec<String> {
        self.catchers(state, true).collect()
    }

    fn catchers(&self, state: &str, for_all: bool) -> impl Iterator<Item = String> {
        let catchers = self.states[state]["Catch"].as_array().into_iter().flatten();
        catchers
            .filter(move |catcher| (catcher["ErrorEquals"][0] == "States.ALL") == for_all)
            .filter_map(|catcher| catcher["Next"].as_str())
            .map(str::to_owned)
    }

    /// The arrows from a state to tasks and ends, through everything else.
    fn next_drawn(&self, state: &str) -> Vec<Arrow> {
        self.next_drawn_without(state, &BTreeSet::new())
    }

    /// The same, without those that lead through some states.
    fn next_drawn_without(&self, state: &str, without: &BTreeSet<String>) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        let mut seen = without.clone();
        self.follow(state, false, &mut seen, &mut arrows);
        arrows
    }

    fn follow(
        &self,
        state: &str,
        waits: bool,
        seen: &mut BTreeSet<String>,
        arrows: &mut Vec<Arrow>,
    ) {
        for to in self.next(state) {
            if self.is_drawn(&to) || self.is_end(&to) {
                let arrow = Arrow { to, waits };
                if !arrows.contains(&arrow) {
                    arrows.push(arrow);
                }
            } else if seen.insert(to.clone()) {
                self.follow(&to, waits || self.kind(&to) == "Wait", seen, arrows);
            }
        }
    }

    /// Everything behind a catcher of the story.
    fn undo_line(&self, start: &str) -> BTreeSet<String> {
        let first_task = self.next_drawn(start).into_iter().next();
        let mut undo = BTreeSet::new();
        // Every step of the story is caught into the same line, so one that is
        // known to be of the story is enough to begin with.
        let mut of_story: Vec<String> = first_task.into_iter().map(|arrow| arrow.to).collect();
        let mut seen: BTreeSet<String> = of_story.iter().cloned().collect();
        while let Some(task) = of_story.pop() {
            let mut open = match words::of(&task).map(|words| words.part) {
                // What fails aside of the story does not turn it back.
                Some(words::Part::Aside) => Vec::new(),
                Some(words::Part::Story | words::Part::Undo) | None => self.caught_by(&task),
            };
            while let Some(state) = open.pop() {
                if !self.is_end(&state) && undo.insert(state.clone()) {
                    open.extend(self.next(&state));
                    open.extend(self.caught_by(&state));
                }
            }
            for arrow in self.next_drawn(&task) {
                if self.is_drawn(&arrow.to)
                    && !undo.contains(&arrow.to)
                    && seen.insert(arrow.to.clone())
                {
                    of_story.push(arrow.to);
                }
            }
        }
        undo
    }

    /// The tasks from this one on, in the order of the story.
    fn reachable(&self, first: &str, without: &BTreeSet<String>) -> Vec<String> {
        let mut found = vec![first.to_owned()];
        let mut index = 0;
        while index < found.len() {
            for arrow in self.next_drawn(&found[index].clone()) {
                if self.is_drawn(&arrow.to)
                    && !without.contains(&arrow.to)
                    && !found.contains(&arrow.to)
                {
                    found.push(arrow.to);
                }
            }
            index += 1;
        }
        found
    }

    /// Tasks so that each stands before those that it leads to.
    fn in_order(&self, mut tasks: Vec<String>) -> Vec<String> {
        let rank = |task: &String| self.reachable(task, &BTreeSet::new()).len();
        tasks.sort_by_key(|task| (std::cmp::Reverse(rank(task)), task.clone()));
        tasks
    }

    /// The undo tasks at which the line may be entered.
    fn entries(&self, undo: &BTreeSet<String>) -> Vec<String> {
        let reached_from_undo: BTreeSet<String> = undo
            .iter()
            .filter(|state| self.is_drawn(state))
            .flat_map(|state| self.next_drawn(state))
            .filter(|arrow| !arrow.waits)
            .map(|arrow| arrow.to)
            .collect();
        let deciders = undo
            .iter()
            .filter(|state| !reached_from_undo.contains(*state) && !self.is_drawn(state));
        let mut entries = Vec::new();
        for decider in deciders.filter(|state| self.kind(state) == "Choice") {
            let enters = self
                .next_drawn(decider)
                .into_iter()
                .filter(|arrow| self.is_drawn(&arrow.to) && !arrow.waits);
            for arrow in enters {
                if self.is_entered_from_story(decider) && !entries.contains(&arrow.to) {
                    entries.push(arrow.to);
                }
            }
        }
        self.in_order(entries)
    }

    /// Whether a task of the story is caught by this state.
    fn is_entered_from_story(&self, decider: &str) -> bool {
        self.names()
            .filter(|task| self.is_drawn(task))
            .any(|task| self.caught_by(task).iter().any(|next| next == decider))
    }

    fn group(
        &self,
        name: &str,
        title: &str,
        tasks: &[String],
        entries: &[String],
        without: &BTreeSet<String>,
    ) -> String {
        let mut text = format!("    state \"{title}\" as {name} {{\n");
        for entry in entries {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "        [*] --> {entry}");
        }
        for task in tasks {
            let mut ends = false;
            for arrow in self.next_drawn_without(task, without) {
                match arrow {
                    Arrow { to, waits: true } if to == *task => {
                        let _ = writeln!(text, "        {task} --> {task}: not yet");
                    }
                    Arrow { to, .. } if self.is_end(&to) => ends = true,
                    Arrow { to, .. } => {
                        let _ = writeln!(text, "        {task} --> {to}");
                    }
                }
            }
            if ends {
                let _ = writeln!(text, "        {task} --> [*]");
            }
        }
        text.push_str("    }\n");
        text
    }

    /// The end that all `ways` lead to: the tasks in their order, then the endings.
    /// Where there is no such end, the endings follow upon `otherwise`.
    fn closing(&self, ways: &str, otherwise: &str) -> String {
        let mut text = String::new();
        let from = if self.end.is_empty() {
            otherwise
        } else {
            "End"
        };
        if !self.end.is_empty() {
            text += "    state \"tell how it ended\" as End {\n        [*]";
            let tasks = self
                .names()
                .filter(|state| self.end.contains(*state) && self.kind(state) == "Task");
            for task in tasks {
                let _ = write!(text, " --> {task}\n        {task}");
            }
            text += " --> [*]\n    }\n";
            text += ways;
        }
        let endings = self
            .names()
            .filter(|state| matches!(self.kind(state), "Succeed" | "Fail"));
        for ending in endings {
            let _ = writeln!(text, "    {from} --> {ending}\n    {ending} --> [*]");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Part, TABLE};

    fn picture() -> String {
        run(arguments::Picture::Provision).unwrap().stdout
    }

    #[test]
    fn taking_away_and_checking_are_drawn_too() {
        let removal = run(arguments::Picture::Deprovision).unwrap().stdout;
        for words in words::REMOVAL {
            assert!(
                removal.contains(&format!(" {} -->", words.state)),
                "{removal}"
            );
        }
        let ends = ["Disconnected", "DisconnectIncomplete"];
        let checking = run(arguments::Picture::CheckFleet).unwrap().stdout;
        for (picture, words) in [
            (&removal, &ends[..]),
            (
                &checking,
                &[
                    "CheckFleet",
                    "AnnounceChanges",
                    "StartConnectionRepairs",
                    "Checked",
                ],
            ),
        ] {
            for word in words {
                assert!(
                    picture.contains(&format!("    {word} --> ")),
                    "{word}: {picture}"
                );
            }
        }
        assert_eq!(removal.matches(": not yet").count(), 4, "{removal}");
        assert!(!removal.contains("Undo"), "{removal}");
    }

    #[test]
    fn every_step_is_drawn_in_its_group_and_every_end_too() {
        let picture = picture();
        let (story, undo) = picture.split_once("as Undo {").unwrap();
        for words in TABLE {
            let group = match words.part {
                Part::Story | Part::Aside => story,
                Part::Undo => undo,
            };
            assert!(
                group.contains(&format!(" {} -->", words.state)),
                "{}: {picture}",
                words.state
            );
        }
        for end in [
            "Ready",
            "RolledBack",
            "KeptAfterFailure",
            "RollbackIncomplete",
        ] {
            assert!(
                picture.contains(&format!("{end} --> [*]")),
                "{end}: {picture}"
            );
        }
    }

    #[test]
    fn waits_are_arrows_from_a_state_to_itself() {
        let machine = definition::provision(&Settings::default()).unwrap();
        let states = machine.definition()["States"].as_object().unwrap();
        let waits = states
            .values()
            .filter(|state| state["Type"] == "Wait")
            .count();
        assert_eq!(
            picture().matches(": not yet").count(),
            waits,
            "{}",
            picture()
        );
    }

    #[test]
    fn what_only_decides_is_not_drawn() {
        let picture = picture();
        for hidden in [
            "IsClusterReady",
            "WaitForCluster",
            "DecideUndo",
            "UnknownAnswer",
            "RecordCluster",
            "IsTagWanted",
            "Begin",
        ] {
            assert!(!picture.contains(hidden), "{hidden}: {picture}");
        }
    }
}
