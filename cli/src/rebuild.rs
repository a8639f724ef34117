//! `rebuild`: runs the definition that makes a lost ledger anew from the tags.

use rebuild_ledger::{Entry, Sum};
use serde_json::{Value, json};

use crate::Answer;
use crate::arguments::Rebuild;
use crate::consent::Consent;
use crate::display::Display;
use crate::display::text::{self, count, hanging};
use crate::ending::steps_json;
use crate::error::Error;
use crate::exit::Exit;
use crate::run::in_all;
use crate::signal::Signals;
use crate::story::Story;
use crate::sweep::report::{entries, told_of_trouble, trouble_json};
use crate::sweep::walk::{Queue, Trouble, walk};
use crate::world::everywhere::nothing_is_missing;
use crate::world::{Chosen, World};

/// The world in which the ledger is empty.
pub(crate) const DEFAULT_SCENARIO: &str = "ledger-lost";

/// Runs it.
///
/// # Errors
/// When the run cannot begin.
pub async fn run(arguments: &Rebuild, logging: bool) -> Result<Answer, Error> {
    nothing_is_missing(&arguments.place, &arguments.stack, None)?;
    let chosen = Chosen::or(&arguments.place, DEFAULT_SCENARIO)?;
    chosen.knows(arguments.scope.ids())?;
    let asks = match arguments.apply {
        true => Consent::of(&arguments.place, arguments.consented, arguments.json)?,
        false => Consent::Silent,
    };
    let world = chosen
        .open_everywhere(&arguments.place, &arguments.stack, None)
        .await?;
    let what = "entries that are missing are written; those that are there stay as they are";
    if let Some(answer) = asks.to_apply(&world, what) {
        return Ok(answer);
    }
    let described = world.described(&arguments.place, DEFAULT_SCENARIO);
    let display = Display::new(arguments.json, logging, &world.clock);
    display.say(&heading(arguments, &world));
    let mut input = json!({ "rebuild": true, "apply": arguments.apply });
    if !arguments.scope.places.is_empty() {
        input["places"] = json!(arguments.scope.places);
    }
    let nothing_starts = Queue::default();
    let mut signals = Signals::listen().map_err(Error::Signals)?;
    let walked = walk(&world, &nothing_starts, input, display, &mut signals).await?;
    let report = Report {
        apply: arguments.apply,
        detailed: arguments.detailed_exitcode,
        entries: walked.seen.entries,
        sum: walked.seen.rebuilt.unwrap_or_default(),
        trouble: walked.trouble,
    };
    if arguments.json {
        let document = report.json(&walked.story, described);
        return Ok(Answer::json(&document, report.exit()));
    }
    Ok(Answer {
        stdout: report.text(),
        stderr: in_all(&walked.story, &world.clock),
        exit: report.exit(),
    })
}

/// What is going to happen, and where.
fn heading(arguments: &Rebuild, world: &World) -> String {
    let what = if arguments.apply {
        "Making the ledger anew from the tags"
    } else {
        "Reading from the tags what the ledger would be, and writing nothing"
    };
    text::heading(what, &world.about, None)
}

/// What was written, or would be.
struct Report {
    apply: bool,
    /// Whether the exit code tells that there is something to write.
    detailed: bool,
    entries: Vec<Entry>,
    sum: Sum,
    trouble: Option<Trouble>,
}

impl Report {
    fn exit(&self) -> Exit {
        match &self.trouble {
            None if self.detailed && !self.apply && !self.entries.is_empty() => Exit::Differences,
            None => Exit::Done,
            Some(Trouble::Broken(_)) => Exit::Unexpected,
            Some(Trouble::Interrupted(signal) | Trouble::Left(signal)) => signal.exit(),
            Some(Trouble::Failed { .. }) => Exit::Incomplete,
        }
    }

