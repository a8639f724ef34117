//! The functions behind API Gateway, over HTTP on loopback: what REST API and
//! Lambda proxy integration make of a request and of an answer, without the
//! validation of requests that API Gateway does first. What they call is judged. Of
//! the runs that are started, only what they do to the ledger happens, and at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use connections_api::Door;
use in_process::InProcess;
use in_process::stage::Stage;
use serde_json::{Map, Value, json};
use shared::config::Config;
use shared::executions::Machine;
use shared::gateway::{Answer, Request, respond};
use shared::request::DeprovisionRequest;
use simulator::step_functions::ExecutionStatus;
use tokio::net::TcpListener;

use crate::authorization::{API, judged};

/// The stage of the API, which stands before every path.
pub const STAGE: &str = "/v1";
/// What a caller who may call sends in the header `Authorization`; in place of a
/// signature, which API Gateway would check.
pub const SIGNED: &str = "signed";

/// The functions and the world behind them.
pub struct Host {
    pub world: Stage,
    /// The ports of each function, in its role.
    connections: InProcess,
    plans: InProcess,
    config: Config,
    /// How many runs are in the ledger already.
    runs: Mutex<usize>,
    /// How often each operation was answered with each status.
    answers: Mutex<BTreeMap<String, usize>>,
}

impl Host {
    /// The functions over a world, with no setting made.
    pub fn new(world: Stage) -> Self {
        let config = Config::of(|_| None);
        let simulator = judged(world.ports.simulator().clone());
        let ports = world.ports.over(simulator);
        let [connections, plans] = API.map(|function| ports.acting_as(function));
        Self {
            world,
            connections,
            plans,
            config,
            runs: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    /// Answers on a free port of loopback until the test ends.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn serve(self: Arc<Self>, document: Value) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the address");
        let app = Router::new()
            .route(
                "/openapi.json",
                axum::routing::get(async move || document.to_string()),
            )
            .fallback(answer)
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// How often each operation was answered over HTTP with each status, as
    /// `METHOD /resource status`.
    pub fn answers(&self) -> BTreeMap<String, usize> {
        let answers = self.answers.lock();
        answers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers one event, by the function that the document names for its path.
    pub async fn invoke(&self, event: &Value) -> Answer {
        // A world in which time stands still would throttle before long.
        self.world.advance(1);
        let answer = self.answer(event).await;
        self.record_runs();
        answer
    }

    async fn answer(&self, event: &Value) -> Answer {
        let (config, now) = (&self.config, self.world.wait().now);
        if Request::read(event).segments == ["plans"] {
            let ports = &self.plans;
            let plan = async |request: &Request| {
                plan_connection::handle(ports, ports, config, now, request).await
            };
            return respond(&plan, event).await;
        }
        let door = Door {
            ledger: &self.connections,
            executions: &self.connections,
            config,
            now,
        };
        respond(&async |request: &Request| door.handle(request).await, event).await
    }

    /// Writes into the ledger what the runs that were started would: a connection
    /// that is asked for is there, and one that is taken away is forgotten.
    fn record_runs(&self) {
        let mut seen = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let ports = &self.world.ports;
        let started = ports.started();
        for run in started.iter().skip(*seen) {
            if run.machine == ports.machine_arn(Machine::Provision) {
                ports.begin_run(run);
            } else if let Ok(request) = serde_json::from_str::<DeprovisionRequest>(&run.input) {
                ports.forget_connection(&request.subject().connection_id);
                ports.end_run(&run.arn, ExecutionStatus::Succeeded);
            }
        }
        *seen = started.len();
    }
}

async fn answer(
    State(host): State<Arc<Host>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let event = event(&method, &uri, &headers, &body);
    let what = format!(
        "{method} {}",
        event["resource"].as_str().unwrap_or_default()
    );
    let response = if headers.get(AUTHORIZATION).is_none_or(|it| it != SIGNED) {
        unsigned()
    } else {
        let (host, runtime) = (Arc::clone(&host), tokio::runtime::Handle::current());
        // The futures of the functions need not be able to move between threads.
        let answered = tokio::task::spawn_blocking(move || runtime.block_on(host.invoke(&event)));
        match answered.await {
            Ok(answer) => http(&answer),
            // As API Gateway answers for a function that crashed.
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    };
    let mut answers = host.answers.lock().unwrap_or_else(PoisonError::into_inner);
    let what = format!("{what} {}", response.status().as_u16());
    *answers.entry(what).or_default() += 1;
    drop(answers);
    response
}

/// How API Gateway refuses a caller, by the document's gateway responses.
fn unsigned() -> Response {
    let response = &crate::openapi::document()["x-amazon-apigateway-gateway-responses"]["MISSING_AUTHENTICATION_TOKEN"];
    let template = response["responseTemplates"]["application/json"].as_str();
    let body = template.unwrap_or_default().replace(
        "$context.error.messageString",
        r#""Missing Authentication Token""#,
    );
    let kind = [(CONTENT_TYPE, "application/problem+json")];
    (StatusCode::FORBIDDEN, kind, body).into_response()
}

/// The event of a request (API Gateway developer guide, "Input format of a Lambda
/// function for proxy integration").
fn event(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Value {
    let path = uri.path();
    let path = path.strip_prefix(STAGE).unwrap_or(path);
    let (resource, parameters) = resource(path);
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())));
    let (header, many_headers) = grouped(headers);
    let (parameter, many_parameters) = grouped(query);
    json!({
        "resource": resource,
        "path": path,
        "httpMethod": method.as_str(),
        "headers": header,
        "multiValueHeaders": many_headers,
        "queryStringParameters": parameter,
        "multiValueQueryStringParameters": many_parameters,
        "pathParameters": parameters,
        "stageVariables": null,
        "requestContext": {
            "requestId": "5e0c6a1c-0000-4000-8000-000000000001",
            "path": uri.path(),
            "resourcePath": resource,
            "httpMethod": method.as_str(),
            "stage": STAGE.trim_start_matches('/'),
            "identity": { "userArn": "arn:aws:iam::111122223333:user/tester" },
        },
        "body": (!body.is_empty()).then(|| String::from_utf8_lossy(body)),
        "isBase64Encoded": false,
    })
}

/// The resource that a path belongs to, with the values of its parameters.
fn resource(path: &str) -> (String, Value) {
    let segments: Vec<&str> = path.split('/').collect();
    let own = connections_api::ROUTES.iter().map(|route| route.path);
    for template in own.chain(plan_connection::ROUTES.iter().map(|route| route.path)) {
        let names: Vec<&str> = template.split('/').collect();
        let fits = |(name, segment): (&&str, &&str)| {
            name == segment || (name.starts_with('{') && !segment.is_empty())
        };
        if names.len() == segments.len() && names.iter().zip(&segments).all(fits) {
            let parameters: Map<String, Value> = names
                .iter()
                .zip(&segments)
                .filter(|(name, _)| name.starts_with('{'))
                .map(|(name, segment)| (name.trim_matches(['{', '}']).to_owned(), json!(segment)))
                .collect();
            let parameters = if parameters.is_empty() {
                Value::Null
            } else {
                parameters.into()
            };
            return (template.to_owned(), parameters);
        }
    }
    (
        "/{proxy+}".to_owned(),
        json!({ "proxy": path.trim_start_matches('/') }),
    )
}

/// The last value of each name, and all of them; both `null` without any.
fn grouped<K: AsRef<str>, V: AsRef<str>>(pairs: impl Iterator<Item = (K, V)>) -> (Value, Value) {
    let (mut one, mut many) = (Map::new(), Map::new());
    for (name, value) in pairs {
        let (name, value) = (name.as_ref(), value.as_ref());
        one.insert(name.to_owned(), json!(value));
        let all = many.entry(name).or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.push(json!(value));
        }
    }
    if one.is_empty() {
        return (Value::Null, Value::Null);
    }
    (one.into(), many.into())
}

/// An answer over HTTP, read from what a function hands to API Gateway.
fn http(answer: &Answer) -> Response {
    let written = serde_json::to_value(answer).unwrap_or_default();
    let status = written["statusCode"]
        .as_u64()
        .and_then(|it| u16::try_from(it).ok());
    let status = status.and_then(|it| StatusCode::from_u16(it).ok());
    let text = written["body"].as_str().unwrap_or_default().to_owned();
    let mut response = (status.unwrap_or(StatusCode::BAD_GATEWAY), text).into_response();
    for (name, value) in written["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
