//! The adapter: the Cloud API over HTTPS.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::sync::RwLock;

use super::wire::{ClusterWire, ConnectionsWire, OwnersWire, ServicesWire, StatusWire};
use super::{Cloud, CloudService, Cluster, Registration, TrustedOwner, errors};
use crate::ids::{AccountId, ClusterId, EndpointId};
use crate::secret::{ApiKey, Secrets};
use crate::{Code, StepError};

/// The version of the API that this adapter was written against.
const CC_VERSION: &str = "2024-09-16";
const USER_AGENT: &str = concat!("crdb-privatelink/", env!("CARGO_PKG_VERSION"));
/// One attempt. A function has 30 s and the definition retries, so giving up
/// early is better than being cut off.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// The Cloud API, with the key from a [`Secrets`].
///
/// The key is fetched at the first call and kept; when the API refuses it, it is
/// fetched once more, because it may have been rotated since.
pub struct HttpCloud<S> {
    client: reqwest::Client,
    base_url: String,
    secrets: S,
    key: RwLock<Option<ApiKey>>,
}

/// An answer of the API, read to its end.
struct Answer {
    status: StatusCode,
    has_retry_after: bool,
    body: String,
}

impl<S: Secrets> HttpCloud<S> {
    /// A client for the API at `base_url` (without a trailing slash).
    ///
    /// # Errors
    /// When no TLS client can be built, as without any root certificates.
    pub fn new(base_url: &str, secrets: S) -> Result<Self, StepError> {
        // Choosing the provider here keeps AWS and Cloud on one TLS library; a
        // second call finds it chosen already, which is what we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .timeout(ATTEMPT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| StepError::new(Code::CloudUnavailable, reason(&error)))?;
        Ok(Self {
            client,
            base_url: base_url.trim_end_matches('/').to_owned(),
            secrets,
            key: RwLock::new(None),
        })
    }

    async fn key(&self) -> Result<ApiKey, StepError> {
        if let Some(key) = self.key.read().await.as_ref() {
            return Ok(key.clone());
        }
        self.renew_key().await
    }

    async fn renew_key(&self) -> Result<ApiKey, StepError> {
        let key = self.secrets.api_key().await?;
        *self.key.write().await = Some(key.clone());
        Ok(key)
    }

    /// Sends a request, with a renewed key if the kept one is refused. `call` is
    /// method and path without ids, for messages.
    async fn send(
        &self,
        call: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<Answer, StepError> {
        let key = self.key().await?;
        let answer = self.attempt(call, path, body.as_ref(), &key).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let renewed = self.renew_key().await?;
        if renewed == key {
            return Ok(answer);
        }
        self.attempt(call, path, body.as_ref(), &renewed).await
    }

    async fn attempt(
        &self,
        call: &str,
        path: &str,
        body: Option<&serde_json::Value>,
        key: &ApiKey,
    ) -> Result<Answer, StepError> {
        let method = match call.split(' ').next() {
            Some("POST") => Method::POST,
            Some("DELETE") => Method::DELETE,
            _ => Method::GET,
        };
        let mut authorization = header::HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .map_err(|_| StepError::new(Code::SecretUnreadable, "the API key cannot be sent in a header"))?;
        authorization.set_sensitive(true);
        let mut request = self
            .client
            .request(method, format!("{}/api/v1/clusters/{path}", self.base_url))
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json")
            .header("Cc-Version", CC_VERSION);
        if let Some(body) = body {
            request = request.json(body);
        }
        let no_answer = |error: reqwest::Error| errors::no_answer(call, &reason(&error));
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let has_retry_after = response.headers().contains_key(header::RETRY_AFTER);
        let body = response.text().await.map_err(no_answer)?;
        Ok(Answer { status, has_retry_after, body })
    }

    async fn get<T: DeserializeOwned>(&self, call: &str, path: &str) -> Result<Option<T>, StepError> {
        let answer = self.send(call, path, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer.success(call)?.read(call).map(Some)
    }

    /// A list of a cluster that exists. While a cluster is being built the lists
    /// below it answer 404 (terraform-provider-cockroach issue 34).
    async fn list<T: DeserializeOwned>(&self, call: &str, path: &str) -> Result<T, StepError> {
        self.get(call, path).await?.ok_or_else(|| {
            StepError::new(Code::ClusterBusy, format!("the Cloud API answered 404 to {call}"))
        })
    }

    async fn delete(&self, call: &str, path: &str) -> Result<(), StepError> {
        let answer = self.send(call, path, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        answer.success(call).map(|_| ())
    }
}

impl Answer {
    fn success(self, call: &str) -> Result<Self, StepError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let message = serde_json::from_str::<StatusWire>(&self.body)
            .ok()
            .and_then(|status| status.message)
            .unwrap_or(self.body);
        Err(errors::classify(&errors::Refused {
            call,
            status: self.status.as_u16(),
            has_retry_after: self.has_retry_after,
            message: &presentable(&message),
        }))
    }

    fn read<T: DeserializeOwned>(&self, call: &str) -> Result<T, StepError> {
        serde_json::from_str(&self.body).map_err(|error| {
            StepError::new(Code::UnexpectedCloudAnswer, format!("{call}: {error}"))
        })
    }
}

/// A message from outside, cut to a readable length and without anything that
/// looks like an API key, should the other side ever echo one.
fn presentable(message: &str) -> String {
    let words: Vec<&str> = message
        .split_whitespace()
        .map(|word| if word.contains("CCDB1_") { "CCDB1_…" } else { word })
        .collect();
    words.join(" ").chars().take(500).collect()
}

/// The chain of reasons of an HTTP failure, without the URL.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("none within {} s", ATTEMPT_TIMEOUT.as_secs());
    }
    let mut text = String::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        source = error.source();
    }
    if text.is_empty() { "the connection failed".to_owned() } else { text }
}

