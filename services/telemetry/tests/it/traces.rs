//! What a collector receives, and what is kept in memory.

use std::time::Duration;

use clb_telemetry::collector::{Collector, ReceivedSpan};
use clb_telemetry::{Health, Kind, Metrics, SpanTraceExt, TelemetryError, attributes};
use tracing::{debug_span, info_span};

use crate::support::{TestSettings, install, install_with, settings};

const DEADLINE: Duration = Duration::from_secs(20);

fn exporting_to(endpoint: &str) -> TestSettings {
    settings(&format!("otlp: {{endpoint: '{endpoint}'}}"))
}

fn named<'a>(spans: &'a [ReceivedSpan], name: &str) -> &'a ReceivedSpan {
    spans.iter().find(|span| span.name == name).unwrap()
}

#[tokio::test]
async fn spans_of_several_services_arrive_each_under_its_own_name() {
    let collector = Collector::start().await.unwrap();
    let installed = install_with(&exporting_to(&collector.endpoint()), |telemetry| telemetry);
    let root = info_span!(target: "clb_watcher::change", "change", clb.service = "c1/default/web");
    root.in_scope(|| {
        info_span!(target: "clb_planner::plan", "plan").in_scope(|| {
            debug_span!(target: "clb_cloud_client::call", "CreateLoadBalancer").in_scope(|| ());
            info_span!(target: "clb_wire::decode", "decode", clb.component = "clb-planner").in_scope(|| ());
            info_span!(target: "clb_wire::encode", "encode").in_scope(|| ());
        });
    });
    drop(root);
    installed.guard.shutdown().await;

    let spans = tokio::time::timeout(DEADLINE, collector.wait_for(|spans| spans.len() >= 5))
        .await
        .unwrap();
    let services: Vec<_> = ["change", "plan", "CreateLoadBalancer", "decode", "encode"]
        .map(|name| named(&spans, name).service().to_owned())
        .into();
    assert_eq!(
        services,
        [
            "clb-watcher",
            "clb-planner",
            "clb-actuator",
            "clb-planner",
            "clb-watcher"
        ]
    );
    let plan = named(&spans, "plan");
    assert_eq!(plan.resource["service.version"], "1.0.0");
    assert_eq!(plan.resource["service.instance.id"], "planner-0");
    assert_eq!(plan.parent_id, named(&spans, "change").span_id);
    assert_eq!(named(&spans, "CreateLoadBalancer").parent_id, plan.span_id);
    assert!(spans.iter().all(|span| span.trace_id == plan.trace_id));
}

#[tokio::test]
async fn a_collector_that_is_away_is_one_warning_and_a_check() {
    // Bound, so that nobody else gets the port, but not listened on.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = socket.local_addr().unwrap();
    let metrics = Metrics::new("watcher");
    let health = Health::new(&metrics).unwrap();
    let check = health.check("otlp", Kind::Informational);
    let installed = install_with(&exporting_to(&format!("http://{closed}")), |telemetry| {
        telemetry.with_export_check(check)
    });
    info_span!(target: "clb_watcher::change", "change").in_scope(|| ());
    let lines = installed.lines.clone();
    installed.guard.shutdown().await;
    assert!(health.is_ready());
    assert!(
        health.report().contains("[-]otlp failed: "),
        "{}",
        health.report()
    );
    let noise: Vec<_> = lines
        .all()
        .into_iter()
        .filter(|line| line.contains("ExportError"))
        .collect();
    assert!(noise.is_empty(), "{noise:?}");
}

#[test]
fn without_a_runtime_an_exporter_is_refused() {
    let settings = exporting_to("http://127.0.0.1:1");
    let component = clb_telemetry::Component::new("clb-watcher", "1.0.0", "watcher-0");
    let result = clb_telemetry::Telemetry::new(&settings.log, &settings.otlp, component).build(std::io::sink);
    assert!(matches!(result, Err(TelemetryError::NoRuntime)));
}

#[test]
fn the_last_trace_of_a_service_can_be_looked_at() {
    let installed = install("{}");
    let service = attributes::service("c1", "default", "web");
    for round in ["first", "second"] {
        let root = info_span!(target: "clb_watcher::change", "change", round, clb.service = service);
        root.in_scope(|| {
            info_span!(target: "clb_planner::plan", "plan", otel.status_code = "ERROR", otel.status_description = "no zone")
                .in_scope(|| ());
        });
    }
    let trace = installed.recorder.last_trace(&service);
    let seen: Vec<_> = trace
        .iter()
        .map(|span| (span.name.as_str(), span.component))
        .collect();
    assert_eq!(seen, [("change", "clb-watcher"), ("plan", "clb-planner")]);
    assert_eq!(trace[0].attribute("round"), Some("second"));
    assert_eq!(trace[1].parent_id.as_deref(), Some(trace[0].span_id.as_str()));
    assert_eq!(trace[1].error.as_deref(), Some("no zone"));
    assert_eq!(installed.recorder.trace(&trace[0].trace_id).len(), 2);
    assert!(installed.recorder.last_trace("c1/default/other").is_empty());
}

#[test]
fn only_the_last_traces_are_kept() {
    let installed = install("{}");
    let mut ids = Vec::new();
    for number in 0..5 {
        let root =
            info_span!(target: "clb_watcher::change", "change", clb.service = format!("c1/default/{number}"));
        ids.push(root.trace_context().trace_id().unwrap());
    }
    let kept: Vec<_> = ids.iter().map(|id| installed.recorder.trace(id).len()).collect();
    assert_eq!(kept, [0, 0, 1, 1, 1], "the recorder has room for three");
    assert!(installed.recorder.last_trace("c1/default/0").is_empty());
    assert_eq!(installed.recorder.last_trace("c1/default/4").len(), 1);
}
