//! The proxy of the surroundings.

use adapters::aws::Aws;
use shared::Code;
use shared::config::Config;

use crate::stage::{KEY, once, says, surrounded};
use crate::stub::{Stub, answer};
use crate::tls::ask;

/// A process that is told of this proxy, and of hosts that it reaches without it.
async fn told(proxy: &Stub, without: &str, url: &str) -> Aws {
    let proxy = proxy.url().replace("http://", "http://kim:secret@");
    let config = Config::of(|name| match name {
        "HTTPS_PROXY" => Some(proxy.clone()),
        "NO_PROXY" => Some(without.to_owned()),
        _ => None,
    });
    let Aws { sdk, tls } = surrounded(&config, url).await;
    Aws {
        sdk: once(sdk),
        tls,
    }
}

async fn refusing() -> Stub {
    Stub::answering([answer(403, "", "")]).await
}

#[tokio::test]
async fn aws_and_the_cloud_api_are_asked_by_the_proxy_and_its_refusal_is_told() {
    let proxy = refusing().await;
    let (ec2, cloud) = ("ec2.eu-west-1.amazonaws.com", "cockroachlabs.cloud");
    let aws = told(&proxy, "", &format!("https://{ec2}")).await;
    let errors = ask(&aws, &format!("https://{cloud}")).await;
    for (error, host) in errors.into_iter().zip([ec2, cloud]) {
        let error = error.unwrap_err();
        says(&error, Code::ProxyRefused, host);
        assert!(!error.detail.contains("secret"), "{error}");
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    for (request, host) in requests.iter().zip([ec2, cloud]) {
        let asked = format!("CONNECT {host}:443 HTTP/1.1\r\n");
        assert!(request.starts_with(&asked), "{request}");
        // It is `kim:secret`.
        assert!(request.contains("Basic a2ltOnNlY3JldA=="), "{request}");
        assert!(!request.contains(KEY), "what is asked is not for the proxy");
    }
}

/// To connect to 0.0.0.0 is to connect to this machine, and yet it is none of the hosts
/// that are never asked by a proxy.
#[tokio::test]
async fn what_no_proxy_names_is_asked_directly_and_so_is_this_machine() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for (host, without, code, asked) in [
        ("0.0.0.0", "", Code::ProxyRefused, 2),
        ("0.0.0.0", "example.com, 0.0.0.0", Code::HostUnreachable, 0),
        ("127.0.0.1", "", Code::HostUnreachable, 0),
    ] {
        let proxy = refusing().await;
        let url = format!("https://{host}:{port}");
        let aws = told(&proxy, without, &url).await;
        for error in ask(&aws, &url).await.map(Result::unwrap_err) {
            says(&error, code, host);
        }
        assert_eq!(proxy.requests().len(), asked, "{host}, {without}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_none_is_named_before_anything_is_sent() {
    let config = Config::of(|name| {
        let is_it = name == "HTTPS_PROXY";
        is_it.then(|| "socks5://kim:secret@127.0.0.1:1080".to_owned())
    });
    let url = "https://127.0.0.1:1";
    let aws = surrounded(&config, url).await;
    for error in ask(&aws, url).await.map(Result::unwrap_err) {
        says(
            &error,
            Code::ConfigurationInvalid,
            "the setting HTTPS_PROXY",
        );
        assert!(!error.detail.contains("secret"), "{error}");
    }
}
