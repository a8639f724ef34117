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
    let state = &endpoint.state;
    if let Some(code) = state.bad_end() {
        let reason = endpoint.failure.as_ref();
        let reason = reason.map_or_else(String::new, |why| format!(": {why}"));
        let detail = format!("endpoint {id} is {state}{reason}");
        return Err(StepError::new(code, detail));
    }
    if *state != EndpointState::Available {
        return Ok(Some(format!("endpoint {id} ({state})")));
    }
    let is_off = expect == Expect::PrivateDns && !endpoint.private_dns;
    Ok(is_off.then(|| format!("private DNS of endpoint {id} (still off)")))
}

/// What is still awaited of the registration.
pub(crate) fn registration_awaited(
    status: Option<&RegistrationStatus>,
    id: &EndpointId,
) -> Result<Option<String>, StepError> {
    let Some(status) = status else {
        let awaited = "private endpoint connection (not listed yet)";
        return Ok(Some(awaited.to_owned()));
    };
    let bad_end = |code| {
        let detail = format!("the private endpoint connection of {id} is {status}");
        Err(StepError::new(code, detail))
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

    /// Whether something is awaited, or the code.
    fn code(awaited: Result<Option<String>, StepError>) -> Result<bool, Code> {
        let awaited = awaited.map(|awaited| awaited.is_some());
        awaited.map_err(|error| error.code)
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
                assert_eq!(code(awaited), expected, "{word}, {expect:?}");
            }
        }
        let without_dns = endpoint("available", false);
        let accepted =
            |endpoint: &Endpoint| endpoint_awaited(&id(), Some(endpoint), Expect::Accepted);
        assert_eq!(accepted(&without_dns), Ok(None));
        for (endpoint, word) in [(Some(&without_dns), "off"), (None, "not visible")] {
            let awaited = endpoint_awaited(&id(), endpoint, Expect::PrivateDns);
            let awaited = awaited.unwrap().unwrap();
            assert!(awaited.contains(word), "{awaited}");
        }
        let failed = accepted(&endpoint("failed", false)).unwrap_err().detail;
        assert!(
            failed.ends_with("is failed: InternalError: why"),
            "{failed}"
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
            assert_eq!(code(awaited), expected, "{word}");
        }
        let unknown = registration_awaited(Some(&RegistrationStatus::parse("NEWS")), &id());
        let named = "private endpoint connection (unknown word `NEWS`)";
        assert_eq!(unknown.unwrap().unwrap(), named);
        assert!(registration_awaited(None, &id()).unwrap().is_some());
    }
}
