//! One trace from the change in the cluster to the writes that answer it.

use std::sync::OnceLock;

use clb_model::cluster::Ingress;
use clb_model::directive::{Directive, DirectiveOutcome, FinalizerAction, Writes};
use clb_model::{ServiceKey, ServiceUid};
use clb_settings::Settings as _;
use clb_telemetry::{
    Component, LogSettings, OtlpSettings, RecordedSpan, SpanRecorder, Telemetry, TelemetryGuard,
};
use serde_json::json;

use crate::objects::service;
use crate::world::World;

fn span<'s>(trace: &'s [RecordedSpan], name: &str) -> &'s RecordedSpan {
    let found = trace.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| {
        panic!(
            "no {name} among {:?}",
            trace.iter().map(|span| &span.name).collect::<Vec<_>>()
        )
    })
}

/// Keeps the spans of all tests: a subscriber of one test alone would race with the others for each span's first use.
pub(crate) fn recorder() -> &'static SpanRecorder {
    static RECORDER: OnceLock<(SpanRecorder, TelemetryGuard)> = OnceLock::new();
    let (recorder, _) = RECORDER.get_or_init(|| {
        let log = LogSettings::from_yaml("{}").unwrap();
        let otlp = OtlpSettings::from_yaml("{}").unwrap();
        let recorder = SpanRecorder::new(4096);
        let (dispatch, guard) = Telemetry::new(&log, &otlp, Component::new("clb-watcher", "0", "test"))
            .with_recorder(recorder.clone())
            .build(std::io::sink)
            .unwrap();
        tracing::dispatcher::set_global_default(dispatch).unwrap();
        (recorder, guard)
    });
    recorder
}

#[tokio::test]
async fn the_writes_of_a_directive_belong_to_the_trace_of_the_change() {
    let mut world = World::with(&[service("web")]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    let changed = world.patch(
        "Service",
        "web",
        &json!({"spec": {"sessionAffinity": "ClientIP"}}),
    );
    let changes = stream.delta().await;
    let trace = &changes.upserts[0].1;
    assert!(!trace.is_empty(), "the record brings the change's context");

    // The planner passes the context on; here the change's own.
    let directive = Directive {
        id: 1,
        service: ServiceKey::new("default", "web"),
        uid: ServiceUid::new(changed["metadata"]["uid"].as_str().unwrap()).unwrap(),
        fencing: clb_model::version::Tenure::default(),
        writes: Writes {
            finalizer: FinalizerAction::Present,
            ingress: Some(vec![Ingress {
                ip: Some("47.1.2.3".to_owned()),
                ..Ingress::default()
            }]),
            ..Writes::default()
        },
    };
    assert_eq!(
        stream.direct(&directive, trace).await.outcome,
        DirectiveOutcome::Done
    );

    let trace_id = trace.trace_id().unwrap();
    let finished = async {
        while !recorder()
            .trace(&trace_id)
            .iter()
            .any(|span| span.name == "watcher.directive")
        {
            tokio::task::yield_now().await;
        }
    };
    crate::planner::soon("the directive's span", finished).await;
    let spans = recorder().trace(&trace_id);
    let root = span(&spans, "watcher.service_changed");
    assert_eq!(root.parent_id, None);
    assert_eq!(root.attribute("clb.service"), Some("c-test/default/web"));
    let directive = span(&spans, "watcher.directive");
    assert_eq!(directive.parent_id.as_ref(), Some(&root.span_id));
    for write in ["read_service", "add_finalizer", "write_status"] {
        assert_eq!(
            span(&spans, write).parent_id.as_ref(),
            Some(&directive.span_id),
            "{write}"
        );
    }
}
