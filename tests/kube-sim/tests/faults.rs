//! Faults on order, and many objects with several watchers.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests do"
)]

use std::collections::BTreeSet;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube_sim::{Cluster, Fault, FaultAction, KubeSim, Options, resources};
use serde_json::{Value, json};

const SERVICES: usize = 1_000;

async fn client(sim: &KubeSim) -> kube::Client {
    let kubeconfig = Kubeconfig::from_yaml(&sim.kubeconfig()).expect("kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("config");
    kube::Client::try_from(config).expect("client")
}

async fn started() -> (KubeSim, Api<Service>, Cluster) {
    let sim = KubeSim::start(Options::default()).await.expect("started");
    let api = Api::default_namespaced(client(&sim).await);
    let cluster = sim.cluster();
    (sim, api, cluster)
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})
}

fn status_code(error: kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("no answer of the API: {other}"),
    }
}

#[tokio::test]
async fn refusals_hit_as_many_requests_as_ordered() {
    let (sim, api, cluster) = started().await;
    cluster.create(&service("a")).expect("created");
    sim.faults().fail_next(2, 500, "out of order");
    for _ in 0..2 {
        assert_eq!(status_code(api.get("a").await.expect_err("refused")), 500);
    }
    api.get("a").await.expect("works again");
}

#[tokio::test]
async fn a_rule_picks_its_verb_and_resource() {
    let (sim, api, cluster) = started().await;
    cluster.create(&service("a")).expect("created");
    let action = FaultAction::Fail(kube_sim::ApiError::new(409, "Conflict", "ordered"));
    let fault = Fault {
        verb: Some("patch".into()),
        resource: Some("services".into()),
        times: 1,
        action,
    };
    sim.faults().add(fault);
    api.get("a").await.expect("not a patch");
    let patch = Patch::Merge(json!({"metadata": {"labels": {"x": "y"}}}));
    let error = api
        .patch("a", &PatchParams::default(), &patch)
        .await
        .expect_err("refused");
    assert_eq!(status_code(error), 409);
    api.patch("a", &PatchParams::default(), &patch)
        .await
        .expect("once only");
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect() {
    let (sim, api, cluster) = started().await;
    cluster.create(&service("a")).expect("created");
    cluster.create(&service("b")).expect("created");
    let lose = |action| Fault {
        verb: Some("delete".into()),
        resource: None,
        times: 1,
        action,
    };
    sim.faults().add(lose(FaultAction::LoseAnswer));
    api.delete("a", &DeleteParams::default())
        .await
        .expect_err("no answer");
    assert!(
        cluster.get(&resources::SERVICES, "default", "a").is_none(),
        "it was deleted"
    );
    sim.faults().add(lose(FaultAction::LoseRequest));
    api.delete("b", &DeleteParams::default())
        .await
        .expect_err("no answer");
    assert!(
        cluster.get(&resources::SERVICES, "default", "b").is_some(),
        "it was not"
    );
}

#[tokio::test]
async fn an_unreachable_api_comes_back_on_its_address() {
    let (sim, api, cluster) = started().await;
    cluster.create(&service("a")).expect("created");
    let mut watch = api
        .watch(&WatchParams::default(), "0")
        .await
        .expect("open")
        .boxed();
    assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Added(_)))));
    sim.faults().set_unreachable(true);
    assert!(!matches!(watch.next().await, Some(Ok(_))), "the watch is cut");
    api.list(&ListParams::default()).await.expect_err("unreachable");
    sim.faults().set_unreachable(false);
    assert_eq!(
        api.list(&ListParams::default())
            .await
            .expect("reachable")
            .items
            .len(),
        1
    );
}

#[tokio::test]
async fn a_stalled_api_answers_later() {
    let (sim, api, cluster) = started().await;
    cluster.create(&service("a")).expect("created");
    sim.faults().set_stalled(true);
    let mut pending = std::pin::pin!(api.get("a"));
    assert!(futures::poll!(pending.as_mut()).is_pending());
    tokio::task::yield_now().await;
    assert!(futures::poll!(pending.as_mut()).is_pending());
    sim.faults().set_stalled(false);
    pending.await.expect("answered");
}

#[tokio::test]
async fn dropped_watches_end_and_expired_ones_say_410() {
    let (sim, api, cluster) = started().await;
    cluster.create(&service("a")).expect("created");
    let version = api
        .list(&ListParams::default())
        .await
        .expect("listed")
        .metadata
        .resource_version
        .expect("set");
    let mut watch = api
        .watch(&WatchParams::default(), &version)
        .await
        .expect("open")
        .boxed();
    cluster.create(&service("b")).expect("created");
    assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Added(_)))));
    sim.faults().drop_watches();
    assert!(watch.next().await.is_none(), "dropped");
    sim.expire_versions();
    let mut watch = api
        .watch(&WatchParams::default(), &version)
        .await
        .expect("a 200 all the same")
        .boxed();
    match watch.next().await {
        Some(Ok(WatchEvent::Error(status))) => assert_eq!(status.code, 410),
        other => panic!("no 410 event: {other:?}"),
    }
    assert!(watch.next().await.is_none(), "the watch ends with it");
}

#[tokio::test]
async fn a_slow_watcher_is_told_that_the_history_has_moved_on() {
    let sim = KubeSim::start(Options {
        history: 4,
        ..Options::default()
    })
    .await
    .expect("started");
    let api: Api<Service> = Api::default_namespaced(client(&sim).await);
    let cluster = sim.cluster();
    cluster.create(&service("a")).expect("created");
    let version = api
        .list(&ListParams::default())
        .await
        .expect("listed")
        .metadata
        .resource_version
        .expect("set");
    for label in 0..6 {
        let patch = json!({"metadata": {"labels": {"x": label.to_string()}}});
        cluster
            .merge_patch(&resources::SERVICES, "default", "a", &patch)
            .expect("patched");
    }
    let mut watch = api
        .watch(&WatchParams::default(), &version)
        .await
        .expect("open")
        .boxed();
    assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Error(status))) if status.code == 410));
}

#[tokio::test]
async fn a_thousand_services_reach_every_watcher() {
    let (_sim, api, cluster) = started().await;
    let mut watches = Vec::new();
    for _ in 0..4 {
        watches.push(
            api.watch(&WatchParams::default(), "0")
                .await
                .expect("open")
                .boxed(),
        );
    }
    let names: Vec<String> = (0..SERVICES).map(|number| format!("s{number:04}")).collect();
    for name in &names {
        cluster.create(&service(name)).expect("created");
    }
    let mut node_ports = BTreeSet::new();
    for service in cluster.list(&resources::SERVICES, "default") {
        node_ports.insert(service["spec"]["ports"][0]["nodePort"].as_i64().expect("a port"));
    }
    assert_eq!(node_ports.len(), SERVICES, "no port twice");
    for mut watch in watches {
        let mut seen = Vec::new();
        while seen.len() < SERVICES {
            match watch.next().await {
                Some(Ok(WatchEvent::Added(service))) => seen.push(service.metadata.name.expect("named")),
                other => panic!("no addition: {other:?}"),
            }
        }
        assert_eq!(seen, names, "all of them, in order");
    }
}
