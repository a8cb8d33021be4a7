//! Logs, traces, metrics and the admin port of a service, the same in each of them.
//!
//! Every binary calls [`Telemetry::install`] once, makes one [`Metrics`] and one [`Health`] per service
//! instance, serves them with [`AdminServer`] and ends with [`TelemetryGuard::shutdown`]. The sandbox and
//! tests run several services in one process: then each is a [`Component`] of the one installation, and a
//! [`SpanRecorder`] keeps the last traces for the state page.
//!
//! - [`context`]: W3C trace context in gRPC metadata and in messages.
//! - [`grpc`]: the server's span per call and the client's interceptor.
//! - [`attributes`]: names of span attributes that more than one service sets.

pub mod admin;
pub mod attributes;
#[cfg(feature = "collector")]
pub mod collector;
pub mod context;
pub mod grpc;
pub mod health;
pub mod metrics;
pub mod recorder;
pub mod shutdown;

mod component;
mod export;
mod install;
mod log_filter;
mod log_format;
mod settings;

pub use admin::AdminServer;
pub use component::Component;
pub use context::{SpanTraceExt, TraceContext};
pub use health::{Check, Health, Kind};
pub use install::{Telemetry, TelemetryError, TelemetryGuard};
pub use metrics::{DeclaredMetric, MetricKind, Metrics, MetricsError};
pub use recorder::{RecordedSpan, SpanRecorder};
pub use settings::{AdminSettings, LogFormat, LogSettings, OtlpSettings};
pub use shutdown::Signals;
