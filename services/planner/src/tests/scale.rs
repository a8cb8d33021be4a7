//! Many Services at once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use clb_model::cluster::{Endpoint, EndpointPort, EndpointSet, PodRef, Service, Transport};
use clb_model::directive::DirectiveOutcome;
use clb_proto::planner::v1::ServiceState;

use super::bench::Bench;
use super::fake_watcher::{service, with_finalizer};

const SERVICES: usize = 1000;
const ENDPOINTS: u8 = 20;

fn with_endpoints(mut service: Service) -> Service {
    let endpoint = |number| Endpoint {
        address: Ipv4Addr::new(10, 0, 0, number).into(),
        node_name: Some(format!("node-{number}")),
        ready: true,
        serving: true,
        terminating: false,
        pod: Some(PodRef {
            name: format!("{}-{number}", service.key.name),
            uid: format!("pod-{number}"),
        }),
        awaits_readiness_gate: false,
    };
    service.endpoints = vec![EndpointSet {
        ports: vec![EndpointPort {
            name: String::new(),
            transport: Transport::Tcp,
            port: 8080,
        }],
        endpoints: (0..ENDPOINTS).map(endpoint).collect(),
    }];
    service
}

#[tokio::test(start_paused = true)]
async fn a_thousand_services_get_one_clb_each_and_are_told_once() {
    let mut bench = Bench::start();
    let services: Vec<Service> = (0..SERVICES)
        .map(|number| with_endpoints(with_finalizer(service(&format!("web-{number}")))))
        .collect();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&services).await;
    let mut created = BTreeSet::new();
    let mut told = BTreeSet::new();
    while told.len() < SERVICES {
        tokio::select! {
            execution = bench.batch() => {
                assert!(created.insert(execution.batch.service.clone()), "a second CLB for {}", execution.batch.service);
                execution.succeed().await;
            }
            directive = watcher.directive() => {
                assert!(told.insert(directive.uid.clone()), "told twice: {}", directive.uid);
                watcher.answer(&directive, DirectiveOutcome::Done).await;
            }
        }
    }
    assert_eq!(created.len(), SERVICES);
    let description = bench.describe().await;
    assert!(
        description
            .services
            .iter()
            .all(|service| service.state() == ServiceState::Converged)
    );
}
