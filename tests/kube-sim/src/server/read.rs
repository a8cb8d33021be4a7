//! GET: one object or a list.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};

use super::representation::Representation;
use super::request::{Query, Target};
use super::{App, respond};
use crate::errors::ApiError;
use crate::storage::Key;

pub(super) fn get(
    app: &App,
    target: &Target,
    name: &str,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let representation = Representation::negotiate(headers, query)?;
    let stored = app
        .registry
        .get(target.resource, &Key::new(&target.namespace, name))?;
    Ok(respond::json(
        StatusCode::OK,
        representation.object(target.resource, &stored),
    ))
}

pub(super) fn list(
    app: &App,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let representation = Representation::negotiate(headers, query)?;
    let page = app
        .registry
        .list(target.resource, &target.namespace, &query.list(target.resource)?)?;
    Ok(respond::json(
        StatusCode::OK,
        representation.list(target.resource, &page),
    ))
}
