//! What becomes of directives in the cluster.

use std::collections::BTreeMap;

use clb_model::cluster::{Condition, ConditionStatus, Ingress};
use clb_model::directive::{Directive, DirectiveOutcome, Event, FinalizerAction, Severity, Writes};
use clb_model::version::Tenure;
use clb_model::{ServiceKey, ServiceUid};
use clb_telemetry::TraceContext;
use kube_sim::resources::by_kind;
use kube_sim::{ApiError, Fault, FaultAction};
use serde_json::{Value, json};

use crate::objects::{service, service_with};
use crate::planner::Conversation;
use crate::world::{Watcher, World};

const FINALIZER: &str = "service.k8s.alibaba/resources";
const ID_LABEL: &str = "service.k8s.alibaba/loadbalancer-id";
const HASH_LABEL: &str = "service.beta.kubernetes.io/hash";

struct Scene {
    world: World,
    stream: Conversation,
    _watcher: Watcher,
    next_id: u64,
}

impl Scene {
    async fn with(objects: &[Value]) -> Self {
        let mut world = World::with(objects).await;
        let watcher = world.watch().await;
        let stream = world.planner.live().await;
        Self {
            world,
            stream,
            _watcher: watcher,
            next_id: 0,
        }
    }

    fn service(&self, name: &str) -> Value {
        self.world.get("Service", name).expect("the Service is there")
    }

    fn directive(&mut self, name: &str, writes: Writes) -> Directive {
        self.next_id += 1;
        let uid = self.service(name)["metadata"]["uid"].as_str().unwrap().to_owned();
        Directive {
            id: self.next_id,
            service: ServiceKey::new("default", name),
            uid: ServiceUid::new(uid).unwrap(),
            fencing: Tenure {
                lease_created_ms: 1000,
                acquisitions: 1,
            },
            writes,
        }
    }

    async fn direct(&mut self, name: &str, writes: Writes) -> DirectiveOutcome {
        let directive = self.directive(name, writes);
        self.carry_out(&directive).await
    }

    async fn carry_out(&mut self, directive: &Directive) -> DirectiveOutcome {
        let result = self.stream.direct(directive, &TraceContext::default()).await;
        assert_eq!((result.id, &result.uid), (directive.id, &directive.uid));
        result.outcome
    }

    fn fail(&self, verb: &str, resource: &str, times: u32, error: ApiError) {
        self.world.kube.faults().add(Fault {
            verb: Some(verb.to_owned()),
            resource: Some(resource.to_owned()),
            times,
            action: FaultAction::Fail(error),
        });
    }
}

fn address(ip: &str) -> Option<Vec<Ingress>> {
    Some(vec![Ingress {
        ip: Some(ip.to_owned()),
        ..Ingress::default()
    }])
}

fn condition(kind: &str, status: ConditionStatus, message: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status,
        reason: "Because".to_owned(),
        message: message.to_owned(),
    }
}

fn event(message: &str) -> Event {
    Event {
        severity: Severity::Normal,
        reason: "EnsuredLoadBalancer".into(),
        message: message.to_owned(),
    }
}

fn everything() -> Writes {
    Writes {
        finalizer: FinalizerAction::Present,
        ingress: address("47.1.2.3"),
        labels: BTreeMap::from([(ID_LABEL.to_owned(), Some("lb-1".to_owned()))]),
        conditions: vec![condition("Programmed", ConditionStatus::True, "all is well")],
        readiness_gates: Vec::new(),
        events: vec![event("the CLB is as asked")],
    }
}

#[tokio::test]
async fn everything_that_is_directed_is_written() {
    let mut scene = Scene::with(&[service("web")]).await;
    assert_eq!(scene.direct("web", everything()).await, DirectiveOutcome::Done);

    let written = scene.service("web");
    assert_eq!(written["metadata"]["finalizers"], json!([FINALIZER]));
    assert_eq!(written["metadata"]["labels"][ID_LABEL], "lb-1");
    assert_eq!(written["status"]["loadBalancer"]["ingress"][0]["ip"], "47.1.2.3");
    let condition = &written["status"]["conditions"][0];
    assert_eq!(
        (&condition["type"], &condition["status"]),
        (&json!("Programmed"), &json!("True"))
    );
    assert!(condition["lastTransitionTime"].is_string());

    let events = scene.world.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["reason"], "EnsuredLoadBalancer");
    assert_eq!(events[0]["type"], "Normal");
    assert_eq!(events[0]["note"], "the CLB is as asked");
    assert_eq!(events[0]["regarding"]["uid"], written["metadata"]["uid"]);
}

#[tokio::test]
async fn what_is_already_so_is_not_written() {
    let mut scene = Scene::with(&[service("web")]).await;
    scene.direct("web", everything()).await;
    let before = scene.service("web");
    let again = Writes {
        events: Vec::new(),
        ..everything()
    };
    assert_eq!(scene.direct("web", again).await, DirectiveOutcome::Done);
    assert_eq!(scene.service("web"), before);
}

