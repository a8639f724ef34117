//! Step tests: the door over a ledger and a Step Functions in this process.

use in_process::stage::{Stage, entry, ready};
use serde_json::{Value, json};
use shared::gateway::respond;
use shared::ids::VpcId;
use shared::ledger::{Milestone, Phase};
use shared::report::{Explained, Outcome};
use shared::request::{ProvisionRequest, RequestedBy};
use simulator::step_functions::ExecutionStatus;
use time::Duration;

use super::*;

mod listing;
mod reading;
mod removing;
mod starting;
mod trouble;

/// The door and its world.
struct Api {
    stage: Stage,
    config: Config,
}

impl Api {
    fn new() -> Self {
        Self::told("ALLOWED_CLUSTERS", "")
    }

    fn told(setting: &str, value: &str) -> Self {
        Self {
            stage: Stage::shipped("standard-cluster"),
            config: Config::of(|name| (name == setting).then(|| value.to_owned())),
        }
    }

    /// An event, with what every event of API Gateway has.
    async fn ask(&self, event: Value) -> Answer {
        self.ask_as(&Value::Null, event).await
    }

    /// The same by a user of a pool, who has these claims.
    async fn ask_as(&self, claims: &Value, mut event: Value) -> Answer {
        let path = format!("/v1{}", event["path"].as_str().unwrap());
        let authorizer = json!({ "claims": claims });
        event["requestContext"] =
            json!({ "path": path, "requestId": "request-1", "authorizer": authorizer });
        let handler = async |request: &Request| {
            let door = Door {
                ledger: &self.stage.ports,
                executions: &self.stage.ports,
                config: &self.config,
                now: self.stage.wait().now,
            };
            door.handle(request).await
        };
        let answer = respond(&handler, &event).await;
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "x-request-id"), Some("request-1"));
        let kind = if answer.status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        };
        assert_eq!(header(&answer, "content-type"), Some(kind), "{answer:?}");
        answer
    }

    async fn call(&self, method: &str, path: &str) -> Answer {
        self.ask(json!({"httpMethod": method, "path": path})).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).await
    }

    async fn query(&self, query: &[(&str, &str)]) -> Answer {
        self.ask(with_query("GET", "/connections", query)).await
    }

    async fn delete(&self, id: &str) -> Answer {
        self.call("DELETE", &format!("/connections/{id}")).await
    }

    /// Has the connection that is asked for removed, with these parameters.
    async fn delete_with(&self, query: &[(&str, &str)]) -> Answer {
        let path = format!("/connections/{}", self.id());
        self.ask(with_query("DELETE", &path, query)).await
    }

    async fn create(&self, body: &Value, key: Option<&str>) -> Answer {
        self.create_as(&Value::Null, body, key).await
    }

    async fn create_as(&self, claims: &Value, body: &Value, key: Option<&str>) -> Answer {
        let event = json!({
            "httpMethod": "POST",
            "path": "/connections",
            "headers": {"Content-Type": "application/json", "Idempotency-Key": key},
            "body": body.to_string(),
        });
        self.ask_as(claims, event).await
    }

    /// The least that asks for the connection.
    fn body(&self) -> Value {
        let ProvisionRequest {
            cluster_id,
            region,
            vpc_id,
            ..
        } = &self.stage.request;
        json!({"cluster_id": cluster_id, "region": region, "vpc_id": vpc_id})
    }

    fn id(&self) -> &str {
        &self.stage.claim.connection_id
    }

    /// The only run that was started.
    fn run(&self) -> (String, Value) {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// What the runs were started with: name and input, in order.
    fn runs(&self) -> Vec<(String, Value)> {
        self.stage.look(|world| {
            let runs = world.step_functions.executions.iter();
            runs.map(|run| (run.name.clone(), serde_json::from_str(&run.input).unwrap()))
                .collect()
        })
    }

    fn end(&self, execution: &str) {
        let now = self.stage.wait().now;
        self.stage.meddle(|world| {
            let failed = ExecutionStatus::Failed;
            world.step_functions.end(execution, failed, None, now);
        });
    }

    /// Writes the connection that is asked for into the ledger, as a run does it.
    fn record(&self, execution: &str, phases: &[Phase]) -> Connection {
        let connection = self.connection(execution, phases);
        self.stage.ports.put_connection(&connection);
        connection
    }

    /// A connection whose last run reached these phases, a minute each.
    fn connection(&self, execution: &str, phases: &[Phase]) -> Connection {
        let request = self.stage.request.clone();
        let began = self.stage.wait().now;
        let timeline = phases.iter().zip(0i64..).map(|(phase, n)| Milestone {
            phase: *phase,
            at: began + Duration::minutes(n),
        });
        let timeline: Vec<Milestone> = timeline.collect();
        let last = timeline.last().unwrap().clone();
        Connection {
            timeline,
            execution: execution.to_owned(),
            updated_at: last.at,
            ..entry(request, last.phase, began)
        }
    }
}

/// An event with parameters.
fn with_query(method: &str, path: &str, query: &[(&str, &str)]) -> Value {
    let query = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!([value])));
    let query: serde_json::Map<String, Value> = query.collect();
    json!({"httpMethod": method, "path": path, "multiValueQueryStringParameters": query})
}

/// The run that was started.
#[track_caller]
fn execution(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["execution"].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.body["code"], code);
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str())
}

/// The outcome of a run that failed in that state.
fn failure(connection: &Connection, phase: Phase, failed_at: &str) -> Outcome {
    Outcome {
        phase,
        sentence: "It failed.".to_owned(),
        at: connection.updated_at + Duration::minutes(1),
        seconds: 60,
        ready: None,
        failure: Some(Explained {
            failed_at: failed_at.to_owned(),
            code: Code::EndpointRejected.to_string(),
            detail: "endpoint vpce-1 is rejected".to_owned(),
            cause: Code::EndpointRejected.cause().to_owned(),
            fix: Code::EndpointRejected.fix().to_owned(),
            undone: Vec::new(),
            left: Vec::new(),
        }),
    }
}

/// The outcome of a run that reached its goal.
fn success(connection: &Connection) -> Outcome {
    Outcome {
        phase: Phase::Ready,
        sentence: "It works.".to_owned(),
        at: connection.updated_at,
        seconds: 420,
        ready: Some(ready(connection, "internal-orders.example", vec![])),
        failure: None,
    }
}

/// All phases of a run that reaches its goal.
const STORY: [Phase; 8] = [
    Phase::Requested,
    Phase::ClusterInspected,
    Phase::NetworkInspected,
    Phase::SecurityGroupMade,
    Phase::EndpointMade,
    Phase::Registered,
    Phase::Accepted,
    Phase::Ready,
];
