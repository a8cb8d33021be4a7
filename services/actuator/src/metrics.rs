//! The actuator's metrics.

use std::sync::Arc;

use clb_telemetry::metrics::CALL_SECONDS;
use clb_telemetry::{Metrics, MetricsError};
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

/// All metrics; names begin with `clb_actuator_`.
#[derive(Debug)]
pub(crate) struct ActuatorMetrics {
    /// `cloud_calls_total{action,code}`: attempts, by the code of the answer.
    pub(crate) cloud_calls: IntCounterVec,
    /// `cloud_call_seconds{action}`.
    pub(crate) cloud_call_seconds: HistogramVec,
    /// `limit_used{region,action}`: calls of the last window.
    pub(crate) limit_used: IntGaugeVec,
    /// `limit_queue{region,action}`: calls that wait.
    pub(crate) limit_queue: IntGaugeVec,
    /// `limit_expected_wait_seconds{region,action}` of the last in the queue.
    pub(crate) limit_expected_wait: GaugeVec,
    /// `mirror_load_balancers{region}`.
    pub(crate) mirror_load_balancers: IntGaugeVec,
    /// `mirror_audited_timestamp_seconds{region}`: when everything was last read, since 1970.
    pub(crate) mirror_audited: IntGaugeVec,
    /// `mirror_drift_total{region,part}`: parts that a read found changed.
    pub(crate) mirror_drift: IntCounterVec,
    /// `batches_running`.
    pub(crate) batches_running: IntGauge,
    /// `operations_total{change,outcome}`.
    pub(crate) operations: IntCounterVec,
}

impl ActuatorMetrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// They are registered already.
    pub(crate) fn new(metrics: &Metrics) -> Result<Arc<Self>, MetricsError> {
        let by_limit = ["region", "action"];
        Ok(Arc::new(Self {
            cloud_calls: metrics.counters(
                "cloud_calls_total",
                "Calls to the cloud by the code of the answer",
                &["action", "code"],
            )?,
            cloud_call_seconds: metrics.seconds_by(
                "cloud_call_seconds",
                "Duration of calls to the cloud",
                &["action"],
                CALL_SECONDS,
            )?,
            limit_used: metrics.gauges("limit_used", "Calls of the last window", &by_limit)?,
            limit_queue: metrics.gauges("limit_queue", "Calls that wait for their limit", &by_limit)?,
            limit_expected_wait: metrics.float_gauges(
                "limit_expected_wait_seconds",
                "How long the last waiting call is expected to wait",
                &by_limit,
            )?,
            mirror_load_balancers: metrics.gauges(
                "mirror_load_balancers",
                "CLBs that the mirror knows",
                &["region"],
            )?,
            mirror_audited: metrics.gauges(
                "mirror_audited_timestamp_seconds",
                "When everything in the mirror was last read, in seconds since 1970",
                &["region"],
            )?,
            mirror_drift: metrics.counters(
                "mirror_drift_total",
                "Parts of CLBs that a read found changed",
                &["region", "part"],
            )?,
            batches_running: metrics.gauge("batches_running", "Batches that wait or run")?,
            operations: metrics.counters(
                "operations_total",
                "Operations by kind and outcome",
                &["change", "outcome"],
            )?,
        }))
    }
}
