//! What the functions have in common.
//!
//! | Where | What |
//! | --- | --- |
//! | [`request`], [`report`] | what a caller asks for, and what a run ends with |
//! | [`ids`], [`cidr`] | identifiers and networks, checked when they are read |
//! | [`ownership`] | tags, names and tokens: how we know our own again |
//! | [`plan`] | what the inspections hand to the later steps |
//! | [`progress`] | ready or not yet: the answer of every step that may have to be asked again |
//! | [`error`], [`catalogue`] | what leaves a function when it cannot go on; every code with cause and fix |
//! | [`ec2`], [`cloud`], [`secret`] | ports in our words; below each one, the adapter that knows the wire |
//! | [`config`], [`lambda`] | the process: environment variables, the runtime loop |
//!
//! A line moves here as soon as a second function needs it, not earlier.

pub mod catalogue;
pub mod cidr;
pub mod cloud;
pub mod config;
pub mod ec2;
pub mod error;
pub mod ids;
pub mod lambda;
pub mod ownership;
pub mod plan;
pub mod progress;
pub mod report;
pub mod request;
mod sdk;
pub mod secret;

pub use catalogue::Code;
pub use error::{StepError, StepErrorName};
