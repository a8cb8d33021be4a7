//! What travels, and when.

use clb_model::ServiceKey;
use clb_model::cluster::{Service, ServiceType};
use clb_proto::snapshot::v1::ResyncRequest;
use clb_proto::snapshot::v1::sync_request::Message as Up;
use clb_proto::snapshot::v1::sync_response::Message as Down;
use clb_wire::records::{Object, ObjectKey};
use kube_sim::{ApiError, Fault, FaultAction};
use serde_json::json;

use crate::objects::{node, node_status, service, service_with, slice};
use crate::planner::{Changes, Conversation};
use crate::world::World;

const FINALIZER: &str = "service.k8s.alibaba/resources";

fn key(name: &str) -> ObjectKey {
    ObjectKey::Service(ServiceKey::new("default", name))
}

fn held<'s>(stream: &'s Conversation, name: &str) -> &'s Service {
    match stream.objects.get(&key(name)) {
        Some(Object::Service(service)) => service,
        other => panic!("{name} is {other:?}"),
    }
}

fn addresses(service: &Service) -> Vec<String> {
    let endpoints = service.endpoints.iter().flat_map(|set| &set.endpoints);
    endpoints.map(|endpoint| endpoint.address.to_string()).collect()
}

fn only_upsert(changes: &Changes) -> &Object {
    assert!(
        changes.deletions.is_empty() && changes.upserts.len() == 1,
        "{changes:?}"
    );
    &changes.upserts[0].0
}

#[tokio::test]
async fn hello_says_who_speaks() {
    let mut world = World::new().await;
    let _watcher = world.watch_with("instance: watcher-0").await;
    let mut stream = world.planner.accept().await;
    assert_eq!(stream.cluster.as_deref(), Some("c-test"));
    let Up::Hello(hello) = stream.hear().await else {
        panic!("no Hello")
    };
    let kube_system = kube_sim::resources::by_kind("v1", "Namespace").unwrap();
    let namespace = world.kube.cluster().get(kube_system, "", "kube-system").unwrap();
    assert_eq!(hello.cluster_uid, namespace["metadata"]["uid"].as_str().unwrap());
    assert_eq!(hello.instance, "watcher-0");
    assert!(hello.epoch.unwrap().lease_created_ms > 1_600_000_000_000);
    assert_eq!((hello.protocol_min, hello.protocol_max), (1, 1));
}

#[tokio::test]
async fn only_services_of_ours_and_those_with_our_finalizer_travel() {
    let mut world = World::with(&[
        node("n1"),
        service("ours"),
        service_with("internal", &json!({}), &json!({"type": "ClusterIP"})),
        service_with("of-a-class", &json!({}), &json!({"loadBalancerClass": "example.com/other"})),
        service_with(
            "of-another-product",
            &json!({"annotations": {"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-tunnel-type": "x"}}),
            &json!({}),
        ),
        service_with("was-ours", &json!({"finalizers": [FINALIZER]}), &json!({"type": "ClusterIP"})),
    ])
    .await;
    let _watcher = world.watch().await;
    let stream = world.planner.live().await;
    let keys: Vec<_> = stream.objects.keys().cloned().collect();
    assert_eq!(
        keys,
        [key("ours"), key("was-ours"), ObjectKey::Node("n1".to_owned())]
    );
    let was_ours = held(&stream, "was-ours");
    assert_eq!(
        (was_ours.service_type, was_ours.finalizer),
        (ServiceType::ClusterIp, true)
    );
}

#[tokio::test]
async fn a_configured_class_is_the_only_one() {
    let mut world = World::with(&[
        service("plain"),
        service_with(
            "named",
            &json!({}),
            &json!({"loadBalancerClass": "example.com/clb"}),
        ),
    ])
    .await;
    let _watcher = world.watch_with("load_balancer_class: example.com/clb").await;
    let stream = world.planner.live().await;
    assert_eq!(stream.objects.keys().cloned().collect::<Vec<_>>(), [key("named")]);
}

