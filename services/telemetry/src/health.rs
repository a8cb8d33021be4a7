//! Whether a service can serve, and how everything is that it depends on.
//!
//! A check is a named condition. A [`Kind::Gate`] that is not ok makes the service unready; a
//! [`Kind::Informational`] one does not: a broken downstream is a line of `/readyz?verbose`, a metric and one
//! log line, not unreadiness, since otherwise one outage would cut off everyone upstream.

use std::fmt::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGaugeVec;
use tokio::sync::watch;

use crate::metrics::{Metrics, MetricsError};

/// What a check that is not ok means for readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The service cannot serve without it.
    Gate,
    /// The service serves on, and says so.
    Informational,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Not known yet.
    Starting,
    Ok,
    Failing(String),
}

#[derive(Debug)]
struct Named {
    name: String,
    kind: Kind,
    state: State,
}

/// The checks of a service instance; cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Whose checks these are, for the log of a process with several services.
    service: String,
    checks: Mutex<Checks>,
    gauge: IntGaugeVec,
    ready: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Checks {
    named: Vec<Named>,
    shutting_down: bool,
}

impl Checks {
    fn ready(&self) -> bool {
        let gates = self
            .named
            .iter()
            .all(|check| check.kind == Kind::Informational || check.state == State::Ok);
        gates && !self.shutting_down
    }
}

impl Health {
    /// Without any check yet, hence ready. The state of each is also the metric `clb_check_ok{check}`.
    ///
    /// # Errors
    /// If these metrics have a health already.
    pub fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let gauge = metrics.common_gauges(
            "clb_check_ok",
            "1 while the named check is ok, otherwise 0",
            &["check"],
        )?;
        let inner = Inner {
            service: metrics.service().to_owned(),
            checks: Mutex::new(Checks::default()),
            gauge,
            ready: watch::Sender::new(true),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Adds a check, which is not ok until it says so. One that is there under this name is returned as it
    /// is.
    #[must_use]
    pub fn check(&self, name: impl Into<String>, kind: Kind) -> Check {
        let name = name.into();
        let mut checks = self.inner.checks.lock();
        if !checks.named.iter().any(|check| check.name == name) {
            checks.named.push(Named {
                name: name.clone(),
                kind,
                state: State::Starting,
            });
            self.inner.gauge.with_label_values(&[&name]).set(0);
        }
        self.inner.publish(&checks);
        Check {
            inner: self.inner.clone(),
            name,
        }
    }

    /// Takes a check away, for something that is not there any more, such as a cluster that left.
    pub fn remove(&self, name: &str) {
        let mut checks = self.inner.checks.lock();
        checks.named.retain(|check| check.name != name);
        // There is no such metric only if there was no such check, and then nothing is to be removed.
        drop(self.inner.gauge.remove_label_values(&[name]));
        self.inner.publish(&checks);
    }

    /// Whether all gates are ok and the service is not shutting down.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.inner.ready.borrow()
    }

    /// Follows readiness.
    #[must_use]
    pub fn watch_ready(&self) -> watch::Receiver<bool> {
        self.inner.ready.subscribe()
    }

    /// Turns readiness off for good, while calls in flight go on.
    pub fn begin_shutdown(&self) {
        let mut checks = self.inner.checks.lock();
        checks.shutting_down = true;
        self.inner.publish(&checks);
    }

    /// Every check with its state, one per line, as kube-apiserver's `/readyz?verbose` does.
    #[must_use]
    pub fn report(&self) -> String {
        let checks = self.inner.checks.lock();
        let mut text = String::new();
        for check in &checks.named {
            let mark = if check.state == State::Ok { '+' } else { '-' };
            let state = match &check.state {
                State::Ok => "ok".to_owned(),
                State::Starting => "failed: no result yet".to_owned(),
                State::Failing(reason) => format!("failed: {}", reason.replace('\n', " ")),
            };
            let note = match (check.kind, mark) {
                (Kind::Informational, '-') => " (does not affect readiness)",
                _ => "",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "[{mark}]{} {state}{note}", check.name);
        }
        if checks.shutting_down {
            text.push_str("[-]shutdown failed: the service is shutting down\n");
        }
        let verdict = if checks.ready() { "passed" } else { "failed" };
        let _ = writeln!(text, "readyz check {verdict}");
        text
    }
}

impl Inner {
    fn publish(&self, checks: &Checks) {
        let ready = checks.ready();
        self.ready
            .send_if_modified(|was| std::mem::replace(was, ready) != ready);
    }

    /// Sets a check's state and returns the one before it; `None` if the check was removed or nothing
    /// changed.
    fn set(&self, name: &str, state: State) -> Option<State> {
        let mut checks = self.checks.lock();
        let check = checks.named.iter_mut().find(|check| check.name == name)?;
        if check.state == state {
            return None;
        }
        let before = std::mem::replace(&mut check.state, state);
        let ok = i64::from(check.state == State::Ok);
        self.gauge.with_label_values(&[name]).set(ok);
        self.publish(&checks);
        Some(before)
    }
}

/// One check, held by the code that knows its state; cheap to clone. Reports as often as it likes: only a
/// change is logged.
#[derive(Debug, Clone)]
pub struct Check {
    inner: Arc<Inner>,
    name: String,
}

impl Check {
    /// It is well. Logs one line if it was not.
    pub fn ok(&self) {
        match self.inner.set(&self.name, State::Ok) {
            Some(State::Failing(_)) => tracing::info!(
                service = self.inner.service,
                check = self.name,
                "check is ok again"
            ),
            Some(State::Starting) => {
                tracing::debug!(service = self.inner.service, check = self.name, "check is ok")
            }
            Some(State::Ok) | None => {}
        }
    }

    /// It is not well, and why; the reason must hold no secret. Logs one warning when that begins; a new
    /// reason replaces the old one without another.
    pub fn failing(&self, reason: &str) {
        match self.inner.set(&self.name, State::Failing(reason.to_owned())) {
            Some(State::Failing(_)) => tracing::debug!(
                service = self.inner.service,
                check = self.name,
                reason,
                "check is still failing"
            ),
            Some(State::Starting | State::Ok) => {
                tracing::warn!(
                    service = self.inner.service,
                    check = self.name,
                    reason,
                    "check is failing"
                )
            }
            None => {}
        }
    }

    /// The check's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// [`ok`](Self::ok) or [`failing`](Self::failing), from a result; the error is not lost, since the result
    /// comes back.
    ///
    /// # Errors
    /// The given one.
    pub fn observe<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.ok(),
            Err(error) => self.failing(&error.to_string()),
        }
        result
    }
}

/// Keeps the standard gRPC health service (the whole server, name `""`) in step with readiness until
/// readiness cannot change any more.
pub async fn mirror_to_grpc(health: Health, reporter: tonic_health::server::HealthReporter) {
    let mut ready = health.watch_ready();
    drop(health);
    loop {
        let serving = if *ready.borrow_and_update() {
            tonic_health::ServingStatus::Serving
        } else {
            tonic_health::ServingStatus::NotServing
        };
        reporter.set_service_status("", serving).await;
        if ready.changed().await.is_err() {
            return;
        }
    }
}
