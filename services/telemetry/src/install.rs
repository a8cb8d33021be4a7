//! Putting logs and traces together, once per process.

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Dispatch, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{JsonFields, format};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::component::{Component, Components};
use crate::export::ByComponent;
use crate::health::Check;
use crate::log_filter::log_filter;
use crate::log_format::{Line, WithTraceIds};
use crate::recorder::{Recording, SpanRecorder};
use crate::settings::{LogFormat, LogSettings, OtlpSettings};

/// How long the last spans may take to leave at the end.
const LAST_EXPORT: Duration = Duration::from_secs(5);

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is not valid.
    #[error("log.level is not a filter: {0}; write a level or module=level, separated by commas")]
    Filter(#[from] ParseError),
    /// The exporter refused its configuration.
    #[error("otlp.endpoint cannot be used: {0}; give the http URL of an OTLP gRPC receiver")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The exporter's connection has to live on a runtime.
    #[error("traces can be exported only from inside a Tokio runtime; call this in async main")]
    NoRuntime,
    /// Something else has set the global subscriber.
    #[error("logs and traces are set up already in this process; install them once, with all components")]
    AlreadyInstalled,
}

/// What is to be logged and traced, and for which services of this process.
#[must_use]
pub struct Telemetry<'s> {
    log: &'s LogSettings,
    otlp: &'s OtlpSettings,
    first: Component,
    others: Vec<Component>,
    recorder: Option<SpanRecorder>,
    export_check: Option<Check>,
}

impl<'s> Telemetry<'s> {
    /// Telemetry of one service. It also takes the spans of code that belongs to no service in particular.
    pub fn new(log: &'s LogSettings, otlp: &'s OtlpSettings, component: Component) -> Self {
        Self {
            log,
            otlp,
            first: component,
            others: Vec::new(),
            recorder: None,
            export_check: None,
        }
    }

    /// One more service that runs in this process.
    pub fn with_component(mut self, component: Component) -> Self {
        self.others.push(component);
        self
    }

    /// Keeps the last traces in memory.
    pub fn with_recorder(mut self, recorder: SpanRecorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Shows in `check` whether the collector takes the spans.
    pub fn with_export_check(mut self, check: Check) -> Self {
        self.export_check = Some(check);
        self
    }

    /// Makes this the process's telemetry. Call it in async `main`, before anything else logs.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub fn install(self) -> Result<TelemetryGuard, TelemetryError> {
        let (dispatch, guard) = self.build(std::io::stderr)?;
        tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::AlreadyInstalled)?;
        Ok(guard)
    }

    /// As [`install`](Self::install), but without making it global, and with logs to `writer`: for tests.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub fn build<W>(self, writer: W) -> Result<(Dispatch, TelemetryGuard), TelemetryError>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let provider = self.provider()?;
        let traces = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("clb"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(true)
            .with_filter(filter_fn(is_traced));
        let logs = log_layer(self.log, writer)?;
        let subscriber = Registry::default().with(traces).with(logs);
        Ok((Dispatch::new(subscriber), TelemetryGuard { provider }))
    }

    fn provider(&self) -> Result<SdkTracerProvider, TelemetryError> {
        let components = Components::new(self.first.clone(), self.others.clone());
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(self.otlp.sample_ratio)));
        let mut builder = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_resource(self.first.resource());
        if let Some(recorder) = &self.recorder {
            builder = builder.with_span_processor(Recording::new(recorder.clone(), components.clone()));
        }
        if let Some(endpoint) = &self.otlp.endpoint {
            if tokio::runtime::Handle::try_current().is_err() {
                return Err(TelemetryError::NoRuntime);
            }
            let exporter = ByComponent::new(
                components,
                endpoint.as_str(),
                self.otlp,
                self.export_check.as_ref(),
            )?;
            builder = builder.with_span_processor(exporter);
        }
        Ok(builder.build())
    }
}

/// Only our own code is traced. The exporter's own gRPC calls make spans too, which would be exported, and so
/// on for ever.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let finest = if metadata.is_span() {
        Level::DEBUG
    } else {
        Level::INFO
    };
    metadata.target().starts_with("clb_") && *metadata.level() <= finest
}

fn log_layer<S, W>(settings: &LogSettings, writer: W) -> Result<Box<dyn Layer<S> + Send + Sync>, ParseError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = log_filter(&settings.level)?;
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    Ok(match settings.format {
        LogFormat::Json => {
            let inner = format().json().flatten_event(true).with_span_list(false);
            layer
                .fmt_fields(JsonFields::new())
                .event_format(WithTraceIds {
                    inner,
                    line: Line::Json,
                })
                .with_filter(filter)
                .boxed()
        }
        LogFormat::Pretty => {
            let ansi = std::io::stderr().is_terminal();
            layer
                .with_ansi(ansi)
                .event_format(WithTraceIds {
                    inner: format().with_ansi(ansi),
                    line: Line::Text,
                })
                .with_filter(filter)
                .boxed()
        }
    })
}

/// Ends the traces. Keep it until the end of `main`.
#[derive(Debug)]
#[must_use = "the last spans are lost unless it is shut down at the end"]
pub struct TelemetryGuard {
    provider: SdkTracerProvider,
}

impl TelemetryGuard {
    /// Sends the last spans, for 5 s at most. A collector that is away is no reason to fail at the end, so
    /// that is only logged.
    pub async fn shutdown(self) {
        // The SDK waits for its own thread, which needs this runtime's threads to get the spans out.
        let provider = self.provider;
        let outcome = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_EXPORT)).await;
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans may not have reached the collector"),
            Err(error) => tracing::warn!(%error, "the tracer could not be shut down"),
        }
    }

    /// Sends what is waiting now; for tests.
    ///
    /// # Errors
    /// What the exporter says.
    pub fn flush(&self) -> Result<(), opentelemetry_sdk::error::OTelSdkError> {
        self.provider.force_flush()
    }
}
