//! Holds the pages that people read to what is there: their links lead somewhere, the
//! README stays short, and the commands that they show are taken.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;
use crdb_privatelink::arguments::Arguments;
use engine::EventKind;
use serde_json::Value;
use shared::{Code, runbook};
use steps::words::{Part, Tale};
use steps::{definition, function_of};
use system_tests::documents::{read, root};
use system_tests::run::Stage;

/// The longest that the README may be.
const README_LINES: usize = 150;

/// The pages: those at the top, and all of `docs`.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .into();
    for folder in ["docs", "docs/decisions"] {
        for file in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let name = file.expect("a file").file_name();
            let name = name.to_str().expect("a name in UTF-8");
            if name.ends_with(".md") {
                pages.push(format!("{folder}/{name}"));
            }
        }
    }
    pages
}

/// The lines of a page, each with the language of the block that it is in. What is in
/// no block is prose.
fn lines(text: &str) -> Vec<(Option<&str>, &str)> {
    let mut block = None;
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim_start) {
        match line.strip_prefix("```") {
            Some(language) => block = block.is_none().then_some(language),
            None => lines.push((block, line)),
        }
    }
    lines
}

/// The lines that are prose.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let lines = lines(text).into_iter();
    lines.filter_map(|(block, line)| block.is_none().then_some(line))
}

/// Where the links of a page lead to.
fn targets(text: &str) -> Vec<&str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// The anchors of a page. GitHub numbers headings that say the same.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in prose(text) {
        let Some((marks, heading)) = line.split_once(' ') else {
            continue;
        };
        if marks.is_empty() || marks.chars().any(|mark| mark != '#') {
            continue;
        }
        let anchor = anchor(heading.trim());
        let before = times.entry(anchor.clone()).or_default();
        anchors.insert(match *before {
            0 => anchor,
            times => format!("{anchor}-{times}"),
        });
        *before += 1;
    }
    anchors
}

/// The commands in the console blocks of a page, each on one line.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for (block, line) in lines(text) {
        let begun = line.strip_prefix("$ ");
        if block != Some("console") || (begun.is_none() && !goes_on) {
            continue;
        }
        let part = begun.unwrap_or(line);
        let words = part.strip_suffix('\\');
        goes_on = words.is_some();
        let words = words.unwrap_or(part);
        match commands.last_mut() {
            Some(command) if begun.is_none() => command.push_str(words),
            _ => commands.push(words.to_owned()),
        }
    }
    commands
}

/// What a call of our command says to it; nothing if it is a call of another one.
fn words(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let in_a_checkout = ["cargo", "run", "-p", "crdb-privatelink", "--"];
    let installed = ["crdb-privatelink"];
    let said = words.strip_prefix(&in_a_checkout);
    let said = said.or_else(|| words.strip_prefix(&installed))?;
    Some(said.to_vec())
}

