//! Readiness gates of pods: which endpoints wait for theirs, and what becomes of a pod whose gate is to be set.

use clb_envtest::ControlPlane;
use clb_model::cluster::{Endpoint, PodRef};
use clb_model::directive::{Directive, DirectiveOutcome, Writes};
use clb_model::version::Tenure;
use clb_model::{ServiceKey, ServiceUid};
use clb_telemetry::TraceContext;
use clb_wire::records::Object;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use kube_sim::{ApiError, Fault, FaultAction};
use serde_json::{Value, json};

use crate::objects;
use crate::planner::{Conversation, FakePlanner};
use crate::real_api::{client, default_namespace, typed};
use crate::world::{Watcher, World};

const GATE: &str = "service.readiness.alibabacloud.com/web";

/// A pod with these gates.
fn pod(name: &str, gates: &[&str]) -> Value {
    let gates: Vec<Value> = gates.iter().map(|gate| json!({"conditionType": gate})).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "web:1"}], "nodeName": "n1", "readinessGates": gates},
    })
}

/// What the kubelet says of a pod whose containers are ready.
fn running(ready: bool) -> Value {
    let ready = if ready {
        json!({"type": "Ready", "status": "True"})
    } else {
        json!({"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"})
    };
    json!({"status": {"phase": "Running", "conditions": [{"type": "ContainersReady", "status": "True"}, ready]}})
}

struct Scene {
    service: Service,
    pods: Api<Pod>,
    stream: Conversation,
    _watcher: Watcher,
    _planner: FakePlanner,
}

impl Scene {
    /// Service web with two pods behind it, of which only the first has the gate.
    async fn start(client: &Client, kubeconfig: &str) -> Self {
        let services: Api<Service> = Api::namespaced(client.clone(), "default");
        let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
        let new = PostParams::default();
        let service = services
            .create(&new, &typed(objects::service("web")))
            .await
            .unwrap();
        let mut endpoints = Vec::new();
        for (name, gates, ready) in [
            ("gated", &[GATE, "example.com/other"][..], false),
            ("plain", &[], true),
            ("of-another", &["service.readiness.alibabacloud.com/other"], false),
        ] {
            let created = pods.create(&new, &typed(pod(name, gates))).await.unwrap();
            pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(running(ready)))
                .await
                .unwrap();
            endpoints.push(json!({
                "addresses": [format!("10.0.0.{}", endpoints.len() + 1)],
                "conditions": {"ready": ready, "serving": ready, "terminating": false},
                "targetRef": {"kind": "Pod", "name": name, "namespace": "default", "uid": created.metadata.uid},
            }));
        }
        let mut slice = objects::slice("web-1", "web", &[]);
        slice["endpoints"] = json!(endpoints);
        let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
        slices.create(&new, &typed(slice)).await.unwrap();

        let mut planner = FakePlanner::start().await;
        let watcher = Watcher::start(kubeconfig, planner.address, "").await;
        Self {
            service,
            pods,
            stream: planner.live().await,
            _watcher: watcher,
            _planner: planner,
        }
    }

    async fn reference(&self, name: &str) -> PodRef {
        let pod = self.pods.get(name).await.unwrap();
        PodRef {
            name: name.to_owned(),
            uid: pod.metadata.uid.unwrap(),
        }
    }

    async fn set_gates(&mut self, readiness_gates: Vec<PodRef>) -> DirectiveOutcome {
        let directive = Directive {
            id: 1,
            service: ServiceKey::new("default", "web"),
            uid: ServiceUid::new(self.service.metadata.uid.as_deref().unwrap()).unwrap(),
            fencing: Tenure::default(),
            writes: Writes {
                readiness_gates,
                ..Writes::default()
            },
        };
        self.stream
            .direct(&directive, &TraceContext::default())
            .await
            .outcome
    }

    /// Status of a pod's condition.
    async fn condition(&self, pod: &str, kind: &str) -> Option<String> {
        let pod = self.pods.get(pod).await.unwrap();
        let conditions = pod.status?.conditions?;
        conditions
            .into_iter()
            .find(|condition| condition.type_ == kind)
            .map(|condition| condition.status)
    }
}

fn endpoints(object: &Object) -> Vec<Endpoint> {
    let Object::Service(service) = object else {
        panic!("no Service but {object:?}")
    };
    let sets = service.endpoints.iter();
    sets.flat_map(|set| set.endpoints.clone()).collect()
}

fn ready_and_awaiting(endpoints: &[Endpoint]) -> Vec<(bool, bool)> {
    endpoints
        .iter()
        .map(|endpoint| (endpoint.ready, endpoint.awaits_readiness_gate))
        .collect()
}

