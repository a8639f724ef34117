//! What a sweep found and did: for people, for programs, and as an exit code. Pure.

use find_orphans::{Finding, Kind, Sum};
use serde_json::{Value, json};
use shared::Code;
use shared::places::Unseen;
use shared::report::Ending;

use super::title;
use super::walk::Trouble;
use crate::display::text::{count, hanging};
use crate::ending::{End, interruption, steps_json};
use crate::exit::Exit;
use crate::fixes;
use crate::signal::Signal;
use crate::story::Story;

/// What a sweep found and did.
pub(crate) struct Report {
    /// Whether it was to remove.
    pub(crate) apply: bool,
    /// Whether the exit code tells that something was found.
    pub(crate) detailed: bool,
    pub(crate) findings: Vec<Finding>,
    /// By number.
    pub(crate) sum: Sum,
    /// What became of what it started.
    pub(crate) removals: Vec<Removal>,
    /// Why it did not come to a good end, if it did not.
    pub(crate) trouble: Option<Trouble>,
}

/// A run that takes away what was found.
pub(crate) struct Removal {
    pub(crate) connection_id: String,
    pub(crate) execution: Option<String>,
    /// What became of it.
    pub(crate) became: Became,
}

/// What became of a run.
pub(crate) enum Became {
    /// It ended here.
    Ended(Box<End>, Box<Story>),
    /// The stack runs it.
    Started,
    /// One for the same cause was started before, and is over.
    StartedBefore,
    /// Somebody stopped before.
    NotBegun(Signal),
}

/// How it stands with one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Removed,
    /// The stack is removing it.
    UnderWay,
    /// It could be removed, and that was not asked for.
    Removable,
    /// It was to be removed and is not.
    NotRemoved,
    /// A sweep does not remove it.
    Stays,
}

impl Fate {
    fn as_str(self) -> &'static str {
        match self {
            Fate::Removed => "removed",
            Fate::UnderWay => "under-way",
            Fate::Removable => "removable",
            Fate::NotRemoved => "not-removed",
            Fate::Stays => "stays",
        }
    }
}

impl Report {
    pub(crate) fn exit(&self) -> Exit {
        if let Some(signal) = self.stopped_by() {
            return signal.exit();
        }
        match &self.trouble {
            Some(Trouble::Broken(_)) => Exit::Unexpected,
            Some(Trouble::Failed { code, .. }) if *code == Code::LedgerLooksLost => Exit::Refused,
            Some(Trouble::Failed { .. } | Trouble::Interrupted(_) | Trouble::Left(_)) => {
                Exit::Incomplete
            }
            None if !self.apply && self.detailed && !self.findings.is_empty() => Exit::Differences,
            None if !self.apply => Exit::Done,
            None if self.number(Fate::Removed) == self.findings.len() => Exit::Done,
            None if self.number(Fate::Removed) + self.number(Fate::UnderWay)
                == self.findings.len() =>
            {
                Exit::NotYet
            }
            None => Exit::Incomplete,
        }
    }

    /// Who has stopped it, or what it started.
    fn stopped_by(&self) -> Option<Signal> {
        let trouble = self.trouble.as_ref().and_then(Trouble::stopped_by);
        let mut removals = self.removals.iter();
        trouble.or_else(|| {
            removals.find_map(|removal| match &removal.became {
                Became::Ended(end, _) => end.stopped_by(),
                Became::NotBegun(signal) => Some(*signal),
                Became::Started | Became::StartedBefore => None,
            })
        })
    }

    fn removal(&self, finding: &Finding) -> Option<&Removal> {
        let id = finding.connection_id.as_ref();
        let mut removals = self.removals.iter();
        // Tags that were copied name a connection that is not theirs.
        removals.find(|it| finding.removal.is_some() && Some(&it.connection_id) == id)
    }

    fn fate(&self, finding: &Finding) -> Fate {
        match self.removal(finding).map(|removal| &removal.became) {
            Some(Became::Ended(end, _)) => match **end {
                End::Removed(_) => Fate::Removed,
                End::Ready(_) | End::Failed(..) | End::Broken(_) | End::Abandoned(_) => {
                    Fate::NotRemoved
                }
            },
            Some(Became::Started) => Fate::UnderWay,
            Some(Became::StartedBefore | Became::NotBegun(_)) => Fate::NotRemoved,
            None if finding.removal.is_none() => Fate::Stays,
            None if self.apply => Fate::NotRemoved,
            None => Fate::Removable,
        }
    }

