//! What tests of many runs tell of them in the end. `.ci/run` reads the line.

use std::fmt::Debug;
use std::io::Write;
use std::time::Instant;

/// Tells what the runs came to, and fails if a promise was broken.
///
/// # Panics
/// When one was; it names the first three.
pub fn conclude<T: Debug>(told: &str, broken: &[T], began: Instant) {
    tell(told, broken.len(), began);
    none_is_broken(broken);
}

/// Tells what the runs came to. Written past the capture of passing tests: these counts
/// are for everybody.
pub fn tell(told: &str, leaks: usize, began: Instant) {
    let seconds = began.elapsed().as_secs();
    let _ = writeln!(std::io::stderr(), "{told}, {leaks} leaks, {seconds} s");
}

/// Fails if a promise was broken.
///
/// # Panics
/// When one was; it names the first three.
pub fn none_is_broken<T: Debug>(broken: &[T]) {
    let first = &broken[..broken.len().min(3)];
    assert!(
        broken.is_empty(),
        "{} broken promises, the first: {first:#?}",
        broken.len()
    );
}
