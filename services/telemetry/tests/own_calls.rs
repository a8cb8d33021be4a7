//! The exporter's calls must not be exported themselves: a test of its own process, since only global
//! telemetry sees them.

use clb_settings::from_yaml;
use clb_telemetry::collector::Collector;
use clb_telemetry::{Component, LogSettings, OtlpSettings, Telemetry, TelemetryError};
use tracing::{debug_span, info_span};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_our_own_spans_are_exported() {
    let collector = Collector::start().await.unwrap();
    let log: LogSettings = from_yaml("level: error").unwrap();
    let otlp: OtlpSettings = from_yaml(&format!("endpoint: '{}'", collector.endpoint())).unwrap();
    let component = || Component::new("clb-watcher", "1.0.0", "watcher-0");
    let guard = Telemetry::new(&log, &otlp, component()).install().unwrap();
    let again = Telemetry::new(&log, &otlp, component()).install();
    assert!(matches!(again, Err(TelemetryError::AlreadyInstalled)));

    for _ in 0..3 {
        info_span!(target: "clb_watcher::change", "change").in_scope(|| {
            debug_span!(target: "h2::proto", "not ours").in_scope(|| ());
        });
        guard.flush().unwrap();
    }
    guard.shutdown().await;
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["change", "change", "change"]);
}
