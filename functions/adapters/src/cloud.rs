//! The adapter: the Cloud API over HTTPS.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::sync::RwLock;
use url::Url;

mod answer;
mod wire;

use answer::Answer;
use shared::cloud::{CC_VERSION, Cloud, CloudService, Cluster, Registration, TrustedOwner, errors};
use shared::ids::{AccountId, ClusterId, EndpointId};
use shared::secret::{ApiKey, Secrets};
use shared::transport;
use shared::{Code, StepError};
use wire::{ClusterWire, ConnectionsWire, OwnersWire, ServicesWire};

use crate::body::{self, Unread};
use crate::reach;
use crate::tls::Tls;

const USER_AGENT: &str = concat!("crdb-privatelink/", env!("CARGO_PKG_VERSION"));
/// One attempt. A function has 30 s and the definition retries, so giving up
/// early is better than being cut off.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// One connection, TLS included. Where nothing leads out of a network, none comes about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The longest wait for the rate limit to pass. It counts the requests of one
/// second, so this is enough for a short crowd; a longer one is the definition's
/// to wait for.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The keys of so many clusters are kept.
const MOST_KEYS: usize = 256;

/// The Cloud API, with the keys from a [`Secrets`].
///
/// The key of a cluster is fetched at the first call about it and kept; when the
/// API refuses it, it is fetched once more, because it may have been rotated since.
pub struct HttpCloud<S> {
    tls: Tls,
    /// Made when it is first needed.
    client: OnceLock<reqwest::Client>,
    clusters: Url,
    secrets: S,
    keys: RwLock<BTreeMap<ClusterId, ApiKey>>,
}

impl<S: Secrets> HttpCloud<S> {
    /// A client for the API at `base_url`. Nothing is read before the first request.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if `base_url` is not a URL that requests may be sent
    /// to ([`transport::base`]).
    pub fn new(base_url: &str, tls: Tls, secrets: S) -> Result<Self, StepError> {
        let wrong = |why: String| {
            let detail = format!("the Cloud API (COCKROACH_SERVER): {why}");
            StepError::new(Code::ConfigurationInvalid, detail)
        };
        transport::base(base_url).map_err(wrong)?;
        let clusters = format!("{}/api/v1/clusters", base_url.trim_end_matches('/'));
        let clusters = transport::base(&clusters).map_err(wrong)?;
        Ok(Self {
            tls,
            client: OnceLock::new(),
            clusters,
            secrets,
            keys: RwLock::default(),
        })
    }

    fn client(&self) -> Result<&reqwest::Client, StepError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = self.tls.client(|client| {
            let client = client.user_agent(USER_AGENT).timeout(ATTEMPT_TIMEOUT);
            client.connect_timeout(CONNECT_TIMEOUT)
        })?;
        Ok(self.client.get_or_init(|| made))
    }

    async fn key(&self, cluster: &ClusterId) -> Result<ApiKey, StepError> {
        if let Some(key) = self.keys.read().await.get(cluster) {
            return Ok(key.clone());
        }
        self.renew_key(cluster).await
    }

    async fn renew_key(&self, cluster: &ClusterId) -> Result<ApiKey, StepError> {
        let key = self.secrets.api_key(cluster).await?;
        let mut keys = self.keys.write().await;
        // Callers name clusters, so there is no end to them.
        if keys.len() >= MOST_KEYS {
            keys.clear();
        }
        keys.insert(cluster.clone(), key.clone());
        Ok(key)
    }

    /// Sends a request, and once more if the rate limit passes soon. `call` is
    /// method and path without ids, for messages; `path` are the segments below
    /// the cluster.
    async fn send(
        &self,
        call: &str,
        cluster: &ClusterId,
        path: &[&str],
        body: Option<serde_json::Value>,
    ) -> Result<Answer, StepError> {
        let answer = self.authorized(call, cluster, path, body.as_ref()).await?;
        match answer.rate_limit_passes_after() {
            Some(wait) if wait <= LONGEST_WAIT => {
                pause(wait).await;
                self.authorized(call, cluster, path, body.as_ref()).await
            }
            _ => Ok(answer),
        }
    }

    /// Sends a request, with a renewed key if the kept one is refused.
    async fn authorized(
        &self,
        call: &str,
        cluster: &ClusterId,
        path: &[&str],
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, StepError> {
        let url = self.url(cluster, path);
        let key = self.key(cluster).await?;
        let answer = self.attempt(call, url.clone(), body, &key).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let renewed = self.renew_key(cluster).await?;
        if renewed == key {
            return Ok(answer);
        }
        self.attempt(call, url, body, &renewed).await
    }

    async fn attempt(
        &self,
        call: &str,
        url: Url,
        body: Option<&serde_json::Value>,
        key: &ApiKey,
    ) -> Result<Answer, StepError> {
        let method = match call.split(' ').next() {
            Some("POST") => Method::POST,
            Some("DELETE") => Method::DELETE,
            _ => Method::GET,
        };
        let mut authorization = header::HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .map_err(|_| {
                StepError::new(
                    Code::SecretUnreadable,
                    "the API key cannot be sent in a header",
                )
            })?;
        authorization.set_sensitive(true);
        let mut request = self
            .client()?
            .request(method, url)
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json")
            .header("Cc-Version", CC_VERSION);
        if let Some(body) = body {
            request = request.json(body);
        }
        let no_answer = |error: reqwest::Error| match reach::why(&error) {
            Some(code) => {
                let host = self.clusters.host_str().unwrap_or_default();
                let why = reason(&error);
                let detail = format!("the Cloud API at {host} gave no answer to {call}: {why}");
                StepError::new(code, detail)
            }
            None => errors::no_answer(call, &reason(&error)),
        };
        let response = request.send().await.map_err(no_answer)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body::read(response).await.map_err(|unread| match unread {
            Unread::BrokeOff(error) => no_answer(error),
            Unread::TooLong => StepError::new(
                Code::UnexpectedCloudAnswer,
                format!("the answer to {call}: {unread}"),
            ),
        })?;
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer::new(status, &headers, body, key))
    }

    /// Ids in paths are percent-encoded: the API asks for it, and ours come from
    /// answers of the other side.
    fn url(&self, cluster: &ClusterId, path: &[&str]) -> Url {
        let mut url = self.clusters.clone();
        // A URL with a host has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(cluster.as_str()).extend(path);
        }
        url
    }

    async fn get<T: DeserializeOwned>(
        &self,
        call: &str,
        cluster: &ClusterId,
        path: &[&str],
    ) -> Result<Option<T>, StepError> {
        let answer = self.send(call, cluster, path, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer.success(call)?.read(call).map(Some)
    }

    /// A list of a cluster that exists. While a cluster is being built the lists
    /// below it answer 404 (terraform-provider-cockroach issue 34).
    async fn list<T: DeserializeOwned>(
        &self,
        call: &str,
        cluster: &ClusterId,
        path: &[&str],
    ) -> Result<T, StepError> {
        self.get(call, cluster, path).await?.ok_or_else(|| {
            StepError::new(
                Code::ClusterBusy,
                format!("the Cloud API answered 404 to {call}"),
            )
        })
    }

    async fn delete(
        &self,
        call: &str,
        cluster: &ClusterId,
        path: &[&str],
    ) -> Result<(), StepError> {
        let answer = self.send(call, cluster, path, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        answer.done(call)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "two seconds at most, which no definition has to know of"
)]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// The chain of reasons of an HTTP failure, without the URL.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() && !error.is_connect() {
        return format!("none within {} s", ATTEMPT_TIMEOUT.as_secs());
    }
    let reasons: Vec<String> = reach::chain(error)
        .skip(1)
        .map(ToString::to_string)
        .collect();
    match reasons.is_empty() {
        true => "the connection failed".to_owned(),
        false => reasons.join(": "),
    }
}

