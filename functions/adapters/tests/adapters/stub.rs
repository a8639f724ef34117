//! Answers that are canned word for word, for what the simulator never says.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::stage::{REGION, at_once};

/// A listener that gives one canned answer for each connection, and the last one
/// for ever.
pub(crate) struct Stub {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) async fn answering(answers: impl IntoIterator<Item = String>) -> Stub {
        let mut answers: Vec<String> = answers.into_iter().collect();
        answers.reverse();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request);
                let answer = if answers.len() > 1 {
                    answers.pop()
                } else {
                    answers.last().cloned()
                };
                // A client that has left gets no answer.
                let _ = stream
                    .write_all(answer.unwrap_or_default().as_bytes())
                    .await;
            }
        });
        Stub { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// An answer with this status, these headers and this body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Canned\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// What a service of AWS answers that speaks JSON.
pub(crate) fn ok(body: &Value) -> String {
    json_answer(200, body)
}

/// The error of a service of AWS that speaks JSON.
pub(crate) fn exception(status: u16, kind: &str) -> String {
    json_answer(status, &json!({"__type": kind, "message": "why"}))
}

/// Answers that are not those of a service, but of something in front of it.
pub(crate) fn unreadable() -> [String; 3] {
    let html = "<html>";
    [answer(502, "", html), answer(200, "", html), String::new()]
}

fn json_answer(status: u16, body: &Value) -> String {
    let headers = "Content-Type: application/x-amz-json-1.0\r\n";
    answer(status, headers, &body.to_string())
}

/// The SDK as in production with everything at this URL, without the waits between attempts.
pub(crate) async fn aws(url: &str) -> SdkConfig {
    at_once(adapters::aws::aws_at(url, REGION).await.sdk)
}

/// The body of a request, which is JSON.
pub(crate) fn body(request: &str) -> Value {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// A request, head and body.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text
            .split_once("\r\n\r\n")
            .is_some_and(|(head, body)| body.len() >= length(head))
        {
            return text;
        }
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
        }
    }
}

fn length(head: &str) -> usize {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0)
}
