//! Where a key does not belong: on a command line, which everybody on the machine sees and
//! the shell's history keeps.

use std::fs;
use std::path::{Path, PathBuf};

use system_tests::documents::root;

/// Where texts for people and programs are, sources included.
const PLACES: [&str; 10] = [
    ".ci",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "cli",
    "docs",
    "functions",
    "infra",
    "simulator",
    "statemachine",
];

/// All files below a path, or itself.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(path) else {
        return vec![path.to_owned()];
    };
    folder
        .flat_map(|entry| files(&entry.expect("an entry").path()))
        .collect()
}

/// What follows this in a text, each time.
fn after<'t>(text: &'t str, what: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(what)
        .map(move |(at, _)| text[at + what.len()..].trim_start_matches(['=', ' ', '\'', '"']))
}

#[test]
fn nobody_is_told_to_write_a_key_on_a_command_line() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for place in PLACES {
        for file in files(&root().join(place)) {
            // What is no text tells nobody anything.
            let Ok(text) = fs::read_to_string(&file) else {
                continue;
            };
            seen += text.matches("--secret-string").count();
            for flag in ["--secret-string", "--secret-binary", "--secret-access-key"] {
                let mut given = after(&text, flag);
                if given.any(|it| !it.starts_with("file://") && !it.starts_with("fileb://")) {
                    wrong.push(format!("{}: {flag}", file.display()));
                }
            }
            if text.contains("--user \"$AWS_") {
                wrong.push(format!("{}: --user", file.display()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(seen >= 5, "catalogue, template and documents: {seen}");
}

#[test]
fn a_key_on_a_command_line_is_found() {
    let told = "aws secretsmanager put-secret-value --secret-string=\"$KEY\" --secret-id a";
    let given: Vec<&str> = after(told, "--secret-string").collect();
    assert_eq!(given, ["$KEY\" --secret-id a"]);
}