impl<S: Secrets> Cloud for HttpCloud<S> {
    async fn cluster(&self, id: &ClusterId) -> Result<Option<Cluster>, StepError> {
        let cluster: Option<ClusterWire> = self.get("GET cluster", id.as_str()).await?;
        Ok(cluster.map(Cluster::from))
    }

    async fn endpoint_services(&self, id: &ClusterId) -> Result<Vec<CloudService>, StepError> {
        let path = format!("{id}/networking/private-endpoint-services");
        let services: ServicesWire = self.list("GET private-endpoint-services", &path).await?;
        Ok(services.into())
    }

    async fn request_endpoint_services(&self, id: &ClusterId) -> Result<(), StepError> {
        let call = "POST private-endpoint-services";
        let path = format!("{id}/networking/private-endpoint-services");
        self.send(call, &path, None).await?.success(call).map(|_| ())
    }

    async fn registrations(&self, id: &ClusterId) -> Result<Vec<Registration>, StepError> {
        let path = format!("{id}/networking/private-endpoint-connections");
        let connections: ConnectionsWire = self.list("GET private-endpoint-connections", &path).await?;
        Ok(connections.into())
    }

    async fn register(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError> {
        let call = "POST private-endpoint-connections";
        let path = format!("{id}/networking/private-endpoint-connections");
        let body = serde_json::json!({ "endpoint_id": endpoint.as_str() });
        self.send(call, &path, Some(body)).await?.success(call).map(|_| ())
    }

    async fn deregister(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError> {
        let path = format!("{id}/networking/private-endpoint-connections/{endpoint}");
        self.delete("DELETE private-endpoint-connection", &path).await
    }

    async fn trusted_owners(&self, id: &ClusterId) -> Result<Option<Vec<TrustedOwner>>, StepError> {
        let path = format!("{id}/networking/private-endpoint-trusted-owners");
        let call = "GET private-endpoint-trusted-owners";
        let answer = self.send(call, &path, None).await?;
        // The list is offered to enrolled organizations only, and others are
        // answered with either of these.
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
            return Ok(None);
        }
        let owners: OwnersWire = answer.success(call)?.read(call)?;
        Ok(Some(owners.into()))
    }

    async fn trust_owner(&self, id: &ClusterId, account: &AccountId) -> Result<(), StepError> {
        let call = "POST private-endpoint-trusted-owners";
        let path = format!("{id}/networking/private-endpoint-trusted-owners");
        let body = serde_json::json!({
            "type": "AWS_ACCOUNT_ID",
            "external_owner_id": account.as_str(),
        });
        self.send(call, &path, Some(body)).await?.success(call).map(|_| ())
    }

    async fn distrust_owner(&self, id: &ClusterId, owner_id: &str) -> Result<(), StepError> {
        let path = format!("{id}/networking/private-endpoint-trusted-owners/{owner_id}");
        self.delete("DELETE private-endpoint-trusted-owner", &path).await
    }
}
