//! What goes wrong between the SDK and AWS, besides the errors that AWS names.

use std::time::{Duration, Instant};

use adapters::ec2::AwsEc2;
use adapters::secrets::SecretsManager;
use aws_config::SdkConfig;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use shared::ec2::Network;
use shared::secret::Secrets;
use shared::transport::LONGEST_ANSWER;
use shared::{Code, StepError};

use crate::stage::{ACCOUNT, CLUSTER, KEY, SECRET, Stage, VPC, parsed, says};
use crate::stub::{Stub, answer, aws};

async fn ec2_fails(aws: &SdkConfig) -> StepError {
    AwsEc2::new(aws).vpc(&parsed(VPC)).await.unwrap_err()
}

async fn secret_fails(aws: &SdkConfig) -> StepError {
    let secrets = SecretsManager::new(aws, SECRET);
    secrets.api_key(&parsed(CLUSTER)).await.unwrap_err()
}

async fn ec2_error(canned: String) -> StepError {
    let stub = Stub::answering([canned]).await;
    ec2_fails(&aws(&stub.url()).await).await
}

async fn secret_error(canned: String) -> StepError {
    let stub = Stub::answering([canned]).await;
    secret_fails(&aws(&stub.url()).await).await
}

fn refusal(status: u16, code: &str) -> String {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>why</Message></Error></Errors><RequestID>1</RequestID></Response>"
    );
    answer(status, "Content-Type: text/xml\r\n", &body)
}

