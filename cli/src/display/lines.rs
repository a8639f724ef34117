//! News as lines of text.

use shared::plain;
use time::OffsetDateTime;

use super::text::{clock, clock_of};
use crate::story::{News, Step, Story};
use steps::words::Part;

/// A line about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What kind of news it is.
    pub mark: Mark,
    /// Since the beginning of the story.
    pub at: String,
    /// The step.
    pub label: String,
    /// What there is to say about it.
    pub detail: String,
}

/// What kind of news a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A step is done.
    Done,
    /// An undo step is done.
    Undone,
    /// A step has failed.
    Failed,
    Waiting,
    /// A step will be tried again.
    Again,
    /// The story turns back.
    Turn,
}

impl Mark {
    /// One character.
    pub fn sign(self) -> char {
        match self {
            Mark::Done => '✓',
            Mark::Undone => '↩',
            Mark::Failed => '✗',
            Mark::Waiting => '…',
            Mark::Again => '↻',
            Mark::Turn => ' ',
        }
    }
}

impl Line {
    /// The line without colours.
    pub fn plain(&self) -> String {
        if self.mark == Mark::Turn {
            return format!("\n  {}", self.label);
        }
        let (sign, at, label) = (self.mark.sign(), &self.at, &self.label);
        format!("  {sign} {at:>7}  {label:<26} {}", self.detail)
            .trim_end()
            .to_owned()
    }
}

/// What stands above the undo steps.
const TURN: &str = "Undoing what was made";

/// The lines for news about the last step of the story.
pub fn line(news: &News, story: &Story, now: OffsetDateTime) -> Vec<Line> {
    let Some(step) = story.last() else {
        return Vec::new();
    };
    let at = story
        .began()
        .map(|began| clock(now - began))
        .unwrap_or_default();
    let make = |mark, label: &str, detail: String| Line {
        mark,
        at,
        label: plain::text(label).into_owned(),
        detail: plain::text(&detail).into_owned(),
    };
    let words = step.words;
    match news {
        News::Begun if is_turn(story, step) => vec![make(Mark::Turn, TURN, String::new())],
        News::Begun => Vec::new(),
        // Only the first look, or a log would fill with the same line.
        News::Awaiting(pending) if step.calls <= 1 => {
            let limit = clock_of(pending.limit_seconds);
            vec![make(
                Mark::Waiting,
                words.doing,
                format!("{}; at most {limit}", pending.waiting_for),
            )]
        }
        News::Awaiting(_) => Vec::new(),
        News::Retrying { code, seconds } => {
            vec![make(
                Mark::Again,
                words.doing,
                format!("{code}; again in {seconds:.0} s"),
            )]
        }
        // What was undone is a sentence that names the thing already.
        News::Done if words.part == Part::Undo && !step.detail.is_empty() => {
            vec![make(Mark::Undone, &step.detail, String::new())]
        }
        News::Done if words.done.is_empty() => {
            vec![make(Mark::Done, &step.detail, String::new())]
        }
        News::Done => vec![make(Mark::Done, words.done, step.detail.clone())],
        News::Failed => vec![make(Mark::Failed, words.doing, step.detail.clone())],
    }
}

/// Whether this is the first undo step.
fn is_turn(story: &Story, step: &Step) -> bool {
    let undo_steps = story
        .steps()
        .iter()
        .filter(|step| step.words.part == Part::Undo)
        .count();
    step.words.part == Part::Undo && undo_steps == 1
}

#[cfg(test)]
mod tests {
    use engine::EventKind;
    use serde_json::json;

    use super::*;
    use crate::story::tests::{answered, at, caught, entered, failed, pending};

    /// The lines of a story of (seconds, event).
    fn told(events: Vec<(i64, EventKind)>) -> Vec<String> {
        let mut story = Story::default();
        let mut lines = Vec::new();
        for (seconds, kind) in events {
            let event = at(seconds, kind);
            if let Some(news) = story.hear(&event) {
                lines.extend(line(&news, &story, event.at).iter().map(Line::plain));
            }
        }
        lines
    }

    fn scheduled(state: &str) -> EventKind {
        EventKind::TaskScheduled {
            state: state.into(),
            resource: String::new(),
            arguments: json!({}),
        }
    }

    #[test]
    fn a_wait_is_told_once_and_ends_with_a_tick() {
        let state = "CheckStatus";
        let lines = told(vec![
            (0, entered(state)),
            (0, scheduled(state)),
            (0, answered(state, pending("the endpoint"))),
            (30, entered(state)),
            (30, scheduled(state)),
            (30, answered(state, pending("the endpoint"))),
            (65, entered(state)),
            (65, scheduled(state)),
            (65, answered(state, json!({"status": "ready", "value": {}}))),
        ]);
        assert_eq!(
            lines,
            [
                "  …    0:00  Waiting for acceptance     the endpoint; at most 15:00",
                "  ✓    1:05  Accepted                   both sides are available",
            ]
        );
    }

    #[test]
    fn undo_steps_stand_below_a_line_of_their_own() {
        let cause = json!({"errorMessage": "endpoint-rejected: it is rejected"}).to_string();
        let undone = json!({"status": "ready", "value": {"undone": "gone"}});
        let lines = told(vec![
            (0, entered("CheckStatus")),
            (1, failed("CheckStatus", "Rejected", &cause)),
            (1, caught("CheckStatus", "Rejected", "x")),
            (1, entered("DeregisterEndpoint")),
            (2, answered("DeregisterEndpoint", undone)),
            (2, entered("DeleteEndpoint")),
        ]);
        assert_eq!(
            lines,
            [
                "  ✗    0:01  Waiting for acceptance     endpoint-rejected: it is rejected",
                "\n  Undoing what was made",
                "  ↩    0:02  gone",
            ]
        );
    }
}
