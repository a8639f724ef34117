//! Looks at both sides once: ready, not yet, or a bad end. Changes nothing.
//!
//! Either side may be late to show what the other one already knows, so a state
//! is a bad end only where it cannot come to good any more; everything else is
//! *not yet*, until the limit.

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, registration_of};
use shared::ec2::{Endpoint, Endpoints};
use shared::ids::EndpointId;
use shared::progress::{Progress, Wait};
use shared::report::{Login, Ready, SQL_PORT};
use shared::subject::Subject;
use shared::{Code, StepError};

mod decide;

use decide::{endpoint_awaited, registration_awaited};

/// What to look at, and what to expect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection: the place and the cluster that are asked.
    pub connection: Subject,
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

/// Looks once, and answers where to connect to.
///
/// # Errors
/// The codes `endpoint-…`, `registration-…` and `private-dns-not-ready-in-time`.
pub async fn handle(
    ec2: &impl Endpoints,
    cloud: &impl Cloud,
    input: Input,
) -> Result<Progress<Ready>, StepError> {
    let endpoint = ec2.endpoint(&input.endpoint_id).await?;
    let registrations = cloud.registrations(&input.connection.cluster_id).await?;
    let registration = registration_of(&input.endpoint_id, &registrations);

    let status = registration.map(|registration| &registration.status);
    let awaited = [
        endpoint_awaited(&input.endpoint_id, endpoint.as_ref(), input.expect)?,
        registration_awaited(status, &input.endpoint_id)?,
    ];
    let mut awaited: Vec<String> = awaited.into_iter().flatten().collect();
    if awaited.is_empty() {
        match host(&input, endpoint.as_ref()) {
            Some(host) => return Ok(Progress::Ready(answer(input, host))),
            None => awaited.push(format!("a DNS name of endpoint {}", input.endpoint_id)),
        }
    }
    let late = match input.expect {
        Expect::Accepted => Code::EndpointNotAcceptedInTime,
        Expect::PrivateDns => Code::PrivateDnsNotReadyInTime,
    };
    input.wait.pending(awaited.join(", "), late)
}

/// Where to connect to: the private host, or the endpoint's own name, which
/// resolves everywhere, to addresses that only the VPC reaches.
fn host(input: &Input, endpoint: Option<&Endpoint>) -> Option<String> {
    input
        .private_host
        .clone()
        .or_else(|| endpoint?.dns_names.first().cloned())
}

fn answer(input: Input, host: String) -> Ready {
    let connection_string = input
        .login
        .connection_string(&host, input.private_host.is_some());
    Ready {
        connection_id: input.connection.connection_id,
        cluster_id: input.connection.cluster_id,
        region: input.connection.region,
        vpc_id: input.connection.vpc_id,
        endpoint_id: input.endpoint_id,
        host,
        port: SQL_PORT,
        connection_string,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::cloud::Cloud;
    use simulator::Scenario;
    use simulator::cloud::ConnectionStatus;

    use super::*;

    const ENDPOINT: &str = "vpce-0a10000000000000e";
    const HOST: &str = "internal-payments-2718.j77.aws-eu-west-1.cockroachlabs.cloud";

    fn id() -> EndpointId {
        ENDPOINT.parse().unwrap()
    }

    fn input(stage: &Stage, expect: Expect, wait: Wait) -> Input {
        Input {
            connection: stage.request.subject(),
            endpoint_id: id(),
            expect,
            private_host: (expect == Expect::PrivateDns).then(|| HOST.to_owned()),
            login: Login {
                sql_user: None,
                database: "defaultdb".to_owned(),
                routing_id: None,
            },
            wait,
        }
    }

    fn check(stage: &Stage, expect: Expect) -> Result<Ready, StepError> {
        stage.until_ready(async |wait| {
            handle(&stage.ports, &stage.ports, input(stage, expect, wait)).await
        })
    }

    /// An endpoint that was registered just now.
    fn registered(change: impl FnOnce(&mut Scenario)) -> Stage {
        let stage = Stage::changed("half-made-by-hand", change);
        at_once(stage.ports.register(&stage.claim.cluster_id, &id())).unwrap();
        stage
    }

    /// One that both sides have accepted.
    fn accepted() -> Stage {
        let stage = registered(|_| {});
        check(&stage, Expect::Accepted).unwrap();
        stage
    }

    #[test]
    fn both_sides_must_agree_before_it_is_ready() {
        let stage = registered(|scenario| {
            scenario.pace.acceptance_noticed = std::time::Duration::from_secs(120);
        });
        let output = check(&stage, Expect::Accepted).unwrap();
        assert!(output.host.starts_with(ENDPOINT), "{}", output.host);
        assert!(output.connection_string.contains("sslmode=verify-ca"));
        let connection = stage.things().registrations.remove(0).1;
        assert_eq!(connection.status, ConnectionStatus::Available);
    }

    #[test]
    fn private_dns_is_awaited_while_it_is_off_or_under_way() {
        let stage = accepted();
        let error = check(&stage, Expect::PrivateDns).unwrap_err();
        assert_eq!(error.code, Code::PrivateDnsNotReadyInTime);
        at_once(stage.ports.set_private_dns(&id(), true)).unwrap();
        let output = check(&stage, Expect::PrivateDns).unwrap();
        assert_eq!(output.host, HOST);
        assert_eq!(output.port, SQL_PORT);
        assert!(output.connection_string.contains("sslmode=verify-full"));
    }

    #[test]
    fn looking_twice_changes_nothing_and_answers_the_same() {
        let (stage, expect) = (accepted(), Expect::Accepted);
        let look = async || {
            let input = input(&stage, expect, stage.wait());
            handle(&stage.ports, &stage.ports, input).await
        };
        let (first, second) = stage.twice(look);
        assert_eq!(first.unwrap().ready(), second.unwrap().ready());
    }

    #[test]
    fn a_registration_that_vanished_is_awaited_by_name_until_the_limit() {
        let stage = accepted();
        let cluster = stage.claim.cluster_id.as_str();
        stage.meddle(|world| {
            let cluster = world.cloud.cluster_mut(cluster).unwrap();
            cluster.forget_connection(ENDPOINT);
        });
        let error = check(&stage, Expect::Accepted).unwrap_err();
        assert_eq!(error.code, Code::EndpointNotAcceptedInTime);
        let awaited = "private endpoint connection (not listed yet)";
        assert!(error.detail.ends_with(awaited), "{error}");
    }

    #[test]
    fn a_registration_that_was_removed_shows_as_a_rejected_endpoint() {
        let stage = accepted();
        at_once(stage.ports.deregister(&stage.claim.cluster_id, &id())).unwrap();
        let error = check(&stage, Expect::Accepted).unwrap_err();
        assert_eq!(error.code, Code::EndpointRejected);
    }

    /// A connection string without a host is worse than none.
    #[test]
    fn without_a_private_host_the_endpoints_own_name_is_awaited() {
        let stage = accepted();
        stage.meddle(|world| {
            let endpoint = world.ec2.endpoints.get_mut(ENDPOINT).unwrap();
            endpoint.interfaces.clear();
        });
        let error = check(&stage, Expect::Accepted).unwrap_err();
        let awaited = "a DNS name of endpoint vpce-0a10000000000000e";
        assert!(error.detail.ends_with(awaited), "{error}");
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = registered(|_| {});
        assert_strict(&input(&stage, Expect::PrivateDns, stage.wait()));
    }
}
