//! The HTTP client of the AWS SDK, held to the rules of [`transport`]. Endpoints come
//! from variables and profiles, for one service or for all, so each request is looked at
//! when it is sent.

use std::mem;

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use shared::transport::{self, LONGEST_ANSWER};
use url::Url;

/// A request that was not sent, because it would have gone out in clear.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint {0}")]
pub(crate) struct InClear(String);

/// A client that sends nothing in clear and reads no answer without end.
#[derive(Debug)]
pub(super) struct Guarded(pub(super) SharedHttpClient);

impl HttpClient for Guarded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.0.http_connector(settings, components);
        SharedHttpConnector::new(GuardedConnector(connector))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct GuardedConnector(SharedHttpConnector);

impl HttpConnector for GuardedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Err(error) = look_at(request.uri()) {
            return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
        }
        let answered = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answered.await?;
            let body = mem::replace(answer.body_mut(), SdkBody::taken());
            *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(body, LONGEST_ANSWER));
            Ok(answer)
        })
    }
}

/// The query has nothing that would matter here.
fn look_at(uri: &str) -> Result<(), InClear> {
    let endpoint = uri.split('?').next().unwrap_or_default();
    match Url::parse(endpoint) {
        Ok(url) if transport::is_for_credentials(&url) => Ok(()),
        _ => transport::base(endpoint).map(|_| ()).map_err(InClear),
    }
}
