//! The watcher's metrics, all named `clb_watcher_…`.

use clb_telemetry::metrics::CALL_SECONDS;
use clb_telemetry::{Metrics, MetricsError};
use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

/// Handles; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WatcherMetrics {
    watch_errors: IntCounterVec,
    /// Age of the stalest watch.
    pub(crate) stalest_watch_seconds: Gauge,
    /// Objects that travel, by kind.
    pub(crate) objects: IntGaugeVec,
    /// Keys that wait to be sent.
    pub(crate) pending_objects: IntGauge,
    /// 1 while a stream to the planner is open.
    pub(crate) stream_connected: IntGauge,
    /// Streams that ended.
    pub(crate) stream_ends: IntCounterVec,
    /// Full snapshots that were committed.
    pub(crate) snapshots: IntCounter,
    /// Deltas that were sent.
    pub(crate) deltas: IntCounter,
    /// Objects in deltas.
    pub(crate) delta_objects: IntCounterVec,
    /// Bytes of objects that were sent.
    pub(crate) sent_bytes: IntCounter,
    /// From sending to acknowledgement.
    pub(crate) acknowledge_seconds: Histogram,
    /// Directives by outcome.
    pub(crate) directives: IntCounterVec,
    /// Directives that wait for their turn.
    pub(crate) directives_waiting: IntGauge,
    /// Events that could not be sent.
    pub(crate) events_lost: IntCounter,
    /// Writes to the API server by step and outcome.
    pub(crate) api_write_seconds: HistogramVec,
}

impl WatcherMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// If these metrics have been registered there before.
    pub(crate) fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            watch_errors: metrics.counters(
                "watch_errors_total",
                "Lists and watches of the Kubernetes API that failed",
                &["resource"],
            )?,
            stalest_watch_seconds: metrics.float_gauge(
                "stalest_watch_seconds",
                "Time since the stalest watch was last heard of",
            )?,
            objects: metrics.gauges("objects", "Objects that are streamed to the planner", &["kind"])?,
            pending_objects: metrics.gauge("pending_objects", "Changed objects that wait to be sent")?,
            stream_connected: metrics.gauge(
                "stream_connected",
                "1 while a stream to the planner is open, otherwise 0",
            )?,
            stream_ends: metrics.counters(
                "stream_ends_total",
                "Streams to the planner that ended or could not be opened",
                &["reason"],
            )?,
            snapshots: metrics.counter("snapshots_total", "Full snapshots that were sent")?,
            deltas: metrics.counter("deltas_total", "Deltas that were sent")?,
            delta_objects: metrics.counters("delta_objects_total", "Objects in deltas", &["change"])?,
            sent_bytes: metrics.counter("sent_bytes_total", "Encoded size of the objects that were sent")?,
            acknowledge_seconds: metrics.seconds(
                "acknowledge_seconds",
                "From sending a snapshot's or a delta's end to its acknowledgement",
                CALL_SECONDS,
            )?,
            directives: metrics.counters("directives_total", "Directives by outcome", &["outcome"])?,
            directives_waiting: metrics.gauge(
                "directives_waiting",
                "Services whose directive waits for its turn",
            )?,
            events_lost: metrics.counter(
                "events_lost_total",
                "Events on Services that could not be sent and are not tried again",
            )?,
            api_write_seconds: metrics.seconds_by(
                "api_write_seconds",
                "Calls to the Kubernetes API that carry out directives",
                &["step", "outcome"],
                CALL_SECONDS,
            )?,
        })
    }

    /// Counts a failed list or watch.
    pub(crate) fn watch_errors(&self, resource: &str) {
        self.watch_errors.with_label_values(&[resource]).inc();
    }
}
