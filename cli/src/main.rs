//! The binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser;
use crdb_privatelink::arguments::Arguments;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    crdb_privatelink::run(Arguments::parse()).await
}
