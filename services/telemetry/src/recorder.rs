//! The last traces, in memory: the sandbox's state page shows a Service's last trace as a timeline without a
//! collector.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use parking_lot::Mutex;
use serde::Serialize;

use crate::attributes::SERVICE;
use crate::component::Components;

/// Spans kept of one trace; a trace with more is a loop, of which the first spans tell enough.
const SPANS_PER_TRACE: usize = 512;

/// A finished span.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedSpan {
    /// The trace's id, 32 hexadecimal digits.
    pub trace_id: String,
    /// The span's id, 16 hexadecimal digits.
    pub span_id: String,
    /// The parent's id; `None` for the root.
    pub parent_id: Option<String>,
    /// Name.
    pub name: String,
    /// The service that made it, such as `clb-planner`.
    pub component: &'static str,
    /// When it began.
    pub start: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// Attributes in the order of setting, values as texts.
    pub attributes: Vec<(String, String)>,
    /// Traces that it links to, such as those of changes that were merged into it.
    pub links: Vec<String>,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

impl RecordedSpan {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Keeps the spans of the last traces; cheap to clone, all clones share the same memory.
#[derive(Debug, Clone)]
pub struct SpanRecorder {
    traces: Arc<Mutex<Traces>>,
}

#[derive(Debug)]
struct Traces {
    capacity: usize,
    spans: HashMap<TraceId, Vec<RecordedSpan>>,
    /// Oldest first.
    order: VecDeque<TraceId>,
    /// The last trace with a span for this Service.
    last: HashMap<String, TraceId>,
}

impl SpanRecorder {
    /// Room for this many traces of up to 512 spans; the oldest goes first.
    #[must_use]
    pub fn new(traces: usize) -> Self {
        let traces = Traces {
            capacity: traces.max(1),
            spans: HashMap::new(),
            order: VecDeque::new(),
            last: HashMap::new(),
        };
        Self {
            traces: Arc::new(Mutex::new(traces)),
        }
    }

    /// The spans of a trace by the time of their start; empty if it is not known (any more).
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Vec<RecordedSpan> {
        TraceId::from_hex(trace_id)
            .map(|id| self.traces.lock().sorted(id))
            .unwrap_or_default()
    }

    /// The last trace that has a span with this value of [`attributes::SERVICE`](crate::attributes::SERVICE),
    /// by the time of start.
    #[must_use]
    pub fn last_trace(&self, service: &str) -> Vec<RecordedSpan> {
        let traces = self.traces.lock();
        traces
            .last
            .get(service)
            .map(|id| traces.sorted(*id))
            .unwrap_or_default()
    }

    fn record(&self, span: &SpanData, component: &'static str) {
        self.traces
            .lock()
            .record(span.span_context.trace_id(), recorded(span, component));
    }
}

impl Traces {
    fn sorted(&self, id: TraceId) -> Vec<RecordedSpan> {
        let mut spans = self.spans.get(&id).cloned().unwrap_or_default();
        spans.sort_by(|a, b| (a.start, &a.span_id).cmp(&(b.start, &b.span_id)));
        spans
    }

    fn record(&mut self, id: TraceId, span: RecordedSpan) {
        if !self.spans.contains_key(&id) {
            if self.order.len() >= self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.spans.remove(&oldest);
                self.last.retain(|_, last| *last != oldest);
            }
            self.order.push_back(id);
        }
        let spans = self.spans.entry(id).or_default();
        if spans.len() >= SPANS_PER_TRACE {
            return;
        }
        if let Some(service) = span.attribute(SERVICE) {
            self.last.insert(service.to_owned(), id);
        }
        spans.push(span);
    }
}

fn recorded(span: &SpanData, component: &'static str) -> RecordedSpan {
    RecordedSpan {
        trace_id: span.span_context.trace_id().to_string(),
        span_id: span.span_context.span_id().to_string(),
        parent_id: (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string()),
        name: span.name.to_string(),
        component,
        start: span.start_time,
        duration: span.end_time.duration_since(span.start_time).unwrap_or_default(),
        attributes: span
            .attributes
            .iter()
            .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| link.span_context.trace_id().to_string())
            .collect(),
        error: match &span.status {
            Status::Error { description } => Some(description.to_string()),
            Status::Ok | Status::Unset => None,
        },
    }
}

/// Feeds a [`SpanRecorder`] from the tracer.
#[derive(Debug)]
pub(crate) struct Recording {
    recorder: SpanRecorder,
    components: Components,
}

impl Recording {
    pub(crate) fn new(recorder: SpanRecorder, components: Components) -> Self {
        Self { recorder, components }
    }
}

impl SpanProcessor for Recording {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.recorder.record(&span, self.components.name_of(&span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
