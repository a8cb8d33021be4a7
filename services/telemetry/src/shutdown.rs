//! From SIGTERM to the end: readiness off first, then everything else.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// The signals that end a service. Made before the service starts, so that none is missed.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes SIGTERM and SIGINT from now on; without this they would end the process at once.
    ///
    /// # Errors
    /// The system's.
    pub fn register() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them and returns its name.
    pub async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Waits for a signal, turns readiness off, lets callers notice for `drain`, then cancels `stop`. Ends
    /// early, doing all of it, if `stop` is cancelled by someone else. A second signal ends the drain.
    pub async fn shut_down(mut self, health: Health, drain: Duration, stop: CancellationToken) {
        let name = tokio::select! {
            name = self.received() => name,
            () = stop.cancelled() => {
                health.begin_shutdown();
                return;
            }
        };
        health.begin_shutdown();
        tracing::info!(signal = name, drain = ?drain, "shutting down");
        tokio::select! {
            () = tokio::time::sleep(drain) => {}
            name = self.received() => tracing::info!(signal = name, "second signal: not waiting for callers"),
            () = stop.cancelled() => {}
        }
        stop.cancel();
    }
}
