//! The adapters.
#[test]
fn probe() {}
