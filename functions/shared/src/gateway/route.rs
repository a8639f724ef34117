//! Which part of a function a request is for.

use super::{Refusal, Request};
use crate::Code;

/// A method and a path, and what answers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<R> {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path as the document has it, with at most one parameter in braces.
    pub path: &'static str,
    /// What answers.
    pub to: R,
}

/// Finds what answers a request, and the value of the parameter of its path.
///
/// # Errors
/// [`Code::ResourceNotFound`] for an unknown path, [`Code::MethodNotAllowed`] for
/// a known one with another method.
pub fn find<R: Copy>(routes: &[Route<R>], request: &Request) -> Result<(R, String), Refusal> {
    let here: Vec<(&Route<R>, String)> = routes
        .iter()
        .filter_map(|route| Some((route, parameter(route.path, &request.segments)?)))
        .collect();
    let same_method = here
        .iter()
        .find(|(route, _)| route.method == request.method);
    if let Some((route, parameter)) = same_method {
        return Ok((route.to, parameter.clone()));
    }
    let path = request.path();
    if here.is_empty() {
        let detail = format!("there is nothing under {path}");
        return Err(Refusal::new(Code::ResourceNotFound, detail));
    }
    let allowed: Vec<&str> = here.iter().map(|(route, _)| route.method).collect();
    let allowed = allowed.join(", ");
    let detail = format!("{} is not for {path}; there is: {allowed}", request.method);
    let mut refusal = Refusal::new(Code::MethodNotAllowed, detail);
    refusal.headers.push(("allow", allowed));
    Err(refusal)
}

/// The value of the parameter if the path fits; empty if it has none.
fn parameter(path: &str, segments: &[String]) -> Option<String> {
    let names: Vec<&str> = path.split('/').skip(1).collect();
    if names.len() != segments.len() {
        return None;
    }
    let mut found = String::new();
    for (name, segment) in names.into_iter().zip(segments) {
        if name.starts_with('{') {
            found.clone_from(segment);
        } else if name != segment {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROUTES: [Route<u8>; 3] = [
        Route {
            method: "GET",
            path: "/things",
            to: 1,
        },
        Route {
            method: "POST",
            path: "/things",
            to: 2,
        },
        Route {
            method: "POST",
            path: "/things/{id}/check",
            to: 3,
        },
    ];

    fn at(method: &str, path: &str) -> Result<(u8, String), Refusal> {
        find(
            &ROUTES,
            &Request::read(&json!({"httpMethod": method, "path": path})),
        )
    }

    #[test]
    fn a_request_finds_what_answers_it() {
        assert_eq!(at("POST", "/things"), Ok((2, String::new())));
        assert_eq!(at("POST", "/things/7/check/"), Ok((3, "7".to_owned())));
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        for path in ["", "/", "/thing", "/things/7", "/things/7/check/more"] {
            assert_eq!(at("GET", path).unwrap_err().status, 404, "{path}");
        }
        let refusal = at("TRACE", "/things").unwrap_err();
        assert_eq!(refusal.status, 405);
        assert_eq!(refusal.headers, [("allow", "GET, POST".to_owned())]);
    }
}
