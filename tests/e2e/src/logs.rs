//! What the services log during a test.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Once;

use clb_settings::from_yaml;
use clb_telemetry::{Component, LogSettings, OtlpSettings, Telemetry};
use serde_json::Value;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log lines of this thread. A test on the current-thread runtime, as `#[tokio::test]` makes it, has all its tasks there, and so all
/// lines of its services and no others.
#[derive(Debug)]
pub struct Logs(());

impl Logs {
    /// Keeps lines from now on.
    ///
    /// # Panics
    /// When something else has taken the process's log.
    #[must_use]
    pub fn of_this_thread() -> Self {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| {
            let log: LogSettings = from_yaml("{format: json, level: info}").expect("a level");
            let otlp: OtlpSettings = from_yaml("{}").expect("nothing to be wrong");
            let telemetry = Telemetry::new(&log, &otlp, Component::new("clb-e2e", "0", "test"));
            let (dispatch, guard) = telemetry.build(|| ToThread).expect("no exporter");
            tracing::dispatcher::set_global_default(dispatch).expect("nobody else takes the log");
            // It lasts as long as the process.
            std::mem::forget(guard);
        });
        LINES.with_borrow_mut(Vec::clear);
        Self(())
    }

    /// All lines so far.
    ///
    /// # Panics
    /// When one is no JSON.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let text = LINES.with_borrow(|bytes| String::from_utf8_lossy(bytes).into_owned());
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// How often a check of a service (`actuator`, `planner`, `watcher`) was said to be failing and to be ok again.
    #[must_use]
    pub fn check(&self, service: &str, check: &str) -> (usize, usize) {
        let lines = self.lines();
        let count = |message: &str| {
            let said = |line: &&Value| {
                line["message"] == message && line["service"] == service && line["check"] == check
            };
            lines.iter().filter(said).count()
        };
        (count("check is failing"), count("check is ok again"))
    }

    /// Warnings and errors that came more than once, without what differs each time: what an outage says again and again.
    #[must_use]
    pub fn repeated_warnings(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for line in self.lines() {
            if line["level"] == "WARN" || line["level"] == "ERROR" {
                let part = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
                let key = [part("target"), part("message"), part("service"), part("check")].join(" ");
                *count.entry(key).or_insert(0) += 1;
            }
        }
        count.retain(|_, times| *times > 1);
        count
    }
}

struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
