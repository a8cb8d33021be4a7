//! The routes: health, version, discovery, OpenAPI, and everything under `/api` and `/apis`.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, header};
use axum::routing::get;

use super::request::{self, Query, Target};
use super::write::Write;
use super::{App, body, delete, documents, read, respond, watch};
use crate::errors::ApiError;
use crate::faults::FaultAction;
use crate::registry::Part;

/// All routes of the API.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(|| async { "ok" }))
        .fallback(resource)
        .with_state(app)
}

/// Requests for resources, and discovery below `/api` and `/apis`.
async fn resource(State(app): State<App>, request: Request) -> Response<Body> {
    app.faults.wait_while_stalled().await;
    let outcome = match authorize(&app, &request) {
        Ok(()) => dispatch(&app, request).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| respond::error(&error))
}

fn authorize(app: &App, request: &Request) -> Result<(), ApiError> {
    let Some(token) = &app.token else {
        return Ok(());
    };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match given.and_then(|given| given.strip_prefix("Bearer ")) {
        Some(given) if given == &**token => Ok(()),
        Some(_) => Err(ApiError::new(401, "Unauthorized", "Unauthorized")),
        None => {
            let message = format!(
                "forbidden: User \"system:anonymous\" cannot {} path \"{}\"",
                request.method().as_str().to_lowercase(),
                request.uri().path()
            );
            Err(ApiError::new(403, "Forbidden", message))
        }
    }
}

async fn dispatch(app: &App, request: Request) -> Result<Response<Body>, ApiError> {
    let (parts, request_body) = request.into_parts();
    if parts.method == Method::GET
        && let Some(answer) = documents::get(parts.uri.path(), &parts.headers)
    {
        return Ok(answer);
    }
    let target = Target::parse(parts.uri.path()).ok_or_else(ApiError::no_such_path)?;
    if target.part == Part::Status && !matches!(parts.method, Method::GET | Method::PUT | Method::PATCH) {
        return Err(ApiError::method_not_allowed());
    }
    let query = Query::parse(&parts.uri)?;
    let verb = request::verb(&parts.method, &target, &query);
    let bytes = body::read(request_body).await?;
    let fault = app.faults.hit(verb, target.resource.plural);
    match &fault {
        Some(FaultAction::Fail(error)) => return Err(error.clone()),
        Some(FaultAction::LoseRequest) => return Ok(lost_answer()),
        Some(FaultAction::LoseAnswer) | None => {}
    }
    let write = Write {
        app,
        target: &target,
        query: &query,
        headers: &parts.headers,
        bytes: &bytes,
    };
    let response = match (verb, &target.name) {
        ("watch", _) => watch::watch(app, &target, &query, &parts.headers),
        ("list", _) => read::list(app, &target, &query, &parts.headers),
        ("get", Some(_)) if query.wants_watch() => watch::watch(app, &target, &query, &parts.headers),
        ("get", Some(name)) => read::get(app, &target, name, &query, &parts.headers),
        ("create", _) => Ok(write.answer(Write::create)),
        ("update", _) => Ok(write.answer(Write::update)),
        ("patch", _) => Ok(write.answer(Write::patch)),
        ("delete" | "deletecollection", _) => delete::delete(app, &target, &query, &parts.headers, &bytes),
        _ => Err(ApiError::method_not_allowed()),
    }?;
    Ok(if fault == Some(FaultAction::LoseAnswer) {
        lost_answer()
    } else {
        response
    })
}

/// A body that breaks off: the client sees its connection or stream reset.
fn lost_answer() -> Response<Body> {
    let broken =
        futures::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("ordered by a fault")) });
    Response::new(Body::from_stream(broken))
}
