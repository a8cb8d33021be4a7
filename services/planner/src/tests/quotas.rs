//! What Services that are planned at one moment take of a quota that they share. With the real core.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_model::cloud::{Backend, BackendTarget, LoadBalancer, VServerGroup};
use clb_model::cluster::{Ingress, Node, NodeReady, Service, ServicePort, TargetPort, Transport};
use clb_model::operation::{Change, Outcome};
use clb_model::version::PartVersion;
use clb_model::{VServerGroupId, marks};
use clb_wire::actuator::MirrorUpdate;

use super::bench::Bench;
use super::fake_actuator::{Execution, load_balancer};
use super::fake_watcher::{service, uid, with_finalizer};
use crate::cluster::event::{Event, Mirror, Said};

fn with_port(name: &str) -> Service {
    let mut service = with_finalizer(service(name));
    service.ports = vec![ServicePort {
        name: String::new(),
        transport: Transport::Tcp,
        port: 80,
        target: TargetPort::Number(8080),
        node_port: Some(30080),
    }];
    service
}

fn node(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        uid: name.to_owned(),
        provider_id: format!("cn-hangzhou.i-{name}"),
        labels: BTreeMap::new(),
        taints: Vec::new(),
        unschedulable: false,
        ready: Some(NodeReady {
            ready: true,
            since_ms: 0,
        }),
        deleting: false,
    }
}

fn attached(execution: &Execution) -> usize {
    let operations = execution.batch.operations.iter();
    operations
        .map(|operation| match &operation.change {
            Change::CreateVServerGroup { backends, .. } | Change::ChangeBackends { backends, .. } => {
                backends.iter().map(Backend::key).count()
            }
            _ => 0,
        })
        .sum()
}

#[tokio::test(start_paused = true)]
async fn services_planned_at_one_moment_do_not_take_the_same_room() {
    let mut bench = Bench::with_quotas("{attachments_per_instance: 1}");
    bench.gives_no_batch_for(Duration::from_secs(1)).await;
    let snapshot = |names: &[&str]| Event::Watcher {
        stream: 0,
        said: Said::Snapshot {
            services: names.iter().map(|name| with_port(name)).collect(),
            nodes: BTreeMap::from([("n1".to_owned(), node("n1"))]),
        },
    };
    bench.tell(snapshot(&["one", "two"])).await;
    let (first, second) = (bench.batch().await, bench.batch().await);
    assert_eq!((attached(&first), attached(&second)), (1, 0));

    // Nothing comes of the first batch, so its room is there for another Service until the first is planned again.
    first.end_with(Outcome::Superseded).await;
    bench.settle().await;
    bench.tell(snapshot(&["one", "three", "two"])).await;
    let (third, again) = (bench.batch().await, bench.batch().await);
    assert_eq!(third.batch.service.as_str(), "uid-three");
    assert_eq!((attached(&third), attached(&again)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn room_is_not_taken_while_the_clbs_of_others_are_not_shown() {
    let mut bench = Bench::with_quotas("{attachments_per_instance: 1}");
    bench.gives_no_batch_for(Duration::from_secs(1)).await;
    bench.actuator.be_silent(true);
    let services = ["one", "two"].map(|name| {
        let mut service = with_port(name);
        service.ingress = vec![Ingress {
            ip: Some("203.0.113.7".to_owned()),
            ..Ingress::default()
        }];
        service
    });
    let snapshot = Said::Snapshot {
        services: services.to_vec(),
        nodes: BTreeMap::from([("n1".to_owned(), node("n1"))]),
    };
    bench
        .tell(Event::Watcher {
            stream: 0,
            said: snapshot,
        })
        .await;
    let [mut first, second] = services.map(|service| {
        let name = marks::default_name(&service.uid);
        load_balancer(&format!("lb-{}", service.key.name), &name, &name)
    });
    let group = VServerGroup {
        version: PartVersion { term: 1, number: 1 },
        name: "of-one".to_owned(),
        backends: vec![Backend {
            target: BackendTarget::Instance("i-n1".to_owned()),
            port: 30080,
            weight: 100,
            description: "of-one".to_owned(),
        }],
    };
    first
        .vgroups
        .insert(VServerGroupId::new("rsp-one").unwrap(), group);
    shown(&bench, "two", second).await;
    bench.gives_no_batch_for(Duration::from_secs(5)).await;

    shown(&bench, "one", first).await;
    let of_second = loop {
        let execution = bench.batch().await;
        if execution.batch.service == uid("two") {
            break execution;
        }
    };
    assert_eq!(
        attached(&of_second),
        0,
        "the instance is in as many groups as it may be"
    );
}

async fn shown(bench: &Bench, service: &str, load_balancer: LoadBalancer) {
    let found = MirrorUpdate::Resolved {
        service: uid(service),
        load_balancers: vec![load_balancer.id.clone()],
    };
    for update in [MirrorUpdate::LoadBalancer(Box::new(load_balancer)), found] {
        bench.tell(Event::Mirror(Mirror::Update(update))).await;
    }
}
