//! Documents as Route 53 and STS answer them: one element in the namespace of the
//! API version, and for errors an `ErrorResponse` that says whose fault it is
//! (Smithy, "AWS query protocol" and "AWS restXml protocol").

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::ec2::request_id;
use super::xml::Xml;
use crate::calls::ApiError;

pub(super) fn refused(namespace: &str, error: &ApiError) -> Response {
    let blame = if error.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    respond(namespace, error.status, "ErrorResponse", |xml| {
        xml.node("Error", |xml| {
            xml.leaf("Type", blame);
            xml.leaf("Code", &error.code);
            xml.leaf("Message", &error.message);
        });
        xml.leaf("RequestId", request_id());
    })
}

/// A document with this root.
pub(super) fn respond(
    namespace: &str,
    status: u16,
    root: &str,
    content: impl FnOnce(&mut Xml),
) -> Response {
    let mut xml = Xml::document();
    xml.open(root, Some(namespace));
    content(&mut xml);
    xml.close(root);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static("text/xml");
    let headers = [(header::CONTENT_TYPE, content_type)];
    (status, headers, xml.into_text()).into_response()
}
