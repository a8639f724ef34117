//! Whose VPC it is, and whether the cluster lets that account connect.

use shared::ids::AccountId;
use shared::subject::Subject;
use shared::{Code, StepError};

/// The account to be added to the cluster's trusted owners, if any. `acting` is the account
/// that asks, if it is known.
pub(crate) fn decide(
    connection: &Subject,
    acting: Option<&AccountId>,
    owner: &AccountId,
    trusted: Option<&[String]>,
    may_add: bool,
) -> Result<Option<AccountId>, StepError> {
    // Who sees a VPC of another account takes part in it. Endpoints are the owner's to
    // make, which EC2 would say only when a group has been made.
    if let Some(acting) = acting.filter(|acting| *acting != owner) {
        let detail = format!(
            "{} is owned by account {owner} and shared with {acting}; only its owner can make \
             endpoints in it",
            connection.vpc_id
        );
        return Err(StepError::new(Code::VpcShared, detail));
    }
    if let Some(expected) = &connection.account_id
        && expected != owner
    {
        let vpc = &connection.vpc_id;
        let detail = format!("{vpc} belongs to account {owner}, not {expected}");
        return Err(StepError::new(Code::VpcInOtherAccount, detail));
    }
    let is_owner = |account: &String| account == owner.as_str() || account == "*";
    if trusted.is_none_or(|list| list.iter().any(is_owner)) {
        return Ok(None);
    }
    if may_add {
        return Ok(Some(owner.clone()));
    }
    let trusted = trusted.unwrap_or_default().join(", ");
    let detail = format!("account {owner} is not among the cluster's trusted owners: {trusted}");
    Err(StepError::new(Code::AccountNotTrusted, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "111122223333";
    const OTHER: &str = "999988887777";

    #[test]
    fn an_account_is_added_only_where_it_is_missing_and_may_be_added() {
        let missing = Err(Code::AccountNotTrusted);
        for (trusted, may_add, expected) in [
            (None, false, Ok(false)),
            (None, true, Ok(false)),
            (Some(vec![OWNER]), true, Ok(false)),
            (Some(vec![OTHER, "*"]), true, Ok(false)),
            (Some(vec![OTHER]), true, Ok(true)),
            (Some(vec![OTHER]), false, missing),
        ] {
            let trusted: Option<Vec<String>> =
                trusted.map(|list| list.into_iter().map(str::to_owned).collect());
            let (connection, owner) = (connection(None), OWNER.parse().unwrap());
            let decided = decide(&connection, None, &owner, trusted.as_deref(), may_add);
            let decided = decided.map(|account| account.is_some());
            let decided = decided.map_err(|error| error.code);
            assert_eq!(decided, expected, "{trusted:?}, may be added: {may_add}");
        }
    }

    #[test]
    fn a_vpc_of_another_account_than_asked_for_is_refused() {
        let decide = |expected| {
            let owner = OWNER.parse().unwrap();
            decide(&connection(expected), None, &owner, None, true)
        };
        assert!(decide(Some(OWNER)).is_ok());
        let error = decide(Some(OTHER)).unwrap_err();
        assert_eq!(error.code, Code::VpcInOtherAccount);
    }

    /// Whatever account the request names: it may be the right one, asked with the
    /// credentials of another.
    #[test]
    fn a_vpc_that_is_only_shared_is_refused_and_its_owner_named() {
        for expected in [None, Some(OWNER), Some(OTHER)] {
            for (acting, shared) in [(OWNER, false), (OTHER, true)] {
                let (acting, owner) = (acting.parse().unwrap(), OWNER.parse().unwrap());
                let decided = decide(&connection(expected), Some(&acting), &owner, None, true);
                let refused = decided.err().filter(|error| error.code == Code::VpcShared);
                assert_eq!(refused.is_some(), shared, "{expected:?}, {acting}");
                let named = format!("owned by account {OWNER} and shared with {OTHER}");
                let is_named = |error: StepError| error.detail.contains(&named);
                assert!(refused.is_none_or(is_named), "{expected:?}");
            }
        }
    }

    fn connection(account: Option<&str>) -> Subject {
        let stage = in_process::stage::Stage::shipped("fresh-vpc");
        let mut connection = stage.request.subject();
        connection.account_id = account.map(|account| account.parse().unwrap());
        connection
    }
}
