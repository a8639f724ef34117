//! A world that listens, and the adapters that talk to it.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use adapters::aws::{Aws, aws};
use adapters::cloud::HttpCloud;
use adapters::ec2::AwsEc2;
use adapters::executions::StepFunctions;
use adapters::ledger::DynamoLedger;
use adapters::secrets::SecretsManager;
use adapters::tls::{Roots, Tls};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{AsyncSleep, Credentials, SharedCredentialsProvider, Sleep};
use serde_json::json;
use shared::config::{Config, Setting};
use shared::executions::Machines;
use shared::ledger::Tables;
use shared::ownership::Tags;
use shared::{Code, StepError};
use simulator::http::Server;
use simulator::{Pace, Scenario, Simulator};
use time::OffsetDateTime;

use crate::calls::Ports;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const SECRET: &str = "crdb-privatelink/api-key";
pub(crate) const KEY: &str =
    "CCDB1_simulated0000000000001_thisKeyOpensNothingButTheSimulator000000";
pub(crate) const OTHER_KEY: &str =
    "CCDB1_simulated0000000000002_theNextKeyOpensNothingButTheSimulator00";

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const CLUSTER: &str = "1a2b3c4d-0000-4000-8000-000000000001";
pub(crate) const STANDARD_CLUSTER: &str = "1a2b3c4d-0000-4000-8000-000000000002";
pub(crate) const SERVICE: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0a000000000000001";
pub(crate) const VPC: &str = "vpc-0a000000000000001";
pub(crate) const DHCP_OPTIONS: &str = "dopt-0a000000000000001";
pub(crate) const ABSENT_VPC: &str = "vpc-0a00000000000000f";
pub(crate) const SUBNET_1: &str = "subnet-0a000000000000001";
pub(crate) const SUBNET_2: &str = "subnet-0a000000000000002";
pub(crate) const GROUP: &str = "sg-0a000000000000001";
pub(crate) const ABSENT_GROUP: &str = "sg-0a00000000000000f";
pub(crate) const ENDPOINT: &str = "vpce-0a000000000000001";
pub(crate) const ABSENT_ENDPOINT: &str = "vpce-0a00000000000000f";
/// The connection that the ledger has at the beginning, and the run that has
/// written it and holds the lease.
pub(crate) const CONNECTION: &str = "0123456789abcdef";
pub(crate) const RUN: &str =
    "arn:aws:states:eu-west-1:111122223333:execution:crdb-privatelink-provision:one";

const SCENARIO: &str = include_str!("scenario.toml");

/// An id, or whatever else such a text is where it is used.
pub(crate) fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Tags of these keys and values.
pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Holds an error to its code and to a part of what it says.
#[track_caller]
pub(crate) fn says(error: &StepError, code: Code, detail: &str) {
    assert_eq!(error.code, code, "{error}");
    assert!(error.detail.contains(detail), "{error}");
}

/// A world that listens, with its time in the hands of the test.
pub(crate) struct Stage {
    pub(crate) sim: Simulator,
    server: Server,
    seconds: Arc<AtomicI64>,
}

/// The scenario of these tests. Nothing takes time in it, unless a test says so.
pub(crate) fn scenario() -> Scenario {
    let mut scenario = Scenario::parse(SCENARIO).unwrap();
    scenario.pace = Pace::instant();
    // The clock stands still, so the limit of a second would be one for ever.
    scenario.habits.requests_per_second = 0;
    scenario
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        Stage::of(&scenario()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Scenario)) -> Stage {
        let mut scenario = scenario();
        change(&mut scenario);
        Stage::of(&scenario).await
    }

    pub(crate) async fn of(scenario: &Scenario) -> Stage {
        let seconds = Arc::new(AtomicI64::new(1_800_000_000));
        let clock = Arc::clone(&seconds);
        let sim = Simulator::new(scenario, move || {
            OffsetDateTime::from_unix_timestamp(clock.load(Ordering::Relaxed)).unwrap()
        });
        fill(&sim);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(sim.clone(), address).await.unwrap();
        Stage {
            sim,
            server,
            seconds,
        }
    }

    /// Lets time pass in the world.
    pub(crate) fn advance(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The SDK as in production, but for where it sends its requests.
    pub(crate) async fn aws(&self) -> SdkConfig {
        adapters::aws::aws_at(&self.url(), REGION).await.sdk
    }

    pub(crate) async fn ec2(&self) -> AwsEc2 {
        AwsEc2::new(&self.aws().await)
    }

    pub(crate) async fn secrets(&self) -> SecretsManager {
        SecretsManager::new(&self.aws().await, SECRET)
    }

    pub(crate) async fn cloud(&self) -> HttpCloud<SecretsManager> {
        HttpCloud::new(&self.url(), Tls::default(), self.secrets().await).unwrap()
    }

    pub(crate) async fn adapters(&self) -> Adapters {
        Adapters::new(&self.aws().await, &self.url())
    }

    /// How many calls there were of an operation.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.sim
            .calls()
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }
}

