//! The template, deployed as it is on an AWS emulator that is not ours, with the
//! binaries of this workspace; every door is driven. See `system_tests::emulator`.
//!
//! One deployment serves all stories; each has a VPC of its own, or two.

mod emulator {
    mod calls;
    mod crashes;
    mod engines;
    mod failures;
    mod health;
    mod orphans;
    mod tags;
}