fn exception(status: u16, code: &str) -> String {
    let body = format!(r#"{{"__type": "{code}", "Message": "why"}}"#);
    answer(
        status,
        "Content-Type: application/x-amz-json-1.1\r\n",
        &body,
    )
}

/// Wherever an endpoint comes from, it is looked at when a request is sent there.
#[tokio::test]
async fn nothing_is_sent_in_clear_to_another_machine() {
    for url in ["http://192.0.2.1", "http://ec2.example.com/path"] {
        let error = ec2_fails(&aws(url).await).await;
        says(&error, Code::ConfigurationInvalid, "was not sent");
        assert!(error.detail.contains("is not an https URL"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_of_aws_without_end_is_not_read_to_its_end() {
    let long = format!("<DescribeVpcsResponse>{}", " ".repeat(LONGEST_ANSWER));
    let error = ec2_error(answer(200, "Content-Type: text/xml\r\n", &long)).await;
    says(&error, Code::AwsUnavailable, "length limit exceeded");
}

#[tokio::test]
async fn a_code_that_nobody_knows_is_named_in_the_error() {
    let error = ec2_error(refusal(400, "SomethingNew")).await;
    assert_eq!(error.code, Code::UnexpectedAwsAnswer);
    assert_eq!(error.detail, "EC2 DescribeVpcs answered SomethingNew: why");
    let error = secret_error(exception(400, "SomethingNew")).await;
    assert_eq!(error.code, Code::UnexpectedAwsAnswer);
    assert!(
        error
            .detail
            .ends_with("Secrets Manager answered SomethingNew: why"),
        "{error}"
    );
}

#[tokio::test]
async fn a_fault_of_aws_under_a_name_that_nobody_knows_is_still_a_fault_of_aws() {
    for error in [
        ec2_error(refusal(500, "SomethingNew")).await,
        secret_error(exception(503, "SomethingNew")).await,
    ] {
        assert_eq!(error.code, Code::AwsUnavailable, "{error}");
        assert!(
            error.detail.ends_with("answered SomethingNew: why"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_names_no_error_counts_by_its_status() {
    let html = "<html><body>no";
    for (canned, code) in [
        (answer(503, "", html), Code::AwsUnavailable),
        (answer(502, "", ""), Code::AwsUnavailable),
        (answer(429, "", html), Code::AwsThrottled),
        (answer(403, "", html), Code::UnexpectedAwsAnswer),
        (answer(404, "", ""), Code::UnexpectedAwsAnswer),
        (answer(200, "", html), Code::AwsUnavailable),
        (answer(200, "", "<Other/>"), Code::AwsUnavailable),
    ] {
        for error in [
            ec2_error(canned.clone()).await,
            secret_error(canned.clone()).await,
        ] {
            assert_eq!(error.code, code, "{canned}: {error}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<DescribeVpcsResponse>".to_owned();
    for canned in [broken, String::new()] {
        for error in [
            ec2_error(canned.clone()).await,
            secret_error(canned.clone()).await,
        ] {
            assert_eq!(error.code, Code::AwsUnavailable, "{error}");
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_a_host_that_is_not_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let aws = aws(&url).await;
    for error in [ec2_fails(&aws).await, secret_fails(&aws).await] {
        says(&error, Code::HostUnreachable, "no answer from 127.0.0.1: ");
        assert!(
            error.detail.contains("refused") && error.detail.len() < 300,
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_holds_the_key_and_cannot_be_read_is_not_quoted() {
    let odd =
        format!(r#"{{"SecretString": "{KEY}", "CreatedDate": "yesterday", "VersionStages": 7}}"#);
    for status in [200, 400, 500] {
        let error = secret_error(answer(status, "", &odd)).await;
        assert!(!format!("{error} {error:?}").contains("CCDB1_"), "{error}");
    }
    let broken =
        format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{{\"SecretString\": \"{KEY}");
    let error = secret_error(broken).await;
    assert!(!format!("{error} {error:?}").contains("CCDB1_"), "{error}");
}

/// A machine where nobody has logged in.
#[derive(Debug)]
pub(crate) struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody is logged in")))
    }
}

#[tokio::test]
async fn without_credentials_the_error_says_so_and_nothing_is_sent() {
    let stage = Stage::new().await;
    let nobody = aws_sdk_ec2::config::SharedCredentialsProvider::new(Nobody);
    let aws = stage
        .aws()
        .await
        .into_builder()
        .credentials_provider(nobody)
        .build();
    for error in [ec2_fails(&aws).await, secret_fails(&aws).await] {
        assert_eq!(error.code, Code::AwsCredentialsInvalid, "{error}");
        assert!(error.detail.ends_with("nobody is logged in"), "{error}");
    }
    assert_eq!(stage.sim.calls(), []);
}

/// On a machine outside of AWS, the last provider that is asked is one that no
/// network leads to.
#[tokio::test]
async fn an_instance_metadata_service_that_is_silent_is_given_up_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stage = Stage::new().await;
    let url = format!("http://{}", silent.local_addr().unwrap());
    let aws = stage.aws().await;
    let surroundings =
        ProviderConfig::without_region().with_http_client(aws.http_client().unwrap());
    let imds = aws_config::imds::Client::builder().configure(&surroundings);
    let imds = imds.endpoint(url).unwrap().build();
    let provider = ImdsCredentialsProvider::builder().imds_client(imds).build();
    let provider = aws_sdk_ec2::config::SharedCredentialsProvider::new(provider);
    let aws = aws.into_builder().credentials_provider(provider).build();
    let started = Instant::now();
    let error = ec2_fails(&aws).await;
    assert_eq!(error.code, Code::AwsCredentialsInvalid, "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
}

/// The Region may be what is wrong: a person's credentials may be as well, those of a
/// function may not.
#[tokio::test]
async fn credentials_that_a_region_does_not_know_name_the_region() {
    let stub = Stub::answering([refusal(401, "AuthFailure")]).await;
    let aws = aws(&stub.url()).await;
    for (account, code) in [
        (None, Code::AwsCredentialsInvalid),
        (Some(parsed(ACCOUNT)), Code::AwsRegionNotEnabled),
    ] {
        let ec2 = AwsEc2::of(&aws, account);
        let error = ec2.vpc(&parsed(VPC)).await.unwrap_err();
        says(
            &error,
            code,
            "EC2 DescribeVpcs in eu-west-1 answered AuthFailure",
        );
    }
}
