//! Runs of the state machines, as the doors see them.

use serde_json::Value;

use crate::StepError;
use crate::config::Setting;

pub mod errors;
pub mod names;

/// The machines that the doors start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// Makes a connection, or makes sure that it works.
    Provision,
    /// Takes a connection away.
    Deprovision,
    /// Checks connections.
    CheckFleet,
}

/// The ARNs of the machines, of a version or of an alias of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machines {
    /// [`Machine::Provision`].
    pub provision: Setting,
    /// [`Machine::Deprovision`].
    pub deprovision: Setting,
    /// [`Machine::CheckFleet`].
    pub check_fleet: Setting,
}

impl Machines {
    /// The ARN of a machine.
    ///
    /// # Errors
    /// [`crate::Code::ConfigurationInvalid`] if it is not told.
    pub fn arn(&self, machine: Machine) -> Result<&str, StepError> {
        match machine {
            Machine::Provision => &self.provision,
            Machine::Deprovision => &self.deprovision,
            Machine::CheckFleet => &self.check_fleet,
        }
        .required()
    }

    /// Which machine has this ARN, of whichever version or alias.
    pub fn machine_of(&self, arn: &str) -> Option<Machine> {
        [
            (Machine::Provision, &self.provision),
            (Machine::Deprovision, &self.deprovision),
            (Machine::CheckFleet, &self.check_fleet),
        ]
        .into_iter()
        .find(|(_, known)| known.value().map(unqualified) == Some(unqualified(arn)))
        .map(|(machine, _)| machine)
    }
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The run began now, or the same run (name and input) is under way.
    Running {
        /// Its ARN.
        execution: String,
    },
    /// A run of that name was started before, with another input or long ago.
    NameTaken,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its ARN.
    pub execution: String,
    /// `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED` or `PENDING_REDRIVE`
    /// (Step Functions API reference, `DescribeExecution`).
    pub status: String,
    /// The input that it was started with.
    pub input: Value,
}

/// Step Functions.
pub trait Executions {
    /// Starts a run under a name, which must keep to 1 to 80 of `0-9A-Za-z-_`.
    /// The same name with the same input while the run lasts is the same run.
    async fn start(&self, machine: Machine, name: &str, input: &Value) -> Result<Start, StepError>;
    /// How the run of that name or ARN stands; `None` if there is none.
    async fn standing(&self, machine: Machine, name: &str) -> Result<Option<Standing>, StepError>;
}

/// The ARN of the run of that name; an ARN stays what it is. A run has the name of
/// the machine in its ARN, and neither its version nor its alias, which may stand
/// at the end of the machine's (Step Functions developer guide, "Versions" and
/// "Aliases").
pub fn execution_arn(machine: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    let of_runs = unqualified(machine).replacen(":stateMachine:", ":execution:", 1);
    format!("{of_runs}:{name}")
}

/// The ARN of a machine without the version or the alias at its end.
fn unqualified(machine: &str) -> String {
    let parts: Vec<&str> = machine.split(':').take(7).collect();
    parts.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_run_follows_from_its_machine_and_its_name() {
        let run = "arn:aws:states:eu-west-1:111122223333:execution:provision:one";
        for qualifier in ["", ":live", ":7"] {
            let machine =
                format!("arn:aws:states:eu-west-1:111122223333:stateMachine:provision{qualifier}");
            assert_eq!(execution_arn(&machine, "one"), run);
            assert_eq!(execution_arn(&machine, run), run);
        }
    }
}
