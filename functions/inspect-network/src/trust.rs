//! Whose VPC it is, and whether the cluster lets that account connect.

use shared::ids::AccountId;
use shared::subject::Subject;
use shared::{Code, StepError};

/// The account to be added to the cluster's trusted owners, if any.
pub(crate) fn decide(
    connection: &Subject,
    owner: &AccountId,
    trusted: Option<&[String]>,
    may_add: bool,
) -> Result<Option<AccountId>, StepError> {
    if let Some(expected) = &connection.account_id
        && expected != owner
    {
        return Err(StepError::new(
            Code::VpcInOtherAccount,
            format!(
                "{} belongs to account {owner}, not {expected}",
                connection.vpc_id
            ),
        ));
    }
    let is_trusted = trusted.is_none_or(|list| {
        list.iter()
            .any(|account| account == owner.as_str() || account == "*")
    });
    if is_trusted {
        return Ok(None);
    }
    if may_add {
        return Ok(Some(owner.clone()));
    }
    Err(StepError::new(
        Code::AccountNotTrusted,
        format!(
            "account {owner} is not among the cluster's trusted owners: {}",
            trusted.unwrap_or_default().join(", ")
        ),
    ))
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
            let decided = decide(
                &connection(None),
                &OWNER.parse().unwrap(),
                trusted.as_deref(),
                may_add,
            );
            let decided = decided
                .map(|account| account.is_some())
                .map_err(|error| error.code);
            assert_eq!(decided, expected, "{trusted:?}, may be added: {may_add}");
        }
    }

    #[test]
    fn a_vpc_of_another_account_than_asked_for_is_refused() {
        let decide = |expected| decide(&connection(expected), &OWNER.parse().unwrap(), None, true);
        assert!(decide(Some(OWNER)).is_ok());
        assert_eq!(
            decide(Some(OTHER)).unwrap_err().code,
            Code::VpcInOtherAccount
        );
    }

    fn connection(account: Option<&str>) -> Subject {
        let stage = in_process::stage::Stage::shipped("fresh-vpc");
        let mut connection = stage.request.subject();
        connection.account_id = account.map(|account| account.parse().unwrap());
        connection
    }
}
