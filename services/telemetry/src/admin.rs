//! The admin port: `/livez`, `/readyz`, `/readyz?verbose` and `/metrics`.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Metrics;

/// The admin port could not be opened or has broken.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for the admin port: {source}; choose another admin.listen")]
    Bind {
        /// The address from the settings.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// Serving ended with an error.
    #[error("the admin port has broken: {0}")]
    Serve(#[from] std::io::Error),
}

#[derive(Clone)]
struct Shown {
    health: Health,
    metrics: Metrics,
}

/// The admin port, open but not yet served.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    router: Router,
}

impl AdminServer {
    /// Opens the port; 0 takes a free one.
    ///
    /// # Errors
    /// [`AdminError::Bind`].
    pub async fn bind(address: SocketAddr, health: Health, metrics: Metrics) -> Result<Self, AdminError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| AdminError::Bind { address, source })?;
        Ok(Self {
            listener,
            router: router(health, metrics),
        })
    }

    /// Adds pages.
    #[must_use]
    pub fn merge(mut self, pages: Router) -> Self {
        self.router = self.router.merge(pages);
        self
    }

    /// The address that was taken.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`. Let it run until the service is done, so that `/readyz` can say that it is
    /// shutting down.
    ///
    /// # Errors
    /// [`AdminError::Serve`].
    pub async fn serve(self, stop: CancellationToken) -> Result<(), AdminError> {
        axum::serve(self.listener, self.router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await?;
        Ok(())
    }
}

/// The pages alone, for a program that has a server already.
pub fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(show_metrics))
        .with_state(Shown { health, metrics })
}

/// Alive is who answers: a restart would not mend what a check can find.
async fn livez() -> &'static str {
    "ok"
}

async fn readyz(State(shown): State<Shown>, RawQuery(query): RawQuery) -> Response {
    let ready = shown.health.is_ready();
    let verbose = query.is_some_and(|query| {
        query
            .split('&')
            .any(|part| part.split('=').next() == Some("verbose"))
    });
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    // As kube-apiserver does: who is not ready says why without being asked.
    let body = if verbose || !ready {
        shown.health.report()
    } else {
        "ok".to_owned()
    };
    (status, body).into_response()
}

async fn show_metrics(State(shown): State<Shown>) -> Response {
    match shown.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("metrics cannot be written: {error}"),
        )
            .into_response(),
    }
}
