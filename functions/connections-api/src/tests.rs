//! Step tests: the door over a ledger and a Step Functions in this process.

use in_process::stage::{Stage, entry};
use serde_json::{Value, json};
use shared::gateway::respond;
use shared::ids::VpcId;
use shared::ledger::{Milestone, Phase};
use shared::report::{Explained, Outcome, Ready};
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
        Self::allowing("")
    }

    fn allowing(clusters: &str) -> Self {
        Self::told("ALLOWED_CLUSTERS", clusters)
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

    async fn get(&self, path: &str) -> Answer {
        self.ask(json!({"httpMethod": "GET", "path": path})).await
    }

    async fn query(&self, query: &[(&str, &str)]) -> Answer {
        let query: serde_json::Map<String, Value> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!([value])))
            .collect();
        let event = json!({
            "httpMethod": "GET",
            "path": "/connections",
            "multiValueQueryStringParameters": query,
        });
        self.ask(event).await
    }

    async fn post(&self, path: &str) -> Answer {
        self.ask(json!({"httpMethod": "POST", "path": path})).await
    }

    async fn delete(&self, id: &str) -> Answer {
        let path = format!("/connections/{id}");
        self.ask(json!({"httpMethod": "DELETE", "path": path}))
            .await
    }

    async fn create(&self, body: &Value, key: Option<&str>) -> Answer {
        let event = json!({
            "httpMethod": "POST",
            "path": "/connections",
            "headers": {"Content-Type": "application/json", "Idempotency-Key": key},
            "body": body.to_string(),
        });
        self.ask(event).await
    }

    fn id(&self) -> &str {
        &self.stage.claim.connection_id
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
        let timeline: Vec<Milestone> = phases
            .iter()
            .zip(0i64..)
            .map(|(phase, n)| Milestone {
                phase: *phase,
                at: began + Duration::minutes(n),
            })
            .collect();
        let last = timeline.last().unwrap().clone();
        Connection {
            timeline,
            execution: execution.to_owned(),
            updated_at: last.at,
            ..entry(request, last.phase, began)
        }
    }
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
        ready: Some(Ready {
            connection_id: connection.connection_id.clone(),
            cluster_id: connection.cluster_id.clone(),
            region: connection.region.clone(),
            vpc_id: connection.vpc_id.clone(),
            endpoint_id: "vpce-0a10000000000000e".parse().unwrap(),
            host: "internal-orders.example".to_owned(),
            port: 26257,
            connection_string: "postgresql://USER@internal-orders.example:26257/defaultdb"
                .to_owned(),
            notes: Vec::new(),
        }),
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
