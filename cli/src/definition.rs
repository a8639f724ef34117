//! The definitions, as they are deployed.

use engine::{LoadError, Machine};

/// The text of `statemachine/provision.asl.json`.
pub const PROVISION: &str = include_str!("../../statemachine/provision.asl.json");

/// The story of connecting.
///
/// # Errors
/// When the definition uses what the engine does not support; a test sees to
/// it that it does not.
pub fn provision() -> Result<Machine, LoadError> {
    Ok(Machine::load(PROVISION)?.named("provision"))
}
