//! W3C trace context: in gRPC metadata for calls, as plain strings in messages of a stream.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::{Ascii, KeyRef, MetadataKey, MetadataMap, MetadataValue};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Where a trace stands, as the two headers of the W3C recommendation; both empty when there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The `traceparent` header: version, trace id, parent span id, flags.
    pub traceparent: String,
    /// The `tracestate` header, often empty.
    pub tracestate: String,
}

impl TraceContext {
    /// From the two headers, as a message brought them.
    #[must_use]
    pub fn new(traceparent: impl Into<String>, tracestate: impl Into<String>) -> Self {
        Self {
            traceparent: traceparent.into(),
            tracestate: tracestate.into(),
        }
    }

    /// Of the span that the caller is in.
    #[must_use]
    pub fn current() -> Self {
        Self::of(&Span::current())
    }

    /// Of a span; empty when it is not traced.
    #[must_use]
    pub fn of(span: &Span) -> Self {
        let mut headers = Self::default();
        TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
        headers
    }

    /// The same as an OpenTelemetry context: without a span if the headers are empty or not valid, which is
    /// no error (W3C: start anew).
    #[must_use]
    pub fn to_context(&self) -> Context {
        TraceContextPropagator::new().extract_with_context(&Context::new(), self)
    }

    /// Whether there is no valid trace in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.span_context().is_valid()
    }

    /// The trace's id in hexadecimal; `None` if there is none.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        let context = self.span_context();
        context.is_valid().then(|| context.trace_id().to_string())
    }

    fn span_context(&self) -> SpanContext {
        self.to_context().span().span_context().clone()
    }
}

impl Injector for TraceContext {
    fn set(&mut self, key: &str, value: String) {
        match key {
            TRACEPARENT => self.traceparent = value,
            TRACESTATE => self.tracestate = value,
            _ => {}
        }
    }
}

impl Extractor for TraceContext {
    fn get(&self, key: &str) -> Option<&str> {
        let value = match key {
            TRACEPARENT => &self.traceparent,
            TRACESTATE => &self.tracestate,
            _ => return None,
        };
        (!value.is_empty()).then_some(value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

/// Joins spans to traces that came from elsewhere.
pub trait SpanTraceExt {
    /// Makes the span a child of the one that `trace` names; nothing happens if `trace` is empty. Call it
    /// before the span is entered: after that its parent is fixed.
    fn set_remote_parent(&self, trace: &TraceContext);

    /// Links the span to the one that `trace` names, for work that serves several traces at once.
    fn link_to(&self, trace: &TraceContext);

    /// Where this span stands, to be sent along.
    fn trace_context(&self) -> TraceContext;
}

impl SpanTraceExt for Span {
    fn set_remote_parent(&self, trace: &TraceContext) {
        if !trace.is_empty() {
            set_parent(self, trace.to_context());
        }
    }

    fn link_to(&self, trace: &TraceContext) {
        let context = trace.span_context();
        if context.is_valid() {
            self.add_link(context);
        }
    }

    fn trace_context(&self) -> TraceContext {
        TraceContext::of(self)
    }
}

/// A span that is filtered out has no parent to set; one that has begun cannot change it, which is a mistake
/// in our code.
pub(crate) fn set_parent(span: &Span, parent: Context) {
    if let Err(tracing_opentelemetry::SetParentError::AlreadyStarted) = span.set_parent(parent) {
        tracing::debug!("the span had begun before its parent was set");
    }
}

/// Puts the current span's context into the metadata of a call.
pub fn inject(metadata: &mut MetadataMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut MetadataInjector(metadata));
}

/// The context that a call's metadata brings; without a span if there is none.
#[must_use]
pub fn extract(metadata: &MetadataMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &MetadataExtractor(metadata))
}

struct MetadataInjector<'m>(&'m mut MetadataMap);

impl Injector for MetadataInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The propagator's keys and values are ASCII; an empty tracestate need not travel.
        if let (Ok(key), Ok(value)) = (
            MetadataKey::from_bytes(key.as_bytes()),
            MetadataValue::<Ascii>::try_from(value),
        ) && !value.is_empty()
        {
            self.0.insert(key, value);
        }
    }
}

struct MetadataExtractor<'m>(&'m MetadataMap);

impl Extractor for MetadataExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter_map(|key| match key {
                KeyRef::Ascii(key) => Some(key.as_str()),
                KeyRef::Binary(_) => None,
            })
            .collect()
    }
}
