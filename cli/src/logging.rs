//! Logging: off unless asked for.

use std::io::{Result, Stderr, Write, stderr};

use shared::plain;
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
        .with_ansi(false)
        .with_writer(|| ForReading(stderr()))
        .try_init();
    true
}

/// Names and messages of other sides are in the log as well. The subscriber writes each
/// event at once.
struct ForReading(Stderr);

impl Write for ForReading {
    fn write(&mut self, event: &[u8]) -> Result<usize> {
        let event_text = String::from_utf8_lossy(event);
        self.0.write_all(plain::text(&event_text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
}