    fn number(&self, fate: Fate) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| self.fate(it) == fate).count()
    }

    fn word(&self) -> &'static str {
        match &self.trouble {
            Some(Trouble::Broken(_)) => "broken",
            Some(Trouble::Left(_)) => "abandoned",
            Some(Trouble::Interrupted(_)) => "interrupted",
            Some(Trouble::Failed { code, .. }) if *code == Code::LedgerLooksLost => "refused",
            Some(Trouble::Failed { .. }) => "incomplete",
            None if self.findings.is_empty() => "nothing-found",
            None if !self.apply => "found",
            None if self.exit() == Exit::Done => "removed",
            None if self.exit() == Exit::NotYet => "removal-started",
            None => "something-stays",
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        let mut place = None;
        for (n, finding) in self.findings.iter().enumerate() {
            if place != Some(&finding.place) {
                place = Some(&finding.place);
                text.push_str(&format!("\nIn {}:\n", finding.place));
            }
            text.push_str(&format!("\n  {}. {}\n", n + 1, title(finding.kind)));
            text.push_str(&self.told(finding));
        }
        text.push_str(&told_of_trouble(self.trouble.as_ref(), &self.sum.unseen));
        text.push_str(&format!("\n{}", hanging("", &self.counts())));
        text
    }

    fn headline(&self) -> &'static str {
        match self.word() {
            "broken" => "Broken off: the sweep ended in a way that it should not.",
            "abandoned" => "Left: the sweep was abandoned before it had ended.",
            "interrupted" => "Interrupted: not everything was looked at.",
            "refused" => "Refused: the ledger looks lost, so nothing is removed.",
            "incomplete" => "Incomplete: not everything could be seen, announced or removed.",
            "nothing-found" => {
                "Nothing found: all that carries our tags is in the ledger, and the reverse."
            }
            "found" => "Found, and left as it is:",
            "removed" => "Swept: all that was found is gone.",
            "removal-started" => "Started: the stack is removing all that was found.",
            _ => "Swept: some of what was found stays.",
        }
    }

    fn told(&self, finding: &Finding) -> String {
        let mut text = line("Found", &finding.sentence);
        if let Some(id) = &finding.connection_id {
            text.push_str(&line("Connection", id));
        }
        if let Some(hours) = finding.age_hours {
            let age = count(usize::try_from(hours).unwrap_or(usize::MAX), "hour");
            text.push_str(&line("Age", &age));
        }
        let (verdict, fix) = self.verdict(finding);
        text.push_str(&line("Verdict", &verdict));
        if let Some(fix) = fix {
            text.push_str(&line("What to do", &fix));
        }
        text
    }

    /// What becomes of it, and what the reader can do.
    fn verdict(&self, finding: &Finding) -> (String, Option<String>) {
        let fix = Some(finding.fix.clone());
        let Some(removal) = self.removal(finding) else {
            return match (&finding.kept, self.fate(finding)) {
                (Some(why), _) => (format!("stays: {why}"), Some(fix_of_kept(finding))),
                (None, Fate::Removable) => ("can be removed: `sweep --apply`".to_owned(), fix),
                (None, _) if self.trouble.is_some() => {
                    ("not removed, for the reason below".to_owned(), None)
                }
                (None, _) => {
                    let verdict = "not removed: when its turn came, it was not as before";
                    (verdict.to_owned(), Some("Sweep again.".to_owned()))
                }
            };
        };
        match &removal.became {
            Became::Ended(end, _) => told_of_end(end, finding),
            Became::Started => {
                let run = removal.execution.as_deref().unwrap_or_default();
                let verdict = format!("its removal was started, and announces how it ends: {run}");
                (verdict, None)
            }
            Became::StartedBefore => {
                let verdict =
                    "not removed: an execution of this hour was to remove it, and has ended";
                let fix = "Look how that execution ended, or sweep again in an hour.";
                (verdict.to_owned(), Some(fix.to_owned()))
            }
            Became::NotBegun(signal) => {
                let verdict = format!("not removed: stopped by {}", signal.name());
                (verdict, fix)
            }
        }
    }

    fn counts(&self) -> String {
        let places = count(self.sum.places, "place");
        let findings = count(self.findings.len(), "finding");
        let mut parts = Vec::new();
        for (fate, told) in [
            (Fate::Removed, "removed"),
            (Fate::UnderWay, "being removed"),
            (Fate::Removable, "can be removed"),
            (Fate::NotRemoved, "not removed"),
            (Fate::Stays, "stay"),
        ] {
            let number = self.number(fate);
            if number > 0 {
                let told = match (fate, number) {
                    (Fate::Stays, 1) => "stays",
                    _ => told,
                };
                parts.push(format!("{number} {told}"));
            }
        }
        let parts = match parts.is_empty() {
            true => String::new(),
            false => format!(": {}", parts.join(", ")),
        };
        format!(
            "{findings} in {places}{parts}. {} looked at by tags, {} of which the ledger does not have; it has {}.",
            count(self.sum.connections, "connection"),
            self.sum.unrecorded,
            entries(self.sum.recorded),
        )
    }

    /// For programs.
    pub(crate) fn json(&self, story: &Story, world: Value) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                let mut told = json!(finding);
                told["fate"] = json!(self.fate(finding).as_str());
                told["run"] = self.removal(finding).map_or(Value::Null, run_json);
                told
            })
            .collect();
        json!({
            "outcome": self.word(),
            "exit_code": self.exit().code(),
            "world": world,
            "result": { "applied": self.apply, "sum": self.sum, "findings": findings },
            "failure": trouble_json(self.trouble.as_ref()),
            "steps": steps_json(story),
        })
    }
}

