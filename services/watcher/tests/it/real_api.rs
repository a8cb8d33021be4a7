//! The same against a real kube-apiserver, where there is one (see `tests/envtest`): the life of a Service, from its creation to the
//! end of its finalizer. What the simulated API lets through is worth nothing if the real one refuses it.

use std::collections::BTreeMap;

use clb_envtest::ControlPlane;
use clb_model::cluster::{Condition, ConditionStatus, Ingress};
use clb_model::directive::{Directive, DirectiveOutcome, Event, FinalizerAction, Severity, Writes};
use clb_model::version::Tenure;
use clb_model::{ServiceKey, ServiceUid, marks};
use clb_telemetry::TraceContext;
use clb_wire::records::Object;
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::events::v1 as events;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::objects;
use crate::planner::{Conversation, FakePlanner, soon};
use crate::world::Watcher;

pub(crate) async fn client(kubeconfig: &str) -> Client {
    clb_tls::install_provider();
    let kubeconfig = kube::config::Kubeconfig::from_yaml(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

pub(crate) fn typed<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}

/// The namespace is made by the API server itself, a moment after it is ready.
pub(crate) async fn default_namespace(client: &Client) {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let there = async {
        while namespaces.get_opt("default").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    soon("the namespace default", there).await;
}

fn directive(service: &Service, writes: Writes) -> Directive {
    Directive {
        id: 1,
        service: ServiceKey::new("default", service.metadata.name.as_deref().unwrap()),
        uid: ServiceUid::new(service.metadata.uid.as_deref().unwrap()).unwrap(),
        fencing: Tenure::default(),
        writes,
    }
}

async fn direct(stream: &mut Conversation, service: &Service, writes: Writes) -> DirectiveOutcome {
    stream
        .direct(&directive(service, writes), &TraceContext::default())
        .await
        .outcome
}

#[tokio::test]
async fn the_life_of_a_service() {
    let Some(control_plane) = ControlPlane::start().await.unwrap() else {
        return;
    };
    let client = client(&control_plane.kubeconfig()).await;
    default_namespace(&client).await;
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
    let nodes: Api<Node> = Api::all(client.clone());
    let new = PostParams::default();
    nodes.create(&new, &typed(objects::node("n1"))).await.unwrap();
    let web = services
        .create(&new, &typed(objects::service("web")))
        .await
        .unwrap();

    let mut planner = FakePlanner::start().await;
    let watcher = Watcher::start(&control_plane.kubeconfig(), planner.address, "").await;
    let mut stream = planner.live().await;
    assert_eq!(stream.objects.len(), 2);
    watcher.reports("[+]kubernetes ok").await;

    slices
        .create(&new, &typed(objects::slice("web-1", "web", &["10.0.0.1"])))
        .await
        .unwrap();
    let changes = stream.delta().await;
    let Object::Service(with_endpoints) = &changes.upserts[0].0 else {
        panic!("no Service")
    };
    assert_eq!(with_endpoints.endpoints[0].endpoints.len(), 1);

    let wanted = Writes {
        finalizer: FinalizerAction::Present,
        ingress: Some(vec![Ingress {
            ip: Some("47.1.2.3".to_owned()),
            ..Ingress::default()
        }]),
        labels: BTreeMap::from([(marks::LOAD_BALANCER_ID_LABEL.to_owned(), Some("lb-1".to_owned()))]),
        conditions: vec![Condition {
            kind: "service.k8s.alibaba/Programmed".to_owned(),
            status: ConditionStatus::True,
            reason: "Programmed".to_owned(),
            message: "the CLB is as asked".to_owned(),
        }],
        ..Writes::default()
    };
    let with_event = Writes {
        events: vec![Event {
            severity: Severity::Normal,
            reason: "EnsuredLoadBalancer".into(),
            message: "the CLB is as asked".to_owned(),
        }],
        ..wanted.clone()
    };
    assert_eq!(
        direct(&mut stream, &web, with_event.clone()).await,
        DirectiveOutcome::Done
    );
    let written = services.get("web").await.unwrap();
    assert_eq!(
        written.metadata.finalizers.as_deref().unwrap(),
        [marks::FINALIZER]
    );
    assert_eq!(
        written.metadata.labels.as_ref().unwrap()[marks::LOAD_BALANCER_ID_LABEL],
        "lb-1"
    );
    let status = written.status.as_ref().unwrap();
    assert_eq!(status.conditions.as_ref().unwrap().len(), 1);
    let address = &status.load_balancer.as_ref().unwrap().ingress.as_ref().unwrap()[0];
    assert_eq!(address.ip.as_deref(), Some("47.1.2.3"));

    // Once more: only the event is counted, nothing else is written.
    assert_eq!(
        direct(&mut stream, &web, with_event).await,
        DirectiveOutcome::Done
    );
    let again = services.get("web").await.unwrap();
    assert_eq!(again.metadata.resource_version, written.metadata.resource_version);
    let sent: Api<events::Event> = Api::namespaced(client.clone(), "default");
    let about_web = ListParams::default().fields("reportingController=clb-controller");
    let sent = sent.list(&about_web).await.unwrap().items;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].series.as_ref().unwrap().count, 2);

    services.delete("web", &DeleteParams::default()).await.unwrap();
    let cleaned_up = Writes {
        finalizer: FinalizerAction::Absent,
        ingress: Some(Vec::new()),
        labels: BTreeMap::from([(marks::LOAD_BALANCER_ID_LABEL.to_owned(), None)]),
        ..Writes::default()
    };
    assert_eq!(
        direct(&mut stream, &web, cleaned_up.clone()).await,
        DirectiveOutcome::Done
    );
    assert_eq!(services.get_opt("web").await.unwrap(), None);
    assert_eq!(direct(&mut stream, &web, wanted).await, DirectiveOutcome::Gone);

    watcher.stop();
    assert!(stream.ends_cleanly().await);
    drop(stream);
    watcher.ended().await.unwrap();
}

