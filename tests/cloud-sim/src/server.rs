//! Serves the simulated cloud over HTTP on one port, whatever the product.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::admin;
use crate::cloud::Cloud;
use crate::gateway::{self, Reply};
use crate::request::Request;

/// Longest body that is read; the longest real one is a certificate chain.
const LONGEST_BODY: usize = 1 << 20;

/// Marks a response that is not to be sent: the connection breaks instead.
#[derive(Clone)]
struct BreakConnection;

/// Why a connection ended without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was broken on order")]
struct Broken;

/// Listens, and serves until the cloud stops.
pub(crate) async fn listen(cloud: Cloud, address: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let router = router(cloud.clone());
    let tracker = cloud.tasks().clone();
    tracker.spawn(async move {
        while let Some(accepted) = cloud.stopping().run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    cloud.tasks().spawn(serve(cloud.clone(), router.clone(), stream));
                }
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            }
        }
    });
    Ok(address)
}

async fn serve(cloud: Cloud, router: Router, stream: TcpStream) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let router = router.clone();
        async move {
            let answered: Result<_, Infallible> = router.oneshot(request.map(Body::new)).await;
            let Ok(response) = answered;
            if response.extensions().get::<BreakConnection>().is_some() {
                Err(Broken)
            } else {
                Ok(response)
            }
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    let connection = builder
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = &mut connection => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = cloud.stopping().cancelled() => {
            connection.as_mut().graceful_shutdown();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        }
    }
}

fn router(cloud: Cloud) -> Router {
    Router::new()
        .nest("/_sim", admin::router())
        .route("/", any(api))
        .with_state(cloud)
}

/// One call of the API. It goes its way to the end even when the caller hangs up, as in a real cloud.
async fn api(State(cloud): State<Cloud>, request: http::Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
        return plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long or ended early",
        );
    };
    let query = parts.uri.query().unwrap_or_default();
    let request = Request::new(
        parts.method.as_str(),
        parts.uri.path(),
        query,
        parts.headers,
        body.to_bytes(),
    );
    let call = cloud.tasks().spawn(gateway::handle(cloud.clone(), request));
    match call.await {
        Ok(Reply::Answer {
            status,
            content_type,
            body,
        }) => {
            let mut response = Response::new(Body::from(Bytes::from(body)));
            *response.status_mut() =
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = http::HeaderValue::from_static(content_type);
            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
            response
        }
        Ok(Reply::Reset) => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(BreakConnection);
            response
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
