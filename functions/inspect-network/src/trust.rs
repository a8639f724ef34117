//! Whose VPC it is, and whether the cluster lets that account connect.

use shared::ids::AccountId;
use shared::request::ProvisionRequest;
use shared::{Code, StepError};

/// The account to be added to the cluster's trusted owners, if any.
pub(crate) fn decide(
    request: &ProvisionRequest,
    owner: &AccountId,
    trusted: Option<&[String]>,
) -> Result<Option<AccountId>, StepError> {
    if let Some(expected) = &request.account_id
        && expected != owner
    {
        return Err(StepError::new(
            Code::VpcInOtherAccount,
            format!("{} belongs to account {owner}, not {expected}", request.vpc_id),
        ));
    }
    let is_trusted =
        trusted.is_none_or(|list| list.iter().any(|account| account == owner.as_str() || account == "*"));
    if is_trusted {
        return Ok(None);
    }
    if request.add_trusted_owner {
        return Ok(Some(owner.clone()));
    }
    Err(StepError::new(
        Code::AccountNotTrusted,
        format!("account {owner} is not among the cluster's trusted owners: {}", trusted.unwrap_or_default().join(", ")),
    ))
}
