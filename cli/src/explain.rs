//! `explain`: a code, an alarm, a phase or a health.

use std::collections::BTreeSet;

use shared::Code;
use shared::runbook::{self, Entry, Kind};

use crate::Answer;
use crate::display::text::field;
use crate::error::Error;
use crate::fixes;

/// Explains everything of that name: an alarm may have the name of a phase.
///
/// # Errors
/// When nothing has that name; names what looks like it.
pub fn run(name: &str) -> Result<Answer, Error> {
    let asked = name.trim().to_ascii_lowercase();
    let codes = Code::ALL.iter().copied();
    let codes = codes.filter(|code| is_same(code.as_str(), &asked));
    let mut texts: Vec<String> = codes.map(of_code).collect();
    texts.extend(entries_of(&asked).iter().map(of_entry));
    if texts.is_empty() {
        texts.extend(alarm_of_a_stack(&asked).as_ref().map(of_entry));
    }
    if texts.is_empty() {
        return Err(Error::UnknownName {
            name: name.to_owned(),
            hint: hint(&asked),
        });
    }
    Ok(Answer::done(texts.join("\n")))
}

fn of_code(code: Code) -> String {
    let mut text = format!("{code}\n");
    text.push_str(&field("Cause", code.cause()));
    text.push_str(&field("Fix", &fixes::of(code, None)));
    text.push_str(&field("Error name", code.name().as_str()));
    text
}

fn of_entry(entry: &Entry) -> String {
    let mut text = format!("{} {}\n", entry.kind.as_str(), entry.name);
    text.push_str(&field("Meaning", entry.meaning));
    text.push_str(&field("Look at", entry.look));
    text.push_str(&field("What to do", entry.act));
    text
}

fn entries_of(asked: &str) -> Vec<Entry> {
    runbook::entries()
        .filter(|entry| is_same(entry.name, asked))
        .collect()
}

/// The alarm by its whole name, which begins with that of the stack.
fn alarm_of_a_stack(asked: &str) -> Option<Entry> {
    runbook::entries().find(|entry| {
        let stack = asked.strip_suffix(entry.name);
        entry.kind == Kind::Alarm && stack.is_some_and(|stack| stack.ends_with('-'))
    })
}

/// Whether two names are the same, written with dashes or, like the endings of a state
/// machine, with capitals: `rollback-incomplete`, `RollbackIncomplete`.
fn is_same(name: &str, asked: &str) -> bool {
    let letters = |text: &str| text.replace(['-', '_', ' '], "");
    letters(name) == letters(asked)
}

fn hint(asked: &str) -> String {
    match near(asked).as_slice() {
        [] => "`crdb-privatelink catalogue` lists them all".to_owned(),
        near => {
            let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
            format!("did you mean {}?", names.join(", "))
        }
    }
}

/// At most three names that are a few letters away, or share a word with what was asked for.
fn near(asked: &str) -> Vec<&'static str> {
    let words: Vec<&str> = asked
        .split(['-', '_', ' '])
        .filter(|word| word.len() > 3)
        .collect();
    let codes = Code::ALL.iter().map(|code| code.as_str());
    let names: BTreeSet<&str> = codes
        .chain(runbook::entries().map(|entry| entry.name))
        .collect();
    let mut rated: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| {
            let shared = name.split('-').filter(|word| words.contains(word)).count();
            (distance(asked, name), shared, name)
        })
        .filter(|(distance, shared, name)| *shared > 0 || *distance <= name.len() / 3)
        .map(|(distance, shared, name)| (distance.saturating_sub(4 * shared), name))
        .collect();
    rated.sort();
    rated.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How many letters must be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use shared::report::Ending;

    use super::*;

    fn told(name: &str) -> String {
        run(name).unwrap_or_else(|error| panic!("{error}")).stdout
    }

    #[test]
    fn everything_that_has_a_name_can_be_explained() {
        for code in Code::ALL {
            assert!(told(code.as_str()).starts_with(code.as_str()), "{code}");
        }
        for entry in runbook::entries() {
            let heading = format!("{} {}\n", entry.kind.as_str(), entry.name);
            assert!(told(entry.name).contains(&heading), "{heading}");
        }
        // As executions and the command's JSON say it.
        for ending in Ending::ALL {
            let told = told(ending.as_str());
            assert!(told.contains(ending.as_str()), "{told}");
        }
    }

    #[test]
    fn an_alarm_and_a_phase_of_one_name_are_both_explained() {
        let both = told("rollback-incomplete");
        for heading in ["Alarm rollback-incomplete\n", "Phase rollback-incomplete\n"] {
            assert!(both.contains(heading), "{both}");
        }
    }

    #[test]
    fn an_alarm_is_known_by_its_whole_name() {
        let drift = told("crdb-privatelink-drift");
        assert!(drift.starts_with("Alarm drift\n"), "{drift}");
        // And a code is no alarm of a stack named `aws`.
        let throttled = told("aws-throttled");
        assert!(!throttled.contains("Alarm"), "{throttled}");
    }

    #[test]
    fn a_name_with_a_slip_finds_the_right_one() {
        assert_eq!(distance("kitten", "sitting"), 3);
        for (asked, meant) in [
            ("private-dns-conflct", "private-dns-conflict"),
            ("dns-conflict", "private-dns-conflict"),
            ("vpc-notfound", "vpc-not-found"),
            ("rejected", "endpoint-rejected"),
            ("pending-to-long", "pending-too-long"),
            ("interupted", "interrupted"),
        ] {
            assert!(near(asked).contains(&meant), "{asked}: {:?}", near(asked));
        }
        assert!(near("xyzzy").is_empty());
    }
}
