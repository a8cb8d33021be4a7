//! Telemetry of one test: its own subscriber on the test's thread, its log lines in memory.

use std::io;
use std::sync::{Arc, Mutex};

use clb_settings::{from_yaml, settings};
use clb_telemetry::{Component, LogSettings, OtlpSettings, SpanRecorder, Telemetry, TelemetryGuard};
use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

settings! {
    /// The two groups that every service has.
    pub(crate) struct TestSettings {
        /// Logs.
        log: LogSettings = group(),
        /// Traces.
        otlp: OtlpSettings = group(),
    }
}

/// Log lines in memory.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.all()
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Telemetry that holds on this thread until it is dropped.
pub(crate) struct Installed {
    pub(crate) lines: Lines,
    pub(crate) recorder: SpanRecorder,
    pub(crate) guard: TelemetryGuard,
    _default: DefaultGuard,
}

pub(crate) fn settings(yaml: &str) -> TestSettings {
    from_yaml(yaml).unwrap()
}

/// Telemetry of three services in one process, with further steps of the builder.
pub(crate) fn install_with(
    settings: &TestSettings,
    more: impl FnOnce(Telemetry<'_>) -> Telemetry<'_>,
) -> Installed {
    let (lines, recorder) = (Lines::default(), SpanRecorder::new(3));
    let telemetry = Telemetry::new(
        &settings.log,
        &settings.otlp,
        Component::new("clb-watcher", "1.0.0", "watcher-0"),
    )
    .with_component(Component::new("clb-planner", "1.0.0", "planner-0"))
    .with_component(Component::new("clb-actuator", "1.0.0", "actuator-0").with_crate("clb-cloud-client"))
    .with_recorder(recorder.clone());
    let (dispatch, guard) = more(telemetry).build(lines.clone()).unwrap();
    let default = tracing::dispatcher::set_default(&dispatch);
    Installed {
        lines,
        recorder,
        guard,
        _default: default,
    }
}

pub(crate) fn install(yaml: &str) -> Installed {
    install_with(&settings(yaml), |telemetry| telemetry)
}
