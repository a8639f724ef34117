//! A state machine as a picture that a person reads, made from its definition.
//!
//! The definition is read as a graph of its steps, the functions that it calls. What
//! only chooses, waits, notes or records is part of the ways between them. A way is
//! drawn unless another leads through more steps to the same one: what can be left
//! out has a dashed box instead of an arrow around it, and such steps in a row share
//! one. A step that is asked again is marked, and its way back is not drawn.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

/// The definition as a Mermaid flowchart: the story, the undo line if it has one, and
/// the endings.
pub fn mermaid(definition: &Value) -> String {
    let states = &definition["States"];
    let story = Line::new(states, definition["StartAt"].as_str().unwrap_or_default());
    // A refusal leads to where a step leads that fails.
    let undo = names(states)
        .filter(|state| refuses(&states[*state]))
        .filter_map(|state| states[state]["Next"].as_str())
        .find(|next| !is_end(&states[*next]))
        .map(|next| Line::new(states, next));

    let mut text = String::from("flowchart TD\n");
    text += &story.group("Story", "the story");
    if let Some(undo) = &undo {
        text += &undo.group("Undo", "the undo line");
        text += "    Story -.->|a step fails| Undo\n";
    }
    let failing = if undo.is_some() {
        "Undo -->"
    } else {
        "Story -.->|a step fails|"
    };
    for ending in names(states) {
        let ways: Vec<String> = match states[ending]["Type"].as_str() {
            Some("Succeed") => {
                let last = story.before(END).into_iter();
                let last = last.map(|step| story.head(step));
                last.map(|step| format!("{step} -->")).collect()
            }
            Some("Fail") => vec![failing.to_owned()],
            _ => Vec::new(),
        };
        for way in ways {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {way} {ending}([{ending}])");
        }
    }
    text + "    classDef maybe stroke-dasharray: 5 5\n"
}

/// The states that do something and are no steps: they record, announce, tag, or hold
/// the lease.
pub fn bookkeeping(definition: &Value) -> Vec<&str> {
    let states = &definition["States"];
    names(states)
        .filter(|state| states[*state]["Type"] == "Task" && !is_step(&states[*state]))
        .collect()
}

/// The function that begins the end of every run.
const REPORT: &str = "${ReportOutcomeFunctionArn}";

/// The function that tells the outcome where it was asked for.
const TAG: &str = "${TagVpcFunctionArn}";

/// Where all ways of a line end.
const END: &str = "";

fn names(states: &Value) -> impl Iterator<Item = &str> {
    let states = states.as_object().into_iter().flatten();
    states.map(|(name, _)| name.as_str())
}

fn is_step(state: &Value) -> bool {
    let function = state["Resource"].as_str().filter(|it| it.starts_with("${"));
    function.is_some_and(|function| function != REPORT && function != TAG)
}

fn is_end(state: &Value) -> bool {
    state["Resource"] == REPORT || state["Type"] == "Succeed" || state["Type"] == "Fail"
}

/// Whether the definition itself says here that the run has failed.
fn refuses(state: &Value) -> bool {
    state["Type"] == "Pass" && state["Assign"]["failure"].is_object()
}

/// The states that may come next when nothing fails. An error that is caught by its
/// name is an answer like any other.
fn next(state: &Value) -> Vec<&str> {
    let choices = state["Choices"].as_array().into_iter().flatten();
    let catchers = state["Catch"].as_array().into_iter().flatten();
    let answers = catchers.filter(|catcher| catcher["ErrorEquals"][0] != "States.ALL");
    let ways = choices.chain(answers).map(|way| &way["Next"]);
    let ways = ways.chain([&state["Default"], &state["Next"]]);
    ways.filter_map(Value::as_str).collect()
}

/// The steps that one state leads to, up to the report or an ending.
struct Line<'a> {
    states: &'a Value,
    start: &'a str,
    /// Each before those that it leads to. The start and the end are among them.
    steps: Vec<&'a str>,
    ways: BTreeSet<(&'a str, &'a str)>,
    /// The steps that are asked again.
    again: BTreeSet<&'a str>,
}

