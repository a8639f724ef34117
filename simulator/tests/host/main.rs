//! The host over a plain socket: what a client sees of answers, errors, and of
//! connections that break or never answer.

mod broken;
mod cloud;
mod doors;
mod secrets;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use simulator::http::Server;
use simulator::{Scenario, Simulator};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CLUSTER: &str = "22222222-2222-4222-8222-222222222222";
const KEY: &str = "CCDB1_aaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

const SCENARIO: &str = r#"
title = "one cluster"
story = "A Standard cluster, an endpoint, a key and a secret."
[[keys]]
secret = "CCDB1_aaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
roles = ["CLUSTER_ADMIN"]
[[secrets]]
name = "cockroach/api-key"
value = '{"api_key": "CCDB1_aaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}'
[[clusters]]
id = "22222222-2222-4222-8222-222222222222"
name = "standard"
plan = "standard"
[[clusters.regions]]
name = "eu-west-1"
service = { name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb" }
[[clusters.connections]]
endpoint_id = "vpce-0123456789abcdef0"
[[vpcs]]
id = "vpc-0123456789abcdef0"
cidr = "10.0.0.0/16"
[[vpcs.endpoints]]
id = "vpce-0123456789abcdef0"
service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb"
"#;

struct Stage {
    sim: Simulator,
    server: Server,
}

/// An answer as it came over the wire.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Stage {
    async fn new(change: impl FnOnce(&mut Scenario)) -> Stage {
        let mut scenario = Scenario::parse(SCENARIO).expect("the scenario is sound");
        change(&mut scenario);
        Stage::of(&scenario).await
    }

    async fn of(scenario: &Scenario) -> Stage {
        let sim = Simulator::new(scenario, || OffsetDateTime::UNIX_EPOCH);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(sim.clone(), address)
            .await
            .expect("it can listen");
        Stage { sim, server }
    }

    /// Sends a request and reads until the connection ends.
    async fn send(&self, head: &str, body: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.server.address()).await?;
        let length = body.len();
        let request = format!(
            "{head}\r\nHost: simulator\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let (head, body) = text
            .split_once("\r\n\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok(Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    async fn cloud(&self, method: &str, path: &str, body: &str) -> Answer {
        self.cloud_as(KEY, method, path, body).await
    }

    async fn cloud_as(&self, key: &str, method: &str, path: &str, body: &str) -> Answer {
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nAuthorization: Bearer {key}\r\nCc-Version: 2024-09-16\r\n\
             Content-Type: application/json"
        );
        self.send(&head, body).await.expect("an answer comes")
    }

    /// Reads the cluster.
    async fn cluster(&self) -> Answer {
        let path = format!("/clusters/{CLUSTER}");
        self.cloud("GET", &path, "").await
    }

    async fn networking(&self, method: &str, path: &str, body: &str) -> Answer {
        self.cloud(
            method,
            &format!("/clusters/{CLUSTER}/networking/{path}"),
            body,
        )
        .await
    }

    async fn secret(&self, operation: &str, input: &Value) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nX-Amz-Target: secretsmanager.{operation}\r\n\
             Content-Type: application/x-amz-json-1.1"
        );
        self.send(&head, &input.to_string())
            .await
            .expect("an answer comes")
    }
}
