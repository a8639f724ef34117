//! Documents that are generated from the code say what the code says.

use system_tests::documents::{DEFINITIONS, all, read};

#[test]
fn generated_documents_are_up_to_date() {
    let outdated: Vec<&str> = all()
        .into_iter()
        .filter(|(path, text)| read(path) != *text)
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        outdated, [""; 0],
        "write them anew: cargo run -p system-tests --example write-documents"
    );
}

#[test]
fn there_is_a_picture_of_each_definition() {
    let page = read("docs/pictures.md");
    assert_eq!(
        page.matches("```mermaid\nflowchart TD\n").count(),
        DEFINITIONS.len()
    );
}