#[tokio::test]
async fn a_service_travels_with_its_whole_endpoint_set() {
    let mut world = World::with(&[
        service("web"),
        slice("web-1", "web", &["10.0.0.2", "10.0.0.1"]),
        slice("web-2", "web", &["10.0.0.3"]),
        slice("other-1", "other", &["10.0.0.9"]),
    ])
    .await;
    let _watcher = world.watch().await;
    let stream = world.planner.live().await;
    assert_eq!(
        addresses(held(&stream, "web")),
        ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    );
}

#[tokio::test]
async fn nothing_is_sent_before_every_kind_is_listed() {
    let mut world = World::with(&[service("web"), slice("web-1", "web", &["10.0.0.1"])]).await;
    world.kube.faults().add(Fault {
        verb: Some("list".to_owned()),
        resource: Some("endpointslices".to_owned()),
        times: u32::MAX,
        action: FaultAction::Fail(ApiError::new(503, "ServiceUnavailable", "not now")),
    });
    let watcher = world.watch().await;
    watcher
        .reports("endpointslices: the API server answers 503")
        .await;
    assert!(!world.planner.opened(), "a stream was opened without the slices");

    world.kube.faults().clear();
    let stream = world.planner.live().await;
    assert_eq!(addresses(held(&stream, "web")), ["10.0.0.1"]);
    watcher.reports("[+]kubernetes ok").await;
}

#[tokio::test]
async fn a_snapshot_is_cut_into_chunks() {
    let services: Vec<_> = (0..40).map(|n| service(&format!("web-{n}"))).collect();
    let mut world = World::with(&services).await;
    let _watcher = world.watch_with("stream: {chunk_bytes: 1024}").await;
    let mut stream = world.planner.welcome().await;
    let chunks = stream.snapshot().await;
    assert!(chunks.len() > 5, "{chunks:?}");
    assert_eq!(stream.objects.len(), 40);
}

