//! Reads a request's body: size, media type, JSON or YAML.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::document::Document;
use crate::errors::ApiError;

/// The real API's limit for a request's body.
const LIMIT: usize = 3 * 1024 * 1024;
/// Media types of an object.
const OBJECT_TYPES: [&str; 3] = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];
/// The type into which Go reads `kind` and `apiVersion` first.
const GO_TYPE_META: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

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
pub(super) fn object(headers: &HeaderMap, bytes: &Bytes, kind: &str) -> Result<Document, ApiError> {
    match media_type(headers) {
        "" | "application/json" => json(bytes, kind),
        "application/yaml" => yaml(bytes).map(Document::plain),
        "application/vnd.kubernetes.protobuf" => protobuf(bytes).map(Document::plain),
        _ => Err(ApiError::unsupported_media_type(&OBJECT_TYPES)),
    }
}

/// JSON, refused as the real decoder refuses it.
pub(super) fn json(bytes: &Bytes, kind: &str) -> Result<Document, ApiError> {
    let refused = |why: &str| {
        let start = &bytes[..bytes.len().min(1_024)];
        // Text is shown where it looks like JSON, else its bytes.
        let shown = match start.first() {
            None => "<empty>".to_owned(),
            Some(b'{') => String::from_utf8_lossy(start).into_owned(),
            Some(_) => start.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({shown})"
        ))
    };
    let document = Document::parse(bytes).map_err(|error| {
        if error.is_eof() {
            refused("unexpected end of JSON input")
        } else {
            refused(&error.to_string())
        }
    })?;
    if document.value.is_array() || document.value.is_string() || document.value.is_number() {
        let found = match &document.value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            _ => "number",
        };
        return Err(refused(&format!(
            "json: cannot unmarshal {found} into Go value of type {GO_TYPE_META}"
        )));
    }
    Ok(document)
}

/// Protobuf, as kubectl sends what it makes itself.
pub(super) fn protobuf(bytes: &Bytes) -> Result<Value, ApiError> {
    crate::protobuf::decode(bytes)
        .map_err(|why| ApiError::bad_request(format!("error decoding protobuf: {why}")))
}

/// A patch: any JSON.
pub(super) fn patch(bytes: &Bytes) -> Result<Document, ApiError> {
    Document::parse(bytes).map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))
}

/// YAML, of which JSON is a part.
pub(super) fn yaml(bytes: &Bytes) -> Result<Value, ApiError> {
    let refused = |why: String| ApiError::bad_request(format!("error decoding YAML: {why}"));
    let text = std::str::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    serde_saphyr::from_str(text).map_err(|error| refused(error.to_string()))
}
