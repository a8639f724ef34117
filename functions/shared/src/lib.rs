//! What the functions have in common: words, rules, ports and tables of errors. Nothing
//! here knows a wire; the crate `adapters` does.
//!
//! | Where | What |
//! | --- | --- |
//! | [`request`], [`report`], [`notice`] | what a caller asks for, what a run ends with, and what is announced |
//! | [`subject`] | the connection that an execution is about |
//! | [`ids`], [`cidr`], [`sources`] | identifiers and networks, checked when they are read; which networks may become sources |
//! | [`ownership`] | tags, names and tokens: how we know our own again |
//! | [`customer_tags`] | tags of the customer's own on what is made |
//! | [`vpc_tags`] | the tags that people set on VPCs and subnets, and what is written back |
//! | [`subnets`] | which subnets an endpoint gets |
//! | [`plan`] | what the inspections hand to the later steps |
//! | [`progress`] | ready or not yet: the answer of every step that may have to be asked again |
//! | [`error`], [`catalogue`] | what leaves a function when it cannot go on; every code with cause and fix |
//! | [`place`], [`places`], [`accounts`] | the account and the Region that EC2 is asked in; all of them; which other accounts may be |
//! | [`ledger`], [`executions`] | ports of the doors: the record of connections, and the runs |
//! | [`ec2`], [`cloud`], [`secret`], [`traffic`] | ports in our words, and what the errors of the other side mean |
//! | [`aws_errors`] | what the errors mean that all services of AWS have |
//! | [`transport`] | where requests may go without TLS, and how long an answer may be |
//! | [`surroundings`] | what else of a VPC decides whether a connection can be used |
//! | [`bounds`], [`plain`] | texts from outside: not too long, and for reading only |
//! | [`runbook`] | alarms, phases and health: what each means, and what to do |
//! | [`metrics`], [`console`] | figures for CloudWatch, written as a line of the log; links into the console of AWS |
//! | [`config`], [`settings`] | environment variables, and what a definition tells in their place |
//! | [`handler`], [`gateway`] | from JSON to a handler and back; HTTP requests |
//!
//! A line moves here as soon as a second function needs it, not earlier.

pub mod accounts;
pub mod aws_errors;
pub mod bounds;
pub mod catalogue;
pub mod cidr;
pub mod cloud;
pub mod config;
pub mod console;
pub mod customer_tags;
pub mod ec2;
pub mod error;
pub mod executions;
pub mod gateway;
pub mod handler;
pub mod ids;
pub mod ledger;
pub mod metrics;
pub mod notice;
pub mod ownership;
pub mod place;
pub mod places;
pub mod plain;
pub mod plan;
pub mod progress;
pub mod report;
pub mod request;
pub mod runbook;
pub mod secret;
pub mod settings;
pub mod sources;
pub mod strict;
pub mod subject;
pub mod subnets;
pub mod surroundings;
pub mod traffic;
pub mod transport;
pub mod vpc_tags;
mod worded;

pub use catalogue::Code;
pub use error::{StepError, StepErrorName};
