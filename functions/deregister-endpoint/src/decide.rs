//! What to do about the registration that the list shows, and about the trust
//! that it needed.

use shared::cloud::{Registration, RegistrationStatus};
use shared::ids::AccountId;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    Settle,
    Remove(&'a RegistrationStatus),
    Wait,
    Done,
}

/// What to do about the registration that there is.
pub(crate) fn next(status: Option<&RegistrationStatus>, settled: bool) -> Next<'_> {
    match status {
        Some(RegistrationStatus::Deleting) => Next::Wait,
        Some(status) if !status.is_gone() => Next::Remove(status),
        Some(_) | None if !settled => Next::Settle,
        Some(_) | None => Next::Done,
    }
}

/// Whether a registration is left that may be of this account; the Cloud API
/// need not say whose it is.
pub(crate) fn may_be_used(account: &AccountId, registrations: &[Registration]) -> bool {
    registrations
        .iter()
        .filter(|it| !it.status.is_gone())
        .any(|it| {
            it.account
                .as_ref()
                .is_none_or(|owner| owner == account.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";
    const OURS: &str = "111122223333";

    #[test]
    fn every_word_but_removed_ones_is_removed_and_absence_must_last() {
        for word in [
            "PENDING",
            "PENDING_ACCEPTANCE",
            "AVAILABLE",
            "FAILED",
            "EXPIRED",
            "STALE",
            "SOMETHING_NEW",
        ] {
            let status = RegistrationStatus::parse(&format!("STATUS_{word}"));
            let remove = Next::Remove(&status);
            for settled in [false, true] {
                assert_eq!(next(Some(&status), settled), remove, "{word}");
            }
        }
        assert_eq!(next(Some(&RegistrationStatus::Deleting), true), Next::Wait);
        use RegistrationStatus::{Deleted, Rejected};
        for gone in [None, Some(&Rejected), Some(&Deleted)] {
            assert_eq!(next(gone, false), Next::Settle);
            assert_eq!(next(gone, true), Next::Done);
        }
    }

    #[test]
    fn trust_may_be_used_by_every_registration_that_is_not_known_to_be_of_another_account() {
        let account: AccountId = OURS.parse().unwrap();
        for (owner, status, used) in [
            (Some(OURS), RegistrationStatus::Available, true),
            (Some(OURS), RegistrationStatus::Pending, true),
            (None, RegistrationStatus::Available, true),
            (Some(OURS), RegistrationStatus::Rejected, false),
            (Some("999988887777"), RegistrationStatus::Available, false),
        ] {
            let registration = Registration {
                endpoint_id: ENDPOINT.to_owned(),
                status,
                account: owner.map(str::to_owned),
            };
            let all = [registration];
            assert_eq!(may_be_used(&account, &all), used, "{all:?}");
        }
        assert!(!may_be_used(&account, &[]));
    }
}
