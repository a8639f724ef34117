//! Every fault at every operation, through the whole of HTTP and SDK: what the
//! caller learns, what the world has seen, and that the ports without a wire say
//! the same.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use in_process::InProcess;
use serde_json::Value;
use shared::{Code, StepError, StepErrorName};
use simulator::{Fault, FaultKind, Moment, Simulator, World};
use tokio::task::LocalSet;

use crate::calls::{self, Method, Ports, call};
use crate::stage::{
    Adapters, REGION, SECRET, Stage, UntilTaken, at_once, fill, impatient, once, scenario,
};

/// What a caller learns: a code, or `ok` where the port makes the fault an answer.
fn expected(method: Method, operation: &str, kind: FaultKind) -> &'static str {
    use FaultKind as K;
    use Method as M;
    let code = match (kind, operation.split(':').next().unwrap()) {
        (K::Throttle, "cloud") => Code::CloudRateLimited,
        (K::Throttle, _) => Code::AwsThrottled,
        (K::ServerError | K::Timeout | K::CutOff, "cloud") => Code::CloudUnavailable,
        (K::ServerError | K::Timeout | K::CutOff, _) => Code::AwsUnavailable,
        (K::Denied, "cloud") if method == M::TrustedOwners => return "ok",
        (K::Denied, "cloud") => Code::ApiKeyLacksRole,
        (K::Denied, "ec2") if matches!(method, M::DnsServers | M::NetworkAcls) => return "ok",
        (K::Denied, "ec2") => Code::AwsAccessDenied,
        (K::Denied, "route53") if method == M::HostedZones => return "ok",
        (K::Denied, "route53" | "route53profiles" | "route53resolver") => Code::AwsAccessDenied,
        (K::Denied, "dynamodb" | "states") => Code::AwsAccessDenied,
        (K::Denied, _) => Code::SecretUnreadable,
        (K::Conflict, "cloud") => Code::ClusterBusy,
        (K::Conflict, "ec2") if method == M::DeleteGroup => return "ok",
        (K::Conflict, "ec2") => Code::AwsResourceBusy,
        // `PriorRequestNotComplete`, which asks for less haste.
        (K::Conflict, "route53") => Code::AwsThrottled,
        (K::Conflict, "route53profiles" | "route53resolver") => Code::UnexpectedAwsAnswer,
        (K::Conflict, "dynamodb") => Code::AwsResourceBusy,
        (K::Conflict, "states") => Code::MachineNotFound,
        (K::Conflict, _) => Code::SecretUnreadable,
        (K::UnknownCode, "cloud") => Code::UnexpectedCloudAnswer,
        // `OperationInProgress`, which EC2 documents nowhere, and words that mean the same.
        (K::UnknownCode, "ec2") => Code::AwsResourceBusy,
        (K::UnknownCode, _) => Code::UnexpectedAwsAnswer,
        (K::NotFound, _) => match method {
            M::Vpc
            | M::VpcTags
            | M::UntagVpc
            | M::EndpointService
            | M::Endpoint
            | M::DeleteEndpoint
            | M::UntagEndpoint
            | M::Revoke
            | M::DeleteGroup
            | M::UntagGroup
            | M::Cluster
            | M::Deregister
            | M::TrustedOwners
            | M::DistrustOwner
            | M::RunStanding => return "ok",
            M::VpcDns | M::HostedZones | M::TaggedVpcs | M::CreateEndpoint | M::CreateGroup => {
                Code::VpcNotFound
            }
            M::Subnets => Code::SubnetNotFound,
            M::PrefixLists => Code::PrefixListNotFound,
            M::PeeredVpcs
            | M::DnsServers
            | M::NetworkAcls
            | M::ZonesNamed
            | M::ResolverRules
            | M::VpcsOfRule
            | M::Profiles
            | M::ProfileResources
            | M::IngressRules
            | M::InterfacesWith => Code::UnexpectedAwsAnswer,
            M::ExistingGroups
            | M::Endpoints
            | M::EndpointsById
            | M::SetPrivateDns
            | M::SetGroup
            | M::TagEndpoint
            | M::TagVpc
            | M::GroupNamed
            | M::GroupsNaming
            | M::Authorize
            | M::TagGroup => Code::AwsResourceBusy,
            M::EndpointServices | M::Registrations => Code::ClusterBusy,
            M::Register => Code::RegistrationRefused,
            M::RequestEndpointServices | M::TrustOwner => Code::UnexpectedCloudAnswer,
            M::ApiKey => Code::SecretNotFound,
            M::Connection
            | M::Connections
            | M::RecordHealth
            | M::RecordInterruption
            | M::ReleaseLease
            | M::ShortenLease => Code::LedgerTableNotFound,
            M::StartRun => Code::MachineNotFound,
        },
    };
    code.as_str()
}