#[tokio::test]
async fn the_same_event_again_is_counted_and_another_text_is_another_event() {
    let mut scene = Scene::with(&[service("web")]).await;
    for message in ["first", "first", "second"] {
        let writes = Writes {
            events: vec![event(message)],
            ..Writes::default()
        };
        assert_eq!(scene.direct("web", writes).await, DirectiveOutcome::Done);
    }
    let mut events: Vec<_> = scene
        .world
        .events()
        .iter()
        .map(|event| {
            (
                event["note"].as_str().unwrap().to_owned(),
                event["series"]["count"].as_i64(),
            )
        })
        .collect();
    events.sort();
    assert_eq!(
        events,
        [("first".to_owned(), Some(2)), ("second".to_owned(), None)]
    );
}

#[tokio::test]
async fn cleaning_up_takes_labels_status_and_finalizer_off() {
    let mut scene = Scene::with(&[service_with(
        "web",
        &json!({"finalizers": [FINALIZER, "example.com/other"], "labels": {"app": "web", HASH_LABEL: "abc"}}),
        &json!({}),
    )])
    .await;
    scene.direct("web", everything()).await;
    let writes = Writes {
        finalizer: FinalizerAction::Absent,
        ingress: Some(Vec::new()),
        labels: BTreeMap::from([(HASH_LABEL.to_owned(), None), (ID_LABEL.to_owned(), None)]),
        ..Writes::default()
    };
    assert_eq!(scene.direct("web", writes).await, DirectiveOutcome::Done);
    let written = scene.service("web");
    assert_eq!(written["metadata"]["finalizers"], json!(["example.com/other"]));
    assert_eq!(written["metadata"]["labels"], json!({"app": "web"}));
    assert_eq!(written["status"]["loadBalancer"], json!({}));
}

#[tokio::test]
async fn the_last_finalizer_lets_a_deleted_service_go() {
    let mut scene = Scene::with(&[service_with(
        "web",
        &json!({"finalizers": [FINALIZER]}),
        &json!({}),
    )])
    .await;
    scene.world.delete("Service", "web");
    let writes = Writes {
        finalizer: FinalizerAction::Absent,
        events: vec![event("cleaned up")],
        ..Writes::default()
    };
    let directive = scene.directive("web", writes);
    assert_eq!(scene.carry_out(&directive).await, DirectiveOutcome::Done);
    assert_eq!(scene.world.get("Service", "web"), None);
    assert_eq!(scene.world.events().len(), 1);
    assert_eq!(scene.carry_out(&directive).await, DirectiveOutcome::Gone);
}

#[tokio::test]
async fn another_service_of_the_name_is_left_alone() {
    let mut scene = Scene::with(&[service("web")]).await;
    let directive = scene.directive("web", everything());
    scene.world.delete("Service", "web");
    scene.world.create(&service("web"));
    let before = scene.service("web");
    assert_eq!(scene.carry_out(&directive).await, DirectiveOutcome::Gone);
    assert_eq!(scene.service("web"), before);
    assert!(scene.world.events().is_empty());
}

#[tokio::test]
async fn conditions_of_others_stay_and_times_change_only_with_the_status() {
    let mut scene = Scene::with(&[service("web")]).await;
    let theirs = json!({
        "type": "example.com/Theirs", "status": "True", "reason": "Whatever", "message": "",
        "lastTransitionTime": "2020-01-01T00:00:00Z",
    });
    let ours = json!({
        "type": "Programmed", "status": "False", "reason": "Before", "message": "",
        "lastTransitionTime": "2020-02-02T00:00:00Z",
    });
    scene.world.patch_status(
        "Service",
        "web",
        &json!({"status": {"conditions": [theirs, ours]}}),
    );
    let conditions = |status, message| Writes {
        conditions: vec![condition("Programmed", status, message)],
        ..Writes::default()
    };
    scene
        .direct("web", conditions(ConditionStatus::False, "still not"))
        .await;
    let written = scene.service("web")["status"]["conditions"].clone();
    assert_eq!(written[0], theirs);
    assert_eq!(written[1]["message"], "still not");
    assert_eq!(written[1]["lastTransitionTime"], "2020-02-02T00:00:00Z");

    scene
        .direct("web", conditions(ConditionStatus::True, "now"))
        .await;
    let written = scene.service("web")["status"]["conditions"].clone();
    assert_eq!(written.as_array().unwrap().len(), 2);
    assert_ne!(written[1]["lastTransitionTime"], "2020-02-02T00:00:00Z");
}

#[tokio::test]
async fn an_older_planner_is_fenced() {
    let mut scene = Scene::with(&[service("web"), service("other")]).await;
    let mut newer = scene.directive("other", Writes::default());
    newer.fencing.acquisitions = 2;
    assert_eq!(scene.carry_out(&newer).await, DirectiveOutcome::Done);
    let before = scene.service("web");
    assert_eq!(scene.direct("web", everything()).await, DirectiveOutcome::Fenced);
    assert_eq!(scene.service("web"), before);
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let mut scene = Scene::with(&[service("web")]).await;
    scene.fail(
        "patch",
        "services",
        2,
        ApiError::new(409, "Conflict", "the object has been modified"),
    );
    assert_eq!(scene.direct("web", everything()).await, DirectiveOutcome::Done);
    assert_eq!(scene.service("web")["metadata"]["finalizers"], json!([FINALIZER]));
    assert_eq!(scene.world.events().len(), 1);
}

