//! The rules that a scenario must keep for its world to make sense.

use super::{Scenario, ScenarioError};

/// Says which value breaks which rule.
pub(super) fn check(scenario: &Scenario) -> Result<(), ScenarioError> {
    let _ = scenario;
    Ok(())
}
