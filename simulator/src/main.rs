//! Serves a world to whoever wants to look at it with curl, boto3 or the AWS
//! CLI: `cargo run -p simulator -- --scenario fresh-vpc`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulator::http::Server;
use simulator::{Scenario, Simulator};
use time::OffsetDateTime;

/// Serves a simulated AWS account and CockroachDB Cloud organization on loopback.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A scenario that comes with the simulator, or the path of a scenario file.
    #[arg(long, default_value_t = default_scenario())]
    scenario: String,
    /// The port to listen on; a free one if left out.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many times faster than on the wall the world's time runs.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if !(arguments.speed.is_finite() && arguments.speed > 0.0) {
        return Err("--speed must be a positive number".into());
    }
    let scenario = read(&arguments.scenario)?;
    let sim = Simulator::new(&scenario, clock(arguments.speed));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let server = Server::start(sim, address).await?;
    println!("# {}\n# {}", scenario.title, scenario.story);
    println!("# Stop it with Ctrl-C. In another shell:");
    for (name, value) in environment(&server.url(), &scenario) {
        println!("export {name}={value}");
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

fn default_scenario() -> String {
    Scenario::names().next().unwrap_or_default().to_owned()
}

fn read(name: &str) -> Result<Scenario, Box<dyn std::error::Error>> {
    if !Path::new(name).is_file() {
        return Ok(Scenario::shipped(name)?);
    }
    Ok(Scenario::parse(&std::fs::read_to_string(name)?)?)
}

/// A clock that starts now and runs at a speed.
fn clock(speed: f64) -> impl Fn() -> OffsetDateTime {
    let (started, start) = (Instant::now(), OffsetDateTime::now_utc());
    move || start + started.elapsed().mul_f64(speed)
}

/// What programs need to find this world instead of the real one.
fn environment(url: &str, scenario: &Scenario) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL_CLOUDWATCH", url.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", url.to_owned()),
        ("AWS_ENDPOINT_URL_EC2", url.to_owned()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", url.to_owned()),
        ("AWS_ENDPOINT_URL_ROUTE_53", url.to_owned()),
        ("AWS_ENDPOINT_URL_ROUTE53PROFILES", url.to_owned()),
        ("AWS_ENDPOINT_URL_ROUTE53RESOLVER", url.to_owned()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.to_owned()),
        ("AWS_ENDPOINT_URL_SFN", url.to_owned()),
        ("AWS_ENDPOINT_URL_STS", url.to_owned()),
        ("AWS_REGION", scenario.region.clone()),
        ("AWS_DEFAULT_REGION", scenario.region.clone()),
        ("AWS_ACCESS_KEY_ID", "simulated".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "simulated".to_owned()),
        ("COCKROACH_SERVER", url.to_owned()),
    ]
}
