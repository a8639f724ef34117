//! Whom the clients trust, and when they read about it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapters::aws::Aws;
use adapters::cloud::HttpCloud;
use adapters::ec2::AwsEc2;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use shared::cloud::Cloud;
use shared::config::{CA_BUNDLE, Config};
use shared::ec2::Network;
use shared::{Code, StepError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::cloud_answers::Fixed;
use crate::stage::{CLUSTER, KEY, VPC, at_once, surrounded};
use crate::stub::{answer, read};

/// An authority of these tests alone, whose key is lost, and the certificate that it gave
/// this machine, until 2120.
const AUTHORITY: &str = include_str!("tls/authority.pem");
const SERVER: &[u8] = include_bytes!("tls/server.pem");
const SERVER_KEY: &[u8] = include_bytes!("tls/server.key");

/// A server over TLS that has nothing of what it is asked for.
async fn server() -> String {
    counting().await.0
}

/// The same, with the number of connections so far.
async fn counting() -> (String, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from_pem_slice(SERVER).unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let met = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&met);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            // A client that does not trust us leaves.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            read(&mut stream).await;
            let _ = stream.write_all(answer(404, "", "").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, met)
}

/// What a process is given that is told this bundle, with AWS at this server.
async fn told(bundle: Option<&Path>, url: &str) -> Aws {
    let config = Config::of(|name| {
        let bundle = bundle.filter(|_| name == CA_BUNDLE);
        bundle.map(|path| path.display().to_string())
    });
    let Aws { sdk, tls } = surrounded(&config, url).await;
    Aws {
        sdk: at_once(sdk),
        tls,
    }
}

/// What the client of the SDK and that of the Cloud API say, both made anew.
pub(crate) async fn ask(aws: &Aws, url: &str) -> [Result<(), StepError>; 2] {
    let ec2 = AwsEc2::new(&aws.sdk);
    let cloud = HttpCloud::new(url, aws.tls.clone(), Fixed(KEY)).unwrap();
    let vpc = ec2.vpc(&VPC.parse().unwrap()).await;
    let cluster = cloud.cluster(&CLUSTER.parse().unwrap()).await;
    [vpc.map(drop), cluster.map(drop)]
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bundle-{name}.pem"))
}

#[tokio::test]
async fn both_clients_trust_the_bundle_and_it_is_read_once() {
    let (url, bundle) = (server().await, path("trusted"));
    let aws = told(Some(&bundle), &url).await;
    // Not before the first request.
    fs::write(&bundle, AUTHORITY).unwrap();
    for _ in 0..2 {
        let [vpc, cluster] = ask(&aws, &url).await;
        assert_eq!(vpc.unwrap_err().code, Code::UnexpectedAwsAnswer);
        assert_eq!(cluster, Ok(()));
        let _ = fs::remove_file(&bundle);
    }
}

#[tokio::test]
async fn without_the_bundle_the_same_server_is_refused() {
    let (url, met) = counting().await;
    let aws = told(None, &url).await;
    let [vpc, cluster] = ask(&aws, &url).await.map(Result::unwrap_err);
    for error in [vpc, cluster] {
        assert_eq!(error.code, Code::CertificateNotTrusted, "{error}");
        assert!(
            error.detail.contains("UnknownIssuer") && error.detail.contains("127.0.0.1"),
            "{error}"
        );
    }
    assert_eq!(met.load(Ordering::Relaxed), 2, "neither asks again");
}

#[tokio::test]
async fn a_bundle_that_cannot_be_used_is_named() {
    let section = |body: &str| {
        Some(format!(
            "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
        ))
    };
    for (name, text, why) in [
        ("missing", None, "cannot be read: I/O error: "),
        ("empty", Some(String::new()), "has no certificate "),
        ("prose", Some("none".to_owned()), "has no certificate "),
        ("broken", section("!"), "cannot be read: base64"),
        ("other", section("AAAA"), "has no certificate "),
    ] {
        let bundle = path(name);
        match text {
            Some(text) => fs::write(&bundle, text).unwrap(),
            None => assert!(!bundle.exists()),
        }
        let url = "https://127.0.0.1:1";
        let aws = told(Some(&bundle), url).await;
        for error in ask(&aws, url).await.map(Result::unwrap_err) {
            assert_eq!(error.code, Code::ConfigurationInvalid, "{error}");
            let named = format!(
                "the setting {CA_BUNDLE} names {}, which {why}",
                bundle.display()
            );
            assert!(error.detail.contains(&named), "{error}");
        }
    }
}
