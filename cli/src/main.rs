//! The binary: reads the command line and does what it says.

use std::process::ExitCode;

use crdb_privatelink::arguments::Arguments;
use tokio::runtime::Builder;

fn main() -> std::io::Result<ExitCode> {
    let arguments = Arguments::read();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(crdb_privatelink::run(arguments));
    // Who leaves does not wait for names that are still being resolved.
    runtime.shutdown_background();
    Ok(code)
}
