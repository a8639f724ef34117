//! What API Gateway hands to a function.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Refusal;
use crate::Code;

/// The longest body, in bytes. A request for a connection with a thousand
/// networks has less, and a run can take no more than 256 KiB of input.
pub const MAX_BODY: usize = 32 * 1024;

/// What some editors and shells put before a text. Whoever reads JSON may pass over it
/// (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An HTTP request as a REST API hands it to a Lambda proxy integration (API
/// Gateway developer guide, "Input format of a Lambda function for proxy
/// integration"). Whatever is missing or `null` in the event is taken for empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The id that API Gateway gave to the request.
    pub id: String,
    /// Who sent it, as far as API Gateway knows.
    pub caller: String,
    /// The groups of the caller, as the ID token of a user pool names them.
    pub groups: Vec<String>,
    /// The method, in capitals.
    pub method: String,
    /// The path below the API, in its segments.
    pub segments: Vec<String>,
    /// What stands before the path in the URL: the stage, or what a domain of
    /// one's own has in its place.
    base: String,
    headers: BTreeMap<String, Vec<String>>,
    query: Vec<(String, Vec<String>)>,
    body: Body,
}

/// A body as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Bytes; none for a request without body.
    Bytes(Vec<u8>),
    /// It was said to be Base64 and is not.
    Garbled,
}

impl Request {
    /// Reads an event, whatever it is.
    pub fn read(event: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let context = &event["requestContext"];
        let segments = segments(event);
        let below = path_of(&segments);
        let base = text(&context["path"]);
        let base = base.trim_end_matches('/').strip_suffix(&below);
        let identity = &context["identity"];
        let caller = [
            &identity["userArn"],
            &context["authorizer"]["claims"]["sub"],
            &context["authorizer"]["principalId"],
        ];
        Self {
            id: context["requestId"]
                .as_str()
                .unwrap_or("unknown")
                .to_owned(),
            caller: caller
                .into_iter()
                .find_map(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            groups: groups(&context["authorizer"]["claims"]["cognito:groups"]),
            method: text(&event["httpMethod"]).to_uppercase(),
            base: base.unwrap_or_default().to_owned(),
            segments,
            headers: values(event, "multiValueHeaders", "headers")
                .map(|(name, values)| (name.to_lowercase(), values))
                .collect(),
            query: values(
                event,
                "multiValueQueryStringParameters",
                "queryStringParameters",
            )
            .collect(),
            body: body(event),
        }
    }

    /// The caller, without the name of a session: that may be another one the next time.
    pub fn owner(&self) -> String {
        let role = self.caller.contains(":assumed-role/");
        let session = self.caller.rsplit_once('/').filter(|_| role);
        session
            .map_or(self.caller.as_str(), |(role, _)| role)
            .to_owned()
    }

    /// The path below the API.
    pub fn path(&self) -> String {
        path_of(&self.segments)
    }

    /// Where something of this API is, as a path on the same host.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A header by its name in lower case. One that was sent several times is one
    /// with commas in it (RFC 9110, section 5.3).
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|values| values.join(", "))
    }

    /// The query parameters, each given once, all of them known.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for one that is unknown or given more than once: a
    /// misspelled filter that is passed over would let everything through.
    pub fn query(&self, known: &[&str]) -> Result<BTreeMap<&str, &str>, Refusal> {
        let mut found = BTreeMap::new();
        for (name, values) in &self.query {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                let detail = format!("`{name}` is not a query parameter here; there are: {known}");
                return Err(Refusal::new(Code::InvalidRequest, detail));
            }
            let [value] = values.as_slice() else {
                let detail = format!(
                    "{name}: given {} times, and may be given once",
                    values.len()
                );
                return Err(Refusal::new(Code::InvalidRequest, detail));
            };
            found.insert(name.as_str(), value.as_str());
        }
        Ok(found)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`Code::UnsupportedMediaType`] if it is declared to be something else,
    /// [`Code::InvalidRequest`] if it is missing, too long, or not JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        if let Some(kind) = self.header("content-type").filter(|kind| !is_json(kind)) {
            let detail = format!("Content-Type is `{kind}`");
            return Err(Refusal::new(Code::UnsupportedMediaType, detail));
        }
        let invalid = |detail: String| Refusal::new(Code::InvalidRequest, detail);
        match &self.body {
            Body::Garbled => Err(invalid(
                "the body is not Base64, as the event says".to_owned(),
            )),
            Body::Bytes(bytes) if bytes.is_empty() => Err(invalid(
                "the body is missing; it must be a JSON object".to_owned(),
            )),
            Body::Bytes(bytes) if bytes.len() > MAX_BODY => Err(invalid(format!(
                "the body has {} bytes; it may have {MAX_BODY}",
                bytes.len()
            ))),
            Body::Bytes(bytes) => serde_json::from_slice(after_mark(bytes))
                .map_err(|error| invalid(format!("the body is not JSON: {error}"))),
        }
    }
}

