//! Programs of others that take part in tests, in the versions that the repository pins.

use std::path::PathBuf;
use std::process::Command;

use crate::documents::root;

/// The folder of a Python environment with the packages of a file, by its path from the
/// root of the repository. It is made if need be.
///
/// # Panics
/// When it cannot be made; python3 is needed.
pub fn python(name: &str, requirements: &str) -> PathBuf {
    let mut script = Command::new(root().join("tests/python-env"));
    made_by(script.arg(name).arg(root().join(requirements)))
}

/// The folder that has the `node_modules` which a folder of the repository pins.
///
/// # Panics
/// When they cannot be installed; node and npm are needed.
pub fn node(folder: &str) -> PathBuf {
    let mut script = Command::new(root().join("tests/node-env"));
    made_by(script.arg(root().join(folder)))
}

fn made_by(script: &mut Command) -> PathBuf {
    let output = script.output().expect("a script of this folder");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script:?}: {complaint}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
