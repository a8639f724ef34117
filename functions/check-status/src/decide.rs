//! What is good, what is a bad end, and what is not yet.

use shared::cloud::RegistrationStatus;
use shared::ec2::{Endpoint, EndpointState};
use shared::ids::EndpointId;
use shared::{Code, StepError};

use crate::Expect;

/// What is still awaited of the endpoint.
pub(crate) fn endpoint_awaited(
    id: &EndpointId,
    endpoint: Option<&Endpoint>,
    expect: Expect,
) -> Result<Option<String>, StepError> {
    let Some(endpoint) = endpoint else {
        return Ok(Some(format!("endpoint {id} (not visible yet)")));
    };
    let bad_end = |code| {
        let reason = endpoint
            .failure
            .as_ref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        Err(StepError::new(
            code,
            format!("endpoint {id} is {}{reason}", endpoint.state),
        ))
    };
    match endpoint.state {
        EndpointState::Rejected => bad_end(Code::EndpointRejected),
        EndpointState::Failed => bad_end(Code::EndpointFailed),
        EndpointState::Expired => bad_end(Code::EndpointExpired),
        EndpointState::Deleting | EndpointState::Deleted => bad_end(Code::EndpointGone),
        EndpointState::PendingAcceptance | EndpointState::Pending | EndpointState::Unknown(_) => {
            Ok(Some(format!("endpoint {id} ({})", endpoint.state)))
        }
        EndpointState::Available => Ok(match expect {
            Expect::PrivateDns if !endpoint.private_dns => {
                Some(format!("private DNS of endpoint {id} (still off)"))
            }
            Expect::PrivateDns | Expect::Accepted => None,
        }),
    }
}

/// What is still awaited of the registration.
pub(crate) fn registration_awaited(
    status: Option<&RegistrationStatus>,
    id: &EndpointId,
) -> Result<Option<String>, StepError> {
    let Some(status) = status else {
        return Ok(Some(
            "private endpoint connection (not listed yet)".to_owned(),
        ));
    };
    let bad_end = |code| {
        Err(StepError::new(
            code,
            format!("the private endpoint connection of {id} is {status}"),
        ))
    };
    match status {
        RegistrationStatus::Available => Ok(None),
        RegistrationStatus::Failed => bad_end(Code::RegistrationFailed),
        RegistrationStatus::Expired => bad_end(Code::RegistrationExpired),
        RegistrationStatus::Stale => bad_end(Code::RegistrationStale),
        // REJECTED is still listed for a while after a registration was attached
        // again; a real rejection shows in the endpoint's own state.
        RegistrationStatus::Pending
        | RegistrationStatus::PendingAcceptance
        | RegistrationStatus::Rejected
        | RegistrationStatus::Deleting
        | RegistrationStatus::Deleted
        | RegistrationStatus::Unknown(_) => {
            Ok(Some(format!("private endpoint connection ({status})")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(word: &str, private_dns: bool) -> Endpoint {
        Endpoint {
            private_dns,
            failure: Some("InternalError: why".to_owned()),
            ..in_process::stage::endpoint(word)
        }
    }

    fn id() -> EndpointId {
        endpoint("available", true).id
    }

    #[test]
    fn every_state_of_an_endpoint_is_good_bad_or_awaited() {
        for (word, expected) in [
            ("available", Ok(false)),
            ("pending", Ok(true)),
            ("pendingAcceptance", Ok(true)),
            ("partial", Ok(true)),
            ("news", Ok(true)),
            ("rejected", Err(Code::EndpointRejected)),
            ("failed", Err(Code::EndpointFailed)),
            ("expired", Err(Code::EndpointExpired)),
            ("deleting", Err(Code::EndpointGone)),
            ("deleted", Err(Code::EndpointGone)),
        ] {
            for expect in [Expect::Accepted, Expect::PrivateDns] {
                let awaited = endpoint_awaited(&id(), Some(&endpoint(word, true)), expect);
                let awaited = awaited
                    .map(|awaited| awaited.is_some())
                    .map_err(|error| error.code);
                assert_eq!(awaited, expected, "{word}, {expect:?}");
            }
        }
        let without_dns = endpoint("available", false);
        assert_eq!(
            endpoint_awaited(&id(), Some(&without_dns), Expect::Accepted),
            Ok(None)
        );
        for (endpoint, word) in [(Some(&without_dns), "off"), (None, "not visible")] {
            let awaited = endpoint_awaited(&id(), endpoint, Expect::PrivateDns)
                .unwrap()
                .unwrap();
            assert!(awaited.contains(word), "{awaited}");
        }
        let failed = endpoint_awaited(&id(), Some(&endpoint("failed", false)), Expect::Accepted)
            .unwrap_err();
        assert!(
            failed.detail.ends_with("is failed: InternalError: why"),
            "{}",
            failed.detail
        );
    }

    #[test]
    fn every_word_for_a_registration_is_good_bad_or_awaited() {
        for (word, expected) in [
            ("STATUS_AVAILABLE", Ok(false)),
            ("STATUS_PENDING", Ok(true)),
            ("STATUS_PENDING_ACCEPTANCE", Ok(true)),
            ("STATUS_REJECTED", Ok(true)),
            ("STATUS_DELETING", Ok(true)),
            ("STATUS_DELETED", Ok(true)),
            ("STATUS_SOMETHING_NEW", Ok(true)),
            ("STATUS_FAILED", Err(Code::RegistrationFailed)),
            ("STATUS_EXPIRED", Err(Code::RegistrationExpired)),
            ("STATUS_STALE", Err(Code::RegistrationStale)),
        ] {
            let awaited = registration_awaited(Some(&RegistrationStatus::parse(word)), &id());
            let awaited = awaited
                .map(|awaited| awaited.is_some())
                .map_err(|error| error.code);
            assert_eq!(awaited, expected, "{word}");
        }
        let unknown = registration_awaited(Some(&RegistrationStatus::parse("NEWS")), &id());
        assert_eq!(
            unknown.unwrap().unwrap(),
            "private endpoint connection (unknown word `NEWS`)"
        );
        assert!(registration_awaited(None, &id()).unwrap().is_some());
    }
}
