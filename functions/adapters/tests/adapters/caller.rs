//! Whose credentials these are, and how soon it is known that they are nobody's.

use std::time::{Duration, Instant};

use adapters::caller::caller;
use aws_credential_types::provider::SharedCredentialsProvider;
use shared::Code;

use crate::accounts::refused;
use crate::sdk_errors::Nobody;
use crate::stage::{ACCOUNT, Stage, says};
use crate::stub::{Stub, aws};

#[tokio::test]
async fn who_asks_is_known_by_account_and_arn() {
    let stage = Stage::new().await;
    let caller = caller(&stage.aws().await).await.unwrap();
    assert_eq!(caller.account.as_str(), ACCOUNT);
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/");
    assert!(caller.arn.starts_with(&arn), "{caller:?}");
    assert_eq!(stage.count("sts:GetCallerIdentity"), 1);
}

#[tokio::test]
async fn credentials_that_sts_does_not_take_are_refused_at_once() {
    for (status, name, code) in [
        (403, "InvalidClientTokenId", Code::AwsCredentialsInvalid),
        (403, "ExpiredToken", Code::AwsCredentialsInvalid),
        (403, "SignatureDoesNotMatch", Code::AwsCredentialsInvalid),
        (403, "RegionDisabledException", Code::AwsRegionNotEnabled),
        (503, "ServiceUnavailable", Code::AwsUnavailable),
    ] {
        let stub = Stub::answering([refused(status, name)]).await;
        let error = caller(&aws(&stub.url()).await).await.unwrap_err();
        let answered = format!("STS GetCallerIdentity answered {name}: why");
        says(&error, code, &answered);
        assert_eq!(stub.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn without_credentials_nobody_is_asked() {
    let stub = Stub::answering([String::new()]).await;
    let sdk = aws(&stub.url()).await.into_builder();
    let sdk = sdk.credentials_provider(SharedCredentialsProvider::new(Nobody));
    let error = caller(&sdk.build()).await.unwrap_err();
    assert_eq!(error.code, Code::AwsCredentialsInvalid);
    assert_eq!(error.detail, "there are no AWS credentials");
    assert!(stub.requests().is_empty());
}

/// A person waits before the terminal.
#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    // The connection comes about, by the backlog, and then nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let began = Instant::now();
    let error = caller(&aws(&url).await).await.unwrap_err();
    assert_eq!(error.code, Code::AwsUnavailable, "{error}");
    drop(silent);
    let error = caller(&aws(&url).await).await.unwrap_err();
    says(&error, Code::HostUnreachable, "no answer from 127.0.0.1");
    assert!(began.elapsed() < Duration::from_secs(3));
}
