//! Metrics of one service instance, in a registry of its own: several services can run in one process.

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Buckets for calls to others, in seconds: 5 ms to 30 s.
pub const CALL_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Buckets for whole changes, from Kubernetes to the cloud and back, in seconds: 100 ms to 30 min.
pub const CHANGE_SECONDS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
];

/// A metric that cannot be declared so.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The name breaks the conventions of Prometheus.
    #[error("the metric {name} {rule}")]
    Name {
        /// The full name.
        name: String,
        /// The convention.
        rule: &'static str,
    },
    /// The library refused it, for instance because the name is taken.
    #[error("the metric {name} cannot be registered: {source}")]
    Register {
        /// The full name.
        name: String,
        /// The library's error.
        source: prometheus::Error,
    },
}

/// The metrics of a service; cheap to clone. Names given here get the prefix `clb_<service>_`.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    service: String,
    prefix: String,
}

impl Metrics {
    /// For a service, such as `watcher`.
    #[must_use]
    pub fn new(service: &str) -> Self {
        let prefix = format!("clb_{}", service.replace('-', "_"));
        Self {
            registry: Registry::new(),
            service: service.to_owned(),
            prefix,
        }
    }

    /// The service's name, as given to [`new`](Self::new).
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// A count that only grows; `name` ends in `_total`.
    ///
    /// # Errors
    /// [`MetricsError`] for a name that is wrong or taken; so for all others here.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        let name = self.count_name(name)?;
        self.register(&name, IntCounter::new(name.as_str(), help))
    }

    /// Counts by label; `name` ends in `_total`.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        let name = self.count_name(name)?;
        self.register(&name, IntCounterVec::new(Opts::new(name.as_str(), help), labels))
    }

    /// A whole number that goes up and down.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        let name = self.full_name(name);
        self.register(&name, IntGauge::new(name.as_str(), help))
    }

    /// Whole numbers by label that go up and down.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        let name = self.full_name(name);
        self.register(&name, IntGaugeVec::new(Opts::new(name.as_str(), help), labels))
    }

    /// A fraction or a time that goes up and down, such as `…_seconds` or `…_ratio`.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn float_gauge(&self, name: &str, help: &str) -> Result<Gauge, MetricsError> {
        let name = self.full_name(name);
        self.register(&name, Gauge::new(name.as_str(), help))
    }

    /// Durations; `name` ends in `_seconds`. Buckets such as [`CALL_SECONDS`].
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn seconds(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, MetricsError> {
        let name = self.seconds_name(name)?;
        let options = HistogramOpts::new(name.as_str(), help).buckets(buckets.to_vec());
        self.register(&name, Histogram::with_opts(options))
    }

    /// Durations by label; `name` ends in `_seconds`.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn seconds_by(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, MetricsError> {
        let name = self.seconds_name(name)?;
        let options = HistogramOpts::new(name.as_str(), help).buckets(buckets.to_vec());
        self.register(&name, HistogramVec::new(options, labels))
    }

    /// Gauges whose name is the same in every service, without the service's prefix.
    pub(crate) fn common_gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, MetricsError> {
        self.register(name, IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// All metrics in Prometheus's text format.
    ///
    /// # Errors
    /// The library's, for metrics that contradict each other.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// The registry, for collectors of another kind.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }

    fn count_name(&self, name: &str) -> Result<String, MetricsError> {
        self.name_ending(name, "_total", "counts, so its name has to end in _total")
    }

    fn seconds_name(&self, name: &str) -> Result<String, MetricsError> {
        self.name_ending(
            name,
            "_seconds",
            "measures time, so its name has to end in _seconds",
        )
    }

    fn name_ending(&self, name: &str, ending: &str, rule: &'static str) -> Result<String, MetricsError> {
        let name = self.full_name(name);
        if name.ends_with(ending) {
            Ok(name)
        } else {
            Err(MetricsError::Name { name, rule })
        }
    }

    fn register<C: Collector + Clone + 'static>(
        &self,
        name: &str,
        made: prometheus::Result<C>,
    ) -> Result<C, MetricsError> {
        let refused = |source| MetricsError::Register {
            name: name.to_owned(),
            source,
        };
        let metric = made.map_err(refused)?;
        self.registry
            .register(Box::new(metric.clone()))
            .map_err(refused)?;
        Ok(metric)
    }
}
