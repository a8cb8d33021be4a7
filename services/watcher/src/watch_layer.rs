//! A layer around the HTTP client for the API server: gives every request a deadline until its response begins, and tells
//! [`ApiHealth`] of every sign of life on a list or a watch.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower::{BoxError, Layer, Service};

use crate::freshness::{ApiHealth, Watched};

/// The API server has not begun to answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the API server has not answered within {} s", .0.as_secs())]
pub(crate) struct NoAnswer(Duration);

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct WatchLayer {
    /// Where signs of life go.
    pub(crate) health: Arc<ApiHealth>,
    /// How long a response may take to begin.
    pub(crate) deadline: Duration,
}

impl<S> Layer<S> for WatchLayer {
    type Service = Watching<S>;

    fn layer(&self, inner: S) -> Watching<S> {
        Watching {
            inner,
            layer: self.clone(),
        }
    }
}

/// What [`WatchLayer`] makes.
#[derive(Debug, Clone)]
pub(crate) struct Watching<S> {
    inner: S,
    layer: WatchLayer,
}

impl<S, Q, B> Service<Request<Q>> for Watching<S>
where
    S: Service<Request<Q>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<WatchedBody<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let watched = Some(request.uri().path())
            .filter(|_| request.method() == Method::GET)
            .and_then(Watched::of_path);
        let WatchLayer { health, deadline } = self.layer.clone();
        let call = self.inner.call(request);
        Box::pin(async move {
            let response = tokio::time::timeout(deadline, call)
                .await
                .map_err(|_| NoAnswer(deadline))??;
            let sign = watched.map(|watched| (watched, health));
            if let Some((watched, health)) = &sign
                && response.status().is_success()
            {
                health.heard(*watched);
            }
            Ok(response.map(|inner| WatchedBody { inner, sign }))
        })
    }
}

/// A response's body that reports each part as a sign of life.
#[derive(Debug)]
pub(crate) struct WatchedBody<B> {
    inner: B,
    sign: Option<(Watched, Arc<ApiHealth>)>,
}

impl<B: Body + Unpin> Body for WatchedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(task));
        if let (Some(Ok(_)), Some((watched, health))) = (&frame, &this.sign) {
            health.heard(*watched);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
