//! Which events are logged: checked when the settings are read, used when logs are set up.

use tracing_subscriber::filter::{EnvFilter, ParseError};

/// Libraries that would drown everything else at `debug`; the setting can name them to hear them after all.
/// OpenTelemetry's own errors come as a health check, and kube's are logged once by who uses it, not at each attempt.
const QUIET: &str = "kube_client=off,kube_runtime=off,h2=info,hyper=info,hyper_util=info,rustls=info,tonic=info,tower=info,reqwest=info,opentelemetry=warn,\
                     opentelemetry_sdk=warn,opentelemetry-otlp=warn";

/// The filter for a level of the settings, which is a level or `module=level`, separated by commas.
pub(crate) fn log_filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("{QUIET},{level}"))
}
