//! A trace that goes through messages and through real gRPC calls.

use clb_telemetry::grpc::{GrpcTraceLayer, InjectContext};
use clb_telemetry::{RecordedSpan, SpanTraceExt, TraceContext, context};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tracing::{Instrument, info_span};

use crate::support::install;

const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn the_context_survives_a_message() {
    let installed = install("{}");
    let sent = info_span!(target: "clb_watcher::change", "change").trace_context();
    let received = TraceContext::new(sent.traceparent.clone(), sent.tracestate.clone());
    let span = info_span!(target: "clb_planner::plan", "plan");
    span.set_remote_parent(&received);
    span.in_scope(|| assert_eq!(TraceContext::current().trace_id(), sent.trace_id()));
    drop(span);
    let spans = installed.recorder.trace(&sent.trace_id().unwrap());
    assert_eq!(
        spans.last().unwrap().parent_id.as_deref(),
        sent.traceparent.split('-').nth(2)
    );
}

#[test]
fn the_state_of_other_vendors_is_passed_on() {
    let _installed = install("{}");
    let span = info_span!(target: "clb_planner::plan", "plan");
    span.set_remote_parent(&TraceContext::new(EXAMPLE, "vendor=1"));
    assert_eq!(span.trace_context().tracestate, "vendor=1");
}

#[test]
fn what_is_no_context_begins_a_new_trace() {
    let _installed = install("{}");
    for bad in [
        "",
        "nonsense",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7",
    ] {
        let received = TraceContext::new(bad, "");
        assert!(received.is_empty() && received.trace_id().is_none(), "{bad}");
        let span = info_span!(target: "clb_planner::plan", "plan");
        span.set_remote_parent(&received);
        span.link_to(&received);
        assert!(!span.trace_context().is_empty(), "{bad}");
    }
    assert!(TraceContext::current().is_empty());
}

#[test]
fn a_merged_change_links_to_all_its_causes() {
    let installed = install("{}");
    let causes = [EXAMPLE, "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]
        .map(|one| TraceContext::new(one, ""));
    let span = info_span!(target: "clb_planner::plan", "plan");
    for cause in &causes {
        span.link_to(cause);
    }
    let id = span.trace_context().trace_id().unwrap();
    drop(span);
    let expected: Vec<_> = causes.iter().map(|cause| cause.trace_id().unwrap()).collect();
    assert_eq!(installed.recorder.trace(&id)[0].links, expected);
}

#[test]
fn metadata_carries_the_current_span() {
    let _installed = install("{}");
    let mut metadata = MetadataMap::new();
    context::inject(&mut metadata);
    assert!(metadata.is_empty(), "outside of a span there is nothing to send");
    let span = info_span!(target: "clb_watcher::change", "change");
    span.in_scope(|| context::inject(&mut metadata));
    let received = context::extract(&metadata).span().span_context().clone();
    assert!(received.is_remote());
    assert_eq!(
        Some(received.trace_id().to_string()),
        span.trace_context().trace_id()
    );
}

/// Refuses everything with a status.
struct Refusing;

#[tonic::async_trait]
impl TraceService for Refusing {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        info_span!(target: "clb_planner::handler", "handler").in_scope(|| ());
        if request.get_ref().resource_spans.is_empty() {
            Err(Status::resource_exhausted("no more"))
        } else {
            Ok(Response::new(ExportTraceServiceResponse::default()))
        }
    }
}

fn find<'a>(spans: &'a [RecordedSpan], name: &str) -> &'a RecordedSpan {
    spans.iter().find(|span| span.name == name).unwrap()
}

#[tokio::test]
async fn a_call_is_a_child_of_the_callers_span_and_parent_of_what_the_handler_does() {
    let installed = install("{}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", listener.local_addr().unwrap()))
        .unwrap()
        .connect_lazy();
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .layer(GrpcTraceLayer::new("clb-planner"))
        .add_service(TraceServiceServer::new(Refusing))
        .add_service(health)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);

    let root = info_span!(target: "clb_watcher::stream", "report", otel.kind = "client");
    let id = root.trace_context().trace_id().unwrap();
    let calls = async {
        let mut client = TraceServiceClient::with_interceptor(channel.clone(), InjectContext);
        client
            .export(ExportTraceServiceRequest::default())
            .await
            .unwrap_err();
        let mut probe =
            tonic_health::pb::health_client::HealthClient::with_interceptor(channel, InjectContext);
        probe
            .check(tonic_health::pb::HealthCheckRequest::default())
            .await
            .unwrap();
    };
    calls.instrument(root).await;

    let spans = installed.recorder.trace(&id);
    let call = find(
        &spans,
        "opentelemetry.proto.collector.trace.v1.TraceService/Export",
    );
    assert_eq!(call.component, "clb-planner");
    assert_eq!(
        call.parent_id.as_deref(),
        Some(find(&spans, "report").span_id.as_str())
    );
    assert_eq!(
        find(&spans, "handler").parent_id.as_deref(),
        Some(call.span_id.as_str())
    );
    assert_eq!(call.attribute("rpc.method"), Some("Export"));
    assert_eq!(call.attribute("rpc.grpc.status_code"), Some("8"));
    assert_eq!(call.error.as_deref(), Some("ResourceExhausted: no more"));
    assert_eq!(spans.len(), 3, "the probe is not traced");
}
