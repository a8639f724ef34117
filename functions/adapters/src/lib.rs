//! Everything that knows a wire: what the ports of [`shared`] are over HTTP, and the
//! process that a function runs in. No step depends on it.
//!
//! | Where | What |
//! | --- | --- |
//! | [`ec2`], [`cloudwatch`], [`ledger`], [`executions`], [`secrets`] | EC2 and Route 53, CloudWatch, DynamoDB, Step Functions, Secrets Manager |
//! | [`cloud`] | the Cloud API |
//! | [`accounts`], [`caller`] | EC2 and CloudWatch of every account and Region, by roles; whose credentials these are |
//! | [`aws`], [`tls`], [`clients`] | the configuration of the SDK; whom a process trusts; what a configuration of ours makes of it |
//! | [`body`] | the bodies of answers, not without end |
//! | [`lambda`], [`http`] | the process: the runtime loop, HTTP requests |

pub mod accounts;
pub mod aws;
pub mod body;
pub mod caller;
pub mod clients;
pub mod cloud;
pub mod cloudwatch;
pub mod ec2;
pub mod executions;
pub mod http;
pub mod lambda;
pub mod ledger;
mod reach;
mod sdk;
pub mod secrets;
mod sts;
pub mod tls;

pub use clients::Clients;