#[tokio::test]
async fn changes_travel_as_deltas() {
    let mut world = World::with(&[service("web")]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;

    world.create(&slice("web-1", "web", &["10.0.0.1"]));
    let changes = stream.delta().await;
    only_upsert(&changes);
    assert_eq!(addresses(held(&stream, "web")), ["10.0.0.1"]);

    world.patch(
        "Service",
        "web",
        &json!({"spec": {"sessionAffinity": "ClientIP"}}),
    );
    stream.delta().await;
    assert_eq!(held(&stream, "web").client_ip_affinity_seconds, Some(10_800));
    assert_eq!(
        addresses(held(&stream, "web")),
        ["10.0.0.1"],
        "a Service never travels without its endpoints"
    );

    world.delete("EndpointSlice", "web-1");
    stream.delta().await;
    assert_eq!(held(&stream, "web").endpoints, []);
}

#[tokio::test]
async fn nodes_travel_and_their_heartbeats_do_not() {
    let mut world = World::with(&[node("n1")]).await;
    world.patch_status("Node", "n1", &node_status(true, "2026-01-01T00:00:00Z"));
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;

    let mut heartbeat = node_status(true, "2026-01-01T00:00:00Z");
    heartbeat["status"]["conditions"][0]["lastHeartbeatTime"] = json!("2026-01-01T00:05:00Z");
    world.patch_status("Node", "n1", &heartbeat);
    world.patch_status("Node", "n1", &node_status(false, "2026-01-01T00:10:00Z"));
    let changes = stream.delta().await;
    let Object::Node(n1) = only_upsert(&changes) else {
        panic!("no Node")
    };
    let ready = n1.ready.unwrap();
    assert_eq!((ready.ready, ready.since_ms), (false, 1_767_226_200_000));
    assert_eq!(n1.instance_id(), Some("i-n1"));

    world.delete("Node", "n1");
    let changes = stream.delta().await;
    assert_eq!(changes.deletions[0].uid, n1.uid);
}

#[tokio::test]
async fn a_deletion_names_the_uid_and_a_new_service_of_the_name_is_told_from_the_old() {
    let mut world = World::with(&[service("web")]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    let first = held(&stream, "web").uid.clone();

    // While the planner owes an acknowledgement, both happen; the latest state counts.
    world.create(&node("n1"));
    stream.unacknowledged_delta().await;
    world.delete("Service", "web");
    let second = world.create(&service("web"))["metadata"]["uid"].clone();
    stream.acknowledge().await;

    let mut deleted = Vec::new();
    let mut upserted = Vec::new();
    while upserted.is_empty() {
        let changes = stream.delta().await;
        deleted.extend(changes.deletions.into_iter().map(|deletion| deletion.uid));
        upserted.extend(changes.upserts);
    }
    assert_eq!(deleted, [first.as_str()]);
    assert_eq!(held(&stream, "web").uid.as_str(), second.as_str().unwrap());
}

#[tokio::test]
async fn a_service_that_stops_being_ours_leaves_unless_it_has_our_finalizer() {
    let mut world = World::with(&[
        service("free"),
        service_with("bound", &json!({"finalizers": [FINALIZER]}), &json!({})),
    ])
    .await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    world.patch("Service", "free", &json!({"spec": {"type": "ClusterIP"}}));
    let changes = stream.delta().await;
    assert_eq!(changes.deletions[0].key, "default/free");

    world.patch("Service", "bound", &json!({"spec": {"type": "ClusterIP"}}));
    stream.delta().await;
    assert_eq!(held(&stream, "bound").service_type, ServiceType::ClusterIp);
}

#[tokio::test]
async fn a_service_that_becomes_ours_comes_with_the_slices_that_were_there_before() {
    let others = service_with("web", &json!({}), &json!({"type": "ClusterIP"}));
    let mut world = World::with(&[others, slice("web-1", "web", &["10.0.0.1", "10.0.0.2"])]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    assert!(stream.objects.is_empty());
    for round in 0..2 {
        world.patch("Service", "web", &json!({"spec": {"type": "LoadBalancer"}}));
        let changes = stream.delta().await;
        let Object::Service(web) = only_upsert(&changes) else {
            panic!("no Service")
        };
        let addresses: Vec<String> = web.endpoints[0]
            .endpoints
            .iter()
            .map(|endpoint| endpoint.address.to_string())
            .collect();
        assert_eq!(addresses, ["10.0.0.1", "10.0.0.2"], "round {round}");
        world.patch("Service", "web", &json!({"spec": {"type": "ClusterIP"}}));
        stream.delta().await;
    }
}

#[tokio::test]
async fn the_latest_state_wins_while_an_acknowledgement_is_outstanding() {
    let mut world = World::with(&[service("web")]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    world.create(&node("n1"));
    stream.unacknowledged_delta().await;

    let mut last = serde_json::Value::Null;
    for port in 1000..1020 {
        last = world.patch(
            "Service",
            "web",
            &json!({"spec": {"ports": [{"name": "web", "port": port}]}}),
        );
    }
    stream.acknowledge().await;
    while held(&stream, "web").ports[0].port != 1019 {
        let changes = stream.delta().await;
        only_upsert(&changes);
    }
    assert_eq!(
        held(&stream, "web").resource_version,
        last["metadata"]["resourceVersion"].as_str().unwrap()
    );
}

#[tokio::test]
async fn the_planner_gets_a_full_snapshot_when_it_asks_for_one() {
    let mut world = World::with(&[service("web")]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    let before = stream.sequence;
    stream
        .say(Down::Resync(ResyncRequest {
            reason: "a test".to_owned(),
        }))
        .await;
    stream.snapshot().await;
    assert_eq!(stream.sequence, before + 1);
    held(&stream, "web");

    world.patch(
        "Service",
        "web",
        &json!({"spec": {"sessionAffinity": "ClientIP"}}),
    );
    stream.delta().await;
}

#[tokio::test]
async fn heartbeats_say_how_old_the_stalest_watch_is() {
    let mut world = World::new().await;
    let _watcher = world.watch_with("stream: {heartbeat: 100ms}").await;
    let mut stream = world.planner.live().await;
    for _ in 0..3 {
        let Up::Heartbeat(heartbeat) = stream.hear().await else {
            panic!("no heartbeat")
        };
        assert_eq!(heartbeat.sequence, stream.sequence);
        assert!(heartbeat.stalest_watch.unwrap().seconds < 60);
    }
}

#[tokio::test]
async fn stopping_ends_the_stream_cleanly() {
    let mut world = World::new().await;
    let watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    watcher.stop();
    assert!(stream.ends_cleanly().await);
    drop(stream);
    watcher.ended().await.unwrap();
}
