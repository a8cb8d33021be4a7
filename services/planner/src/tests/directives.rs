//! Directives on their way to the watcher.

use std::time::Duration;

use clb_model::cluster::{Endpoint, EndpointSet, PodRef, Service};
use clb_model::directive::{
    Directive, DirectiveOutcome, DirectiveResult, Event, FinalizerAction, Severity, Writes,
};
use clb_model::marks;
use clb_model::version::Tenure;
use clb_telemetry::TraceContext;
use tokio::time::Instant;

use super::bench::{Bench, CLUSTER};
use super::fake_actuator::load_balancer;
use super::fake_core::WANTED_NAME;
use super::fake_watcher::{annotated, service, uid, with_finalizer};
use crate::directives::{Next, Outbox};

const MINUTE: Duration = Duration::from_secs(60);

fn failed() -> DirectiveOutcome {
    DirectiveOutcome::Failed {
        reason: "the API server is away".to_owned(),
    }
}

/// A Service whose CLB is there, so that each pass says its address and its name.
fn built(bench: &Bench, name: &str) -> Service {
    let service = with_finalizer(service(name));
    let owner = marks::default_name(&service.uid);
    bench
        .actuator
        .put(load_balancer(&format!("lb-{name}"), name, &owner));
    service
}

#[tokio::test(start_paused = true)]
async fn a_failed_directive_goes_again_until_it_is_done() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[service("web")]).await;
    let first = watcher.directive().await;
    watcher.answer(&first, failed()).await;
    let second = watcher.directive().await;
    assert_eq!((&second.uid, &second.writes), (&first.uid, &first.writes));
    assert_ne!(second.id, first.id);
    watcher.answer(&second, failed()).await;
    let third = watcher.directive().await;
    watcher.answer(&third, DirectiveOutcome::Done).await;
    watcher.hears_no_directive_for(5 * MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn a_directive_for_a_service_that_is_gone_is_dropped() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[service("web")]).await;
    let directive = watcher.directive().await;
    watcher.answer(&directive, DirectiveOutcome::Gone).await;
    watcher.hears_no_directive_for(5 * MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_answered_is_said_to_the_next_stream() {
    let bench = Bench::start();
    let mut first = bench.watcher().await;
    first.snapshot(&[service("web")]).await;
    let lost = first.directive().await;
    let mut second = bench.open(CLUSTER, 2).await.unwrap();
    second.welcome().await;
    let again = second.directive().await;
    assert_eq!((again.uid, again.writes), (lost.uid, lost.writes));
}

#[tokio::test(start_paused = true)]
async fn a_directive_whose_result_never_comes_goes_again() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[service("web")]).await;
    let first = watcher.directive().await;
    let second = watcher.directive().await;
    assert_eq!(second.writes, first.writes);
}