#[tokio::test]
async fn a_type_changed_away_is_cleaned_up() {
    let Some(control_plane) = ControlPlane::start().await.unwrap() else {
        return;
    };
    let client = client(&control_plane.kubeconfig()).await;
    default_namespace(&client).await;
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let bound = objects::service_with(
        "web",
        &json!({"finalizers": [marks::FINALIZER], "labels": {marks::HASH_LABEL: "abc"}}),
        &json!({}),
    );
    let web: Service = services
        .create(&PostParams::default(), &typed(bound))
        .await
        .unwrap();
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "47.1.2.3"}]}}});
    services
        .patch_status("web", &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
    let to_cluster_ip = json!({"spec": {"type": "ClusterIP"}});
    services
        .patch("web", &PatchParams::default(), &Patch::Merge(to_cluster_ip))
        .await
        .unwrap();

    let mut planner = FakePlanner::start().await;
    let _watcher = Watcher::start(&control_plane.kubeconfig(), planner.address, "").await;
    let mut stream = planner.live().await;
    assert_eq!(stream.objects.len(), 1, "it still carries our finalizer");
    let cleaned_up = Writes {
        finalizer: FinalizerAction::Absent,
        ingress: Some(Vec::new()),
        labels: BTreeMap::from([(marks::HASH_LABEL.to_owned(), None)]),
        ..Writes::default()
    };
    assert_eq!(
        direct(&mut stream, &web, cleaned_up).await,
        DirectiveOutcome::Done
    );
    let written = services.get("web").await.unwrap();
    assert_eq!(
        (written.metadata.finalizers, written.metadata.labels),
        (None, None)
    );
    assert_eq!(written.status.unwrap().load_balancer.unwrap().ingress, None);
}

#[tokio::test]
async fn a_namespace_that_goes_is_not_held_by_events_that_it_refuses() {
    let Some(control_plane) = ControlPlane::start().await.unwrap() else {
        return;
    };
    let client = client(&control_plane.kubeconfig()).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let services: Api<Service> = Api::namespaced(client.clone(), "going");
    let new = PostParams::default();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "going"}});
    namespaces.create(&new, &typed(namespace)).await.unwrap();
    let mut web = objects::service_with("web", &json!({"finalizers": [marks::FINALIZER]}), &json!({}));
    web["metadata"]["namespace"] = json!("going");
    let web = services.create(&new, &typed(web)).await.unwrap();

    let mut planner = FakePlanner::start().await;
    let _watcher = Watcher::start(&control_plane.kubeconfig(), planner.address, "").await;
    let mut stream = planner.live().await;
    let deletion = DeleteParams::default();
    namespaces.delete("going", &deletion).await.unwrap();
    // The namespace controller's part, which does not run here.
    services.delete("web", &deletion).await.unwrap();
    let cleaned_up = Writes {
        finalizer: FinalizerAction::Absent,
        events: vec![Event {
            severity: Severity::Normal,
            reason: "CleanLoadBalancer".into(),
            message: "nothing is left".to_owned(),
        }],
        ..Writes::default()
    };
    let mut directive = directive(&web, cleaned_up);
    directive.service = ServiceKey::new("going", "web");
    let result = stream.direct(&directive, &TraceContext::default()).await;
    assert_eq!(result.outcome, DirectiveOutcome::Done);
    assert_eq!(services.get_opt("web").await.unwrap(), None);
}
