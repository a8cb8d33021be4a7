//! Metrics of one service instance, in a registry of its own: several services can run in one process.
//!
//! Every metric is made by a method of [`Metrics`], so that [`Metrics::declared`] knows all of them, also those that have no value yet.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
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

/// What kind of metric it is, in the words of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations, counted in buckets.
    Histogram,
}

impl MetricKind {
    /// As `# TYPE` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric that was made, for documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredMetric {
    /// The full name.
    pub name: String,
    /// Its kind.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// What it says.
    pub help: String,
}

/// The metrics of a service; cheap to clone. Names given here get the prefix `clb_<service>_`.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    declared: Arc<Mutex<Vec<DeclaredMetric>>>,
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
            declared: Arc::default(),
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
        let made = IntCounter::new(name.as_str(), help);
        self.register(&name, (MetricKind::Counter, help, &[]), made)
    }

    /// Counts by label; `name` ends in `_total`.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        let name = self.count_name(name)?;
        let made = IntCounterVec::new(Opts::new(name.as_str(), help), labels);
        self.register(&name, (MetricKind::Counter, help, labels), made)
    }

    /// A whole number that goes up and down.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        let name = self.full_name(name);
        let made = IntGauge::new(name.as_str(), help);
        self.register(&name, (MetricKind::Gauge, help, &[]), made)
    }

    /// Whole numbers by label that go up and down.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        let name = self.full_name(name);
        let made = IntGaugeVec::new(Opts::new(name.as_str(), help), labels);
        self.register(&name, (MetricKind::Gauge, help, labels), made)
    }

    /// A fraction or a time that goes up and down, such as `…_seconds` or `…_ratio`.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn float_gauge(&self, name: &str, help: &str) -> Result<Gauge, MetricsError> {
        let name = self.full_name(name);
        let made = Gauge::new(name.as_str(), help);
        self.register(&name, (MetricKind::Gauge, help, &[]), made)
    }

    /// Fractions or times by label that go up and down.
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, MetricsError> {
        let name = self.full_name(name);
        let made = GaugeVec::new(Opts::new(name.as_str(), help), labels);
        self.register(&name, (MetricKind::Gauge, help, labels), made)
    }

    /// Durations; `name` ends in `_seconds`. Buckets such as [`CALL_SECONDS`].
    ///
    /// # Errors
    /// As [`counter`](Self::counter).
    pub fn seconds(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, MetricsError> {
        let name = self.seconds_name(name)?;
        let options = HistogramOpts::new(name.as_str(), help).buckets(buckets.to_vec());
        let made = Histogram::with_opts(options);
        self.register(&name, (MetricKind::Histogram, help, &[]), made)
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
        let made = HistogramVec::new(options, labels);
        self.register(&name, (MetricKind::Histogram, help, labels), made)
    }

    /// Gauges whose name is the same in every service, without the service's prefix.
    pub(crate) fn common_gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, MetricsError> {
        let made = IntGaugeVec::new(Opts::new(name, help), labels);
        self.register(name, (MetricKind::Gauge, help, labels), made)
    }

    /// All metrics that were made, ordered by name.
    #[must_use]
    pub fn declared(&self) -> Vec<DeclaredMetric> {
        let mut declared = self.declared.lock().clone();
        declared.sort_by(|one, other| one.name.cmp(&other.name));
        declared
    }

    /// All metrics in Prometheus's text format.
    ///
    /// # Errors
    /// The library's, for metrics that contradict each other.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
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
        (kind, help, labels): (MetricKind, &str, &[&str]),
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
        self.declared.lock().push(DeclaredMetric {
            name: name.to_owned(),
            kind,
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            help: help.to_owned(),
        });
        Ok(metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_declared_before_it_has_a_value() {
        let metrics = Metrics::new("watcher");
        let calls = metrics
            .counters("calls_total", "Calls", &["action", "code"])
            .unwrap();
        metrics.seconds("age_seconds", "Age", CALL_SECONDS).unwrap();
        assert!(!metrics.render().unwrap().contains("clb_watcher_calls_total"));
        let declared = metrics.declared();
        let names: Vec<_> = declared.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["clb_watcher_age_seconds", "clb_watcher_calls_total"]);
        assert_eq!(
            declared[1],
            DeclaredMetric {
                name: "clb_watcher_calls_total".to_owned(),
                kind: MetricKind::Counter,
                labels: vec!["action".to_owned(), "code".to_owned()],
                help: "Calls".to_owned(),
            }
        );
        calls.with_label_values(&["a", "b"]).inc();
        let text = metrics.render().unwrap();
        assert!(text.contains("# TYPE clb_watcher_calls_total counter"), "{text}");
    }

    #[test]
    fn what_is_refused_is_not_declared() {
        let metrics = Metrics::new("watcher");
        metrics.gauge("depth", "Depth").unwrap();
        metrics.gauge("depth", "Depth again").unwrap_err();
        metrics.counter("calls", "Calls").unwrap_err();
        assert_eq!(metrics.declared().len(), 1);
    }
}