/// Why our command does not take these words. Where some are left out, so that they
/// cannot be parsed, the names of the command and of its flags must exist.
fn refusal(words: &[&str]) -> Option<String> {
    let command = Arguments::command();
    if !words.iter().any(|word| word.contains('…')) {
        let all = std::iter::once("crdb-privatelink").chain(words.iter().copied());
        let parsed = command.try_get_matches_from(all);
        return parsed.err().map(|error| error.to_string());
    }
    let (name, flags) = words.split_first()?;
    let Some(command) = command.find_subcommand(name) else {
        return Some(format!("there is no command {name}"));
    };
    let unknown = flags
        .iter()
        .filter_map(|word| word.strip_prefix("--"))
        .find(|flag| {
            !command
                .get_arguments()
                .any(|argument| argument.get_long() == Some(*flag))
        });
    unknown.map(|flag| format!("{name} has no flag --{flag}"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut links = 0;
    for page in pages() {
        let path = root().join(&page);
        let folder = path.parent().expect("a folder");
        let text = read(&page);
        assert!(!text.is_empty(), "there is no {page}");
        for target in targets(&text) {
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                path.clone()
            } else {
                folder.join(file)
            };
            let is_there = if place.is_empty() {
                file.exists()
            } else {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                anchors(&text).contains(place)
            };
            if !is_there {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
    assert!(links > 50, "only {links} links");
}

/// Notices and alarms link there.
#[test]
fn every_code_and_every_entry_of_the_run_book_has_its_heading() {
    let codes = Code::ALL.iter().map(|code| code.place());
    let places = codes.chain(runbook::entries().map(|entry| entry.place()));
    let pages = ["errors.md", "run-book.md"];
    let pages = pages.map(|page| (page, anchors(&read(&format!("docs/{page}")))));
    let pages = BTreeMap::from(pages);
    for place in places {
        let (page, heading) = place.split_once('#').expect("a heading");
        assert!(pages[page].contains(heading), "{place}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines");
}

#[test]
fn every_command_that_is_shown_is_taken() {
    let mut shown = 0;
    for page in pages() {
        for command in commands(&read(&page)) {
            let Some(words) = words(&command) else {
                continue;
            };
            shown += 1;
            let refusal = refusal(&words);
            assert_eq!(refusal, None, "{page}: {command}");
        }
    }
    assert!(shown >= 10, "only {shown} commands");
}

/// What the command says of each step of a run that connects, in order.
fn told() -> Vec<&'static str> {
    let events = Stage::shipped("fresh-vpc")
        .provision("shown")
        .history
        .into_iter();
    let answers = events.filter_map(|event| {
        let EventKind::TaskSucceeded { state, output } = event.kind else {
            return None;
        };
        Some((state, output))
    });
    let done = answers.filter(|(_, output)| output["status"] != "pending");
    let words = done.filter_map(|(state, _)| Tale::Connect.of(&state));
    let words = words.filter(|words| words.part == Part::Story);
    words.map(|words| words.done).collect()
}

#[test]
fn what_the_command_prints_has_a_line_for_every_step() {
    let told = told();
    for page in ["README.md", "docs/command.md"] {
        let text = read(page);
        let (_, shown) = text
            .split_once("cargo run -p crdb-privatelink -- provision\n")
            .expect("a run");
        let (shown, _) = shown.split_once("Ready: the VPC").expect("its end");
        let lines = shown
            .lines()
            .filter_map(|line| line.trim().strip_prefix('✓'));
        let lines = lines.filter_map(|line| line.trim().split_once(' '));
        // Two spaces part what is said from the rest.
        let said = lines.map(|(_, said)| said.trim().split("  ").next().unwrap_or_default());
        assert_eq!(said.collect::<Vec<_>>(), told, "{page}");
    }
}

#[test]
fn every_state_that_calls_a_function_is_in_the_walk_through() {
    let page = read("docs/architecture.md");
    let provision: Value = serde_json::from_str(definition::PROVISION).expect("a definition");
    for (name, state) in provision["States"].as_object().expect("states") {
        let calls = state["Resource"].as_str().and_then(function_of).is_some();
        assert!(
            !calls || page.contains(&format!("`{name}`")),
            "docs/architecture.md does not tell of {name}"
        );
    }
}

#[test]
fn what_the_command_does_not_know_is_refused() {
    for words in [
        &["vanish"][..],
        &["provision", "--vanish"],
        &["vanish", "…"],
        &["sweep", "--vanish", "…"],
    ] {
        assert!(refusal(words).is_some(), "{words:?}");
    }
}

#[test]
fn every_command_has_a_line_in_its_page() {
    let page = read("docs/command.md");
    for command in Arguments::command().get_subcommands() {
        let name = format!("`{}", command.get_name());
        let mut rows = page.lines().filter(|line| line.starts_with("| `"));
        assert!(rows.any(|row| row.contains(&name)), "{name}`");
    }
}