#[tokio::test(start_paused = true)]
async fn one_directive_per_service_is_out_and_the_latest_waits_with_all_events() {
    let bench = Bench::start();
    let web = built(&bench, "web");
    let mut watcher = bench.watcher().await;
    watcher.snapshot(std::slice::from_ref(&web)).await;
    let first = watcher.directive().await;
    assert_eq!(first.writes.events[0].message, "web");

    // Each of these is planned, and would be said.
    let owner = marks::default_name(&web.uid);
    for (version, name) in [(2, "one"), (3, "two"), (4, "three")] {
        let mut changed = load_balancer("lb-web", name, &owner);
        changed.version.number = version;
        changed.address = format!("203.0.113.{version}");
        bench.actuator.put(changed);
        bench
            .reaches(clb_proto::planner::v1::ServiceState::Converged)
            .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    watcher.answer(&first, DirectiveOutcome::Done).await;
    let latest = watcher.directive().await;
    let events: Vec<_> = latest
        .writes
        .events
        .iter()
        .map(|event| event.message.as_str())
        .collect();
    assert_eq!(events, ["one", "two", "three"]);
    let ingress = latest.writes.ingress.clone().unwrap();
    assert_eq!(ingress[0].ip.as_deref(), Some("203.0.113.4"));
    watcher.answer(&latest, DirectiveOutcome::Done).await;
    watcher.hears_no_directive_for(5 * MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_not_said_again_before_the_cluster_shows_it() {
    let bench = Bench::start();
    let web = built(&bench, "web");
    let mut watcher = bench.watcher().await;
    watcher.snapshot(std::slice::from_ref(&web)).await;
    let directive = watcher.directive().await;
    watcher.answer(&directive, DirectiveOutcome::Done).await;
    // The mirror shows the same again: another pass with the same outcome.
    bench
        .actuator
        .put(load_balancer("lb-web", "web", &marks::default_name(&web.uid)));
    watcher.hears_no_directive_for(MINUTE).await;
    // Somebody took the address off again.
    watcher.upsert(&annotated(web, "touched", "yes")).await;
    let again = watcher.directive().await;
    assert_eq!(again.writes.ingress, directive.writes.ingress);
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_hears_of_every_service_once() {
    let bench = Bench::start();
    let names: Vec<String> = (0..300).map(|number| format!("web-{number}")).collect();
    let services: Vec<Service> = names.iter().map(|name| service(name)).collect();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&services).await;
    // Nothing is read for a while, and everything changes once more.
    tokio::time::sleep(MINUTE / 4).await;
    for service in &services {
        watcher
            .upsert(&annotated(service.clone(), WANTED_NAME, "x"))
            .await;
    }
    let mut heard = std::collections::BTreeMap::new();
    while heard.len() < services.len() {
        let directive = watcher.directive().await;
        assert_eq!(directive.writes.finalizer, FinalizerAction::Present);
        *heard.entry(directive.uid.clone()).or_insert(0) += 1;
        watcher.answer(&directive, DirectiveOutcome::Done).await;
    }
    assert!(heard.contains_key(&uid("web-299")));
}

fn done_with(directive: &Directive) -> DirectiveResult {
    DirectiveResult {
        id: directive.id,
        uid: directive.uid.clone(),
        outcome: DirectiveOutcome::Done,
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_being_directed_until_the_cluster_shows_what_was_written() {
    let outbox = Outbox::new(Tenure::default());
    outbox.attach(1);
    let web = service("web");
    assert!(!outbox.is_directing(&web));
    let writes = Writes {
        finalizer: FinalizerAction::Present,
        ..Writes::default()
    };
    outbox.offer(&web, writes, TraceContext::default());
    assert!(outbox.is_directing(&web), "it waits");
    let Next::Send(directive, _) = outbox.take(1, Instant::now()) else {
        panic!("there is a directive to send");
    };
    assert!(outbox.is_directing(&web), "it is out");
    outbox.settle(&done_with(&directive), Instant::now());
    assert!(outbox.is_directing(&web), "the cluster does not show it yet");
    let event = Writes {
        events: vec![Event {
            severity: Severity::Normal,
            reason: "Named".into(),
            message: "web".to_owned(),
        }],
        ..Writes::default()
    };
    outbox.offer(&web, event, TraceContext::default());
    let Next::Send(directive, _) = outbox.take(1, Instant::now()) else {
        panic!("there is an event to send");
    };
    outbox.settle(&done_with(&directive), Instant::now());
    assert!(outbox.is_directing(&web), "nor after an event that came later");
    assert!(!outbox.is_directing(&with_finalizer(web)));
}

/// The same Service with a pod that waits for its readiness gate.
fn with_waiting_pod(mut service: Service) -> (Service, PodRef) {
    let pod = PodRef {
        name: "web-0".to_owned(),
        uid: "uid-web-0".to_owned(),
    };
    let endpoint = Endpoint {
        address: [10, 0, 0, 1].into(),
        node_name: None,
        ready: true,
        serving: true,
        terminating: false,
        pod: Some(pod.clone()),
        awaits_readiness_gate: true,
    };
    service.endpoints = vec![EndpointSet {
        ports: Vec::new(),
        endpoints: vec![endpoint],
        host_names: 0,
    }];
    (service, pod)
}

#[tokio::test(start_paused = true)]
async fn a_gate_is_sent_once_until_it_waits_again() {
    let outbox = Outbox::new(Tenure::default());
    outbox.attach(1);
    let (waiting, pod) = with_waiting_pod(service("web"));
    let gate = || Writes {
        readiness_gates: vec![pod.clone()],
        ..Writes::default()
    };
    let offer = |service: &Service, writes| outbox.offer(service, writes, TraceContext::default());
    assert!(offer(&waiting, gate()));
    let Next::Send(directive, _) = outbox.take(1, Instant::now()) else {
        panic!("there is a gate to set");
    };
    assert_eq!(directive.writes.readiness_gates, std::slice::from_ref(&pod));
    assert!(!offer(&waiting, gate()), "it is out");
    outbox.settle(&done_with(&directive), Instant::now());
    assert!(!offer(&waiting, gate()), "the cluster does not show it yet");
    assert!(!offer(&service("web"), Writes::default()), "it was set");
    assert!(offer(&waiting, gate()), "somebody has taken it back");
}
