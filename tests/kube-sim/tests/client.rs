//! kube-rs as a client: the watcher of the runtime crate against the simulated API.
#![expect(clippy::expect_used, reason = "helpers of tests may panic as tests do")]

use futures::StreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher::{self, Event};
use kube_sim::{KubeSim, Options};
use serde_json::json;

async fn client(sim: &KubeSim) -> kube::Client {
    let kubeconfig = Kubeconfig::from_yaml(&sim.kubeconfig()).expect("kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("config");
    kube::Client::try_from(config).expect("client")
}

fn service(name: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "x"}, "ports": [{"port": 80}]}})
}

async fn next_names(
    stream: &mut (impl StreamExt<Item = watcher::Result<Event<Service>>> + Unpin),
    count: usize,
) -> Vec<String> {
    let mut names = Vec::new();
    while names.len() < count {
        let event = match stream.next().await.expect("no end") {
            Err(watcher::Error::WatchError(status)) if status.code == 410 => continue,
            event => event.expect("no other error"),
        };
        match event {
            Event::Apply(object) | Event::InitApply(object) => {
                names.push(object.metadata.name.unwrap_or_default())
            }
            Event::Delete(object) => names.push(format!("-{}", object.metadata.name.unwrap_or_default())),
            Event::Init | Event::InitDone => {}
        }
    }
    names
}

async fn watcher_sees_everything(config: watcher::Config) {
    let sim = KubeSim::start(Options::default()).await.expect("started");
    let api: Api<Service> = Api::default_namespaced(client(&sim).await);
    sim.cluster().create(&service("a")).expect("created");
    let mut stream = std::pin::pin!(watcher::watcher(api.clone(), config));
    assert_eq!(next_names(&mut stream, 1).await, ["a"]);

    let made: Service = serde_json::from_value(service("b")).expect("typed");
    let made = api.create(&PostParams::default(), &made).await.expect("created");
    let spec = made.spec.expect("spec");
    assert!(spec.cluster_ip.is_some() && spec.ports.expect("ports")[0].node_port.is_some());
    let patch = json!({"metadata": {"labels": {"x": "y"}}});
    api.patch("b", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .expect("patched");
    sim.cluster()
        .delete(&kube_sim::resources::SERVICES, "default", "a")
        .expect("deleted");
    assert_eq!(next_names(&mut stream, 3).await, ["b", "b", "-a"]);

    sim.expire_versions();
    assert_eq!(
        next_names(&mut stream, 1).await,
        ["b"],
        "a relist after the 410 event"
    );
    sim.shutdown().await;
}

#[tokio::test]
async fn watcher_with_list_and_watch() {
    watcher_sees_everything(watcher::Config::default()).await;
}

#[tokio::test]
async fn watcher_with_streaming_lists() {
    watcher_sees_everything(watcher::Config::default().streaming_lists()).await;
}

#[tokio::test]
async fn lists_come_in_pages_of_one_version() {
    let sim = KubeSim::start(Options {
        tls: false,
        ..Options::default()
    })
    .await
    .expect("started");
    let api: Api<Service> = Api::default_namespaced(client(&sim).await);
    for name in ["a", "b", "c"] {
        sim.cluster().create(&service(name)).expect("created");
    }
    let first = api.list(&ListParams::default().limit(2)).await.expect("listed");
    assert_eq!(
        (first.items.len(), first.metadata.remaining_item_count),
        (2, Some(1))
    );
    sim.cluster()
        .delete(&kube_sim::resources::SERVICES, "default", "c")
        .expect("deleted");
    let token = first.metadata.continue_.expect("token");
    let rest = api
        .list(&ListParams::default().limit(2).continue_token(&token))
        .await
        .expect("listed");
    assert_eq!(rest.items.len(), 1, "the page is of the first page's version");
    assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
}
