//! The operator's command: runs the definitions in one process, against the
//! simulator or a real account.

pub mod definition;
pub mod steps;
