//! The world that the project is proven against: EC2, Route 53 with its
//! Resolver and Profiles, CloudWatch, Secrets Manager, DynamoDB, Step Functions (starting
//! runs), EventBridge, STS and the CockroachDB Cloud API in one process, faithful to their awkward habits. What the
//! project does not use of them is refused by name.
//!
//! There is one model, [`World`], and it has two kinds of faces. Callers in
//! the same process use its typed operations through [`Simulator::call`]; real
//! binaries reach the same operations over HTTP on loopback. Nothing runs in
//! the background: whatever takes time is worked off, in order, whenever
//! somebody calls or looks.

pub mod authorization;
pub mod calls;
pub mod cloud;
pub mod cloudwatch;
mod context;
pub mod dynamodb;
pub mod ec2;
pub mod faults;
pub mod http;
pub mod notices;
pub mod pace;
mod resolver;
pub mod route53;
pub mod scenario;
pub mod secrets;
mod services;
mod simulator;
pub mod splitmix;
pub mod step_functions;
pub mod sts;
pub mod world;

pub use authorization::{Authorization, Judge};
pub use calls::{ApiError, Call, Caller, Refusal};
pub use faults::{Fault, FaultKind, Moment, SeededFaults};
pub use pace::Pace;
pub use scenario::{Scenario, ScenarioError};
pub use simulator::Simulator;
pub use world::{Happening, World};