    fn word(&self) -> &'static str {
        match &self.trouble {
            Some(Trouble::Broken(_)) => "broken",
            Some(Trouble::Left(_)) => "abandoned",
            Some(Trouble::Interrupted(_)) => "interrupted",
            Some(Trouble::Failed { .. }) => "incomplete",
            None if self.entries.is_empty() => "nothing-missing",
            None if self.apply => "rebuilt",
            None => "found",
        }
    }

    fn text(&self) -> String {
        let headline = match self.word() {
            "broken" => "Broken off: the execution ended in a way that it should not.",
            "abandoned" => "Left: the execution was abandoned before it had ended.",
            "interrupted" => "Interrupted: not everything was looked at.",
            "incomplete" => "Incomplete: not everything could be read or written.",
            "nothing-missing" => {
                "Nothing to write: every connection that has an endpoint with our tags has its entry."
            }
            "rebuilt" => "Rebuilt: these connections have an entry again.",
            _ => "These connections have no entry; `rebuild --apply` writes one for each.",
        };
        let mut text = format!("{headline}\n");
        let mut place = None;
        for entry in &self.entries {
            if place != Some(&entry.place) {
                place = Some(&entry.place);
                text.push_str(&format!("\nIn {}:\n", entry.place));
            }
            text.push_str(&hanging(
                "  - ",
                &format!(
                    "{}: {} to cluster {}",
                    entry.connection_id, entry.vpc_id, entry.cluster_id
                ),
            ));
        }
        text.push_str(&told_of_trouble(self.trouble.as_ref(), &self.sum.unseen));
        let counts = format!(
            "{} with an endpoint in {}: {} {}, {} there already.",
            count(self.sum.connections, "connection"),
            count(self.sum.places, "place"),
            entries(self.entries.len()),
            if self.apply { "written" } else { "to write" },
            self.sum.recorded,
        );
        text.push_str(&format!("\n{}", hanging("", &counts)));
        if self.apply && !self.entries.is_empty() {
            let next = "Whether each connection works is for the next check to say.";
            text.push_str(&hanging("", next));
        }
        text
    }

    fn json(&self, story: &Story, world: Value) -> Value {
        json!({
            "outcome": self.word(),
            "exit_code": self.exit().code(),
            "world": world,
            "result": { "applied": self.apply, "sum": self.sum, "entries": self.entries },
            "failure": trouble_json(self.trouble.as_ref()),
            "steps": steps_json(story),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    fn report(apply: bool, number: usize) -> Report {
        let entry = json!({
            "connection_id": "0641d0de83b3ac79",
            "place": { "account_id": null, "region": "eu-west-1" },
            "vpc_id": "vpc-0a1b2c3d4e5f60718",
            "cluster_id": "5a0e8400-e29b-41d4-a716-446655440001",
        });
        let entry: Entry = serde_json::from_value(entry).unwrap();
        Report {
            apply,
            detailed: false,
            entries: vec![entry; number],
            sum: Sum {
                places: 1,
                connections: 2,
                recorded: 2 - number,
                ..Sum::default()
            },
            trouble: None,
        }
    }

    #[test]
    fn it_tells_what_was_written_and_what_would_be() {
        for (report, word, told) in [
            (
                report(false, 1),
                "found",
                "1 entry to write, 1 there already",
            ),
            (
                report(true, 2),
                "rebuilt",
                "2 entries written, 0 there already",
            ),
            (
                report(true, 0),
                "nothing-missing",
                "0 entries written, 2 there already",
            ),
        ] {
            assert_eq!((report.word(), report.exit()), (word, Exit::Done));
            let text = report.text();
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn a_place_that_was_not_seen_is_no_success() {
        let mut report = report(true, 1);
        report.trouble = Some(Trouble::Interrupted(Signal::Terminate));
        assert_eq!(
            (report.exit(), report.word()),
            (Exit::Terminate, "interrupted")
        );
    }

    #[test]
    fn that_something_is_to_be_written_shows_in_the_exit_code_if_so_asked() {
        for (apply, number, exit) in [
            (false, 1, Exit::Differences),
            (false, 0, Exit::Done),
            (true, 1, Exit::Done),
        ] {
            let mut report = report(apply, number);
            report.detailed = true;
            assert_eq!(report.exit(), exit);
        }
    }
}
