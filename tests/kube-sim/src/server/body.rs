//! Reads a request's body: size, media type, JSON or YAML.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use serde_json::Value;

use crate::errors::ApiError;

/// The real API's limit for a request's body.
const LIMIT: usize = 3 * 1024 * 1024;

/// The whole body.
pub(super) async fn read(body: Body) -> Result<Bytes, ApiError> {
    to_bytes(body, LIMIT).await.map_err(|error| {
        ApiError::new(
            413,
            "RequestEntityTooLarge",
            format!("the request body could not be read: {error}"),
        )
    })
}

/// The media type without its parameters; empty if there is none.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}

/// An object from a create or an update.
pub(super) fn object(headers: &HeaderMap, bytes: &Bytes, kind: &str) -> Result<Value, ApiError> {
    match media_type(headers) {
        "" | "application/json" => json(bytes, kind),
        "application/yaml" => yaml(bytes),
        _ => Err(ApiError::unsupported_media_type(&[
            "application/json",
            "application/yaml",
        ])),
    }
}

/// JSON, refused as the real decoder refuses it.
pub(super) fn json(bytes: &Bytes, kind: &str) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned();
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {error} ({shown})"
        ))
    })
}

/// YAML, of which JSON is a part.
pub(super) fn yaml(bytes: &Bytes) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))?;
    serde_saphyr::from_str(text)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}
