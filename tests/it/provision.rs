//! The main stories, told to their end.

use system_tests::run::{Ending, Stage, ending};

#[test]
fn a_fresh_vpc_is_connected() {
    let stage = Stage::shipped("fresh-vpc");
    let execution = stage.provision("first");
    println!("{}", engine::trace(&execution.history));
    assert!(matches!(ending(&execution), Ending::Ready(_)), "{:?}", execution.outcome);
}
