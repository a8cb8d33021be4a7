//! Bodies and headers of answers.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

use crate::errors::ApiError;
use crate::registry::Page;
use crate::resources::Resource;

/// JSON with a status.
pub(super) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A value as JSON.
pub(super) fn value(status: StatusCode, value: &Value) -> Response<Body> {
    json(status, Bytes::from(value.to_string()))
}

/// A refusal as a Status object.
pub(super) fn error(error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = value(status, &error.status());
    if let Some(seconds) = error.details.get("retryAfterSeconds") {
        response.headers_mut().extend(
            HeaderValue::from_str(&seconds.to_string())
                .ok()
                .map(|value| (header::RETRY_AFTER, value)),
        );
    }
    response
}

/// A list's page, put together from the JSON of its objects.
pub(super) fn list(resource: &Resource, page: &Page) -> Bytes {
    let mut body = BytesMut::new();
    let head = serde_json::json!({"kind": resource.list_kind(), "apiVersion": resource.api_version(), "metadata": list_metadata(page)});
    let head = head.to_string();
    body.put_slice(head.trim_end_matches('}').as_bytes());
    // The metadata object's own brace was trimmed too.
    body.put_slice(b"},\"items\":[");
    for (position, stored) in page.items.iter().enumerate() {
        if position > 0 {
            body.put_u8(b',');
        }
        body.put_slice(&stored.item(resource));
    }
    body.put_slice(b"]}");
    body.freeze()
}

/// `metadata` of a list.
pub(super) fn list_metadata(page: &Page) -> Value {
    let mut metadata = serde_json::json!({"resourceVersion": page.revision.to_string()});
    if let Some(token) = &page.token {
        metadata["continue"] = token.as_str().into();
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    metadata
}

/// Adds a `Warning` header per text, as kubectl prints them.
pub(super) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in warnings {
        let escaped = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{escaped}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}