fn after_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// The groups of a token: API Gateway hands the list on as one text, with commas.
fn groups(claim: &Value) -> Vec<String> {
    let text = claim.as_str().unwrap_or_default();
    let words = text.split(|c: char| c == ',' || c.is_whitespace() || "[]".contains(c));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `application/json`, or something that is written in JSON, with any parameters.
fn is_json(kind: &str) -> bool {
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The path below the API. `resource` is the path as the document has it, with
/// `{names}`, which is sure to have nothing before it; `path` may have what a
/// domain of one's own adds.
fn segments(event: &Value) -> Vec<String> {
    let resource = event["resource"]
        .as_str()
        .filter(|path| !path.contains("+}"));
    let path = resource.or(event["path"].as_str()).unwrap_or_default();
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let name = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            let value = name.and_then(|name| event["pathParameters"][name].as_str());
            value.unwrap_or(segment).to_owned()
        })
        .collect()
}

fn path_of(segments: &[String]) -> String {
    segments
        .iter()
        .map(|segment| format!("/{segment}"))
        .collect()
}

/// All values of all headers or query parameters.
fn values<'e>(
    event: &'e Value,
    many: &str,
    one: &str,
) -> impl Iterator<Item = (String, Vec<String>)> + use<'e> {
    let many = event[many].as_object();
    let one = event[one].as_object().filter(|_| many.is_none());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let several = many.into_iter().flatten().map(move |(name, values)| {
        let values = values.as_array().into_iter().flatten();
        (name.clone(), values.filter_map(text).collect())
    });
    let single = one.into_iter().flatten();
    several.chain(single.filter_map(move |(name, value)| Some((name.clone(), vec![text(value)?]))))
}

