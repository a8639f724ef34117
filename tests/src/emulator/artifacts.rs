//! The binaries and the template, as `sam build` would leave them: a folder with a
//! `bootstrap` for each function, and the template with these folders as `CodeUri`.
//! (`sam build` itself would compile everything once more, for release.)

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_norway::Value;
use tokio::process::Command;

use crate::{documents, processes};

/// The functions of the template, each with the name of its binary.
pub type Functions = BTreeMap<String, String>;

/// What can be deployed.
#[derive(Debug)]
pub struct Artifacts {
    /// The template.
    pub template: PathBuf,
    /// Its functions.
    pub functions: Functions,
}

/// Builds the binaries and lays them out in `folder`, beside a copy of the template.
///
/// # Panics
/// When something cannot be built or written.
pub async fn prepare(folder: &Path) -> Artifacts {
    let binaries = processes::build().await;
    let root = documents::root();
    let original = fs::read_to_string(root.join("infra/template.yaml")).expect("the template");
    let functions = functions(&original);
    let stack = folder.join("stack");
    // What an earlier template had must not be deployed.
    let _ = fs::remove_dir_all(&stack);
    fs::create_dir_all(stack.join("infra")).expect("a folder");
    for binary in functions.values() {
        let place = stack.join("functions").join(binary);
        fs::create_dir_all(&place).expect("a folder");
        strip(&binaries.join(binary), &place.join("bootstrap")).await;
    }
    // The template names these relative to itself.
    link(&root, &stack, "statemachine");
    for file in fs::read_dir(root.join("infra")).expect("the folder of the template") {
        let name = file.expect("a file").file_name();
        let name = name.to_str().expect("a plain name");
        if name != "template.yaml" {
            link(&root, &stack, &format!("infra/{name}"));
        }
    }
    let template = stack.join("infra/template.yaml");
    fs::write(&template, with_code(&original, &functions)).expect("the copy of the template");
    Artifacts {
        template,
        functions,
    }
}

/// Without its symbols a debug binary is half as large, and is packed and sent in
/// half the time.
async fn strip(binary: &Path, to: &Path) {
    let stripped = Command::new("strip").arg("-o").arg(to).arg(binary).status();
    let stripped = stripped.await.expect("strip, which comes with the linker");
    assert!(
        stripped.success(),
        "{} cannot be stripped",
        binary.display()
    );
}

fn link(root: &Path, stack: &Path, name: &str) {
    symlink(root.join(name), stack.join(name)).expect("a link");
}

/// The functions of a template and their binaries.
///
/// # Panics
/// If a function does not name its binary.
pub fn functions(template: &str) -> Functions {
    let template: Value = serde_norway::from_str(template).expect("the template is YAML");
    let resources = template["Resources"].as_mapping().expect("resources");
    let mut functions = Functions::new();
    for (name, resource) in resources {
        let name = name.as_str().expect("a name");
        if resource["Type"] == "AWS::Serverless::Function" {
            let binary = &resource["Metadata"]["BuildProperties"]["Binary"];
            let binary = binary
                .as_str()
                .unwrap_or_else(|| panic!("{name} names no binary"));
            functions.insert(name.to_owned(), binary.to_owned());
        }
    }
    functions
}

/// The template with a `CodeUri` for each function and nothing else changed.
///
/// # Panics
/// If that is not what came out.
pub fn with_code(template: &str, functions: &Functions) -> String {
    let code = |binary: &str| format!("      CodeUri: ../functions/{binary}");
    let mut copy = Vec::new();
    let mut current = None;
    let mut inserted = Vec::new();
    for line in template.lines() {
        copy.push(line.to_owned());
        if let Some(name) = name_of_resource(line) {
            current = functions.get_key_value(name);
        }
        if line == "    Properties:"
            && let Some((name, binary)) = current.take()
        {
            copy.push(code(binary));
            inserted.push(name.clone());
        }
    }
    let names: Vec<String> = functions.keys().cloned().collect();
    inserted.sort();
    assert_eq!(inserted, names, "each function has code once");
    let ours: Vec<String> = functions.values().map(|binary| code(binary)).collect();
    let rest = copy.iter().filter(|line| !ours.contains(line));
    assert!(rest.eq(template.lines()), "nothing else is changed");
    copy.join("\n") + "\n"
}

/// The name that a line of the template begins a resource with.
fn name_of_resource(line: &str) -> Option<&str> {
    let name = line.strip_prefix("  ")?.strip_suffix(':')?;
    name.starts_with(|first: char| first.is_ascii_uppercase())
        .then_some(name)
}
