//! The trace's and span's ids at the end of each log line, in JSON and for people.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How the inner format ends a line, which decides how the ids are added.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line {
    /// A JSON object.
    Json,
    /// Plain text.
    Text,
}

/// Adds `trace_id` and `span_id` to what another format writes, when the event happens in a sampled span.
pub(crate) struct WithTraceIds<F> {
    pub(crate) inner: F,
    pub(crate) line: Line,
}

impl<S, N, F> FormatEvent<S, N> for WithTraceIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let current = Context::current().span().span_context().clone();
        if !current.is_valid() || !current.is_sampled() {
            return self.inner.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        self.write(&mut writer, line.trim_end_matches('\n'), &current)
    }
}

impl<F> WithTraceIds<F> {
    fn write(&self, writer: &mut Writer<'_>, line: &str, current: &SpanContext) -> fmt::Result {
        let (trace, span) = (current.trace_id(), current.span_id());
        match (self.line, line.strip_suffix('}')) {
            (Line::Json, Some(open)) => {
                writeln!(writer, r#"{open},"trace_id":"{trace}","span_id":"{span}"}}"#)
            }
            _ => writeln!(writer, "{line} trace_id={trace} span_id={span}"),
        }
    }
}
