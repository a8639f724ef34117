//! What the functions have in common.
//!
//! | Where | What |
//! | --- | --- |
//! | [`request`], [`report`], [`notice`] | what a caller asks for, what a run ends with, and what is announced |
//! | [`ids`], [`cidr`], [`sources`] | identifiers and networks, checked when they are read; which networks may become sources |
//! | [`ownership`] | tags, names and tokens: how we know our own again |
//! | [`customer_tags`] | tags of the customer's own on what is made |
//! | [`plan`] | what the inspections hand to the later steps |
//! | [`progress`] | ready or not yet: the answer of every step that may have to be asked again |
//! | [`error`], [`catalogue`] | what leaves a function when it cannot go on; every code with cause and fix |
//! | [`place`], [`accounts`] | the account and the Region that EC2 is asked in, and the credentials for it |
//! | [`ledger`], [`executions`] | ports of the doors: the record of connections, and the runs |
//! | [`ec2`], [`cloud`], [`secret`] | ports in our words; below each one, the adapter that knows the wire |
//! | [`traffic`], [`sdk`] | the port for what endpoints carry; what errors of the AWS SDK mean |
//! | [`transport`] | where requests may go without TLS, and how long an answer may be |
//! | [`bounds`], [`plain`] | texts from outside: not too long, and for reading only |
//! | [`metrics`] | figures for CloudWatch, written as a line of the log |
//! | [`config`], [`settings`] | environment variables, and what a definition tells in their place |
//! | [`lambda`], [`gateway`] | the process: the runtime loop, HTTP requests |
//!
//! A line moves here as soon as a second function needs it, not earlier.

pub mod accounts;
pub mod bounds;
pub mod catalogue;
pub mod cidr;
pub mod cloud;
pub mod config;
pub mod customer_tags;
pub mod ec2;
pub mod error;
pub mod executions;
pub mod gateway;
pub mod ids;
pub mod lambda;
pub mod ledger;
pub mod metrics;
pub mod notice;
pub mod ownership;
pub mod place;
pub mod plain;
pub mod plan;
pub mod progress;
pub mod report;
pub mod request;
pub mod sdk;
pub mod secret;
pub mod settings;
pub mod sources;
mod strict;
mod sts;
pub mod tour;
pub mod traffic;
pub mod transport;

pub use catalogue::Code;
pub use error::{StepError, StepErrorName};
