//! Where a command acts: a simulated world or a real account.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use adapters::Clients;
use adapters::accounts::Accounts;
use adapters::aws::{Aws, aws, aws_at, aws_of_profile};
use adapters::cloud::HttpCloud;
use adapters::executions::StepFunctions;
use adapters::ledger::DynamoLedger;
use adapters::secrets::SecretsManager;
use adapters::tls::Roots;
use engine::Clock;
use in_process::integrations::Integrations;
use serde_json::{Value, json};
use shared::Code;
use shared::config::Config;
use shared::ids::Region;
use simulator::http::Server;
use simulator::{Scenario, Simulator};
use steps::Steps;

use crate::arguments::Place;
use crate::asked;
use crate::caller::{self, Caller};
use crate::clock::StoryClock;
use crate::error::Error;
use crate::services::Services;

pub mod everywhere;
mod known;

/// Fast enough that minutes become seconds, slow enough to be looked at.
const DEFAULT_SPEED: f64 = 25.0;

/// Where a command acts, as it was asked for.
pub enum Chosen {
    /// A simulated world of our own.
    Embedded {
        /// What it is called.
        name: String,
        /// What it is like.
        scenario: Box<Scenario>,
        /// Whether it is a file of whoever runs the command, who knows then what is in it.
        is_own: bool,
    },
    /// A simulator that is running.
    Running {
        url: String,
        /// What a stack in it is told.
        scenario: Box<Scenario>,
        /// Whether somebody said that this is its world. It does not say so itself.
        is_named: bool,
    },
    /// The account of the surroundings.
    Aws,
}

/// The ports of a world, with its clock.
pub struct World {
    /// EC2 and CloudWatch of every account and Region.
    pub accounts: Accounts,
    pub cloud: HttpCloud<SecretsManager>,
    /// The ledger of the stack. Only commands that look at all of it ask it.
    pub ledger: DynamoLedger,
    /// The machines of a stack that is deployed. A simulated world has none that run.
    pub machines: Option<StepFunctions>,
    /// What the definitions call without a function: ledger, leases and events.
    /// Those of a simulated world, or else private ones that end with this
    /// process: it neither sees nor keeps the leases of a deployed stack.
    pub services: Services,
    /// The Region of the stack, or of the VPC where only one is asked about.
    pub region: Region,
    pub clock: StoryClock,
    /// What the surroundings say.
    pub config: Config,
    /// Whose credentials are used; `None` in a simulated world.
    pub caller: Option<Caller>,
    /// What it is, in sentences for the reader.
    pub about: Vec<String>,
    _server: Option<Server>,
}

impl World {
    /// The world as JSON, with whose credentials are used.
    pub fn described(&self, place: &Place, default: &str) -> Value {
        let mut world = described(place, default);
        if let Some(caller) = &self.caller {
            world["account_id"] = json!(caller.account);
            world["caller"] = json!(caller.arn);
        }
        world
    }

    /// The functions in this process, over these ports. What they start, they start
    /// here.
    pub fn steps<'a, X>(
        &'a self,
        executions: &'a X,
    ) -> Steps<'a, Accounts, HttpCloud<SecretsManager>, DynamoLedger, X, Services> {
        Steps {
            places: &self.accounts,
            cloud: &self.cloud,
            ledger: &self.ledger,
            executions,
            config: self.config.clone(),
            now: Box::new(move || self.clock.now()),
            services: self.services.clone(),
        }
    }
}

impl Chosen {
    /// What the command line says.
    ///
    /// # Errors
    /// When there is no such scenario or its file cannot be read.
    pub fn new(place: &Place) -> Result<Self, Error> {
        Self::or(place, default_scenario())
    }

    /// The same, in this world unless the command line names one.
    ///
    /// # Errors
    /// As with [`Chosen::new`].
    pub fn or(place: &Place, default: &str) -> Result<Self, Error> {
        if place.aws {
            return Ok(Chosen::Aws);
        }
        let name = match &place.scenario {
            Some(name) => name.clone(),
            None => default.to_owned(),
        };
        let scenario = Box::new(read(&name)?);
        Ok(match &place.endpoint {
            Some(url) => Chosen::Running {
                url: url.clone(),
                scenario,
                is_named: place.scenario.is_some(),
            },
            None => Chosen::Embedded {
                is_own: Path::new(&name).is_file(),
                name,
                scenario,
            },
        })
    }

    /// What is asked for in it unless the command line says otherwise: what the scenario
    /// asks for, or the Region of the AWS configuration, unless one is given.
    pub async fn request(
        &self,
        place: &Place,
        region: Option<&str>,
    ) -> serde_json::Map<String, Value> {
        match self {
            Chosen::Embedded { scenario, .. }
            | Chosen::Running {
                scenario,
                is_named: true,
                ..
            } => scenario.request.clone(),
            Chosen::Aws if region.is_none() => {
                let aws = surroundings(&Config::from_env(), place, None).await;
                let region = aws.sdk.region().map(ToString::to_string);
                let field = region.map(|it| ("region".to_owned(), Value::String(it)));
                field.into_iter().collect()
            }
            Chosen::Running { .. } | Chosen::Aws => serde_json::Map::new(),
        }
    }

