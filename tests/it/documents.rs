//! Documents that are generated from the code say what the code says.

use serde_json::Value;
use system_tests::documents::{DEFINITIONS, all, read};
use system_tests::format::format;
use system_tests::pictures::{bookkeeping, mermaid};

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

/// That a definition stands there as it is laid out, the test above tells.
#[test]
fn the_layout_does_not_depend_on_the_lines_that_were_there_and_broken_json_is_left_alone() {
    for path in DEFINITIONS {
        let text = read(path);
        for space in ["", "\r\n\t"] {
            assert_eq!(format(&text.replace('\n', space)), text, "{path}");
        }
        let broken = text.trim_end().trim_end_matches('}');
        assert_eq!(format(broken), broken, "{path}");
    }
}

#[test]
fn there_is_a_picture_of_each_definition() {
    let page = read("docs/pictures.md");
    let pictures = page.matches("```mermaid\nflowchart TD\n").count();
    assert_eq!(pictures, DEFINITIONS.len());
}

fn definitions() -> impl Iterator<Item = Value> {
    let texts = DEFINITIONS.into_iter().map(read);
    texts.map(|text| serde_json::from_str(&text).expect("a definition"))
}

#[test]
fn everything_that_is_done_is_drawn_or_told_to_be_bookkeeping_and_every_ending_is_drawn() {
    for definition in definitions() {
        let picture = mermaid(&definition);
        let words = picture.split(|c: char| !c.is_alphanumeric());
        let is_drawn = |name: &str| words.clone().any(|word| word == name);
        let bookkeeping = bookkeeping(&definition);
        for (name, state) in definition["States"].as_object().expect("states") {
            let expected = match state["Type"].as_str() {
                Some("Task") => !bookkeeping.contains(&name.as_str()),
                kind => [Some("Succeed"), Some("Fail")].contains(&kind),
            };
            assert_eq!(is_drawn(name), expected, "{name}: {picture}");
        }
    }
}

#[test]
fn bookkeeping_is_what_no_function_does_and_how_the_end_is_told() {
    let tells = ["${ReportOutcomeFunctionArn}", "${TagVpcFunctionArn}"];
    for definition in definitions() {
        for state in bookkeeping(&definition) {
            let resource = &definition["States"][state]["Resource"];
            let resource = resource.as_str().expect("a resource");
            let is_known = resource.starts_with("arn:") || tells.contains(&resource);
            assert!(is_known, "{state}: {resource}");
        }
    }
}

#[test]
fn a_picture_can_be_read() {
    for definition in definitions() {
        let picture = mermaid(&definition);
        // The frames count, too.
        let boxes = picture.matches("[\"").count();
        let states = definition["States"].as_object().expect("states");
        let endings = states
            .keys()
            .filter(|state| picture.contains(&format!("([{state}])")));
        let arrows = picture.lines().filter(|line| line.contains("->"));
        assert!(boxes + endings.count() <= 18, "{picture}");
        assert!(arrows.count() <= 22, "{picture}");
    }
}
