//! Runs Step Functions definitions in one process, in real or virtual time.
//!
//! The engine knows the part of the Amazon States Language that the
//! definitions of this project use: JSONata machines of `Task`, `Pass`,
//! `Wait`, `Choice`, `Succeed` and `Fail`, and the direct integrations that are
//! listed in [`INTEGRATIONS`]. Everything else is refused by name
//! when a definition is loaded, so that a run never silently differs from what
//! Step Functions would do. What it does know it holds against an interpreter
//! that we did not write (`tests/agrees_with_another_interpreter.rs`).
//!
//! ```text
//! let machine = Machine::load(&text)?;
//! let clock = VirtualClock::new();
//! let execution = run(&machine, "vpc-1-cluster-1", input, &tasks, &clock, &()).await;
//! println!("{}", trace(&execution.history));
//! ```
//!
//! Outside facts come from the States Language specification (fields, error
//! names, retriers) and from the Step Functions developer guide, pages
//! "Transforming data with JSONata", "Passing data between states with
//! variables", "Handling errors" and "Service quotas".

#![warn(missing_docs)]

mod clock;
mod effects;
mod error_names;
mod event;
mod expression;
mod fields;
mod findings;
mod graph;
mod json;
mod load;
mod load_state;
mod machine;
mod race;
mod recorder;
mod retry;
mod run;
mod scope;
mod task;
mod template;
mod trace;
mod value;
mod vet;
mod visit;
mod wait;

pub use clock::{Clock, ScaledClock, VirtualClock};
pub use event::{Event, EventKind, Observer};
pub use findings::{Finding, LoadError};
pub use machine::Machine;
pub use run::{Execution, Outcome, Standing, resume, run};
pub use task::{INTEGRATIONS, TaskFailure, Tasks};
pub use trace::trace;
