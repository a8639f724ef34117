//! What to do about the registration that the list shows.

use shared::cloud::{Registration, RegistrationStatus};
use shared::ids::EndpointId;
use shared::{Code, StepError};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Done,
    Wait(String),
    Remove(String),
    Post,
}

/// What to do about the registration that there is.
pub(crate) fn next(found: Option<&Registration>, endpoint: &EndpointId) -> Result<Next, StepError> {
    let Some(registration) = found else {
        return Ok(Next::Post);
    };
    let status = &registration.status;
    let connection = format!("private endpoint connection of {endpoint}");
    let to_go = || format!("the cluster is removing an earlier {connection} ({status})");
    let dead = |code| {
        Err(StepError::new(
            code,
            format!("the {connection} is {status}"),
        ))
    };
    match status {
        RegistrationStatus::Available
        | RegistrationStatus::Pending
        | RegistrationStatus::PendingAcceptance
        | RegistrationStatus::Unknown(_) => Ok(Next::Done),
        RegistrationStatus::Rejected | RegistrationStatus::Deleted => Ok(Next::Post),
        RegistrationStatus::Stale => Ok(Next::Remove(to_go())),
        RegistrationStatus::Deleting => Ok(Next::Wait(to_go())),
        RegistrationStatus::Failed => dead(Code::RegistrationFailed),
        RegistrationStatus::Expired => dead(Code::RegistrationExpired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";

    #[test]
    fn the_list_decides_whether_to_post() {
        let id = ENDPOINT.parse().unwrap();
        let decide = |word: &str| {
            let registration = Registration {
                endpoint_id: ENDPOINT.to_owned(),
                status: RegistrationStatus::parse(word),
                account: None,
            };
            next(Some(&registration), &id)
        };
        assert_eq!(next(None, &id), Ok(Next::Post));
        for word in [
            "STATUS_AVAILABLE",
            "STATUS_PENDING",
            "STATUS_PENDING_ACCEPTANCE",
            "STATUS_SOMETHING_NEW",
        ] {
            assert_eq!(decide(word), Ok(Next::Done), "{word}");
        }
        for word in ["STATUS_REJECTED", "STATUS_DELETED"] {
            assert_eq!(decide(word), Ok(Next::Post), "{word}");
        }
        assert!(matches!(decide("STATUS_STALE"), Ok(Next::Remove(_))));
        assert!(matches!(decide("STATUS_DELETING"), Ok(Next::Wait(_))));
        for (word, code) in [
            ("STATUS_FAILED", Code::RegistrationFailed),
            ("STATUS_EXPIRED", Code::RegistrationExpired),
        ] {
            assert_eq!(decide(word).unwrap_err().code, code);
        }
    }
}
