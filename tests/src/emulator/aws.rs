//! Calls to the emulator's services, as the AWS SDKs would write them, and to our
//! API behind its gateway.
//!
//! The calls are made as the owner of the account, whose signature the emulator does
//! not check; those of the functions are signed and checked.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use super::{ACCOUNT, REGION};

/// The emulator's services.
#[derive(Debug, Clone)]
pub struct Aws {
    url: String,
    client: reqwest::Client,
}

impl Aws {
    /// The services of the emulator at this URL.
    ///
    /// # Panics
    /// If no HTTP client can be made.
    pub fn at(url: &str) -> Self {
        // The client wants to know who would do TLS. Nobody here does, and another
        // part of this process may have said so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build();
        Self {
            url: url.to_owned(),
            client: client.expect("an HTTP client"),
        }
    }

    /// A call of a service that speaks JSON, such as
    /// `states`, `AWSStepFunctions.DescribeExecution`.
    ///
    /// # Errors
    /// The answer's body, if it is an error.
    pub async fn try_call(&self, service: &str, target: &str, body: Value) -> Result<Value, Value> {
        let request = self
            .request(service, Method::POST, "/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .body(body.to_string());
        let answer = request.send().await.expect("the emulator answers");
        let good = answer.status().is_success();
        let body = json(answer).await;
        if good { Ok(body) } else { Err(body) }
    }

    /// The same, for a call that must succeed.
    ///
    /// # Panics
    /// If it does not.
    pub async fn call(&self, service: &str, target: &str, body: Value) -> Value {
        let asked = body.clone();
        match self.try_call(service, target, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{target} {asked}: {error}"),
        }
    }

    /// A call of a service that speaks the query protocol; the answer is XML.
    ///
    /// # Panics
    /// If it does not succeed.
    pub async fn query(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(parameters);
        let request = self
            .request(service, Method::POST, "/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish());
        let answer = request.send().await.expect("the emulator answers");
        let good = answer.status().is_success();
        let text = answer.text().await.expect("the whole answer");
        assert!(good, "{parameters:?}: {text}");
        text
    }

    /// A request with what stands for a signature.
    pub fn request(&self, service: &str, method: Method, path: &str) -> RequestBuilder {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={ACCOUNT}/20300101/{REGION}/{service}/aws4_request, \
             SignedHeaders=host, Signature=none"
        );
        self.unsigned(method, path)
            .header("authorization", signature)
    }

    /// A request of nobody.
    pub fn unsigned(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }
}

/// The JSON of an answer; what is not JSON as text.
pub async fn json(answer: Response) -> Value {
    let text = answer.text().await.expect("the whole answer");
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
