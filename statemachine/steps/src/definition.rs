//! The definitions, as they are deployed.

use engine::{LoadError, Machine};
use serde_json::Value;
use shared::ids::Region;
use shared::settings::Settings;
use simulator::scenario::StackSpec;

/// The text of `statemachine/provision.asl.json`.
pub const PROVISION: &str = include_str!("../../provision.asl.json");

/// The text of `statemachine/deprovision.asl.json`.
pub const DEPROVISION: &str = include_str!("../../deprovision.asl.json");

/// The text of `statemachine/check-fleet.asl.json`.
pub const CHECK_FLEET: &str = include_str!("../../check-fleet.asl.json");

/// The text of `statemachine/sweep.asl.json`.
pub const SWEEP: &str = include_str!("../../sweep.asl.json");

/// The bus that has no name of its own.
const DEFAULT_BUS: &str = "default";

/// The story of connecting. Its functions are told these settings.
///
/// # Errors
/// When the definition uses what the engine does not support; a test sees to
/// it that it does not.
pub fn provision(settings: &Settings) -> Result<Machine, LoadError> {
    connecting(settings, "true")
}

/// The same where the ledger does not outlive the run: what the run cannot take back
/// must lead the next one to it.
///
/// # Errors
/// As with [`provision`].
pub fn provision_unrecorded(settings: &Settings) -> Result<Machine, LoadError> {
    connecting(settings, "false")
}

fn connecting(settings: &Settings, ledger_is_kept: &str) -> Result<Machine, LoadError> {
    let text = here(PROVISION, settings).replace("${LedgerIsKept}", ledger_is_kept);
    Ok(Machine::load(&text)?.named("provision"))
}

/// The story of disconnecting.
///
/// # Errors
/// As with [`provision`].
pub fn deprovision(settings: &Settings) -> Result<Machine, LoadError> {
    Ok(Machine::load(&here(DEPROVISION, settings))?.named("deprovision"))
}

/// The story of checking, which repairs what has drifted if `repair`. VPCs that
/// ask for a connection are looked for in this Region, in these places, and wherever
/// the ledger has connections.
///
/// # Errors
/// As with [`provision`].
pub fn check_fleet(
    region: &Region,
    places: &str,
    repair: bool,
    settings: &Settings,
) -> Result<Machine, LoadError> {
    let text = here(CHECK_FLEET, settings)
        .replace("${Region}", region.as_str())
        .replace("${SweepPlaces}", places)
        .replace("${Repair}", if repair { "true" } else { "false" });
    Ok(Machine::load(&text)?.named("check-fleet"))
}

/// The story of sweeping. What its input leaves out: this Region and these places
/// are swept, nothing is removed, and the minimum age is a day.
///
/// # Errors
/// As with [`provision`].
pub fn sweep(region: &Region, places: &str, settings: &Settings) -> Result<Machine, LoadError> {
    let text = here(SWEEP, settings)
        .replace("${Region}", region.as_str())
        .replace("${SweepPlaces}", places)
        .replace("${Remove}", "false")
        .replace("${MinimumAgeHours}", "24");
    Ok(Machine::load(&text)?.named("sweep"))
}

/// A definition with these settings and the tables and the bus of a simulated
/// account, as the deployment of the stack would fill them in.
fn here(text: &str, settings: &Settings) -> String {
    let StackSpec {
        connections_table,
        leases_table,
        ..
    } = StackSpec::default();
    let mut text = text.to_owned();
    for (name, value) in settings.substitutions() {
        // As JSON has it within quotes: the environment of a person may say anything.
        let value = Value::from(value).to_string();
        text = text.replace(&name, value.trim_matches('"'));
    }
    text.replace("${ConnectionsTable}", &connections_table)
        .replace("${LeasesTable}", &leases_table)
        .replace("${EventBusName}", DEFAULT_BUS)
}