#[tokio::test]
async fn a_refused_finalizer_is_reported_and_nothing_else_is_written() {
    let mut scene = Scene::with(&[service("web")]).await;
    scene.fail(
        "patch",
        "services",
        1,
        ApiError::new(403, "Forbidden", "no such permission"),
    );
    let DirectiveOutcome::Failed { reason } = scene.direct("web", everything()).await else {
        panic!("it was refused")
    };
    assert!(
        reason.starts_with("add_finalizer: the API server answers 403"),
        "{reason}"
    );
    assert_eq!(scene.service("web")["status"]["loadBalancer"], json!({}));
    let events = scene.world.events();
    assert_eq!(
        (&events[0]["type"], &events[0]["reason"]),
        (&json!("Warning"), &json!("FailedAddFinalizer"))
    );

    assert_eq!(scene.direct("web", everything()).await, DirectiveOutcome::Done);
}

#[tokio::test]
async fn no_finalizer_is_added_to_a_service_that_is_going() {
    let mut scene = Scene::with(&[service_with(
        "web",
        &json!({"finalizers": ["example.com/other"]}),
        &json!({}),
    )])
    .await;
    scene.world.delete("Service", "web");
    let outcome = scene.direct("web", everything()).await;
    assert!(matches!(outcome, DirectiveOutcome::Failed { .. }), "{outcome:?}");
    assert_eq!(
        scene.service("web")["metadata"]["finalizers"],
        json!(["example.com/other"])
    );
}

#[tokio::test]
async fn many_services_at_once_each_get_their_own() {
    let names: Vec<String> = (0..30).map(|n| format!("web-{n}")).collect();
    let services: Vec<_> = names.iter().map(|name| service(name)).collect();
    let mut scene = Scene::with(&services).await;
    for (n, name) in names.iter().enumerate() {
        let writes = Writes {
            ingress: address(&format!("47.0.0.{n}")),
            ..Writes::default()
        };
        let directive = scene.directive(name, writes);
        scene
            .stream
            .send_directive(&directive, &TraceContext::default())
            .await;
    }
    let mut results: Vec<u64> = Vec::new();
    for _ in &names {
        let result = scene.stream.result().await;
        assert_eq!(result.outcome, DirectiveOutcome::Done);
        results.push(result.id);
    }
    results.sort_unstable();
    assert_eq!(results, (1..=30).collect::<Vec<_>>());
    for (n, name) in names.iter().enumerate() {
        let ip = &scene.service(name)["status"]["loadBalancer"]["ingress"][0]["ip"];
        assert_eq!(ip.as_str().unwrap(), format!("47.0.0.{n}"));
    }
}

fn cleaned_up() -> Writes {
    Writes {
        finalizer: FinalizerAction::Absent,
        events: vec![event("cleaned up"), event("all of it")],
        ..Writes::default()
    }
}

#[tokio::test]
async fn the_finalizer_comes_off_in_a_namespace_that_takes_no_events_any_more() {
    let mut going = service_with("web", &json!({"finalizers": [FINALIZER]}), &json!({}));
    going["metadata"]["namespace"] = json!("going");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "going"}});
    let mut scene = Scene::with(&[namespace, going, service("web")]).await;
    let (namespaces, services) = (
        by_kind("v1", "Namespace").unwrap(),
        by_kind("v1", "Service").unwrap(),
    );
    let uid = scene.world.kube.cluster().get(services, "going", "web").unwrap()["metadata"]["uid"].clone();
    scene
        .world
        .kube
        .cluster()
        .delete(namespaces, "", "going")
        .unwrap();

    let mut directive = scene.directive("web", cleaned_up());
    directive.service = ServiceKey::new("going", "web");
    directive.uid = ServiceUid::new(uid.as_str().unwrap()).unwrap();
    assert_eq!(scene.carry_out(&directive).await, DirectiveOutcome::Done);
    assert_eq!(scene.world.kube.cluster().get(services, "going", "web"), None);
    assert_eq!(scene.world.kube.cluster().get(namespaces, "", "going"), None);
}

#[tokio::test]
async fn an_event_that_finds_nothing_does_not_make_the_service_gone() {
    let finalizer = json!({"finalizers": [FINALIZER, "example.com/other"]});
    let mut scene = Scene::with(&[service_with("web", &finalizer, &json!({}))]).await;
    scene.fail(
        "create",
        "events",
        1,
        ApiError::new(404, "NotFound", "namespaces \"default\" not found"),
    );
    assert_eq!(scene.direct("web", cleaned_up()).await, DirectiveOutcome::Done);
    assert_eq!(
        scene.service("web")["metadata"]["finalizers"],
        json!(["example.com/other"])
    );
    let events = scene.world.events();
    assert_eq!(events.len(), 1, "the other one is sent: {events:?}");
    assert_eq!(events[0]["note"], "all of it");
}
