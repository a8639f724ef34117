//! Why nothing came back from a host, where its reader has to do something about it.

use std::error::Error;
use std::io;

use shared::Code;

/// Why a request got no answer. `None` where it may have been the other side: asking again
/// is all that one can do.
pub(crate) fn why(error: &reqwest::Error) -> Option<Code> {
    match of_tls(error) {
        Some(rustls::Error::InvalidCertificate(_)) => return Some(Code::CertificateNotTrusted),
        // Somebody answered.
        Some(_) => return None,
        None => {}
    }
    // The type of this error is not public, so by its words.
    let is_of_proxy = |reason: &(dyn Error + 'static)| reason.to_string().contains("tunnel error");
    if chain(error).any(is_of_proxy) {
        return Some(Code::ProxyRefused);
    }
    error.is_connect().then_some(Code::HostUnreachable)
}

/// What TLS says.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|reason| match reason.downcast_ref::<io::Error>() {
        // Its source is the source of what it wraps, and not that itself.
        Some(io) => of_tls(io.get_ref()?),
        None => reason.downcast_ref(),
    })
}

/// The reasons, from the outermost to the innermost.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |reason| (**reason).source())
}

/// A host that gave no answer, and why.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {host}")]
pub(crate) struct Unreached {
    pub(crate) code: Code,
    pub(crate) host: String,
    pub(crate) source: reqwest::Error,
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use reqwest::dns::{Name, Resolve, Resolving};
    use reqwest::{ClientBuilder, Proxy};

    use super::*;
    use crate::tls::Tls;

    /// A resolver that finds no name, in the words of glibc. It asks nobody.
    pub(crate) struct Nowhere;

    impl Resolve for Nowhere {
        fn resolve(&self, _: Name) -> Resolving {
            let words = "failed to lookup address information: Name or service not known";
            let unknown: Box<dyn Error + Send + Sync> = io::Error::other(words).into();
            Box::pin(async move { Err(unknown) })
        }
    }

    /// Where nobody listens.
    pub(crate) fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    }

    async fn ask(url: &str, with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Option<Code> {
        let client = Tls::default().client(with).unwrap();
        why(&client.get(url).send().await.unwrap_err())
    }

    #[tokio::test]
    async fn a_host_that_is_not_reached_is_told_from_one_that_is_silent() {
        let refused = format!("https://{}", nobody());
        let refused = ask(&refused, |it| it).await;
        assert_eq!(refused, Some(Code::HostUnreachable));
        // The connection comes about, by the backlog, and then nothing.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let impatient = |it: ClientBuilder| it.timeout(Duration::from_millis(100));
        assert_eq!(ask(&url, impatient).await, None);
        let unknown = ask("https://does-not-exist.invalid", |it| {
            it.dns_resolver(Nowhere)
        });
        assert_eq!(unknown.await, Some(Code::HostUnreachable));
    }

    #[tokio::test]
    async fn a_proxy_that_does_not_lead_on_is_told_from_the_host() {
        let url = "https://cockroachlabs.invalid";
        let proxy = Proxy::all(format!("http://{}", nobody())).unwrap();
        let by_proxy = |it: ClientBuilder| it.proxy(proxy);
        assert_eq!(ask(url, by_proxy).await, Some(Code::ProxyRefused));
    }
}
