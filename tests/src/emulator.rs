//! The template, deployed on an AWS emulator that is not ours, with the binaries
//! of this workspace; EC2, the three services of Route 53, STS, the metrics of endpoints and the Cloud API are the simulator.
//!
//! | Where | What |
//! | --- | --- |
//! | [`artifacts`] | the binaries and the template, as `sam build` would leave them |
//! | [`ministack`] | the emulator's process |
//! | [`stack`] | the deployment |
//! | [`aws`] | calls to the emulator's services, and to our API behind its gateway |
//! | [`world`] | the simulated networks and clusters, one VPC for each story |
//! | [`history`] | what its Step Functions did |
//! | [`story`] | one deployment for all stories of a test binary, and what a failed one leaves to read |
//!
//! Step Functions, its clock and the world run [`SPEED`] times as fast as on the
//! wall. Everything listens on loopback.

pub mod artifacts;
pub mod aws;
pub mod history;
pub mod ministack;
pub mod notices;
pub mod stack;
pub mod story;
pub mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How many times as fast as on the wall the world and Step Functions run.
pub const SPEED: f64 = 25.0;
/// The account of everything.
pub const ACCOUNT: &str = "111122223333";
/// The Region of everything.
pub const REGION: &str = "eu-west-1";

/// Where this binary's target directory has room for us.
pub fn folder() -> PathBuf {
    // This binary is target/debug/deps/…; ours is target/emulator.
    let own = std::env::current_exe().expect("the path of this binary");
    let target = own.ancestors().nth(3).expect("the target directory");
    target.join("emulator")
}

/// Looks again and again until there is something to see.
///
/// # Panics
/// After `patience` on the wall, saying what was awaited.
pub async fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    loop {
        pace.tick().await;
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            began.elapsed() < patience,
            "waited {} s in vain until {what}",
            patience.as_secs()
        );
    }
}