/// The adapters of all ports.
pub(crate) struct Adapters {
    ec2: AwsEc2,
    cloud: HttpCloud<SecretsManager>,
    secrets: SecretsManager,
    ledger: DynamoLedger,
    executions: StepFunctions,
}

impl Adapters {
    pub(crate) fn new(aws: &SdkConfig, url: &str) -> Adapters {
        Adapters {
            ec2: AwsEc2::new(aws),
            cloud: HttpCloud::new(url, Tls::default(), SecretsManager::new(aws, SECRET)).unwrap(),
            secrets: SecretsManager::new(aws, SECRET),
            ledger: DynamoLedger::new(aws, tables()),
            executions: StepFunctions::new(aws, machines()),
        }
    }

    pub(crate) fn ports(
        &self,
    ) -> Ports<'_, AwsEc2, HttpCloud<SecretsManager>, SecretsManager, DynamoLedger, StepFunctions>
    {
        Ports {
            ec2: &self.ec2,
            cloud: &self.cloud,
            secrets: &self.secrets,
            ledger: &self.ledger,
            executions: &self.executions,
        }
    }
}

/// The tables of the simulated stack.
pub(crate) fn tables() -> Tables {
    Tables {
        connections: setting("CONNECTIONS_TABLE", "crdb-privatelink-connections"),
        leases: setting("LEASES_TABLE", "crdb-privatelink-leases"),
    }
}

/// The machines of the simulated stack: one by its ARN alone, one by an alias, one
/// by a version.
pub(crate) fn machines() -> Machines {
    let machine = |name, machine: &str| {
        let states = format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine");
        setting(name, &format!("{states}:crdb-privatelink-{machine}"))
    };
    Machines {
        provision: machine("PROVISION_MACHINE", "provision:live"),
        deprovision: machine("DEPROVISION_MACHINE", "deprovision"),
        check_fleet: machine("CHECK_FLEET_MACHINE", "check-fleet:7"),
    }
}

pub(crate) fn setting(name: &'static str, value: &str) -> Setting {
    Setting::new(name, Some(value.to_owned()))
}

/// Lets a run begin and write into the ledger.
pub(crate) fn fill(sim: &Simulator) {
    sim.meddle(|world| {
        let (home, stack) = (world.ec2.caller(), world.stack.clone());
        let machine = world.step_functions.machines[0].clone();
        let start = json!({"stateMachineArn": machine, "name": "one", "input": "{\"a\": 1}"});
        world
            .step_functions(&home, "StartExecution", &start)
            .unwrap();
        let lease = json!({
            "vpc": {"S": format!("{REGION}/{VPC}")},
            "holder": {"S": RUN},
            "connection_id": {"S": CONNECTION},
            "expires_at": {"N": "1800003600"},
        });
        for (table, item) in [
            (&stack.connections_table, crate::ledger::item(CONNECTION)),
            (&stack.leases_table, lease),
        ] {
            let put = json!({"TableName": table, "Item": item});
            world.dynamodb(&home, "PutItem", &put).unwrap();
        }
    });
}

/// What a process is given whose surroundings say this, with AWS at this URL.
pub(crate) async fn surrounded(config: &Config, url: &str) -> Aws {
    let Aws { sdk, tls } = aws(config, Roots::BuiltIn, Some(REGION)).await;
    let nothing = Credentials::new("simulated", "simulated", None, None, "test");
    let sdk = sdk
        .into_builder()
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(nothing))
        .build();
    Aws { sdk, tls }
}

/// The same retries as in production, without the waits in between.
pub(crate) fn at_once(aws: SdkConfig) -> SdkConfig {
    let retries = aws.retry_config().unwrap().clone();
    let retries: RetryConfig = retries.with_initial_backoff(Duration::from_millis(1));
    aws.into_builder().retry_config(retries).build()
}

/// A single attempt. All clients of a process share a budget of retries that
/// fail, and a table of faults would use up that of every other test.
pub(crate) fn once(aws: SdkConfig) -> SdkConfig {
    aws.into_builder()
        .retry_config(RetryConfig::disabled())
        .build()
}

/// The patience of the SDK, which ends as soon as the simulator has taken in a call of
/// this operation: then it is known that no answer will come, however slow the machine.
#[derive(Clone)]
pub(crate) struct UntilTaken(pub(crate) Simulator, pub(crate) &'static str);

impl Debug for UntilTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UntilTaken({})", self.1)
    }
}

impl AsyncSleep for UntilTaken {
    fn sleep(&self, _: Duration) -> Sleep {
        let Self(simulator, operation) = self.clone();
        let taken = move || {
            let calls = simulator.calls().into_iter();
            calls.filter(|call| call.operation == operation).count()
        };
        let before = taken();
        Sleep::new(async move {
            while taken() == before {
                tokio::task::yield_now().await;
            }
        })
    }
}

/// Attempts that end soon, for answers that never come.
pub(crate) fn impatient(aws: SdkConfig) -> SdkConfig {
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(300))
        .build();
    aws.into_builder().timeout_config(limits).build()
}
