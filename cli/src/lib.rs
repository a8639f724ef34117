//! The operator's command: runs the definitions in one process, against the
//! simulator or a real account.
//!
//! | Where | What |
//! | --- | --- |
//! | [`arguments`], [`asked`] | the command line, and the request that it makes |
//! | [`provision`], [`deprovision`], [`plan`], [`sweep`], [`rebuild`], [`explain`], [`scenarios`] | one module for each command |
//! | [`consent`], [`removal`] | what is shown and asked before something real is changed; what `deprovision` would remove |
//! | [`services`] | what a definition calls without a function |
//! | [`mod@run`], [`course`], [`world`], [`clock`], [`reach`] | a run to its end, whether it goes forward, where it acts, its time, and a host that nobody is at |
//! | [`signal`], [`interrupt`] | who stops it, and how |
//! | [`caller`] | who asks, and whether anybody answers |
//! | [`story`], [`display`] | events as news, news on the screen |
//! | [`ending`], [`script`] | what is printed at the end |
//! | [`exit`], [`error`] | how the process ends, and why a command could not begin |

use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Command};

pub mod answer;
pub mod arguments;
pub mod asked;
pub mod caller;
pub mod clock;
pub mod consent;
pub mod course;
pub mod deprovision;
pub mod display;
pub mod ending;
pub mod error;
pub mod exit;
pub mod explain;
pub mod fixes;
pub mod interrupt;
mod logging;
pub mod plan;
pub mod provision;
pub mod reach;
pub mod rebuild;
pub mod removal;
pub mod run;
pub mod scenarios;
pub mod script;
pub mod services;
pub mod signal;
pub mod story;
pub mod sweep;
pub mod world;

pub use answer::Answer;
use shared::plain;

/// Does what the command line says.
pub async fn run(arguments: Arguments) -> ExitCode {
    let logging = logging::start(&arguments);
    let (json, acts, answer) = match &arguments.command {
        Command::Provision(it) => {
            let acts = Some((&it.place, provision::scenario()));
            (it.json, acts, Box::pin(provision::run(it, logging)).await)
        }
        Command::Deprovision(it) => {
            let acts = Some((&it.place, deprovision::DEFAULT_SCENARIO));
            (it.json, acts, Box::pin(deprovision::run(it, logging)).await)
        }
        Command::Plan(it) => {
            let acts = Some((&it.place, plan::scenario(it)));
            (it.json, acts, Box::pin(plan::run(it, logging)).await)
        }
        Command::Sweep(it) => {
            let acts = Some((&it.place, sweep::DEFAULT_SCENARIO));
            (it.json, acts, Box::pin(sweep::run(it, logging)).await)
        }
        Command::Rebuild(it) => {
            let acts = Some((&it.place, rebuild::DEFAULT_SCENARIO));
            (it.json, acts, Box::pin(rebuild::run(it, logging)).await)
        }
        Command::Scenarios => (false, None, scenarios::run()),
        Command::Explain { name } => (false, None, explain::run(name)),
        Command::Catalogue => (false, None, Ok(Answer::done(documents()))),
    };
    let answer = answer.unwrap_or_else(|error| {
        let world = acts.map(|(place, default)| world::described(place, default));
        Answer::of_error(&error, json, &world.unwrap_or_default())
    });
    let answer = match acts.and_then(|(place, default)| world::simulated(place, default)) {
        Some(world) if !json => answer.simulated(world),
        Some(_) | None => answer,
    };
    print(&answer);
    ExitCode::from(answer.exit.code())
}

/// The catalogue and the run book.
fn documents() -> String {
    let (catalogue, run_book) = (shared::catalogue::document(), shared::runbook::document());
    format!("{catalogue}\n{run_book}")
}

/// Names and messages of other sides are in it, so it is [for reading only](plain). The
/// end of a pipe may be gone, and that is not worth a panic.
fn print(answer: &Answer) {
    let _ = std::io::stderr().write_all(plain::text(&answer.stderr).as_bytes());
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(plain::text(&answer.stdout).as_bytes());
    let _ = stdout.flush();
}
