//! What a request asks for, once the official document has let it pass.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{Method, header};
use serde_json::Value;

use super::document::{Document, Operation};

/// A request that is written as the document wants it.
pub(super) struct Request {
    pub(super) operation: &'static Operation,
    pub(super) path: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl Request {
    /// Reads a request. The error says what the document does not know.
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Result<Request, String> {
        let (operation, path) = find(&parts.method, parts.uri.path())?;
        check_query(operation, parts.uri.query().unwrap_or_default())?;
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let body = read_body(operation, content_type, body)?;
        Ok(Request {
            operation,
            path,
            body,
        })
    }

    /// A parameter of the path, which the document guarantees.
    pub(super) fn path(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A text of the body, which the document guarantees.
    pub(super) fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

type Found = (&'static Operation, BTreeMap<String, String>);

fn find(method: &Method, path: &str) -> Result<Found, String> {
    let segments: Option<Vec<String>> = path.split('/').skip(1).map(percent_decoded).collect();
    let segments =
        segments.ok_or_else(|| format!("the path {path} is not percent-encoded properly"))?;
    let mut allowed = Vec::new();
    for operation in &Document::vendored().operations {
        if let Some(parameters) = operation.matches(&segments) {
            if operation.method == method.as_str() {
                return Ok((operation, parameters));
            }
            allowed.push(operation.method.as_str());
        }
    }
    Err(if allowed.is_empty() {
        format!("the official document knows no path {path}")
    } else {
        format!(
            "the official document knows {} but not {method} on {path}",
            allowed.join(" and ")
        )
    })
}

/// No operation that is served has parameters there.
fn check_query(operation: &Operation, query: &str) -> Result<(), String> {
    let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    match names.find(|name| !operation.query.contains(&**name)) {
        None => Ok(()),
        Some(name) => Err(format!("{} knows no query parameter {name}", operation.id)),
    }
}

fn read_body(operation: &Operation, content_type: &str, body: &[u8]) -> Result<Value, String> {
    let Some(schema) = &operation.body else {
        return if body.is_empty() {
            Ok(Value::Null)
        } else {
            Err(format!("{} takes no body", operation.id))
        };
    };
    if !content_type.starts_with("application/json") {
        return Err(format!(
            "the body must be application/json and is {content_type:?}"
        ));
    }
    let body: Value =
        serde_json::from_slice(body).map_err(|fault| format!("proto: syntax error: {fault}"))?;
    match schema.judge(&body, &[]) {
        Some(fault) => Err(format!("proto: {fault}")),
        None => Ok(body),
    }
}

/// A path segment as it was meant, if it is encoded properly. A slash of an id
/// is `%2F` (Cloud API, `CockroachCloud_DeletePrivateEndpointConnection`).
fn percent_decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "/api/v1/clusters/35c4abb2-bb66-46d7-afed-25ebef5ed2aa";

    fn read(method: &str, path: &str, body: &str) -> Result<Request, String> {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("http://simulator{path}"))
            .header("content-type", "application/json")
            .body(())
            .expect("the request is sound");
        Request::read(&request.into_parts().0, body.as_bytes())
    }

    fn fault(method: &str, path: &str, body: &str) -> String {
        read(method, path, body)
            .err()
            .expect("the request is refused")
    }

    #[test]
    fn a_request_in_the_words_of_the_document_passes() {
        let path = format!("{CLUSTER}/networking/private-endpoint-connections");
        let request = read("POST", &path, r#"{"endpoint_id": "vpce-1"}"#).expect("it passes");
        assert_eq!(
            request.operation.id,
            "CockroachCloud_AddPrivateEndpointConnection"
        );
        assert_eq!(
            request.path("cluster_id"),
            "35c4abb2-bb66-46d7-afed-25ebef5ed2aa"
        );
        assert_eq!(request.text("endpoint_id"), "vpce-1");
    }

    #[test]
    fn an_id_in_the_path_is_percent_decoded() {
        let path = format!("{CLUSTER}/networking/private-endpoint-connections/a%2Fb");
        let request = read("DELETE", &path, "").expect("it passes");
        assert_eq!(request.path("endpoint_id"), "a/b");
        let broken = format!("{CLUSTER}/networking/private-endpoint-connections/a%2");
        assert!(fault("DELETE", &broken, "").contains("percent-encoded"));
    }

    #[test]
    fn what_the_document_does_not_know_is_refused_and_named() {
        let connections = format!("{CLUSTER}/networking/private-endpoint-connections");
        let services = format!("{CLUSTER}/networking/private-endpoint-services");
        for (method, path, body, named) in [
            (
                "GET",
                format!("{CLUSTER}/networking/private-links"),
                "",
                "private-links",
            ),
            ("PATCH", connections.clone(), "", "PATCH"),
            (
                "GET",
                format!("{CLUSTER}/networking/private-endpoint-connections/vpce-1"),
                "",
                "GET",
            ),
            ("GET", format!("{connections}?page=1"), "", "page"),
            ("GET", "/api/v1/clusters?limit=2".to_owned(), "", "limit"),
            (
                "POST",
                connections.clone(),
                r#"{"endpoint_id": "a", "cluster_id": "b"}"#,
                "cluster_id",
            ),
            ("POST", connections.clone(), r"{}", "endpoint_id"),
            (
                "POST",
                connections.clone(),
                r#"{"endpoint_id": null}"#,
                "endpoint_id",
            ),
            ("POST", connections.clone(), "{", "syntax error"),
            ("POST", services, "{}", "takes no body"),
        ] {
            let fault = fault(method, &path, body);
            assert!(fault.contains(named), "{method} {path} {body}: {fault}");
        }
    }
}
