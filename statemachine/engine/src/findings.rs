//! What is wrong with a definition.

use std::cell::RefCell;
use std::fmt;

/// One thing that is wrong with a definition, or that the engine does not
/// support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The state it is in; `None` for the top level of the definition.
    pub state: Option<String>,
    /// The field, as a path inside the state (`Retry[0].MaxAttempts`); empty
    /// if it is about the state as a whole.
    pub field: String,
    /// The rule that is broken, as a sentence without its subject.
    pub rule: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Some(state) => write!(f, "state `{state}`")?,
            None => write!(f, "definition")?,
        }
        if !self.field.is_empty() {
            write!(f, ", field `{}`", self.field)?;
        }
        write!(f, ": {}", self.rule)
    }
}

/// Why a definition was refused: all findings at once, so that a file is
/// repaired in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// At least one finding, in the order of the definition.
    pub findings: Vec<Finding>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the definition is refused:")?;
        for finding in &self.findings {
            write!(f, "\n- {finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// Collects findings while a definition is read. It is shared by many
/// readers at once, hence the cell.
#[derive(Default)]
pub(crate) struct Findings(RefCell<Vec<Finding>>);

impl Findings {
    pub(crate) fn add(
        &self,
        state: Option<&str>,
        field: impl Into<String>,
        rule: impl Into<String>,
    ) {
        self.0.borrow_mut().push(Finding {
            state: state.map(str::to_owned),
            field: field.into(),
            rule: rule.into(),
        });
    }

    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T, LoadError> {
        let findings = self.0.into_inner();
        match value {
            Some(value) if findings.is_empty() => Ok(value),
            Some(_) | None => Err(LoadError { findings }),
        }
    }
}