/// `1 entry`, `2 entries`.
pub(crate) fn entries(number: usize) -> String {
    match number {
        1 => "1 entry".to_owned(),
        _ => format!("{number} entries"),
    }
}

/// What to do about something that stays. What a sweep removes as a rule, it looks at
/// again.
fn fix_of_kept(finding: &Finding) -> String {
    match finding.kind {
        Kind::Unrecorded | Kind::LeftOver | Kind::EntryOnly => {
            "Nothing yet: the next sweep looks at it again.".to_owned()
        }
        Kind::TagsCopied | Kind::RegistrationStale | Kind::RegistrationGone | Kind::MadeTwice => {
            finding.fix.clone()
        }
    }
}

fn told_of_end(end: &End, finding: &Finding) -> (String, Option<String>) {
    match end {
        End::Removed(removed) if removed.undone.is_empty() => (
            "removed: nothing but the entry was left of it".to_owned(),
            None,
        ),
        End::Removed(removed) => (format!("removed: {}", removed.undone.join("; ")), None),
        End::Failed(ending, failure) => {
            let left: Vec<&str> = failure.left.iter().map(|it| it.what.as_str()).collect();
            let left = match (ending, left.is_empty()) {
                (Ending::DisconnectRefused, _) => "refused".to_owned(),
                (_, true) => "not removed".to_owned(),
                (_, false) => format!("not all removed, {} is left", left.join(", ")),
            };
            if let Some(signal) = interruption(failure) {
                let verdict = format!("{left}: stopped by {}", signal.name());
                return (verdict, Some(FOUND_AGAIN.to_owned()));
            }
            let verdict = format!("{left}: {}: {}", failure.code, failure.detail);
            (verdict, Some(fixes::told(&failure.fix, None)))
        }
        End::Ready(_) | End::Broken(_) => (
            "not removed: the execution broke off".to_owned(),
            Some(finding.fix.clone()),
        ),
        End::Abandoned(signal) => {
            let verdict = format!("perhaps not all removed: left by {}", signal.name());
            (verdict, Some(FOUND_AGAIN.to_owned()))
        }
    }
}

const FOUND_AGAIN: &str = "Sweep again: what is left of it is found again.";

