//! Discovery and OpenAPI over HTTP.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::respond;
use crate::discovery;
use crate::errors::ApiError;
use crate::openapi::{self, Answer};

/// The answer at a path that is no resource's, or `None`.
pub(super) fn get(path: &str, headers: &HeaderMap) -> Option<Result<Response<Body>, ApiError>> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if let Some(answer) = openapi::document(path, accept) {
        return Some(match answer {
            Answer::Document(document) => Ok(respond::json(StatusCode::OK, document)),
            Answer::NotAcceptable => Err(ApiError::not_acceptable("application/json")),
        });
    }
    let (document, media_type) = discovery::document(path, accept)?;
    let mut response = respond::value(StatusCode::OK, &document);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Some(Ok(response))
}
