//! The documents that are generated from the code. They are kept in the
//! repository to be read there; `cargo run -p system-tests --example write-documents`
//! writes them, and a test holds them to what the code says.

use std::path::PathBuf;

use engine::Execution;
use simulator::{Fault, FaultKind, Moment};

use crate::per_function::{with_actions, with_processes, with_reach};
use crate::pictures::{bookkeeping, mermaid};
use crate::run::Stage;

/// The definitions, which are written by hand and laid out like generated ones.
pub const DEFINITIONS: [&str; 4] = [
    "statemachine/provision.asl.json",
    "statemachine/deprovision.asl.json",
    "statemachine/check-fleet.asl.json",
    "statemachine/sweep.asl.json",
];

/// The manifest of the processes.
const MANIFEST: &str = "functions/processes/Cargo.toml";

/// The session policies of the functions.
const SESSION: &str = "functions/shared/src/accounts/session.rs";

/// A document: its path from the root of the repository, and its text.
pub type Document = (&'static str, String);

/// All generated documents, and the definitions as they are to be laid out.
pub fn all() -> Vec<Document> {
    let mut documents = vec![
        ("docs/errors.md", shared::catalogue::document()),
        ("docs/run-book.md", shared::runbook::document()),
        (
            "docs/provision-request.schema.json",
            schema::<shared::request::ProvisionRequest>(),
        ),
        (
            "docs/provision-ready.schema.json",
            schema::<shared::report::Ready>(),
        ),
        (
            "docs/deprovision-request.schema.json",
            schema::<shared::request::DeprovisionRequest>(),
        ),
        (
            "docs/deprovision-removed.schema.json",
            schema::<shared::report::Removed>(),
        ),
        (
            "docs/provision-failure.schema.json",
            schema::<shared::report::Explained>(),
        ),
        ("docs/event.schema.json", schema::<shared::notice::Notice>()),
        ("docs/pictures.md", with_diagrams(&read("docs/pictures.md"))),
        (
            "infra/openapi.yaml",
            crate::openapi::with_schemas(&read("infra/openapi.yaml")),
        ),
        ("docs/network.md", with_reach(&read("docs/network.md"))),
        (MANIFEST, with_processes(&read(MANIFEST))),
        (SESSION, with_actions(&read(SESSION))),
    ];
    documents.extend(DEFINITIONS.map(|path| (path, crate::format::format(&read(path)))));
    documents
        .extend(stories().map(|(path, execution)| (path, crate::tale::tell(&execution.history))));
    documents
}

/// The runs whose traces are kept as reading matter.
fn stories() -> impl Iterator<Item = (&'static str, Execution)> {
    let undo_fails = Fault::from_then_on(
        "ec2:DeleteVpcEndpoints",
        1,
        FaultKind::Denied,
        Moment::Before,
    );
    [
        ("tests/traces/ready.txt", Stage::shipped("standard-cluster")),
        (
            "tests/traces/adopted.txt",
            Stage::shipped("half-made-by-hand"),
        ),
        (
            "tests/traces/rolled-back.txt",
            Stage::shipped("endpoint-rejected"),
        ),
        (
            "tests/traces/rollback-incomplete.txt",
            Stage::shipped("endpoint-rejected").with(undo_fails),
        ),
    ]
    .into_iter()
    .map(|(path, stage)| (path, stage.provision("story")))
}

/// A file of the repository; empty if there is none yet.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schema<T: schemars::JsonSchema>() -> String {
    let schema = schemars::schema_for!(T);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The text with the pictures of the state machines, each between its two marks.
fn with_diagrams(text: &str) -> String {
    DEFINITIONS.into_iter().fold(text.to_owned(), with_diagram)
}

fn with_diagram(text: String, path: &str) -> String {
    let begin = format!("<!-- picture of {path}, generated -->\n");
    let definition: serde_json::Value = serde_json::from_str(&read(path)).unwrap_or_default();
    let picture = mermaid(&definition);
    let not_drawn = bookkeeping(&definition).join("`, `");
    let picture = format!("\n```mermaid\n{picture}```\n\nNot drawn: `{not_drawn}`.\n\n");
    between(&text, &begin, "<!-- end of picture -->", &picture)
}

/// The text with something else between its two marks.
///
/// # Panics
/// When a mark is missing.
pub(crate) fn between(text: &str, begin: &str, end: &str, new: &str) -> String {
    let marked = text
        .split_once(begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = marked.unwrap_or_else(|| panic!("marks are missing: {begin}{end}"));
    format!("{before}{begin}{new}{end}{after}")
}