/// What an unexpected error must name.
fn named(operation: &str) -> &'static str {
    match operation.split(':').next() {
        Some("cloud") => "418",
        Some("ec2") if operation == "ec2:ModifyVpcEndpoint" => "InvalidParameter",
        Some("ec2") => "OperationInProgress",
        _ => "SomethingNewException",
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    method: Method,
    operation: &'static str,
    kind: FaultKind,
    moment: Moment,
}

fn rows(kinds: &[FaultKind]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (method, operation) in calls::ALL {
        for kind in kinds {
            for moment in Moment::ALL {
                rows.push(Row {
                    method,
                    operation,
                    kind: *kind,
                    moment,
                });
            }
        }
    }
    rows
}

fn outcome(result: &Result<String, StepError>) -> &str {
    result
        .as_ref()
        .map_or_else(|error| error.code.as_str(), |_| "ok")
}

/// Everything that a call could change.
fn picture(world: &World) -> String {
    let endpoints: Vec<_> = world.ec2.endpoints.values().collect();
    let groups: Vec<_> = world.ec2.groups.values().collect();
    let clusters: Vec<_> = world
        .cloud
        .clusters()
        .map(|cluster| {
            (
                cluster.connections().collect::<Vec<_>>(),
                &cluster.trusted_owners,
            )
        })
        .collect();
    let vpcs: Vec<_> = world.ec2.vpcs.values().collect();
    let runs = &world.step_functions.executions;
    format!(
        "{endpoints:#?}\n{groups:#?}\n{clusters:#?}\n{vpcs:#?}\n{runs:#?}\n{:#?}",
        ledger(world)
    )
}

/// What the ledger holds, but for the moments when it was written: the adapter
/// has the clock of this machine.
fn ledger(world: &World) -> Vec<Value> {
    let tables = [&world.stack.connections_table, &world.stack.leases_table];
    let items = tables.map(|table| world.dynamodb.items(table).into_values());
    let mut items: Vec<Value> = items.into_iter().flatten().collect();
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.remove("updated_at");
    }
    items
}

/// The world after a call that nothing disturbed, or after none.
async fn undisturbed(row: Row) -> String {
    let stage = Stage::new().await;
    if row.moment == Moment::After {
        let world = InProcess::new(stage.sim.clone(), SECRET);
        call(row.method, &Ports::of(&world)).await.unwrap();
    }
    stage.sim.look(picture)
}

/// Asks the adapters, with the SDK set up like this.
async fn ask(method: Method, stage: &Stage, aws: SdkConfig) -> Result<String, StepError> {
    let aws = aws.into_builder().endpoint_url(stage.url()).build();
    call(method, &Adapters::new(&aws, &stage.url()).ports()).await
}

/// Tries a row on both ways; the answer says what is wrong.
async fn try_row(row: Row, aws: SdkConfig) -> Option<String> {
    let stage = Stage::new().await;
    let fault = Fault::from_then_on(row.operation, 1, row.kind, row.moment);
    stage.sim.add_fault(fault.clone());
    let aws = if row.kind == FaultKind::Timeout {
        aws.into_builder()
            .sleep_impl(UntilTaken(stage.sim.clone(), row.operation))
            .build()
    } else {
        aws
    };
    let result = ask(row.method, &stage, aws).await;

    let wireless = Simulator::new(&scenario(), {
        let now = stage.sim.now();
        move || now
    });
    fill(&wireless);
    wireless.add_fault(fault);
    let world = InProcess::new(wireless, SECRET);
    let in_process = call(row.method, &Ports::of(&world)).await;

    let expected = expected(row.method, row.operation, row.kind);
    let said = format!("{result:?}");
    if outcome(&result) != expected {
        return Some(format!("{row:?}: {expected} expected, but {said}"));
    }
    if outcome(&in_process) != expected || (expected == "ok" && result != in_process) {
        return Some(format!("{row:?}: {said}, but in process {in_process:?}"));
    }
    if row.kind == FaultKind::UnknownCode && !said.contains(named(row.operation)) {
        return Some(format!("{row:?}: the code is not named in {said}"));
    }
    if stage.sim.look(picture) != undisturbed(row).await {
        return Some(format!(
            "{row:?}: the world is not as after one call or none"
        ));
    }
    None
}

