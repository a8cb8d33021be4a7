//! GET: one object or a list.

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::request::{Query, Target};
use super::{App, respond};
use crate::errors::ApiError;
use crate::storage::Key;

pub(super) fn get(app: &App, target: &Target, name: &str) -> Result<Response<Body>, ApiError> {
    let stored = app
        .registry
        .get(target.resource, &Key::new(&target.namespace, name))?;
    Ok(respond::json(StatusCode::OK, stored.document(target.resource)))
}

pub(super) fn list(app: &App, target: &Target, query: &Query) -> Result<Response<Body>, ApiError> {
    let page = app
        .registry
        .list(target.resource, &target.namespace, &query.list(target.resource)?)?;
    Ok(respond::json(
        StatusCode::OK,
        respond::list(target.resource, &page),
    ))
}
