//! The API server or the planner is away, and comes back.

use clb_proto::snapshot::v1::sync_request::Message as Up;
use serde_json::json;
use tokio::net::TcpSocket;
use tonic::Status;

use crate::objects::{service, slice};
use crate::planner::FakePlanner;
use crate::world::{Watcher, World};

#[tokio::test]
async fn a_planner_that_is_away_is_said_and_found_when_it_comes() {
    let World { kube, .. } = World::with(&[service("web")]).await;
    // Bound, so that nobody else gets the port, but not listened on: connections are refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let watcher = Watcher::start(&kube.kubeconfig(), address, "").await;
    watcher
        .reports("[-]planner failed: the planner answers Unavailable")
        .await;
    assert!(watcher.health.is_ready(), "who calls the watcher is not harmed");

    let mut planner = FakePlanner::serve(socket.listen(16).unwrap());
    let stream = planner.live().await;
    assert_eq!(stream.objects.len(), 1);
    watcher.reports("[+]planner ok").await;
}

#[tokio::test]
async fn after_a_broken_stream_everything_is_sent_anew() {
    let mut world = World::with(&[service("web")]).await;
    let watcher = world.watch().await;
    let stream = world.planner.live().await;
    stream.break_off(Status::unavailable("rolling over")).await;
    watcher.reports("rolling over").await;
    world.create(&service("meanwhile"));

    let mut stream = world.planner.welcome().await;
    watcher.reports("[+]planner ok").await;
    stream.snapshot().await;
    while stream.objects.len() < 2 {
        stream.delta().await;
    }
}

#[tokio::test]
async fn a_planner_that_kept_its_place_gets_only_what_it_has_missed() {
    let mut world = World::with(&[service("web"), service("other")]).await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    world.patch(
        "Service",
        "web",
        &json!({"spec": {"sessionAffinity": "ClientIP"}}),
    );
    stream.delta().await;
    // The acknowledgement has arrived when the watcher sends the next delta, which is lost.
    world.create(&service("lost"));
    stream.hear_news().await;
    stream.break_off(Status::unavailable("rolling over")).await;
    let acknowledged = stream.sequence;
    world.create(&slice("web-1", "web", &["10.0.0.1"]));

    let mut resumed = world.planner.resume(&stream).await;
    assert_eq!(resumed.sequence, acknowledged);
    let mut keys = Vec::new();
    while keys.len() < 2 {
        keys.extend(
            resumed
                .delta()
                .await
                .upserts
                .into_iter()
                .map(|(object, _)| object.key().to_string()),
        );
    }
    keys.sort();
    assert_eq!(keys, ["default/lost", "default/web"]);
}

#[tokio::test]
async fn a_refused_watcher_says_why() {
    let mut world = World::new().await;
    let watcher = world.watch().await;
    let stream = world.planner.accept().await;
    stream
        .break_off(Status::permission_denied("cluster c-test is not configured"))
        .await;
    watcher
        .reports("PermissionDenied: cluster c-test is not configured")
        .await;
}

#[tokio::test]
async fn an_api_server_that_is_away_is_said_and_caught_up_with() {
    let mut world = World::with(&[service("web")]).await;
    let watcher = world.watch_with("stream: {heartbeat: 100ms}").await;
    let mut stream = world.planner.live().await;
    world.kube.faults().set_unreachable(true);
    watcher.reports("[-]kubernetes failed").await;
    world.create(&slice("web-1", "web", &["10.0.0.1"]));
    let Up::Heartbeat(_) = stream.hear().await else {
        panic!("the stream goes on without the API server")
    };

    world.kube.faults().set_unreachable(false);
    let changes = stream.delta().await;
    assert_eq!(changes.upserts.len(), 1);
    watcher.reports("[+]kubernetes ok").await;
}

#[tokio::test]
async fn an_api_server_that_is_away_at_the_start_is_waited_for() {
    let mut world = World::with(&[service("web")]).await;
    world.kube.faults().set_unreachable(true);
    let watcher = world.watch().await;
    watcher
        .reports("[-]kubernetes failed: the API server cannot be reached")
        .await;
    world.kube.faults().set_unreachable(false);
    world.planner.live().await;
    watcher.reports("[+]kubernetes ok").await;
}

#[tokio::test]
async fn wrong_credentials_are_said_and_not_shown() {
    let world = World::new().await;
    let token = world.kube.token().unwrap().to_owned();
    let kubeconfig = world.kube.kubeconfig().replace(&token, "not-the-token");
    let watcher = Watcher::start(&kubeconfig, world.planner.address, "").await;
    watcher.reports("the API server answers 401").await;
    watcher
        .reports("check the kubeconfig or the ServiceAccount's token")
        .await;
    assert!(!watcher.health.report().contains("not-the-token"));
}

#[tokio::test]
async fn what_was_deleted_while_versions_expired_is_deleted_by_the_new_list() {
    let mut world = World::with(&[
        service("stays"),
        service("goes"),
        slice("s1", "stays", &["10.0.0.1"]),
    ])
    .await;
    let _watcher = world.watch().await;
    let mut stream = world.planner.live().await;
    world.kube.faults().set_unreachable(true);
    world.delete("Service", "goes");
    world.delete("EndpointSlice", "s1");
    world.patch(
        "Service",
        "stays",
        &json!({"spec": {"sessionAffinity": "ClientIP"}}),
    );
    world.kube.expire_versions();
    world.kube.faults().set_unreachable(false);

    let mut deleted = Vec::new();
    let mut without_endpoints = false;
    while deleted.is_empty() || !without_endpoints {
        let changes = stream.delta().await;
        deleted.extend(changes.deletions.into_iter().map(|deletion| deletion.key));
        without_endpoints |= changes.upserts.iter().any(|(object, _)| {
            matches!(object, clb_wire::records::Object::Service(service)
                if service.endpoints.is_empty() && service.client_ip_affinity_seconds.is_some())
        });
    }
    assert_eq!(deleted, ["default/goes"]);
}
