//! Logging: off unless asked for.

use tracing_subscriber::EnvFilter;

use crate::arguments::Arguments;

/// Starts logging to stderr if the command line asks for it; says whether it does.
pub(crate) fn start(arguments: &Arguments) -> bool {
    let filter = match (&arguments.log, arguments.verbose) {
        (Some(filter), _) => filter.as_str(),
        (None, 0) => return false,
        (None, 1) => "info",
        (None, _) => "info,shared=debug,aws_smithy_runtime=debug",
    };
    let filter = EnvFilter::new(filter);
    // Only a second call could fail, and there is none.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
    true
}
