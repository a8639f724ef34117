//! The binaries and the template, nearly as `sam build` would leave them: code for each
//! function, and the template with that as its `CodeUri`. (`sam build` itself would
//! compile everything once more, for release; and it leaves folders, which `sam deploy`
//! would pack one after the other, as small as it can. It takes archives as they are.)

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::process::Command;

use crate::template::Template;
use crate::tools::python;
use crate::{documents, processes};

/// The functions of the template, each with the name of its binary.
type Functions = BTreeMap<String, String>;

/// Builds the binaries and lays them out in `folder`, beside a copy of the template, which
/// it answers.
///
/// # Panics
/// When something cannot be built or written.
pub async fn prepare(folder: &Path) -> PathBuf {
    let binaries = processes::build().await;
    let root = documents::root();
    let original = fs::read_to_string(root.join("infra/template.yaml")).expect("the template");
    let parsed = Template::parse(&original);
    let functions = parsed.functions().into_iter();
    let functions = functions.map(|(binary, it)| (it.name.to_owned(), binary.to_owned()));
    let functions: Functions = functions.collect();
    pack(&binaries, &folder.join("functions"), &functions).await;

    let stack = folder.join("stack");
    // What an earlier template had must not be deployed.
    let _ = fs::remove_dir_all(&stack);
    fs::create_dir_all(stack.join("infra")).expect("a folder");
    symlink(folder.join("functions"), stack.join("functions")).expect("a link");
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
    template
}

/// Packs each binary that is newer than its archive. Without its symbols a debug
/// binary is half as large.
async fn pack(binaries: &Path, to: &Path, functions: &Functions) {
    fs::create_dir_all(to).expect("a folder");
    let python = python("ministack", "tests/emulator/ministack.txt");
    let mut packer = Command::new(python.join("bin/python"));
    packer
        .arg("-B") // leaves no compiled files in the source tree
        .arg(documents::root().join("tests/emulator/pack.py"));
    let mut all_packed = true;
    for name in functions.values() {
        let (binary, stripped) = (binaries.join(name), to.join(name));
        let archive = to.join(format!("{name}.zip"));
        if time_of(&archive) > time_of(&binary) {
            continue;
        }
        let mut strip = Command::new("strip");
        let done = strip.arg("-o").arg(&stripped).arg(&binary).status();
        let done = done.await.expect("strip, which comes with the linker");
        assert!(done.success(), "{} cannot be stripped", binary.display());
        packer.arg(stripped).arg(archive);
        all_packed = false;
    }
    if all_packed {
        return;
    }
    let packed = packer.status().await.expect("Python runs");
    assert!(packed.success(), "the binaries cannot be packed");
}

/// When a file was last written; `None` if there is none.
fn time_of(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

fn link(root: &Path, stack: &Path, name: &str) {
    symlink(root.join(name), stack.join(name)).expect("a link");
}

/// The template with a `CodeUri` for each function and nothing else changed.
///
/// # Panics
/// If that is not what came out.
fn with_code(template: &str, functions: &Functions) -> String {
    let code = |binary: &str| format!("      CodeUri: ../functions/{binary}.zip");
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
