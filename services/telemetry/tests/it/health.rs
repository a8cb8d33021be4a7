//! Checks: readiness, the report, the metric, and one line per change.

use clb_telemetry::{Health, Kind, Metrics, health};

use crate::support::install;

fn fresh() -> (Metrics, Health) {
    let metrics = Metrics::new("watcher");
    let health = Health::new(&metrics).unwrap();
    (metrics, health)
}

#[test]
fn a_gate_decides_readiness_and_an_informational_check_does_not() {
    let (_, health) = fresh();
    assert!(health.is_ready());
    let stores = health.check("stores", Kind::Gate);
    let planner = health.check("planner", Kind::Informational);
    assert!(!health.is_ready());
    stores.ok();
    assert!(health.is_ready());
    planner.failing("connection refused");
    assert!(health.is_ready());
    stores.failing("watch of Services is stale");
    assert!(!health.is_ready());
    health.remove("stores");
    assert!(health.is_ready());
    stores.failing("late");
    assert!(health.is_ready(), "a check that was removed counts no more");
}

#[test]
fn the_report_lists_every_check_as_kube_apiserver_does() {
    let (_, health) = fresh();
    health.check("stores", Kind::Gate).ok();
    health
        .check("planner", Kind::Informational)
        .failing("refused\nby 10.0.0.1");
    let _ = health.check("lease", Kind::Gate);
    assert_eq!(
        health.report(),
        "[+]stores ok\n\
         [-]planner failed: refused by 10.0.0.1 (does not affect readiness)\n\
         [-]lease failed: no result yet\n\
         readyz check failed\n"
    );
}

#[test]
fn the_metric_follows_and_goes_with_the_check() {
    let (metrics, health) = fresh();
    let planner = health.check("planner", Kind::Informational);
    assert!(
        metrics
            .render()
            .unwrap()
            .contains("clb_check_ok{check=\"planner\"} 0")
    );
    planner.ok();
    assert!(
        metrics
            .render()
            .unwrap()
            .contains("clb_check_ok{check=\"planner\"} 1")
    );
    health.remove("planner");
    assert!(!metrics.render().unwrap().contains("planner"));
}

#[test]
fn each_change_is_one_line_and_a_retry_none() {
    let installed = install("{}");
    let (_, health) = fresh();
    let planner = health.check("planner", Kind::Informational);
    for attempt in 0..5 {
        planner.failing(&format!("attempt {attempt}: refused"));
    }
    planner.ok();
    planner.ok();
    let _: Result<(), &str> = planner.observe(Err("reset"));
    let seen: Vec<_> = installed
        .lines
        .json()
        .iter()
        .map(|line| {
            [&line["level"], &line["message"], &line["check"], &line["service"]]
                .map(|part| part.as_str().unwrap().to_owned())
        })
        .collect();
    let line = |level: &str, message: &str| [level, message, "planner", "watcher"].map(str::to_owned);
    assert_eq!(
        seen,
        [
            line("WARN", "check is failing"),
            line("INFO", "check is ok again"),
            line("WARN", "check is failing")
        ]
    );
}

#[tokio::test]
async fn the_grpc_health_service_follows_readiness() {
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::{HealthCheckRequest, health_server::Health as _};

    let (_, health) = fresh();
    let gate = health.check("stores", Kind::Gate);
    let reporter = tonic_health::server::HealthReporter::new();
    let service = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
    let request = || tonic::Request::new(HealthCheckRequest::default());
    let mut statuses = service.watch(request()).await.unwrap().into_inner();
    let mirror = tokio::spawn(health::mirror_to_grpc(health.clone(), reporter));
    let mut wait_for = async |wanted: ServingStatus| {
        while let Some(status) = tokio_stream::StreamExt::next(&mut statuses).await {
            if status.unwrap().status() == wanted {
                return;
            }
        }
    };
    wait_for(ServingStatus::NotServing).await;
    gate.ok();
    wait_for(ServingStatus::Serving).await;
    health.begin_shutdown();
    wait_for(ServingStatus::NotServing).await;
    drop((gate, health));
    mirror.await.unwrap();
}

#[test]
fn two_services_of_one_process_have_metrics_of_their_own() {
    let (watcher, planner) = (Metrics::new("watcher"), Metrics::new("planner"));
    watcher.counter("events_total", "Events.").unwrap().inc();
    planner.counter("events_total", "Events.").unwrap();
    assert!(watcher.render().unwrap().contains("clb_watcher_events_total 1"));
    assert!(planner.render().unwrap().contains("clb_planner_events_total 0"));
}

#[test]
fn names_that_break_the_conventions_are_refused() {
    let metrics = Metrics::new("watcher");
    let error = metrics.counter("events", "Events.").unwrap_err().to_string();
    assert!(
        error.contains("clb_watcher_events") && error.contains("_total"),
        "{error}"
    );
    metrics
        .seconds("call", "Calls.", clb_telemetry::metrics::CALL_SECONDS)
        .unwrap_err();
    metrics.gauge("depth", "Depth.").unwrap();
    metrics.gauge("depth", "Depth.").unwrap_err();
}
