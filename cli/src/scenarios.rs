//! `scenarios`: the simulated worlds that come along.

use simulator::Scenario;

use crate::Answer;
use crate::display::text::{WIDTH, wrap};
use crate::error::Error;

/// Lists them, the default first.
///
/// # Errors
/// When a shipped scenario cannot be read, which a test of the simulator rules out.
pub fn run() -> Result<Answer, Error> {
    let mut text = String::new();
    for name in Scenario::names() {
        let scenario = Scenario::shipped(name)?;
        let default = if text.is_empty() {
            " (the default)"
        } else {
            ""
        };
        text.push_str(&format!("{name}{default}: {}\n", scenario.title));
        for line in wrap(&scenario.story, WIDTH - 4) {
            text.push_str(&format!("    {line}\n"));
        }
        text.push('\n');
    }
    text.push_str("Use one by `crdb-privatelink provision --scenario NAME`; `deprovision` begins with `connected`, `sweep` with `orphans`, `rebuild` with `ledger-lost`.\n");
    Ok(Answer::done(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_listed_with_its_story() {
        let text = run().unwrap().stdout;
        for name in Scenario::names() {
            assert!(text.contains(name), "{name}");
        }
        assert!(text.starts_with("fresh-vpc (the default): "));
    }
}
