//! Log lines and the ids in them.

use clb_telemetry::SpanTraceExt;
use tracing::{debug, info, info_span};

use crate::support::install;

#[test]
fn a_json_line_in_a_span_carries_its_ids_and_one_outside_does_not() {
    let installed = install("{}");
    info!(count = 3, "outside");
    let span = info_span!(target: "clb_watcher::change", "change", namespace = "default");
    let trace = span.trace_context();
    span.in_scope(|| info!(quoted = "a \"b\" }", "inside"));

    let lines = installed.lines.json();
    assert_eq!(lines[0]["message"], "outside");
    assert_eq!(lines[0]["count"], 3);
    assert!(lines[0].get("trace_id").is_none());
    assert_eq!(lines[1]["message"], "inside");
    assert_eq!(lines[1]["quoted"], "a \"b\" }");
    assert_eq!(lines[1]["span"]["namespace"], "default");
    assert_eq!(lines[1]["trace_id"], trace.trace_id().unwrap());
    let parts: Vec<_> = trace.traceparent.split('-').collect();
    assert_eq!(lines[1]["span_id"], parts[2]);
}

#[test]
fn a_trace_that_is_not_sampled_leaves_no_ids() {
    let installed = install("otlp: {sample_ratio: 0}");
    info_span!(target: "clb_watcher::change", "change").in_scope(|| info!("inside"));
    assert!(installed.lines.json()[0].get("trace_id").is_none());
}

#[test]
fn lines_for_people_end_with_the_ids() {
    let installed = install("log: {format: pretty}");
    let span = info_span!(target: "clb_watcher::change", "change");
    let trace = span.trace_context().trace_id().unwrap();
    span.in_scope(|| info!("inside"));
    let line = &installed.lines.all()[0];
    assert!(
        line.contains("inside") && line.contains(&format!(" trace_id={trace} span_id=")),
        "{line}"
    );
}

#[test]
fn the_level_holds_and_libraries_stay_quiet_until_they_are_named() {
    let installed = install("log: {level: 'info,clb_planner=debug'}");
    debug!(target: "clb_planner::plan", "heard");
    debug!(target: "clb_watcher::stream", "not heard");
    drop(installed);

    let installed = install("log: {level: debug}");
    debug!(target: "h2::codec", "not heard");
    debug!(target: "clb_watcher::stream", "heard");
    assert_eq!(installed.lines.all().len(), 1);
    drop(installed);

    let installed = install("log: {level: 'debug,h2=debug'}");
    debug!(target: "h2::codec", "heard");
    assert_eq!(installed.lines.all().len(), 1);
}