/// Tries rows, so many together; the SDK gets its settings from `settings`.
async fn try_all(rows: &[Row], together: usize, settings: fn(SdkConfig) -> SdkConfig) {
    // One client for all of them, as in a process.
    let aws = settings(
        adapters::aws::aws_at("http://127.0.0.1:1", REGION)
            .await
            .sdk,
    );
    let mut wrong = Vec::new();
    for rows in rows.chunks(together) {
        let local = LocalSet::new();
        let tried: Vec<_> = rows
            .iter()
            .map(|row| local.spawn_local(try_row(*row, aws.clone())))
            .collect();
        local.await;
        for row in tried {
            wrong.extend(row.await.unwrap());
        }
    }
    let count = rows.len();
    assert!(
        wrong.is_empty(),
        "{} of {count} rows are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn every_answered_fault_has_its_code_and_takes_effect_once_or_never() {
    use FaultKind::{Conflict, CutOff, Denied, NotFound, ServerError, UnknownCode};
    let rows = rows(&[ServerError, Denied, NotFound, Conflict, UnknownCode, CutOff]);
    try_all(&rows, 8, once).await;
}

#[tokio::test]
async fn every_throttle_has_its_code() {
    // The Cloud adapter waits a second for the limit to pass.
    try_all(&rows(&[FaultKind::Throttle]), 16, once).await;
}

#[tokio::test]
async fn silence_everywhere_ends_and_has_its_code() {
    let rows = rows(&[FaultKind::Timeout]);
    let (cloud, aws): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| row.operation.starts_with("cloud:"));
    try_all(&aws, 4, once).await;
    // The Cloud adapter waits 8 s for an answer.
    try_all(&cloud, cloud.len(), once).await;
}

/// One lost answer is no failure: the SDK asks again, and finds the effect there.
#[tokio::test]
async fn the_sdk_gets_over_one_fault_of_aws() {
    let aws = at_once(
        adapters::aws::aws_at("http://127.0.0.1:1", REGION)
            .await
            .sdk,
    );
    for row in rows(&[
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::CutOff,
    ]) {
        if row.operation.starts_with("cloud:") {
            continue;
        }
        let stage = Stage::new().await;
        stage
            .sim
            .add_fault(Fault::once(row.operation, 1, row.kind, row.moment));
        let result = ask(row.method, &stage, aws.clone()).await;
        // Nothing tells the second request that the first one was ours.
        let is_taken = row.method == Method::CreateGroup && row.moment == Moment::After;
        let expected = if is_taken {
            Code::SecurityGroupNameTaken.as_str()
        } else {
            "ok"
        };
        assert_eq!(outcome(&result), expected, "{row:?}: {result:?}");
        let effect = undisturbed(Row {
            moment: Moment::After,
            ..row
        })
        .await;
        assert_eq!(stage.sim.look(picture), effect, "{row:?}");
    }
}

#[tokio::test]
async fn aws_is_asked_three_times_before_we_give_up() {
    let aws = impatient(at_once(
        adapters::aws::aws_at("http://127.0.0.1:1", REGION)
            .await
            .sdk,
    ));
    for kind in [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Timeout,
        FaultKind::CutOff,
    ] {
        let stage = Stage::new().await;
        stage
            .sim
            .add_fault(Fault::from_then_on("*", 1, kind, Moment::Before));
        for (method, operation) in [
            (Method::Vpc, "ec2:DescribeVpcs"),
            (Method::ApiKey, "secretsmanager:GetSecretValue"),
            (Method::Connection, "dynamodb:GetItem"),
            (Method::StartRun, "states:StartExecution"),
        ] {
            let error = ask(method, &stage, aws.clone()).await.unwrap_err();
            assert_eq!(error.name(), StepErrorName::Transient, "{kind:?}: {error}");
            assert_eq!(stage.count(operation), 3, "{kind:?}: {operation}");
        }
    }
}

#[tokio::test]
async fn a_silent_aws_becomes_an_error_well_within_the_time_of_a_function() {
    let stage = Stage::new().await;
    stage.sim.add_fault(Fault::from_then_on(
        "ec2:DescribeVpcs",
        1,
        FaultKind::Timeout,
        Moment::Before,
    ));
    let adapters = stage.adapters().await;
    let started = Instant::now();
    let error = call(Method::Vpc, &adapters.ports()).await.unwrap_err();
    assert_eq!(error.code, Code::AwsUnavailable, "{error}");
    let took = started.elapsed();
    assert!(
        took > Duration::from_secs(8) && took < Duration::from_secs(25),
        "{took:?}"
    );
}
