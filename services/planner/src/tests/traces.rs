//! One trace from a watcher's delta through the passes to the actuator and back to the watcher.

use std::sync::OnceLock;

use clb_model::directive::DirectiveOutcome;
use clb_proto::planner::v1::ServiceState;
use clb_settings::from_yaml;
use clb_telemetry::{Component, LogSettings, OtlpSettings, RecordedSpan, SpanRecorder, Telemetry};

use super::bench::{Bench, CLUSTER};
use super::fake_core::WANTED_NAME;
use super::fake_watcher::{annotated, service, with_finalizer};

const ALONE: &str = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaa-01";
const ECHOED: &str = "00-eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-eeeeeeeeeeeeeeee-01";
const ECHO: &str = "00-cccccccccccccccccccccccccccccccc-cccccccccccccccc-01";
const FIRST: &str = "00-11111111111111111111111111111111-1111111111111111-01";
const SECOND: &str = "00-22222222222222222222222222222222-2222222222222222-01";
const THIRD: &str = "00-33333333333333333333333333333333-3333333333333333-01";

fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

fn span_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(2).unwrap_or_default()
}

/// Keeps the spans of all tests of this process. Installed before any test makes one: a span's call site that is first met while a
/// subscriber is being installed may stay switched off.
pub(super) fn recorder() -> &'static SpanRecorder {
    static RECORDER: OnceLock<SpanRecorder> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let log: LogSettings = from_yaml("level: 'off'").unwrap();
        let otlp: OtlpSettings = from_yaml("{}").unwrap();
        let recorder = SpanRecorder::new(100_000);
        let (dispatch, _guard) = Telemetry::new(&log, &otlp, Component::new(crate::NAME, "0", "test"))
            .with_recorder(recorder.clone())
            .build(std::io::sink)
            .unwrap();
        tracing::dispatcher::set_global_default(dispatch).unwrap();
        recorder
    })
}

fn passes(spans: &[RecordedSpan]) -> Vec<&RecordedSpan> {
    spans.iter().filter(|span| span.name == "planner.pass").collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_is_one_trace_until_the_service_has_converged() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[]).await;
    watcher
        .upsert_in_trace(&with_finalizer(service("web")), ALONE)
        .await;
    let execution = bench.batch().await;
    assert_eq!(trace_id(&execution.traceparent), trace_id(ALONE));
    let caller = span_id(&execution.traceparent).to_owned();
    execution.succeed().await;
    let directive = watcher.directive_trace().await;
    assert_eq!(trace_id(&directive), trace_id(ALONE));

    let spans = recorder().trace(trace_id(ALONE));
    let passes = passes(&spans);
    assert!(passes.len() >= 2, "{spans:?}");
    for pass in &passes {
        assert_eq!(pass.parent_id.as_deref(), Some(span_id(ALONE)));
        assert_eq!(
            pass.attribute("clb.service"),
            Some(format!("{CLUSTER}/default/web").as_str())
        );
    }
    assert!(passes.iter().any(|pass| pass.span_id == span_id(&directive)));
    let execute = spans.iter().find(|span| span.name == "planner.execute").unwrap();
    assert_eq!(execute.span_id, caller);
    assert!(
        passes
            .iter()
            .any(|pass| Some(pass.span_id.as_str()) == execute.parent_id.as_deref())
    );
    assert_eq!(bench.describe().await.services[0].trace_id, trace_id(ALONE));
}

#[tokio::test(start_paused = true)]
async fn the_echo_of_our_own_write_begins_no_other_trace() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[]).await;
    watcher.upsert_in_trace(&service("web"), ECHOED).await;
    let directive = watcher.directive().await;
    watcher.answer(&directive, DirectiveOutcome::Done).await;
    watcher
        .upsert_in_trace(&with_finalizer(service("web")), ECHO)
        .await;
    let execution = bench.batch().await;
    assert_eq!(trace_id(&execution.traceparent), trace_id(ECHOED));
    execution.succeed().await;
    bench.reaches(ServiceState::Converged).await;

    let spans = recorder().trace(trace_id(ECHOED));
    let links: Vec<_> = passes(&spans)
        .iter()
        .flat_map(|pass| pass.links.clone())
        .collect();
    assert_eq!(links, [trace_id(ECHO)]);
}

#[tokio::test(start_paused = true)]
async fn changes_that_were_merged_are_linked_to() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[]).await;
    let web = with_finalizer(service("web"));
    watcher.upsert_in_trace(&web, FIRST).await;
    let execution = bench.batch().await;
    for (name, trace) in [("two", SECOND), ("three", THIRD)] {
        watcher
            .upsert_in_trace(&annotated(web.clone(), WANTED_NAME, name), trace)
            .await;
        watcher.acknowledged().await;
    }
    execution.succeed().await;
    let execution = bench.batch().await;
    assert_eq!(trace_id(&execution.traceparent), trace_id(THIRD));
    // A pass ends with its batch.
    execution.succeed().await;
    bench.reaches(ServiceState::Converged).await;

    let spans = recorder().trace(trace_id(THIRD));
    let links: Vec<_> = passes(&spans)
        .iter()
        .flat_map(|pass| pass.links.clone())
        .collect();
    assert_eq!(links, [trace_id(FIRST), trace_id(SECOND)]);
}