    /// Refuses what is not in a simulated world that is built in: whoever names it means
    /// an account, and would take what happens here for what happens there.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], which names them.
    pub fn knows<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        let Chosen::Embedded {
            name,
            scenario,
            is_own: false,
        } = self
        else {
            return Ok(());
        };
        let known = known::ids(scenario);
        let is_strange = |id: &&str| !known.iter().any(|it| it.eq_ignore_ascii_case(id));
        let strange: Vec<&str> = ids.into_iter().filter(is_strange).collect();
        if strange.is_empty() {
            return Ok(());
        }
        Err(Error::Told {
            code: Code::InvalidRequest,
            message: format!(
                "these ids are not of the simulated world {name}: {}; did you mean --aws?",
                strange.join(", ")
            ),
            fix: STRANGE.to_owned(),
        })
    }

    /// Builds the ports; starts a world of our own, and looks whether another one answers.
    ///
    /// # Errors
    /// When the simulator cannot listen. [`Error::Caller`], [`Error::NoSimulator`]. When the
    /// VPC's account is not that of the credentials, and cannot be reached from there.
    pub async fn open(self, place: &Place, vpc: &shared::place::Place) -> Result<World, Error> {
        let clock = StoryClock::new(self.speed(place));
        match self.simulated(place, &clock).await? {
            Some(simulated) => simulated.open(vpc.region.clone(), clock).await,
            None => real(place, vpc, clock).await,
        }
    }

    /// The simulated world, with one of our own started; `None` for a real account.
    async fn simulated(
        self,
        place: &Place,
        clock: &StoryClock,
    ) -> Result<Option<Simulated>, Error> {
        let speed = self.speed(place);
        let (scenario, url, mut about, here, server) = match self {
            Chosen::Aws => return Ok(None),
            Chosen::Running { url, scenario, .. } => {
                let about = format!("The simulator at {url}.");
                (scenario, url, about, None, None)
            }
            Chosen::Embedded { name, scenario, .. } => {
                let time = clock.clone();
                let simulator = Simulator::new(&scenario, move || time.now());
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let here = Integrations::new(simulator.clone());
                let server = Server::start(simulator, address)
                    .await
                    .map_err(Error::Listen)?;
                let about = format!("The simulated world {name}: {}.", scenario.title);
                (scenario, server.url(), about, Some(here), Some(server))
            }
        };
        if speed != 1.0 {
            about.push_str(&format!(
                " While something is awaited, time runs {speed} times as fast as on the wall; times shown are its own."
            ));
        }
        let config = config_of(&scenario, &url, place.secret.as_deref());
        Ok(Some(Simulated {
            url,
            about,
            config,
            region: scenario.region.clone(),
            here,
            server,
        }))
    }

    fn speed(&self, place: &Place) -> f64 {
        speed(place, matches!(self, Chosen::Embedded { .. }))
    }
}

fn speed(place: &Place, is_embedded: bool) -> f64 {
    let usual = if is_embedded { DEFAULT_SPEED } else { 1.0 };
    place.speed.unwrap_or(usual)
}

const STRANGE: &str = "Add `--aws` to act in the account of your AWS credentials. For a simulated world of \
    another kind give `--scenario` a file of your own, or `--endpoint` the URL of a simulator.";

/// The name of the simulated world that a command acts in, if it does.
pub fn simulated<'a>(place: &'a Place, default: &'a str) -> Option<&'a str> {
    let named = place.endpoint.as_deref().or(place.scenario.as_deref());
    (!place.aws).then(|| named.unwrap_or(default))
}

/// The world of a command as JSON.
pub fn described(place: &Place, default: &str) -> Value {
    if place.aws {
        return json!({ "kind": "aws", "simulated": false });
    }
    let speed = speed(place, place.endpoint.is_none());
    let mut world = json!({ "kind": "simulator", "simulated": true, "speed": speed });
    match &place.endpoint {
        Some(url) => world["endpoint"] = json!(url),
        None => world["scenario"] = json!(place.scenario.as_deref().unwrap_or(default)),
    }
    world
}

/// A simulated world that can be reached.
struct Simulated {
    url: String,
    about: String,
    /// What a stack in this world would be told.
    config: Config,
    /// The Region of its stack.
    region: String,
    /// The services of a world of our own.
    here: Option<Integrations>,
    server: Option<Server>,
}

impl Simulated {
    /// Builds the ports.
    async fn open(self, region: Region, clock: StoryClock) -> Result<World, Error> {
        let aws = aws_at(&self.url, region.as_str()).await;
        if self.here.is_none() {
            caller::simulator(&aws, &self.url).await?;
        }
        let cloud = self.config.cloud(&aws)?;
        Ok(World {
            accounts: self.config.accounts(&aws),
            cloud,
            ledger: self.config.ledger(&aws),
            machines: None,
            services: self.services(&clock)?,
            region,
            clock,
            config: self.config,
            caller: None,
            about: vec![self.about],
            _server: self.server,
        })
    }

