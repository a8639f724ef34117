//! The adapters over HTTP on loopback, against the simulator: is every request
//! right, is every answer read right, and does every failure get its code?
//!
//! What the simulator never says, because no service is known to say it, comes
//! from [`stub`]: answers that are canned word for word.

#![allow(
    clippy::unwrap_used,
    reason = "what a test needs may panic like the test itself"
)]

mod accounts;
mod agreement;
mod caller;
mod calls;
mod cloud;
mod cloud_answers;
mod cloudwatch;
mod endpoints;
mod executions;
mod faults;
mod groups;
mod ledger;
mod network;
mod proxy;
mod rate_limit;
mod sdk_errors;
mod secrecy;
mod secrets;
mod stage;
mod stub;
mod surroundings;
mod tls;
mod upkeep;
mod vpc_tags;
