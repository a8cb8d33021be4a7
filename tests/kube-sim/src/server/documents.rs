//! Discovery and OpenAPI over HTTP.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;

use super::respond;
use crate::discovery;
use crate::openapi;

/// The answer at a path that is no resource's, or `None`.
pub(super) fn get(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (document, media_type) = match openapi::document(path, accept) {
        Some(found) => found,
        None => {
            let (document, media_type) = discovery::document(path, accept)?;
            (Bytes::from(document.to_string()), media_type)
        }
    };
    let mut response = respond::json(StatusCode::OK, document);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Some(response)
}
