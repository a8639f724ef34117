//! The HTTP client of the AWS SDK, over the TLS of the process and held to the rules of
//! [`transport`]. Endpoints come from variables and profiles, for one service or for all,
//! so each request is looked at when it is sent.
//!
//! The client that AWS ships takes no TLS configuration of ours, so it would read the
//! certificates once more, and its roots only from the machine or as PEM.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use reqwest::{Body, Client, Request};
use shared::transport::{self, LONGEST_ANSWER};
use shared::{Code, StepError};
use url::Url;

use crate::reach::{self, Unreached};
use crate::tls::Tls;

/// A client that sends nothing in clear and reads no answer without end.
#[derive(Debug)]
pub(super) struct Guarded {
    tls: Tls,
    /// One for each pair of limits, because it keeps connections.
    connectors: Mutex<BTreeMap<Limits, SharedHttpConnector>>,
}

impl Guarded {
    pub(super) fn new(tls: Tls) -> Self {
        Self {
            tls,
            connectors: Mutex::default(),
        }
    }
}

/// How long a connection, and then an answer, is waited for.
type Limits = (Option<Duration>, Option<Duration>);

impl HttpClient for Guarded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        let connectors = self.connectors.lock();
        let mut connectors = connectors.unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(limits).or_insert_with(|| {
            SharedHttpConnector::new(GuardedConnector {
                tls: self.tls.clone(),
                limits,
                client: OnceLock::new(),
            })
        });
        connector.clone()
    }
}

#[derive(Debug)]
struct GuardedConnector {
    tls: Tls,
    limits: Limits,
    /// Made when it is first needed.
    client: OnceLock<Client>,
}

impl GuardedConnector {
    fn client(&self) -> Result<Client, StepError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let made = self.tls.client(|mut client| {
            if let Some(limit) = self.limits.0 {
                client = client.connect_timeout(limit);
            }
            if let Some(limit) = self.limits.1 {
                client = client.read_timeout(limit);
            }
            client
        })?;
        Ok(self.client.get_or_init(|| made).clone())
    }

    /// A request that may be sent, and who sends it.
    fn admit(&self, request: HttpRequest) -> Result<(Client, Request), BoxError> {
        look_at(request.uri())?;
        let client = self.client()?;
        let request = request.try_into_http1x()?.map(Body::wrap);
        Ok((client, Request::try_from(request)?))
    }
}

impl HttpConnector for GuardedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = host_of(request.uri());
        let (client, request) = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(why) => return HttpConnectorFuture::ready(Err(ConnectorError::user(why))),
        };
        HttpConnectorFuture::new(async move {
            let answer = client.execute(request).await;
            let answer = answer.map_err(|error| unanswered(host, error))?;
            let answer = ::http::Response::<Body>::from(answer)
                .map(|body| SdkBody::from_body_1_x(Limited::new(body, LONGEST_ANSWER)));
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The SDK asks again, unless a certificate is not trusted: it would not be the next time.
fn unanswered(host: String, error: reqwest::Error) -> ConnectorError {
    let source = error.without_url();
    let is_timeout = source.is_timeout();
    let why = reach::why(&source);
    let error: BoxError = match why {
        Some(code) => Unreached { code, host, source }.into(),
        None => source.into(),
    };
    if why == Some(Code::CertificateNotTrusted) {
        ConnectorError::user(error)
    } else if is_timeout {
        ConnectorError::timeout(error)
    } else {
        ConnectorError::io(error)
    }
}

fn host_of(uri: &str) -> String {
    let url = Url::parse(uri).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or_default().to_owned()
}

/// The query has nothing that would matter here.
fn look_at(uri: &str) -> Result<(), StepError> {
    let endpoint = uri.split('?').next().unwrap_or_default();
    match Url::parse(endpoint) {
        Ok(url) if transport::is_for_credentials(&url) => Ok(()),
        _ => match transport::base(endpoint) {
            Ok(_) => Ok(()),
            Err(why) => {
                let detail = format!("the endpoint {why}");
                Err(StepError::new(Code::ConfigurationInvalid, detail))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use aws_config::retry::RetryConfig;
    use aws_smithy_runtime_api::client::http::http_client_fn;
    use shared::ec2::Network;

    use super::*;
    use crate::aws::aws_at;
    use crate::ec2::AwsEc2;
    use crate::reach::tests::Nowhere;

    #[tokio::test]
    async fn a_host_whose_name_is_not_resolved_is_named() {
        let tls = Tls::default();
        let client = tls.client(|it| it.dns_resolver(Nowhere)).unwrap();
        let connector = SharedHttpConnector::new(GuardedConnector {
            tls,
            limits: (None, None),
            client: OnceLock::from(client),
        });
        let aws = aws_at("https://does-not-exist.invalid", "eu-west-1").await;
        let sdk = aws
            .sdk
            .into_builder()
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(RetryConfig::disabled())
            .build();
        let vpc = "vpc-0a71e831".parse().unwrap();
        let error = AwsEc2::new(&sdk).vpc(&vpc).await.unwrap_err();
        assert_eq!(error.code, Code::HostUnreachable);
        for said in ["no answer from does-not-exist.invalid: ", "not known"] {
            assert!(error.detail.contains(said), "{error}");
        }
    }
}