fn run_json(removal: &Removal) -> Value {
    let mut run = match &removal.became {
        Became::Ended(end, story) => end.json(story, Value::Null),
        Became::Started => json!({ "outcome": "started" }),
        Became::StartedBefore => json!({ "outcome": "started-before" }),
        Became::NotBegun(_) => json!({ "outcome": "not-begun" }),
    };
    if let Some(run) = run.as_object_mut() {
        run.remove("world");
        run.insert("execution".to_owned(), json!(removal.execution));
    }
    run
}

/// Why not everything is as it was asked for, and what could not be looked at.
pub(crate) fn told_of_trouble(trouble: Option<&Trouble>, unseen: &[Unseen]) -> String {
    let mut text = String::new();
    if !unseen.is_empty() {
        text.push_str("\nCould not be looked at:\n");
    }
    for it in unseen {
        text.push_str(&hanging(
            "  - ",
            &format!("{}: {}: {}", it.what, it.code, it.detail),
        ));
        if let Some(code) = Code::parse(&it.code) {
            text.push_str(&hanging("    ", &fixes::of(code, None)));
        }
    }
    match trouble {
        None | Some(Trouble::Left(_)) => {}
        Some(Trouble::Interrupted(signal)) => text.push_str(&format!("\n{}.\n", signal.told())),
        Some(Trouble::Broken(what)) => {
            text.push('\n');
            text.push_str(&hanging("What happened: ", what));
        }
        // The list above says it in more words.
        Some(Trouble::Failed { code, .. }) if *code == Code::SweepIncomplete => {}
        Some(Trouble::Failed { code, detail, .. }) => {
            text.push('\n');
            for (name, told) in [
                ("What happened", detail.as_str()),
                ("Code", code.as_str()),
                ("Cause", code.cause()),
                ("What to do", fixes::of(*code, None).as_str()),
            ] {
                text.push_str(&crate::display::text::field(name, told));
            }
        }
    }
    text
}

/// The same for programs.
pub(crate) fn trouble_json(trouble: Option<&Trouble>) -> Value {
    match trouble {
        None => Value::Null,
        Some(Trouble::Failed {
            failed_at,
            code,
            detail,
        }) => json!({
            "failed_at": failed_at,
            "code": code.as_str(),
            "message": detail,
            "cause": code.cause(),
            "fix": fixes::of(*code, None),
        }),
        Some(Trouble::Interrupted(signal)) => {
            json!({ "code": Code::Interrupted.as_str(), "message": signal.told() })
        }
        Some(Trouble::Left(_)) => json!({ "message": "abandoned" }),
        Some(Trouble::Broken(what)) => json!({ "message": what }),
    }
}

