//! TLS as a process speaks it, to AWS and to the Cloud API: by ring, because starting
//! aws-lc costs a cold start some 40 ms, with one configuration for all clients, and by
//! the proxy of the surroundings if there is one.
//!
//! That is made when the first request is sent, and not when a client is made: to read
//! the certificates of a machine takes longer than all else that a function does before
//! it asks for its first event.

use std::sync::{Arc, OnceLock};

use reqwest::{Client, ClientBuilder, NoProxy, redirect};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use shared::config::{CA_BUNDLE, Proxy, Setting};
use shared::{Code, StepError};

/// Which certificate authorities are trusted where no file names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roots {
    /// Those that Mozilla trusts, as they were when this was built. Nothing is read.
    BuiltIn,
    /// Those that the machine trusts. A company's own may be among them.
    Machine,
}

/// What the clients of a process have in common. So have clones.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    roots: Roots,
    bundle: Setting,
    proxy: Proxy,
    config: OnceLock<ClientConfig>,
}

impl Default for Tls {
    /// The roots that are built in, and no proxy.
    fn default() -> Self {
        let bundle = Setting::new(CA_BUNDLE, None);
        Self::new(Roots::BuiltIn, bundle, Proxy::of(|_| None))
    }
}

impl Tls {
    /// Trusts these roots; or if `bundle` is the path of a file, the certificates in that
    /// file and no others, as the AWS CLI and boto3 do (docs/facts.md). Nothing is read
    /// before a client is made.
    pub fn new(roots: Roots, bundle: Setting, proxy: Proxy) -> Self {
        Self(Arc::new(Shared {
            roots,
            bundle,
            proxy,
            config: OnceLock::new(),
        }))
    }

    /// A client that follows no redirect, with settings of its own.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if there are no certificates to trust: their file
    /// cannot be read, or has none; or if the proxy is none.
    pub fn client(
        &self,
        settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, StepError> {
        // What reqwest itself would find in the environment does not count.
        let builder = Client::builder()
            .tls_backend_preconfigured(self.config()?)
            .redirect(redirect::Policy::none())
            .no_proxy();
        let builder = match by_proxy(&self.0.proxy)? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        };
        settings(builder).build().map_err(unusable)
    }

    /// Clones share their sessions.
    fn config(&self) -> Result<ClientConfig, StepError> {
        if let Some(config) = self.0.config.get() {
            return Ok(config.clone());
        }
        let config = config(self.0.roots, &self.0.bundle)?;
        Ok(self.0.config.get_or_init(|| config).clone())
    }
}

/// What goes by the proxy: requests over TLS to other machines. Those without TLS stay on
/// this machine, or on the links where AWS hands out credentials
/// ([`shared::transport`]), and a proxy leads to neither.
fn by_proxy(proxy: &Proxy) -> Result<Option<reqwest::Proxy>, StepError> {
    let Some(url) = proxy.url()? else {
        return Ok(None);
    };
    let without = format!("localhost,127.0.0.0/8,::1,{}", proxy.without());
    let proxy = reqwest::Proxy::https(url).map_err(unusable)?;
    Ok(Some(proxy.no_proxy(NoProxy::from_string(&without))))
}

fn config(roots: Roots, bundle: &Setting) -> Result<ClientConfig, StepError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let trusting = match (bundle.value(), roots) {
        (Some(path), _) => {
            let roots = certificates(path);
            let wrong = |why: String| bundle.wrong(format_args!("names {path}, which {why}"));
            builder.with_root_certificates(roots.map_err(wrong)?)
        }
        (None, Roots::BuiltIn) => builder.with_root_certificates(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        }),
        (None, Roots::Machine) => builder.with_platform_verifier().map_err(|error| {
            let detail = format!(
                "this machine has no root certificates, and {CA_BUNDLE} names no others: {error}"
            );
            StepError::new(Code::ConfigurationInvalid, detail)
        })?,
    };
    let mut config = trusting.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates in a file, or what it does instead of having some.
fn certificates(path: &str) -> Result<RootCertStore, String> {
    let found: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
        .and_then(|found| found.collect())
        .map_err(|error| format!("cannot be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    // Among many there may be one of a form that is not read any more.
    roots.add_parsable_certificates(found);
    if roots.is_empty() {
        return Err("has no certificate that can be used, in PEM form".to_owned());
    }
    Ok(roots)
}

fn unusable(error: impl std::error::Error) -> StepError {
    let detail = format!("no TLS client can be made: {error}");
    StepError::new(Code::ConfigurationInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::tests::{Nowhere, nobody};
    use crate::reach::why;

    /// Nobody listens at the proxy, and no name is resolved, so the failure tells which
    /// way a request took.
    #[tokio::test]
    async fn what_is_sent_over_tls_to_others_goes_by_the_proxy() {
        let proxy = format!("http://kim:hunter2@{}", nobody());
        let without = "vpce.amazonaws.com, .internal.example, 0.0.0.0";
        let tls = Tls::new(
            Roots::BuiltIn,
            Setting::new(CA_BUNDLE, None),
            Proxy::of(|name| match name {
                "HTTPS_PROXY" => Some(proxy.clone()),
                "NO_PROXY" => Some(without.to_owned()),
                _ => None,
            }),
        );
        let client = tls.client(|it| it.dns_resolver(Nowhere)).unwrap();
        for (url, code) in [
            ("https://ec2.eu-west-1.amazonaws.com", Code::ProxyRefused),
            ("https://cockroachlabs.cloud/api", Code::ProxyRefused),
            (
                "https://vpce-1.ec2.eu-west-1.vpce.amazonaws.com",
                Code::HostUnreachable,
            ),
            ("https://internal.example", Code::HostUnreachable),
            ("https://internal.example.com", Code::ProxyRefused),
            ("https://0.0.0.0:1", Code::HostUnreachable),
            ("https://localhost:1", Code::HostUnreachable),
            ("https://127.0.0.1:1", Code::HostUnreachable),
            // As where credentials are handed out.
            ("http://metadata.example", Code::HostUnreachable),
        ] {
            let error = client.get(url).send().await.unwrap_err();
            assert_eq!(why(&error), Some(code), "{url}");
            let said = format!("{error:?} {client:?} {tls:?}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
