//! A span for each call that a gRPC server takes, child of the caller's; and the client's side, which sends
//! the context along.
//!
//! A span covers a call until its response begins: for a stream that is the opening of it. What travels in a
//! stream brings its own context ([`TraceContext`](crate::TraceContext)).

use std::task::{Context as TaskContext, Poll};

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::service::Interceptor;
use tonic::{Request, Status};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field, info_span};

/// Calls that come every few seconds from kubelets and tools and belong to no trace.
const UNTRACED: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Client interceptor that puts the current span's context into each call: `Client::with_interceptor(channel,
/// InjectContext)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct InjectContext;

impl Interceptor for InjectContext {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        crate::context::inject(request.metadata_mut());
        Ok(request)
    }
}

/// Server layer: `Server::builder().layer(GrpcTraceLayer::new("clb-planner"))`.
#[derive(Debug, Clone, Copy)]
pub struct GrpcTraceLayer {
    component: &'static str,
}

impl GrpcTraceLayer {
    /// For the server of this service, such as `clb-planner`.
    #[must_use]
    pub fn new(component: &'static str) -> Self {
        Self { component }
    }
}

impl<S> Layer<S> for GrpcTraceLayer {
    type Service = GrpcTrace<S>;

    fn layer(&self, inner: S) -> GrpcTrace<S> {
        GrpcTrace {
            inner,
            component: self.component,
        }
    }
}

/// What [`GrpcTraceLayer`] makes.
#[derive(Debug, Clone)]
pub struct GrpcTrace<S> {
    inner: S,
    component: &'static str,
}

impl<S, B, R> Service<http::Request<B>> for GrpcTrace<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let path = request.uri().path();
        if UNTRACED.iter().any(|prefix| path.starts_with(prefix)) {
            return Box::pin(self.inner.call(request));
        }
        let span = server_span(self.component, path);
        let parent = TraceContextPropagator::new().extract_with_context(
            &opentelemetry::Context::new(),
            &HeaderExtractor(request.headers()),
        );
        crate::context::set_parent(&span, parent);
        let call = span
            .in_scope(|| self.inner.call(request))
            .instrument(span.clone());
        Box::pin(async move {
            let response = call.await;
            if let Ok(response) = &response {
                record_status(&span, response.headers());
            }
            response
        })
    }
}

fn server_span(component: &'static str, path: &str) -> Span {
    let name = path.trim_start_matches('/');
    let (service, method) = name.rsplit_once('/').unwrap_or((name, ""));
    info_span!(
        "grpc_call",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        clb.component = component,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = field::Empty,
    )
}

/// A call that failed at once says so in the headers; otherwise the status comes after the body, when the
/// span is over.
fn record_status(span: &Span, headers: &http::HeaderMap) {
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    span.record("rpc.grpc.status_code", i32::from(status.code()));
    if status.code() != tonic::Code::Ok {
        span.record("otel.status_code", "ERROR");
        span.record(
            "otel.status_description",
            format!("{:?}: {}", status.code(), status.message()),
        );
    }
}

struct HeaderExtractor<'h>(&'h http::HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
