//! What may depend on what.

use std::process::Command;

use system_tests::documents::root;
use system_tests::template::function_folders;

/// Ports are all that they know, so they and their tests are built without the SDK.
#[test]
fn neither_the_foundation_nor_a_step_knows_a_wire() {
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(root());
    tree.args(["tree", "--locked", "--offline", "--prefix", "none"]);
    tree.args(["--edges", "normal,build,dev"]);
    tree.args(["--package", "shared", "--package", "steps"]);
    for step in function_folders() {
        tree.args(["--package", &step]);
    }
    let output = tree.output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let packages = String::from_utf8_lossy(&output.stdout);
    assert!(packages.lines().any(|line| line.starts_with("serde ")));
    let is_wire = |line: &&str| {
        let wires = ["adapters ", "aws-", "lambda_runtime", "reqwest "];
        wires.iter().any(|wire| line.starts_with(wire))
    };
    let found: Vec<&str> = packages.lines().filter(is_wire).collect();
    assert!(found.is_empty(), "{found:?}");
}
