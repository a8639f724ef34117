//! Runs definitions on moto, an emulator whose interpreter is not ours.

pub(crate) mod functions;
mod http;
pub(crate) mod server;