fn line(name: &str, text: &str) -> String {
    hanging(&format!("     {name:<11} "), text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::report::Removed;

    use super::*;

    fn finding(connection: &str, removable: bool) -> Finding {
        let removal = json!({
            "cluster_id": "5a0e8400-e29b-41d4-a716-446655440001",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a1b2c3d4e5f60718",
        });
        let finding = json!({
            "kind": "unrecorded",
            "code": "orphaned-resources",
            "connection_id": connection,
            "place": { "account_id": null, "region": "eu-west-1" },
            "vpc_id": "vpc-0a1b2c3d4e5f60718",
            "cluster_id": "5a0e8400-e29b-41d4-a716-446655440001",
            "things": ["endpoint vpce-0a10000000000000e"],
            "age_hours": 48,
            "sentence": "endpoint vpce-0a10000000000000e: the ledger does not know it.",
            "kept": (!removable).then_some("it may be younger than 24 hours"),
            "fix": "Have it removed.",
            "removal": removable.then_some(removal),
        });
        serde_json::from_value(finding).unwrap()
    }

    fn report(apply: bool, findings: Vec<Finding>, became: Vec<(&str, Became)>) -> Report {
        Report {
            apply,
            detailed: false,
            findings,
            sum: Sum {
                places: 1,
                ..Sum::default()
            },
            removals: became
                .into_iter()
                .map(|(id, became)| Removal {
                    connection_id: id.to_owned(),
                    execution: Some("run".to_owned()),
                    became,
                })
                .collect(),
            trouble: None,
        }
    }

    fn gone() -> Became {
        let removed = Removed {
            connection_id: "a".to_owned(),
            undone: vec!["endpoint vpce-0a10000000000000e deleted".to_owned()],
            cluster_asked: true,
            vpc_asked: true,
        };
        Became::Ended(Box::new(End::Removed(Box::new(removed))), Box::default())
    }

    fn trouble(code: Code) -> Option<Trouble> {
        Some(Trouble::Failed {
            failed_at: "FindOrphans".to_owned(),
            code,
            detail: "it is so".to_owned(),
        })
    }

    #[test]
    fn the_exit_code_tells_whether_something_is_left() {
        let both = || vec![finding("a", true), finding("b", true)];
        for (report, exit, word) in [
            (report(false, vec![], vec![]), Exit::Done, "nothing-found"),
            (report(true, vec![], vec![]), Exit::Done, "nothing-found"),
            (report(false, both(), vec![]), Exit::Done, "found"),
            (
                report(true, both(), vec![("a", gone()), ("b", gone())]),
                Exit::Done,
                "removed",
            ),
            (
                report(true, both(), vec![("a", gone()), ("b", Became::Started)]),
                Exit::NotYet,
                "removal-started",
            ),
            (
                report(
                    true,
                    both(),
                    vec![("a", gone()), ("b", Became::NotBegun(Signal::Terminate))],
                ),
                Exit::Terminate,
                "something-stays",
            ),
            (
                report(true, vec![finding("a", false)], vec![]),
                Exit::Incomplete,
                "something-stays",
            ),
        ] {
            assert_eq!((report.exit(), report.word()), (exit, word));
        }
        for (apply, exit) in [(false, Exit::Differences), (true, Exit::Incomplete)] {
            let mut detailed = report(apply, both(), vec![]);
            detailed.detailed = true;
            assert_eq!(
                detailed.exit(),
                exit,
                "what was to go and is left is told as before"
            );
        }
        let mut refused = report(true, both(), vec![]);
        refused.trouble = trouble(Code::LedgerLooksLost);
        assert_eq!(refused.exit(), Exit::Refused);
        assert!(refused.text().contains("ledger-looks-lost"));
        refused.trouble = trouble(Code::SweepIncomplete);
        assert_eq!(refused.exit(), Exit::Incomplete);
    }

    #[test]
    fn every_finding_says_what_becomes_of_it() {
        let findings = vec![finding("a", true), finding("b", true), finding("c", false)];
        let applied = report(true, findings.clone(), vec![("a", gone())]).text();
        for told in [
            "In eu-west-1:",
            "removed: endpoint vpce-0a10000000000000e deleted",
            "stays: it may be younger than 24 hours",
            "3 findings in 1 place: 1 removed, 1 not removed, 1 stays.",
        ] {
            assert!(applied.contains(told), "{told}: {applied}");
        }
        let reported = report(false, findings, vec![]).text();
        assert!(reported.contains("`sweep --apply`"), "{reported}");
        assert!(reported.contains("2 can be removed, 1 stays"), "{reported}");
    }

    #[test]
    fn copied_tags_are_not_told_to_go_with_the_connection_they_name() {
        let mut copied = finding("a", false);
        copied.kept = Some("nobody can tell whose it is".to_owned());
        let report = report(true, vec![finding("a", true), copied], vec![("a", gone())]);
        assert_eq!(report.number(Fate::Removed), 1);
        assert_eq!(report.number(Fate::Stays), 1);
    }

    #[test]
    fn what_could_not_be_seen_is_named_with_a_way_out() {
        let mut report = report(false, vec![], vec![]);
        report.trouble = trouble(Code::SweepIncomplete);
        report.sum.unseen.push(Unseen {
            what: "444455556666/us-east-1".to_owned(),
            code: Code::OtherAccountRoleRefused.to_string(),
            detail: "STS says no".to_owned(),
        });
        let text = report.text();
        assert!(text.contains("444455556666/us-east-1"), "{text}");
        let fix = Code::OtherAccountRoleRefused.fix();
        let first = fix.split_whitespace().next().unwrap();
        assert!(text.contains(first), "{text}");
    }
}