    /// The services of this world.
    fn services(&self, clock: &StoryClock) -> Result<Services, Error> {
        Ok(match &self.here {
            Some(here) => here.clone().into(),
            None => Services::at(&self.url, private(clock)?)?,
        })
    }
}

/// What a stack in this world would be told.
fn config_of(scenario: &Scenario, url: &str, secret: Option<&str>) -> Config {
    let role = scenario.roles.first();
    Config::of(|name| match name {
        "API_KEY_SECRET" => secret.map(str::to_owned),
        "COCKROACH_SERVER" => Some(url.to_owned()),
        "OWN_ACCOUNT" => Some(scenario.account.clone()),
        "OTHER_ACCOUNT_ROLE" => role.map(|role| role.name.clone()),
        "OTHER_ACCOUNT_EXTERNAL_ID" => role.and_then(|role| role.external_id.clone()),
        "CONNECTIONS_TABLE" => Some(scenario.stack.connections_table.clone()),
        "LEASES_TABLE" => Some(scenario.stack.leases_table.clone()),
        _ => None,
    })
}

async fn real(
    place: &Place,
    vpc: &shared::place::Place,
    clock: StoryClock,
) -> Result<World, Error> {
    let region = &vpc.region;
    let secret = place.secret.as_ref();
    let told = |name: &'static str| secret.filter(|_| name == "API_KEY_SECRET").cloned();
    let config = Config::from_env_unless(told);
    let aws = surroundings(&config, place, Some(region.as_str())).await;
    // What is malformed is refused before anybody is asked.
    let cloud = config.cloud(&aws)?;
    let (config, caller) = with_account(&aws, told).await?;
    is_reached(&config, &caller, vpc)?;
    Ok(World {
        accounts: config.accounts(&aws),
        cloud,
        ledger: config.ledger(&aws),
        machines: None,
        services: private(&clock)?.into(),
        region: region.clone(),
        clock,
        about: vec![format!(
            "Account {}, as {}, and the Cloud API at {}, with the key in the secret {}.",
            caller.account, caller.arn, config.cloud_url, config.secrets.default
        )],
        config,
        caller: Some(caller),
        _server: None,
    })
}

/// AWS as the surroundings and the command line say.
async fn surroundings(config: &Config, place: &Place, region: Option<&str>) -> Aws {
    match &place.profile {
        Some(profile) => aws_of_profile(config, Roots::Machine, region, profile).await,
        None => aws(config, Roots::Machine, region).await,
    }
}

/// The configuration, with the account of the credentials as the own one: nobody has to
/// type it, and nobody can mistake it.
async fn with_account(
    aws: &Aws,
    told: impl Fn(&'static str) -> Option<String>,
) -> Result<(Config, Caller), Error> {
    let caller = caller::caller(aws).await?;
    let config = Config::from_env_unless(|name| match name {
        "OWN_ACCOUNT" => Some(caller.account.to_string()),
        _ => told(name),
    });
    Ok((config, caller))
}

/// Whether the account that is named is that of the credentials, or has a role to reach it by.
fn is_reached(config: &Config, caller: &Caller, vpc: &shared::place::Place) -> Result<(), Error> {
    match (config.others.role_for(vpc), &vpc.account_id) {
        (Ok(_), _) => Ok(()),
        (Err(error), Some(account)) if error.code == Code::AccountNotConfigured => {
            Err(Error::Told {
                code: error.code,
                message: format!(
                    "--account-id: {account} is not the account of your AWS credentials, which is {} ({})",
                    caller.account, caller.arn
                ),
                fix: "Use credentials of that account, or name the role there that they may assume in OTHER_ACCOUNT_ROLE."
                    .to_owned(),
            })
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// Tables and a bus that only this process knows.
fn private(clock: &StoryClock) -> Result<Integrations, Error> {
    let time = clock.clone();
    let scenario = Scenario::shipped(default_scenario())?;
    let simulator = Simulator::new(&scenario, move || time.now());
    Ok(Integrations::new(simulator))
}

pub(crate) fn default_scenario() -> &'static str {
    Scenario::names().next().unwrap_or_default()
}

/// The scenario of that name, or in that file.
fn read(name: &str) -> Result<Scenario, Error> {
    let path = Path::new(name);
    let is_file = path.is_file()
        || path.components().count() > 1
        || path.extension().is_some_and(|it| it == "toml");
    if !is_file {
        return Ok(Scenario::shipped(name)?);
    }
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |why: String| Error::ScenarioFile {
        path: path.to_owned(),
        why,
    };
    let scenario = Scenario::parse(&text).map_err(|error| wrong(error.to_string()))?;
    let asked = Value::Object(scenario.request.clone());
    match asked::unknown_field(&asked) {
        Some(error) => Err(wrong(format!("[request]: {}", error.detail))),
        None => Ok(scenario),
    }
}
