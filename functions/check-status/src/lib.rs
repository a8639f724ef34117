//! Looks at both sides once: ready, not yet, or a bad end. Changes nothing.
//!
//! Either side may be late to show what the other one already knows, so a state
//! is a bad end only where it cannot come to good any more; everything else is
//! *not yet*, until the limit.

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, RegistrationStatus};
use shared::ec2::{Endpoint, EndpointState, Endpoints};
use shared::ids::{ClusterId, EndpointId};
use shared::progress::{Progress, Wait};
use shared::report::Login;
use shared::{Code, StepError};

/// What to look at, and what to expect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// What must be the case to be ready.
    pub expect: Expect,
    /// The host that private DNS answers for; `None` without private DNS.
    pub private_host: Option<String>,
    /// What the connection string is made from.
    pub login: Login,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// What must be the case to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// The endpoint is available and the registration accepted.
    Accepted,
    /// The same, and private DNS is on.
    PrivateDns,
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The host.
    pub host: String,
    /// The connection string.
    pub connection_string: String,
}

/// Looks once.
///
/// # Errors
/// The codes `endpoint-…`, `registration-…` and `private-dns-not-ready-in-time`.
pub async fn handle(
    ec2: &impl Endpoints,
    cloud: &impl Cloud,
    input: Input,
) -> Result<Progress<Output>, StepError> {
    let endpoint = ec2.endpoint(&input.endpoint_id).await?;
    let registrations = cloud.registrations(&input.cluster_id).await?;
    let registration = registrations
        .into_iter()
        .find(|registration| registration.endpoint_id == input.endpoint_id.as_str())
        .map(|registration| registration.status);

    let awaited = [
        endpoint_awaited(&input.endpoint_id, endpoint.as_ref(), input.expect)?,
        registration_awaited(registration.as_ref(), &input.endpoint_id)?,
    ];
    let mut awaited: Vec<String> = awaited.into_iter().flatten().collect();
    if awaited.is_empty() {
        match host(&input, endpoint.as_ref()) {
            Some(host) => return Ok(Progress::Ready(answer(&input, host))),
            None => awaited.push(format!("a DNS name of endpoint {}", input.endpoint_id)),
        }
    }
    input.wait.pending(awaited.join(", "), match input.expect {
        Expect::Accepted => Code::EndpointNotAcceptedInTime,
        Expect::PrivateDns => Code::PrivateDnsNotReadyInTime,
    })
}

/// What is still awaited of the endpoint.
fn endpoint_awaited(
    id: &EndpointId,
    endpoint: Option<&Endpoint>,
    expect: Expect,
) -> Result<Option<String>, StepError> {
    let Some(endpoint) = endpoint else {
        return Ok(Some(format!("endpoint {id} (not visible)")));
    };
    let bad_end = |code| {
        let reason = endpoint.failure.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Err(StepError::new(code, format!("endpoint {id} is {}{reason}", endpoint.state)))
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
            Expect::PrivateDns if !endpoint.private_dns => Some(format!("private DNS of endpoint {id} (off)")),
            Expect::PrivateDns | Expect::Accepted => None,
        }),
    }
}

/// What is still awaited of the registration.
fn registration_awaited(
    status: Option<&RegistrationStatus>,
    id: &EndpointId,
) -> Result<Option<String>, StepError> {
    let Some(status) = status else {
        return Ok(Some("registration (not listed)".to_owned()));
    };
    let bad_end = |code| Err(StepError::new(code, format!("the registration of {id} is {status}")));
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
        | RegistrationStatus::Unknown(_) => Ok(Some(format!("registration ({status})"))),
    }
}

/// Where to connect to: the private host, or the endpoint's own name, which
/// resolves everywhere, to addresses that only the VPC reaches.
fn host(input: &Input, endpoint: Option<&Endpoint>) -> Option<String> {
    input.private_host.clone().or_else(|| endpoint?.dns_names.first().cloned())
}

fn answer(input: &Input, host: String) -> Output {
    let connection_string = input.login.connection_string(&host, input.private_host.is_some());
    Output { host, connection_string }
}
