//! The world over HTTP on loopback, for real binaries, SDKs and people.
//!
//! One port serves every service: paths under `/api/v1` are the Cloud API, those
//! under `/2013-04-01` Route 53, those that begin with `/profile` Route 53 Profiles and
//! those under `/service` CloudWatch; a request with `X-Amz-Target` is for the service that
//! this header names (Secrets Manager, DynamoDB, Step Functions, EventBridge, the Route 53
//! Resolver); a form posted to `/` is for STS or EC2, as its version says.
//!
//! A call is noted as made by the application that the client names itself by
//! (`AWS_SDK_UA_APP_ID`), if it does.

mod cloud;
mod cloudwatch;
mod ec2;
mod json;
mod line;
mod rest_xml;
mod route53;
mod route53profiles;
mod sts;
mod xml;

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::calls::Refusal;
use crate::simulator::Simulator;
use line::{Line, Lines};

/// No request of ours is anywhere near this size.
const LARGEST_BODY: usize = 1 << 20;

/// A world that listens. Dropping it ends the listening.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    // Dropping the sender tells all tasks that the server has gone.
    _closing: watch::Sender<()>,
}

#[derive(Clone)]
struct Host {
    sim: Simulator,
    closed: watch::Receiver<()>,
}

impl Server {
    /// Serves a world at an address; port 0 finds a free port.
    pub async fn start(sim: Simulator, address: SocketAddr) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (closing, closed) = watch::channel(());
        let host = Host {
            sim,
            closed: closed.clone(),
        };
        let app = Router::new().fallback(serve).with_state(host);
        let app = app.into_make_service_with_connect_info::<Line>();
        let served = axum::serve(Lines(listener), app).with_graceful_shutdown(gone(closed));
        tokio::spawn(async move { served.await });
        Ok(Server {
            address,
            _closing: closing,
        })
    }

    /// Where the server listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn gone(mut closed: watch::Receiver<()>) {
    // Nothing is ever sent; the only news is that the sender is gone.
    while closed.changed().await.is_ok() {}
}

async fn serve(
    State(host): State<Host>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request<axum::body::Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let sim = match application(&parts) {
        Some(who) => host.sim.acting_as(who),
        None => host.sim.clone(),
    };
    match answer(&sim, &parts, &body) {
        Ok(response) => response,
        Err(Refusal::Answer(error)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
        Err(Refusal::TimedOut) => {
            // The task is dropped as soon as the client leaves.
            gone(host.closed).await;
            line.cut();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(Refusal::CutOff) => {
            line.cut();
            // This never gets through: the line is cut.
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The name of the application in the `User-Agent` of an AWS SDK: `app/NAME`.
fn application(parts: &Parts) -> Option<&str> {
    let agents = ["x-amz-user-agent", "user-agent"];
    let mut agents = agents.iter().filter_map(|name| parts.headers.get(*name));
    agents.find_map(|agent| {
        let mut words = agent.to_str().ok()?.split(' ');
        words.find_map(|word| word.strip_prefix("app/"))
    })
}

fn answer(sim: &Simulator, parts: &Parts, body: &Bytes) -> Result<Response, Refusal> {
    if parts.uri.path().starts_with("/api/v1/") {
        return cloud::answer(sim, parts, body);
    }
    if route53::is_meant(parts) {
        return route53::answer(sim, parts);
    }
    if route53profiles::is_meant(parts) {
        return route53profiles::answer(sim, parts);
    }
    if cloudwatch::is_meant(parts) {
        return cloudwatch::answer(sim, parts, body);
    }
    if json::is_meant(parts) {
        return json::answer(sim, parts, body);
    }
    if parts.method == Method::POST && parts.uri.path() == "/" {
        if let Some(form) = sts::form(body) {
            return sts::answer(sim, parts, form);
        }
        return ec2::answer(sim, parts, body);
    }
    let message = format!(
        "nothing here answers {} {}\n",
        parts.method,
        parts.uri.path()
    );
    Ok((StatusCode::NOT_FOUND, message).into_response())
}
