//! Sending spans to the collector: one queue and one resource per component, failures said once.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use crate::component::Components;
use crate::health::Check;
use crate::settings::OtlpSettings;

/// Spans wait this long at most before they are sent: short enough to look at a trace while it is fresh.
const SEND_AFTER: Duration = Duration::from_secs(1);

/// Spans of one component that may wait; more are dropped, so that a collector that is away costs no more
/// than about 10 MB.
const QUEUE: usize = 8192;

/// Hands each finished span to the queue of the component that it belongs to.
#[derive(Debug)]
pub(crate) struct ByComponent {
    components: Components,
    processors: Vec<BatchSpanProcessor>,
}

impl ByComponent {
    /// Connects to the collector lazily; needs a Tokio runtime, on which the connections live.
    pub(crate) fn new(
        components: Components,
        endpoint: &str,
        settings: &OtlpSettings,
        check: Option<&Check>,
    ) -> Result<Self, ExporterBuildError> {
        let processors = components
            .iter()
            .map(|component| {
                let exporter = opentelemetry_otlp::SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(endpoint)
                    .with_timeout(settings.timeout)
                    .build()?;
                let watched = WatchedExporter {
                    inner: exporter,
                    check: check.cloned(),
                };
                let config = BatchConfigBuilder::default()
                    .with_max_queue_size(QUEUE)
                    .with_scheduled_delay(SEND_AFTER)
                    .build();
                let mut processor = BatchSpanProcessor::new(watched, config);
                processor.set_resource(&component.resource());
                Ok(processor)
            })
            .collect::<Result<_, ExporterBuildError>>()?;
        Ok(Self {
            components,
            processors,
        })
    }
}

impl SpanProcessor for ByComponent {
    fn on_start(&self, span: &mut Span, context: &Context) {
        for processor in &self.processors {
            processor.on_start(span, context);
        }
    }

    fn on_end(&self, span: SpanData) {
        if let Some(processor) = self.processors.get(self.components.index_of(&span)) {
            processor.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        first_error(self.processors.iter().map(SpanProcessor::force_flush))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        first_error(
            self.processors
                .iter()
                .map(|processor| processor.shutdown_with_timeout(timeout)),
        )
    }

    /// The provider's resource is of no use here: each component has its own.
    fn set_resource(&mut self, _: &Resource) {}
}

/// Asks all of them, whatever the first says.
fn first_error(results: impl Iterator<Item = OTelSdkResult>) -> OTelSdkResult {
    let mut first = Ok(());
    for result in results {
        first = first.and(result);
    }
    first
}

/// Turns failed exports into a check, which says so once; the SDK would log an error every second.
#[derive(Debug)]
struct WatchedExporter {
    inner: opentelemetry_otlp::SpanExporter,
    check: Option<Check>,
}

impl SpanExporter for WatchedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.inner.export(batch).await;
        let Some(check) = &self.check else { return result };
        match result {
            Ok(()) => check.ok(),
            Err(error) => {
                check.failing(&error.to_string());
                tracing::debug!(spans, "spans were dropped, since the collector did not take them");
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> Result<(), OTelSdkError> {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