fn body(event: &Value) -> Body {
    let text = event["body"].as_str().unwrap_or_default();
    if event["isBase64Encoded"].as_bool() != Some(true) {
        return Body::Bytes(text.as_bytes().to_vec());
    }
    BASE64_STANDARD
        .decode(text)
        .map_or(Body::Garbled, Body::Bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().error.to_string()
    }

    #[test]
    fn an_event_without_anything_is_an_empty_request() {
        for event in [
            json!(null),
            json!([]),
            json!("text"),
            json!({"headers": null, "body": null, "requestContext": null}),
        ] {
            let request = Request::read(&event);
            assert_eq!((request.method.as_str(), request.path().as_str()), ("", ""));
            assert_eq!(request.query(&[]), Ok(BTreeMap::new()));
            assert!(refused(request.json::<Value>()).contains("missing"));
        }
    }

    #[test]
    fn a_caller_is_known_by_role_or_user_and_by_groups() {
        let request = |context: Value| Request::read(&json!({ "requestContext": context }));
        for (arn, owner) in [
            (
                "arn:aws:sts::111122223333:assumed-role/ops/session-7",
                "arn:aws:sts::111122223333:assumed-role/ops",
            ),
            (
                "arn:aws:iam::111122223333:user/path/kim",
                "arn:aws:iam::111122223333:user/path/kim",
            ),
        ] {
            assert_eq!(
                request(json!({"identity": {"userArn": arn}})).owner(),
                owner
            );
        }
        let claims = |groups: Value| {
            let claims = json!({"sub": "kim", "cognito:groups": groups});
            request(json!({"authorizer": {"claims": claims}}))
        };
        assert_eq!(claims(json!(null)).owner(), "kim");
        assert!(claims(json!(null)).groups.is_empty());
        for text in [
            "readers,operators",
            "[readers operators]",
            " readers, operators",
        ] {
            assert_eq!(claims(json!(text)).groups, ["readers", "operators"]);
        }
    }

    #[test]
    fn the_path_is_found_below_a_stage_and_below_a_domain_of_ones_own() {
        let event = |path: &str, resource: Value, context: &str| {
            Request::read(&json!({
                "httpMethod": "get",
                "path": path,
                "resource": resource,
                "pathParameters": {"connection_id": "c0ffee"},
                "requestContext": {"path": context},
            }))
        };
        let template = json!("/connections/{connection_id}");
        for (request, base) in [
            (
                event(
                    "/connections/c0ffee",
                    template.clone(),
                    "/v1/connections/c0ffee",
                ),
                "/v1",
            ),
            (
                event(
                    "/base/connections/c0ffee",
                    template,
                    "/base/connections/c0ffee",
                ),
                "/base",
            ),
            (
                event(
                    "/connections/c0ffee",
                    json!("/{proxy+}"),
                    "/v1/connections/c0ffee/",
                ),
                "/v1",
            ),
            (event("/connections/c0ffee", json!(null), ""), ""),
        ] {
            assert_eq!(request.segments, ["connections", "c0ffee"]);
            assert_eq!(request.method, "GET");
            assert_eq!(request.url("/errors/x"), format!("{base}/errors/x"));
        }
    }

    #[test]
    fn headers_are_found_whatever_their_case_and_however_often() {
        let one =
            Request::read(&json!({"headers": {"Idempotency-Key": "a"}, "multiValueHeaders": null}));
        assert_eq!(one.header("idempotency-key").as_deref(), Some("a"));
        let two =
            Request::read(&json!({"headers": {"X": "b"}, "multiValueHeaders": {"X": ["a", "b"]}}));
        assert_eq!(two.header("x").as_deref(), Some("a, b"));
    }

    #[test]
    fn a_query_parameter_is_known_and_given_once() {
        let request =
            |values: Value| Request::read(&json!({"multiValueQueryStringParameters": values}));
        let good = request(json!({"phase": ["ready"]}));
        assert_eq!(good.query(&["phase"]).unwrap()["phase"], "ready");
        assert!(
            refused(good.query(&["region", "limit"]))
                .contains("`phase` is not a query parameter here; there are: region, limit")
        );
        assert!(
            refused(request(json!({"phase": ["a", "b"]})).query(&["phase"]))
                .contains("given 2 times")
        );
        let single = Request::read(&json!({"queryStringParameters": {"limit": "5"}}));
        assert_eq!(single.query(&["limit"]).unwrap()["limit"], "5");
    }

    #[test]
    fn a_body_is_json_in_plain_text_or_base64() {
        let request = |kind: Value, body: &str, encoded: bool| {
            Request::read(
                &json!({"headers": {"content-type": kind}, "body": body, "isBase64Encoded": encoded}),
            )
        };
        for kind in [
            json!(null),
            json!("application/json"),
            json!("Application/JSON; charset=utf-8"),
            json!("application/merge-patch+json"),
        ] {
            assert_eq!(
                request(kind, r#"{"a":1}"#, false).json::<Value>(),
                Ok(json!({"a": 1}))
            );
        }
        assert_eq!(
            request(json!(null), "eyJhIjoxfQ==", true).json::<Value>(),
            Ok(json!({"a": 1}))
        );
        assert_eq!(
            request(json!(null), "\u{feff}{\"a\":1}", false).json::<Value>(),
            Ok(json!({"a": 1}))
        );
        let kind = json!("application/json");
        assert!(refused(request(kind.clone(), "{not}", true).json::<Value>()).contains("Base64"));
        assert!(
            refused(request(kind.clone(), "{not}", false).json::<Value>()).contains("not JSON")
        );
        assert!(
            refused(request(kind.clone(), &"[".repeat(5000), false).json::<Value>())
                .contains("not JSON")
        );
        assert!(
            refused(request(kind, &" ".repeat(MAX_BODY + 1), false).json::<Value>())
                .contains("bytes")
        );
        let other = request(json!("text/csv"), "{}", false).json::<Value>();
        assert_eq!(other.unwrap_err().status, 415);
    }
}
