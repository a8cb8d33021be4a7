//! An OTLP collector in memory, for tests that look at whole traces: what arrives is what a real collector
//! would get.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSpan {
    /// The attributes of the service, such as `service.name`.
    pub resource: BTreeMap<String, String>,
    /// Name.
    pub name: String,
    /// The trace's id, 32 hexadecimal digits.
    pub trace_id: String,
    /// The span's id, 16 hexadecimal digits.
    pub span_id: String,
    /// The parent's id, empty for a root.
    pub parent_id: String,
    /// The span's own attributes.
    pub attributes: BTreeMap<String, String>,
    /// Trace ids of the links.
    pub links: Vec<String>,
    /// Start, in nanoseconds since 1970.
    pub start: u64,
    /// End, in nanoseconds since 1970.
    pub end: u64,
}

impl ReceivedSpan {
    /// The `service.name` of the service that sent it.
    #[must_use]
    pub fn service(&self) -> &str {
        self.resource.get("service.name").map_or("", String::as_str)
    }
}

/// The collector; it ends when it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: watch::Receiver<Vec<ReceivedSpan>>,
    server: JoinHandle<()>,
}

impl Collector {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// The system's.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, spans) = watch::channel(Vec::new());
        let served = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Receiver { spans: sender }))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::warn!(%error, "the collector has ended");
            }
        });
        Ok(Self {
            address,
            spans,
            server,
        })
    }

    /// For the setting `otlp.endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that has arrived, in the order of arrival.
    #[must_use]
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.spans.borrow().clone()
    }

    /// Waits until what has arrived satisfies `enough`, and returns it. The caller sets the deadline.
    pub async fn wait_for(&self, mut enough: impl FnMut(&[ReceivedSpan]) -> bool) -> Vec<ReceivedSpan> {
        let mut spans = self.spans.clone();
        match spans.wait_for(|spans| enough(spans)).await {
            Ok(spans) => spans.clone(),
            // The server has ended: nothing more will come.
            Err(_) => self.spans(),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Receiver {
    spans: watch::Sender<Vec<ReceivedSpan>>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let arrived = request.into_inner().resource_spans.into_iter().flat_map(|group| {
            let resource = texts(
                group
                    .resource
                    .map(|resource| resource.attributes)
                    .unwrap_or_default(),
            );
            let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| received(span, resource.clone()))
        });
        self.spans.send_modify(|spans| spans.extend(arrived));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn received(span: Span, resource: BTreeMap<String, String>) -> ReceivedSpan {
    ReceivedSpan {
        resource,
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        attributes: texts(span.attributes),
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, text(attribute.value)))
        .collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        // Our spans have no others.
        Some(_) | None => String::new(),
    }
}
