//! Many Services at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use clb_model::cluster::{Endpoint, EndpointPort, EndpointSet, PodRef, Service, Transport};
use clb_model::directive::DirectiveOutcome;
use clb_proto::planner::v1::ServiceState;
use clb_telemetry::TraceContext;
use clb_wire::actuator::MirrorUpdate;
use clb_wire::records::ObjectKey;

use super::bench::Bench;
use super::fake_watcher::{service, with_finalizer};
use crate::cluster::event::{Event, Mirror, Said};
use crate::snapshot::staging::{Changes, Deleted};

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
        host_names: 0,
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

/// A pass before all news are in may plan what is out of date, and while passes and news take turns, news that make passes are never through.
#[tokio::test(start_paused = true)]
async fn all_news_that_wait_are_heard_before_anything_is_planned() {
    let mut bench = Bench::start();
    bench.gives_no_batch_for(Duration::from_secs(1)).await;
    let services: Vec<Service> = (0..50)
        .map(|number| with_finalizer(service(&format!("web-{number:03}"))))
        .collect();
    let said = |said| Event::Watcher { stream: 0, said };
    bench.tell(said(Said::Connected { resumed: false })).await;
    bench
        .tell(said(Said::Snapshot {
            services: services.clone(),
            nodes: BTreeMap::new(),
        }))
        .await;
    for service in &services {
        let found = MirrorUpdate::Resolved {
            service: service.uid.clone(),
            load_balancers: Vec::new(),
        };
        bench.tell(Event::Mirror(Mirror::Update(found))).await;
    }
    let (gone, staying) = services.split_at(30);
    let deletions = gone.iter().map(|service| {
        let deleted = Deleted {
            key: ObjectKey::Service(service.key.clone()),
            uid: service.uid.to_string(),
        };
        (deleted, TraceContext::default())
    });
    let changes = Changes {
        deletions: deletions.collect(),
        upserts: Vec::new(),
    };
    bench.tell(said(Said::Changed(changes))).await;
    let mut under_way = Vec::new();
    for _ in staying {
        under_way.push(bench.batch().await);
    }
    bench.gives_no_batch_for(Duration::from_secs(1)).await;
    let planned: BTreeSet<_> = under_way
        .iter()
        .map(|execution| &execution.batch.service)
        .collect();
    assert_eq!(planned, staying.iter().map(|service| &service.uid).collect());
}
