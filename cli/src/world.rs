//! Where a command acts: a simulated world or a real account.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use engine::Clock;
use guard_removal::cloudwatch::CloudWatch;
use in_process::integrations::Integrations;
use shared::cloud::HttpCloud;
use shared::config::{Config, DEFAULT_SECRET, aws, aws_at};
use shared::ec2::AwsEc2;
use shared::ids::Region;
use shared::secret::SecretsManager;
use simulator::http::Server;
use simulator::{Scenario, Simulator};

use crate::arguments::Place;
use crate::clock::StoryClock;
use crate::error::Error;

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
    },
    /// A simulator that is running.
    Running {
        /// Where.
        url: String,
        /// Whose request is meant.
        scenario: Box<Scenario>,
    },
    /// The account of the surroundings.
    Aws,
}

/// The ports of a world, with its clock.
pub struct World {
    /// EC2.
    pub ec2: AwsEc2,
    /// CloudWatch.
    pub traffic: CloudWatch,
    /// The Cloud API.
    pub cloud: HttpCloud<SecretsManager>,
    /// What the definition calls without a function: ledger, leases and events.
    /// Those of a simulated world, or else private ones that end with this
    /// process: it neither sees nor keeps the leases of a deployed stack.
    pub integrations: Integrations,
    /// Its time.
    pub clock: StoryClock,
    /// What it is, in sentences for the reader.
    pub about: Vec<String>,
    _server: Option<Server>,
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
            },
            None => Chosen::Embedded { name, scenario },
        })
    }

    /// What is asked for in it unless the command line says otherwise.
    pub fn request(&self) -> serde_json::Map<String, serde_json::Value> {
        match self {
            Chosen::Embedded { scenario, .. } | Chosen::Running { scenario, .. } => {
                scenario.request.clone()
            }
            Chosen::Aws => serde_json::Map::new(),
        }
    }

    /// The world as JSON.
    pub fn describe(&self, place: &Place) -> serde_json::Value {
        match self {
            Chosen::Embedded { name, .. } => {
                serde_json::json!({ "kind": "simulator", "scenario": name, "speed": self.speed(place) })
            }
            Chosen::Running { url, .. } => {
                serde_json::json!({ "kind": "simulator", "endpoint": url, "speed": self.speed(place) })
            }
            Chosen::Aws => serde_json::json!({ "kind": "aws" }),
        }
    }

    /// Builds the ports; starts a world of our own.
    ///
    /// # Errors
    /// When the simulator cannot listen or no TLS client can be built.
    pub async fn open(self, place: &Place, region: &Region) -> Result<World, Error> {
        let speed = self.speed(place);
        let clock = StoryClock::new(speed);
        let fast = (speed != 1.0).then(|| {
            format!("While something is awaited, time runs {speed} times as fast as on the wall; times shown are its own.")
        });
        let (url, mut about, integrations, server) = match self {
            Chosen::Aws => return real(place, region, clock).await,
            Chosen::Running { url, .. } => {
                let about = format!("The simulator at {url}.");
                (url, about, private(&clock)?, None)
            }
            Chosen::Embedded { name, scenario } => {
                let time = clock.clone();
                let simulator = Simulator::new(&scenario, move || time.now());
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let integrations = Integrations::new(simulator.clone());
                let server = Server::start(simulator, address)
                    .await
                    .map_err(Error::Listen)?;
                let about = format!("The simulated world {name}: {}.", scenario.title);
                (server.url(), about, integrations, Some(server))
            }
        };
        if let Some(fast) = fast {
            about = format!("{about} {fast}");
        }
        let aws = aws_at(&url, region.as_str()).await;
        let secret = place.secret.as_deref().unwrap_or(DEFAULT_SECRET);
        Ok(World {
            ec2: AwsEc2::new(&aws),
            traffic: CloudWatch::new(&aws),
            cloud: HttpCloud::new(&url, SecretsManager::new(&aws, secret))?,
            integrations,
            clock,
            about: vec![about],
            _server: server,
        })
    }

    fn speed(&self, place: &Place) -> f64 {
        let usual = match self {
            Chosen::Embedded { .. } => DEFAULT_SPEED,
            Chosen::Running { .. } | Chosen::Aws => 1.0,
        };
        place.speed.unwrap_or(usual)
    }
}

async fn real(place: &Place, region: &Region, clock: StoryClock) -> Result<World, Error> {
    let mut config = Config::from_env();
    if let Some(secret) = &place.secret {
        config.secrets = secret.as_str().into();
    }
    let aws = aws(Some(region.as_str())).await;
    Ok(World {
        ec2: AwsEc2::new(&aws),
        traffic: CloudWatch::new(&aws),
        cloud: config.cloud(&aws)?,
        integrations: private(&clock)?,
        clock,
        about: vec![format!(
            "The AWS account of the surroundings and the Cloud API at {}, with the key in the secret {}.",
            config.cloud_url, config.secrets.default
        )],
        _server: None,
    })
}

/// Tables and a bus that only this process knows.
fn private(clock: &StoryClock) -> Result<Integrations, Error> {
    let time = clock.clone();
    let scenario = Scenario::shipped(default_scenario())?;
    let simulator = Simulator::new(&scenario, move || time.now());
    Ok(Integrations::new(simulator))
}

fn default_scenario() -> &'static str {
    Scenario::names().next().unwrap_or_default()
}

fn read(name: &str) -> Result<Scenario, Error> {
    let path = Path::new(name);
    if !path.is_file() {
        return Ok(Scenario::shipped(name)?);
    }
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(Scenario::parse(&text)?)
}
