//! Lambda functions that answer by a script.

use std::collections::{BTreeMap, VecDeque};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;
use serde_json::Value;

use super::http;

/// What a function does when it is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Returns(Value),
    /// The error object that a Lambda function answers.
    Fails(Value),
    /// It does not answer at all.
    Never,
}

/// A function's name and what it was called with.
pub(crate) type Call = (String, Value);

#[derive(Default)]
struct Shared {
    scripts: BTreeMap<String, VecDeque<Answer>>,
    calls: Vec<Call>,
    /// Connections of calls that are never answered; closing them would be
    /// an answer.
    unanswered: Vec<TcpStream>,
}

/// The functions, behind a Lambda endpoint on this machine.
pub(crate) struct Functions {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Functions {
    /// Serves these functions until the process ends.
    pub(crate) fn serve(scripts: BTreeMap<String, VecDeque<Answer>>) -> Functions {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Mutex::new(Shared {
            scripts,
            ..Shared::default()
        }));
        let functions = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A caller that hangs up is its own business: the outcome of
                // its execution will show it.
                let _ = serve(stream, &functions);
            }
        });
        Functions { port, shared }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The calls of the functions whose name begins like this, without it.
    pub(crate) fn calls(&self, prefix: &str) -> Vec<Call> {
        let shared = self.shared.lock().expect("no panic in a function");
        let calls = shared.calls.iter();
        calls
            .filter_map(|(name, payload)| {
                Some((name.strip_prefix(prefix)?.to_owned(), payload.clone()))
            })
            .collect()
    }
}

fn serve(stream: TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let request = http::read_request(&stream)?;
    // /2015-03-31/functions/<ARN, colons escaped>/invocations
    let arn = request.path.split('/').nth(3).unwrap_or_default();
    let name = arn.rsplit("%3A").next().unwrap_or_default().to_owned();
    let mut shared = shared.lock().expect("no panic in a function");
    shared
        .calls
        .push((name.clone(), serde_json::from_slice(&request.body)?));
    let script = shared.scripts.get_mut(&name);
    match script.and_then(VecDeque::pop_front) {
        Some(Answer::Returns(value)) => http::answer(&stream, "", &value.to_string()),
        Some(Answer::Fails(error)) => http::answer(
            &stream,
            "X-Amz-Function-Error: Unhandled\r\n",
            &error.to_string(),
        ),
        Some(Answer::Never) => {
            shared.unanswered.push(stream);
            Ok(())
        }
        None => http::answer(
            &stream,
            "X-Amz-Function-Error: Unhandled\r\n",
            r#"{"errorType":"OneCallTooMany","errorMessage":"the script has ended"}"#,
        ),
    }
}
