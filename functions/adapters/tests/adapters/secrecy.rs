//! The API key is in no log line.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::accounts;
use crate::calls::{self, call};
use crate::stage::{KEY, OTHER_KEY, SECRET, Stage};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// Everything that is logged while something is done.
async fn log_of(filter: &str, deed: impl Future<Output = ()>) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    tracing::callsite::rebuild_interest_cache();
    deed.await;
    drop(guard);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

/// Calls every method, with a key that is rotated and one that is refused.
async fn a_run() {
    let stage = Stage::new().await;
    let adapters = stage.adapters().await;
    for (method, _) in calls::ALL {
        tracing::info!("{method:?}");
        let result = call(method, &adapters.ports()).await;
        // The key itself is the value of one method.
        if method != calls::Method::ApiKey {
            tracing::info!("{result:?}");
        }
    }
    stage.sim.meddle(|world| {
        let now = world.now;
        world.cloud.keys.revoke(KEY);
        world.secrets.put(SECRET, OTHER_KEY.to_owned(), now);
    });
    let refused = call(calls::Method::Cluster, &adapters.ports()).await;
    tracing::info!("{:?}", refused.unwrap_err());
}

fn lines_with_a_key(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("OpensNothing"))
        .collect()
}

#[tokio::test]
async fn the_key_is_in_no_line_of_the_log() {
    let log = log_of("info", a_run()).await;
    assert!(log.contains("ApiKeyRefused"), "the log is of this run");
    assert_eq!(lines_with_a_key(&log), Vec::<&str>::new());
}

#[tokio::test]
async fn the_key_is_in_no_line_of_ours_or_of_the_http_client_at_any_level() {
    let log = log_of("trace,simulator=off", a_run()).await;
    assert!(log.lines().count() > 1000, "the log is of all levels");
    let lines = lines_with_a_key(&log);
    let short: Vec<String> = lines
        .iter()
        .map(|line| line.chars().take(200).collect())
        .collect();
    assert!(
        lines.is_empty(),
        "{} lines, such as {:#?}",
        lines.len(),
        &short[..short.len().min(5)]
    );
}

#[tokio::test]
async fn the_credentials_of_another_account_are_in_no_line_of_the_log() {
    let log = log_of("trace", accounts::look_around()).await;
    assert!(log.contains("ASIAOTHER"), "the log is of this run");
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(accounts::SECRET_ACCESS_KEY))
        .collect();
    assert_eq!(lines, Vec::<&str>::new());
}
