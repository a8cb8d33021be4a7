//! One trace from the change in Kubernetes over the plan to the call of the cloud, and to the write of the status, as a collector gets it.
//!
//! A test binary of its own: it takes the process's tracer.

#![expect(clippy::panic, reason = "a panic is how a test fails")]

use std::collections::HashMap;
use std::time::Duration;

use clb_e2e::{Api, Sketch, Stage};
use clb_settings::from_yaml;
use clb_telemetry::collector::{Collector, ReceivedSpan};
use clb_telemetry::{Component, LogSettings, OtlpSettings, Telemetry, TelemetryGuard};

const PATIENCE: Duration = Duration::from_secs(60);

/// As `clb-sandbox up --otlp URL` does.
fn install(endpoint: &str) -> anyhow::Result<TelemetryGuard> {
    let log: LogSettings = from_yaml("{format: pretty, level: warn}")?;
    let otlp: OtlpSettings = from_yaml(&format!("{{endpoint: {endpoint:?}}}"))?;
    let telemetry = Telemetry::new(&log, &otlp, Component::new("clb-sandbox", "0", "test"))
        .with_component(Component::new("clb-watcher", "0", "test"))
        .with_component(Component::new("clb-planner", "0", "test").with_crate("clb_planner_core"))
        .with_component(Component::new("clb-actuator", "0", "test").with_crate("clb_cloud_client"))
        .install()?;
    Ok(telemetry)
}

/// A span and those above it, nearest first, each as `service/name`.
fn ancestors<'s>(spans: &'s [ReceivedSpan], span: &'s ReceivedSpan) -> Vec<String> {
    let by_id: HashMap<&str, &ReceivedSpan> =
        spans.iter().map(|span| (span.span_id.as_str(), span)).collect();
    let mut chain = Vec::new();
    let mut next = Some(span);
    while let Some(span) = next {
        chain.push(format!("{}/{}", span.service(), span.name));
        next = by_id
            .get(span.parent_id.as_str())
            .copied()
            .filter(|parent| parent.trace_id == span.trace_id);
    }
    chain
}

fn all_of<'s>(spans: &'s [ReceivedSpan], trace: &str, name: &str) -> Vec<&'s ReceivedSpan> {
    spans
        .iter()
        .filter(|span| span.trace_id == trace && span.name == name)
        .collect()
}

/// A call of the cloud is in this trace, below the watcher's change, the planner's pass and the actuator's batch.
fn assert_call<'s>(spans: &'s [ReceivedSpan], trace: &str, call: &str) -> &'s ReceivedSpan {
    let calls = all_of(spans, trace, &format!("slb.{call}"));
    let [sent] = calls[..] else {
        panic!("one slb.{call}, not {calls:#?}")
    };
    let chain = ancestors(spans, sent);
    assert!(chain[1].starts_with("clb-actuator/"), "the operation: {chain:?}");
    assert_eq!(
        [&chain[..1], &chain[2..]].concat(),
        [
            &format!("clb-actuator/slb.{call}"),
            "clb-actuator/batch",
            "clb-actuator/clb.actuator.v1.ActuatorService/Execute",
            "clb-planner/planner.execute",
            "clb-planner/planner.pass",
            "clb-watcher/watcher.service_changed",
        ]
    );
    sent
}

/// The last write of this kind to the cluster is in this trace, below the planner's pass, and later than the call.
fn assert_write(spans: &[ReceivedSpan], trace: &str, write: &str, after: &ReceivedSpan) {
    let writes = all_of(spans, trace, write);
    let last = writes.last().unwrap_or_else(|| panic!("no {write}"));
    assert_eq!(
        ancestors(spans, last),
        [
            &format!("clb-watcher/{write}"),
            "clb-watcher/watcher.directive",
            "clb-planner/planner.pass",
            "clb-watcher/watcher.service_changed",
        ]
    );
    assert!(last.start >= after.end, "{write} comes after {}", after.name);
}

/// The trace in which a call of the cloud was made.
fn trace_of_call(spans: &[ReceivedSpan], call: &str) -> Option<String> {
    let name = format!("slb.{call}");
    spans
        .iter()
        .find(|span| span.name == name)
        .map(|span| span.trace_id.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_one_trace_through_three_services() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let telemetry = install(&collector.endpoint())?;
    let Some(stage) = Stage::start(Api::Simulated).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    // What is there before the first snapshot comes with it, and has no trace of its own.
    stage
        .until("the cluster's snapshot is committed", async || {
            Ok(stage.world.view.clusters().await?[0].committed)
        })
        .await?;
    // Without a selector it has no EndpointSlice, whose change would begin a trace as well.
    let web = Sketch::new("web")
        .spec("selector", serde_json::Value::Null)
        .tcp(80);
    web.apply(&client).await?;
    stage.converged(1).await?;
    web.tcp(81).apply(&client).await?;
    let cloud = stage.world.cloud.cloud().clone();
    stage
        .until("the new port has its listener", async || {
            Ok(cloud.counters().by_action.get("CreateLoadBalancerTCPListener") == Some(&2))
        })
        .await?;
    stage.converged(1).await?;
    stage.end().await;
    telemetry.shutdown().await;

    let enough = |spans: &[ReceivedSpan]| {
        spans
            .iter()
            .filter(|span| span.name == "slb.CreateLoadBalancerTCPListener")
            .count()
            == 2
    };
    let spans = tokio::time::timeout(PATIENCE, collector.wait_for(enough)).await?;

    let created = trace_of_call(&spans, "CreateLoadBalancer").unwrap_or_default();
    let creation = assert_call(&spans, &created, "CreateLoadBalancer");
    assert_write(&spans, &created, "write_status", creation);
    let listeners: Vec<&ReceivedSpan> = spans
        .iter()
        .filter(|span| span.name == "slb.CreateLoadBalancerTCPListener")
        .collect();
    let changed = listeners
        .iter()
        .find(|span| span.trace_id != created)
        .map(|span| span.trace_id.clone())
        .unwrap_or_default();
    let change = assert_call(&spans, &changed, "CreateLoadBalancerTCPListener");
    // The status stays as it is; what was done is said.
    assert_write(&spans, &changed, "send_event", change);

    // The creation is one trace from the user's change on, although our own writes change the Service too.
    let roots = all_of(&spans, &created, "watcher.service_changed");
    assert_eq!(roots.len(), 1, "{roots:#?}");
    assert!(
        !all_of(&spans, &created, "add_finalizer").is_empty(),
        "the finalizer is part of it"
    );
    Ok(())
}