/// The pod with the gate counts as ready and waits for it; once the gate is set it waits no more, and is as ready as before though the
/// kubelet has not noticed.
async fn a_gate_is_waited_for_and_set(client: &Client, kubeconfig: &str) {
    let mut scene = Scene::start(client, kubeconfig).await;
    let listed: Vec<&Object> = scene.stream.objects.values().collect();
    assert_eq!(
        ready_and_awaiting(&endpoints(listed[0])),
        [(true, true), (true, false), (false, false)]
    );

    let gated = scene.reference("gated").await;
    let gone = PodRef {
        name: "gone".to_owned(),
        uid: "uid-gone".to_owned(),
    };
    let another = PodRef {
        uid: "uid-of-the-pod-before".to_owned(),
        ..scene.reference("plain").await
    };
    let outcome = scene.set_gates(vec![gone, another, gated]).await;
    assert_eq!(outcome, DirectiveOutcome::Done);
    assert_eq!(scene.condition("gated", GATE).await.as_deref(), Some("True"));
    assert_eq!(
        scene.condition("gated", "ContainersReady").await.as_deref(),
        Some("True"),
        "the kubelet's own condition stays"
    );
    assert_eq!(scene.condition("plain", GATE).await, None);

    let changes = scene.stream.delta().await;
    assert_eq!(
        ready_and_awaiting(&endpoints(&changes.upserts[0].0)),
        [(true, false), (true, false), (false, false)]
    );

    let at_once = DeleteParams::default().grace_period(0);
    scene.pods.delete("gated", &at_once).await.unwrap();
    let changes = scene.stream.delta().await;
    assert!(
        !endpoints(&changes.upserts[0].0)[0].ready,
        "without its pod the slice's word counts"
    );
}

#[tokio::test]
async fn a_gate_is_waited_for_and_set_in_the_simulated_api() {
    let world = World::new().await;
    let kubeconfig = world.kube.kubeconfig();
    a_gate_is_waited_for_and_set(&client(&kubeconfig).await, &kubeconfig).await;
}

#[tokio::test]
async fn a_gate_is_waited_for_and_set_in_a_real_api() {
    let Some(control_plane) = ControlPlane::start().await.unwrap() else {
        return;
    };
    let kubeconfig = control_plane.kubeconfig();
    let client = client(&kubeconfig).await;
    default_namespace(&client).await;
    a_gate_is_waited_for_and_set(&client, &kubeconfig).await;
}

#[tokio::test]
async fn a_gate_that_cannot_be_set_is_reported_and_holds_up_no_other() {
    let world = World::new().await;
    let kubeconfig = world.kube.kubeconfig();
    let mut scene = Scene::start(&client(&kubeconfig).await, &kubeconfig).await;
    world.kube.faults().add(Fault {
        verb: Some("patch".to_owned()),
        resource: Some("pods".to_owned()),
        times: 1,
        action: FaultAction::Fail(ApiError::internal("etcd is away")),
    });
    let (first, second) = (scene.reference("gated").await, scene.reference("plain").await);
    let outcome = scene.set_gates(vec![first, second]).await;
    let DirectiveOutcome::Failed { reason } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reason.contains("set_readiness_gate"), "{reason}");
    let set = [
        scene.condition("gated", GATE).await,
        scene.condition("plain", GATE).await,
    ];
    assert_eq!(
        set.iter().flatten().count(),
        1,
        "one was set, one was not: {set:?}"
    );
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["reason"], "FailedUpdateReadinessGate");
}

#[tokio::test]
async fn without_the_setting_no_pod_is_read() {
    let mut world = World::with(&[
        objects::service("web"),
        objects::slice("web-1", "web", &["10.0.0.1"]),
    ])
    .await;
    world.kube.faults().add(Fault {
        verb: None,
        resource: Some("pods".to_owned()),
        times: u32::MAX,
        action: FaultAction::Fail(ApiError::internal("nobody may read pods")),
    });
    let watcher = world.watch_with("kubernetes: {readiness_gates: false}").await;
    let stream = world.planner.live().await;
    assert_eq!(stream.objects.len(), 1);
    watcher.reports("[+]kubernetes ok").await;
}

/// The kubelet of a lost node says nothing of containers any more: there the pod is as ready as its slice says, until the node is back.
#[tokio::test]
async fn on_a_node_that_is_lost_a_pod_is_as_ready_as_its_slice_says() {
    let world = World::new().await;
    world.create(&objects::node("n1"));
    world.patch_status("Node", "n1", &objects::node_status(true, "2026-01-01T00:00:00Z"));
    let kubeconfig = world.kube.kubeconfig();
    let client = client(&kubeconfig).await;
    let mut scene = Scene::start(&client, &kubeconfig).await;
    let slices: Api<EndpointSlice> = Api::namespaced(client, "default");
    let mut slice = slices.get("web-1").await.unwrap();
    for endpoint in &mut slice.endpoints {
        endpoint.node_name = Some("n1".to_owned());
    }
    slices
        .replace("web-1", &PostParams::default(), &slice)
        .await
        .unwrap();
    let changes = scene.stream.delta().await;
    assert_eq!(
        ready_and_awaiting(&endpoints(&changes.upserts[0].0)),
        [(true, true), (true, false), (false, false)]
    );
    for (node_is_ready, gated_counts) in [(false, false), (true, true)] {
        let status = objects::node_status(node_is_ready, "2026-01-01T00:01:00Z");
        world.patch_status("Node", "n1", &status);
        let service = loop {
            let changes = scene.stream.delta().await;
            let mut objects = changes.upserts.into_iter().map(|(object, _)| object);
            if let Some(service) = objects.find(|object| matches!(object, Object::Service(_))) {
                break service;
            }
        };
        assert_eq!(
            ready_and_awaiting(&endpoints(&service)),
            [(gated_counts, true), (true, false), (false, false)]
        );
    }
}
