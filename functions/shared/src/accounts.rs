//! Other accounts: which ones may be reached, and by which role there.

use crate::config::Setting;
use crate::ids::AccountId;
use crate::place::Place;
use crate::{Code, StepError};

pub mod errors;
pub mod session;

/// The name of our sessions in other accounts, as their CloudTrail shows it.
pub const SESSION_NAME: &str = "crdb-privatelink";

/// How other accounts are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAccounts {
    /// The account of the process. Unset on a person's machine, where the
    /// credentials that are there are those of the account that is meant.
    pub own: Setting,
    /// The name of the role, the same in every account, with its path if it has one.
    pub role: Setting,
    /// The external id that the role asks for, if any.
    pub external_id: Setting,
    /// The accounts that may be reached; all if there are none. IAM holds the functions
    /// to the same list, or else to the organization.
    pub allowed: Setting,
}

impl OtherAccounts {
    /// The account and the role to assume for a place; `None` for our own account.
    ///
    /// # Errors
    /// [`Code::AccountNotConfigured`] for another account without a role to assume,
    /// [`Code::AccountNotAllowed`] for one that is not listed,
    /// [`Code::ConfigurationInvalid`] if the own account or the list is malformed.
    pub fn role_for<'p>(
        &self,
        place: &'p Place,
    ) -> Result<Option<(&'p AccountId, &str)>, StepError> {
        let own: Option<AccountId> = self.own.parsed()?;
        let account = place.account_id.as_ref();
        let Some(account) = account.filter(|account| own.is_some_and(|own| own != **account))
        else {
            return Ok(None);
        };
        let role = self.role.value().ok_or_else(|| {
            let detail = format!("account {account}: no role is configured to reach it");
            StepError::new(Code::AccountNotConfigured, detail)
        })?;
        let allowed: Vec<AccountId> = self.allowed.list()?;
        if !allowed.is_empty() && !allowed.contains(account) {
            let detail = format!("account {account} is not among the allowed accounts");
            return Err(StepError::new(Code::AccountNotAllowed, detail));
        }
        Ok(Some((account, role)))
    }
}
