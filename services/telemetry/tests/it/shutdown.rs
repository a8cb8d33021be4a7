//! The way from a signal to the end.

use std::time::Duration;

use clb_telemetry::{Health, Metrics, Signals};
use tokio_util::sync::CancellationToken;

fn health() -> Health {
    Health::new(&Metrics::new("watcher")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_signal_turns_readiness_off_before_anything_stops() {
    let (health, stop) = (health(), CancellationToken::new());
    let signals = Signals::register().unwrap();
    let task = tokio::spawn(signals.shut_down(health.clone(), Duration::from_secs(3600), stop.clone()));
    let mut ready = health.watch_ready();
    let observed = tokio::spawn({
        let stop = stop.clone();
        async move {
            ready.wait_for(|ready| !ready).await.unwrap();
            stop.is_cancelled()
        }
    });
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", std::process::id())])
        .status();
    assert!(kill.unwrap().success());
    assert!(!observed.await.unwrap(), "stopped before callers could notice");
    stop.cancelled().await;
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_cause_to_stop_needs_no_signal() {
    let (health, stop) = (health(), CancellationToken::new());
    let signals = Signals::register().unwrap();
    stop.cancel();
    signals
        .shut_down(health.clone(), Duration::from_secs(3600), stop)
        .await;
    assert!(!health.is_ready());
}
