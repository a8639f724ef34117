//! Whole inputs against the simulated world: EC2, ledger and machines as they are
//! in process. Nobody runs the machines there; [`scene`] plays their part.

mod scene;
mod steps;
mod stories;