impl<S: Secrets> Cloud for HttpCloud<S> {
    async fn cluster(&self, id: &ClusterId) -> Result<Option<Cluster>, StepError> {
        let cluster: Option<ClusterWire> = self.get("GET cluster", id, &[]).await?;
        Ok(cluster.map(Cluster::from))
    }

    async fn endpoint_services(&self, id: &ClusterId) -> Result<Vec<CloudService>, StepError> {
        let path = ["networking", "private-endpoint-services"];
        let services: ServicesWire = self
            .list("GET private-endpoint-services", id, &path)
            .await?;
        Ok(services.into())
    }

    async fn request_endpoint_services(&self, id: &ClusterId) -> Result<(), StepError> {
        let call = "POST private-endpoint-services";
        let path = ["networking", "private-endpoint-services"];
        self.send(call, id, &path, None).await?.done(call)
    }

    async fn registrations(&self, id: &ClusterId) -> Result<Vec<Registration>, StepError> {
        let path = ["networking", "private-endpoint-connections"];
        let connections: ConnectionsWire = self
            .list("GET private-endpoint-connections", id, &path)
            .await?;
        Ok(connections.into())
    }

    async fn register(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError> {
        let call = "POST private-endpoint-connections";
        let path = ["networking", "private-endpoint-connections"];
        let body = serde_json::json!({ "endpoint_id": endpoint.as_str() });
        self.send(call, id, &path, Some(body)).await?.done(call)
    }

    async fn deregister(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError> {
        let path = [
            "networking",
            "private-endpoint-connections",
            endpoint.as_str(),
        ];
        self.delete("DELETE private-endpoint-connection", id, &path)
            .await
    }

    async fn trusted_owners(&self, id: &ClusterId) -> Result<Option<Vec<TrustedOwner>>, StepError> {
        let path = ["networking", "private-endpoint-trusted-owners"];
        let call = "GET private-endpoint-trusted-owners";
        let answer = self.send(call, id, &path, None).await?;
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
        let path = ["networking", "private-endpoint-trusted-owners"];
        let body = serde_json::json!({
            "type": "AWS_ACCOUNT_ID",
            "external_owner_id": account.as_str(),
        });
        self.send(call, id, &path, Some(body)).await?.done(call)
    }

    async fn distrust_owner(&self, id: &ClusterId, owner_id: &str) -> Result<(), StepError> {
        let path = ["networking", "private-endpoint-trusted-owners", owner_id];
        self.delete("DELETE private-endpoint-trusted-owner", id, &path)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::tests::Nowhere;

    struct Fixed;

    impl Secrets for Fixed {
        async fn api_key(&self, _: &ClusterId) -> Result<ApiKey, StepError> {
            ApiKey::from_secret("CCDB1_simulated0000000000001_thisKeyOpensNothing")
        }
    }

    #[tokio::test]
    async fn a_host_whose_name_is_not_resolved_is_named() {
        let tls = Tls::default();
        let client = tls.client(|it| it.dns_resolver(Nowhere)).unwrap();
        let cloud = HttpCloud::new("https://does-not-exist.invalid", tls, Fixed).unwrap();
        cloud.client.set(client).unwrap();
        let cluster = "1a2b3c4d-0000-4000-8000-000000000001".parse().unwrap();
        let error = cloud.cluster(&cluster).await.unwrap_err();
        assert_eq!(error.code, Code::HostUnreachable);
        for said in ["the Cloud API at does-not-exist.invalid ", "not known"] {
            assert!(error.detail.contains(said), "{error}");
        }
    }
}