impl<'a> Line<'a> {
    fn new(states: &'a Value, start: &'a str) -> Self {
        let mut line = Self {
            states,
            start,
            steps: Vec::new(),
            ways: BTreeSet::new(),
            again: BTreeSet::new(),
        };
        line.walk(start, &mut Vec::new());
        line.steps.reverse();
        line
    }

    fn walk(&mut self, from: &'a str, way_here: &mut Vec<&'a str>) {
        if self.steps.contains(&from) {
            return;
        }
        way_here.push(from);
        for to in self.ahead(from) {
            if to == from {
                self.again.insert(from);
            }
            if !way_here.contains(&to) {
                self.ways.insert((from, to));
                self.walk(to, way_here);
            }
        }
        way_here.pop();
        self.steps.push(from);
    }

    /// The steps that may be next, through everything else.
    fn ahead(&self, from: &str) -> Vec<&'a str> {
        let mut open = next(&self.states[from]);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        while let Some(name) = open.pop() {
            let state = &self.states[name];
            if !seen.insert(name) || refuses(state) {
                continue;
            }
            if is_step(state) {
                found.push(name);
            } else if is_end(state) {
                found.push(END);
            } else {
                open.extend(next(state));
            }
        }
        found
    }

    fn leads(&self, from: &str, to: &str) -> bool {
        let mut ways = self.ways.iter().filter(|way| way.0 == from);
        ways.any(|way| way.1 == to || self.leads(way.1, to))
    }

    fn draws(&self, from: &str, to: &str) -> bool {
        let is_way = |to: &str| self.ways.iter().any(|way| *way == (from, to));
        let mut others = self.steps.iter().filter(|other| **other != to);
        is_way(to) && !others.any(|other| is_way(other) && self.leads(other, to))
    }

    fn before(&self, step: &str) -> Vec<&'a str> {
        let steps = self.steps.iter().copied();
        steps.filter(|other| self.draws(other, step)).collect()
    }

    fn after(&self, step: &str) -> Vec<&'a str> {
        let steps = self.steps.iter().copied();
        steps.filter(|other| self.draws(step, other)).collect()
    }

    /// Whether a way leads past this step.
    fn can_be_left_out(&self, step: &str) -> bool {
        let mut ways = self.ways.iter();
        ways.any(|(from, to)| self.leads(from, step) && self.leads(step, to))
    }

    /// The first step in the box of this one.
    fn head<'s>(&'s self, step: &'s str) -> &'s str {
        match self.before(step)[..] {
            [before]
                if self.after(before).len() == 1
                    && self.can_be_left_out(before)
                    && self.can_be_left_out(step) =>
            {
                self.head(before)
            }
            _ => step,
        }
    }

    /// The boxes, each with the arrows from it.
    fn group(&self, name: &str, title: &str) -> String {
        let mut text = format!("    subgraph {name}[\"{title}\"]\n");
        let steps = self.steps.iter().copied();
        for step in steps.filter(|step| *step != self.start && *step != END) {
            let head = self.head(step);
            if head == step {
                let told = self.steps.iter().filter(|other| self.head(other) == head);
                let told: Vec<String> = told.map(|step| self.told(step)).collect();
                let class = if self.can_be_left_out(head) {
                    ":::maybe"
                } else {
                    ""
                };
                let _ = writeln!(text, "        {head}[\"{}\"]{class}", told.join("<br/>"));
            }
            for to in self.after(step) {
                if to != END && self.head(to) == to {
                    let _ = writeln!(text, "        {head} --> {to}");
                }
            }
        }
        text + "    end\n"
    }

    fn told(&self, step: &str) -> String {
        let mark = if self.again.contains(step) {
            " ⟳"
        } else {
            ""
        };
        format!("{step}{mark}")
    }
}
