//! The planner's metrics, `clb_planner_…`; each has the label `cluster`.

use std::time::Duration;

use clb_model::ClusterId;
use clb_model::directive::DirectiveOutcome;
use clb_planner_core::step::State;
use clb_telemetry::metrics::{CALL_SECONDS, CHANGE_SECONDS};
use clb_telemetry::{Metrics, MetricsError};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

/// Buckets for a pass, in seconds: it does no I/O, so milliseconds are long.
const PASS_SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
];

/// The metrics of all clusters.
#[derive(Debug, Clone)]
pub(crate) struct PlannerMetrics {
    queue_depth: IntGaugeVec,
    passes: IntCounterVec,
    pass_seconds: HistogramVec,
    batches: IntCounterVec,
    batches_in_flight: IntGaugeVec,
    batch_seconds: HistogramVec,
    directives: IntCounterVec,
    resyncs: IntCounterVec,
    frozen: IntGaugeVec,
    services: IntGaugeVec,
    nodes: IntGaugeVec,
    actuator_connected: IntGaugeVec,
    time_to_programmed: HistogramVec,
}

/// The metrics of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterMetrics {
    cluster: String,
    passes: IntCounterVec,
    batches: IntCounterVec,
    directives: IntCounterVec,
    resyncs: IntCounter,
    pass_seconds: Histogram,
    batch_seconds: Histogram,
    time_to_programmed: Histogram,
    /// Services that wait for a pass.
    pub(crate) queue_depth: IntGauge,
    /// Batches that the actuator has.
    pub(crate) batches_in_flight: IntGauge,
    /// Services in the snapshot.
    pub(crate) services: IntGauge,
    /// Nodes in the snapshot.
    pub(crate) nodes: IntGauge,
    frozen: IntGauge,
    actuator_connected: IntGauge,
}

/// How a batch ended, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// Every operation succeeded.
    Done,
    /// Some did not.
    Incomplete,
    /// The stream broke, or the actuator refused the batch.
    Broken,
    /// A newer one took its place.
    Overtaken,
}

impl PlannerMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// A name that is taken.
    pub(crate) fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let cluster = &["cluster"];
        Ok(Self {
            queue_depth: metrics.gauges("queue_depth", "Services that wait for a pass", cluster)?,
            passes: metrics.counters(
                "passes_total",
                "Passes, by the state that they found the Service in",
                &["cluster", "state"],
            )?,
            pass_seconds: metrics.seconds_by("pass_seconds", "Time of one pass", cluster, PASS_SECONDS)?,
            batches: metrics.counters("batches_total", "Batches, by their end", &["cluster", "end"])?,
            batches_in_flight: metrics.gauges(
                "batches_in_flight",
                "Batches that the actuator has",
                cluster,
            )?,
            batch_seconds: metrics.seconds_by(
                "batch_seconds",
                "From giving a batch to the actuator to its last result",
                cluster,
                CALL_SECONDS,
            )?,
            directives: metrics.counters(
                "directives_total",
                "Directives sent, and their results",
                &["cluster", "event"],
            )?,
            resyncs: metrics.counters("resyncs_total", "Full snapshots that were asked for", cluster)?,
            frozen: metrics.gauges("frozen", "1 while nothing is removed for the cluster", cluster)?,
            services: metrics.gauges("services", "Services in the snapshot", cluster)?,
            nodes: metrics.gauges("nodes", "Nodes in the snapshot", cluster)?,
            actuator_connected: metrics.gauges(
                "actuator_connected",
                "1 while the actuator's Watch stream is up",
                cluster,
            )?,
            time_to_programmed: metrics.seconds_by(
                "time_to_programmed_seconds",
                "From the arrival of a change to the cloud being as the Service asks",
                cluster,
                CHANGE_SECONDS,
            )?,
        })
    }

    /// Those of one cluster.
    pub(crate) fn of(&self, cluster: &ClusterId) -> ClusterMetrics {
        let label = &[cluster.as_str()];
        ClusterMetrics {
            cluster: cluster.to_string(),
            passes: self.passes.clone(),
            batches: self.batches.clone(),
            directives: self.directives.clone(),
            resyncs: self.resyncs.with_label_values(label),
            pass_seconds: self.pass_seconds.with_label_values(label),
            batch_seconds: self.batch_seconds.with_label_values(label),
            time_to_programmed: self.time_to_programmed.with_label_values(label),
            queue_depth: self.queue_depth.with_label_values(label),
            batches_in_flight: self.batches_in_flight.with_label_values(label),
            services: self.services.with_label_values(label),
            nodes: self.nodes.with_label_values(label),
            frozen: self.frozen.with_label_values(label),
            actuator_connected: self.actuator_connected.with_label_values(label),
        }
    }
}

impl ClusterMetrics {
    pub(crate) fn pass(&self, state: State, took: Duration) {
        self.passes
            .with_label_values(&[self.cluster.as_str(), state_name(state)])
            .inc();
        self.pass_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn batch(&self, end: BatchEnd, took: Duration) {
        let end = match end {
            BatchEnd::Done => "done",
            BatchEnd::Incomplete => "incomplete",
            BatchEnd::Broken => "broken",
            BatchEnd::Overtaken => "overtaken",
        };
        self.batches
            .with_label_values(&[self.cluster.as_str(), end])
            .inc();
        self.batch_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn directives_sent(&self) {
        self.directive("sent");
    }

    pub(crate) fn directive_result(&self, outcome: &DirectiveOutcome) {
        self.directive(match outcome {
            DirectiveOutcome::Done => "done",
            DirectiveOutcome::Gone => "gone",
            DirectiveOutcome::Failed { .. } => "failed",
            DirectiveOutcome::Fenced => "fenced",
        });
    }

    fn directive(&self, event: &str) {
        self.directives
            .with_label_values(&[self.cluster.as_str(), event])
            .inc();
    }

    pub(crate) fn resync(&self) {
        self.resyncs.inc();
    }

    pub(crate) fn set_frozen(&self, frozen: bool) {
        self.frozen.set(i64::from(frozen));
    }

    pub(crate) fn set_actuator_connected(&self, connected: bool) {
        self.actuator_connected.set(i64::from(connected));
    }

    pub(crate) fn programmed(&self, after: Duration) {
        self.time_to_programmed.observe(after.as_secs_f64());
    }
}

/// A state as a label.
pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::None => "none",
        State::Observing => "observing",
        State::Converging => "converging",
        State::Converged => "converged",
        State::Failed => "failed",
        State::Cleaning => "cleaning",
        State::HandedOver => "handed_over",
    }
}
