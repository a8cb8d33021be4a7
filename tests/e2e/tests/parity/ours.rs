//! Which Services are ours, and what becomes of those that were: `compatibility.md`, "Which Services are ours".

use clb_e2e::{Api, Stage, service_api};
use clb_sandbox::manifests::Manifest;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{self, account, apply_all, at_rest, events, last_call, service, shows, written_since};
use crate::shown::id_of;

const FINALIZER: &str = "service.k8s.alibaba/resources";
const CLASS: &str = "service.beta.kubernetes.io/class";
const TUNNEL: &str = "service.beta.kubernetes.io/alicloud-loadbalancer-tunnel-type";

async fn patch(stage: &Stage, name: &str, patch: Value) -> anyhow::Result<()> {
    let api = service_api(stage);
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

async fn annotate(stage: &Stage, name: &str, annotation: &str, value: Value) -> anyhow::Result<()> {
    patch(
        stage,
        name,
        json!({"metadata": {"annotations": {annotation: value}}}),
    )
    .await
}

/// How often a Service was sent an event of this type and reason.
async fn count(stage: &Stage, name: &str, kind: &str, reason: &str) -> anyhow::Result<usize> {
    let events = events(stage).await?;
    let said = events.get(name).into_iter().flatten();
    Ok(said
        .filter(|said| said.kind == kind && said.reason == reason)
        .count())
}

/// Services of other controllers: not a word about them, no mark on them, nothing in the cloud.
async fn services_of_others_are_left_alone(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let mut by_field = service("by-field", &["80/TCP"], &[]);
    by_field.object["spec"]["loadBalancerClass"] = json!("example.com/other");
    let mut node_port = service("node-port", &["80/TCP"], &[]);
    node_port.object["spec"]["type"] = json!("NodePort");
    let others: [Manifest; 5] = [
        by_field,
        node_port,
        service("by-annotation", &["80/TCP"], &[(CLASS, "alb")]),
        // The name is matched, whatever the value.
        service("by-tunnel", &["80/TCP"], &[("tunnel-type", "")]),
        service("by-legacy-tunnel", &["80/TCP"], &[(TUNNEL, "vpc")]),
    ];
    apply_all(&stage, &others).await?;
    apply_all(&stage, &[service("ours", &["80/TCP"], &[])]).await?;
    stage.converged(1).await?;
    at_rest(&stage).await?;
    let (services, events) = (lab::services(&stage).await?, events(&stage).await?);
    for manifest in &others {
        let service = &services[&manifest.name];
        assert_eq!(service.finalizers(), Vec::<String>::new(), "{}", manifest.name);
        assert!(service.labels().is_empty(), "{:?}", service.labels());
        assert_eq!(
            lab::condition(service, "service.k8s.alibaba/Accepted").0,
            "",
            "{}",
            manifest.name
        );
        assert!(!events.contains_key(&manifest.name), "{events:?}");
    }
    stage.end().await;
    Ok(())
}

/// A Service that is annotated for another controller is handed over: nothing is written to the cloud, the finalizer stays, one event says
/// so. It comes back as it went.
async fn a_service_is_handed_over_and_back(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(
        &stage,
        &[
            service("class", &["80/TCP"], &[]),
            service("tunnel", &["80/TCP"], &[]),
        ],
    )
    .await?;
    stage.converged(2).await?;
    let services = lab::services(&stage).await?;
    let cases = [("class", CLASS, "alb"), ("tunnel", TUNNEL, "vpc")];
    let last = last_call(&stage);
    let before = account(&stage).state()["load_balancers"].clone();
    for (name, annotation, value) in cases {
        annotate(&stage, name, annotation, json!(value)).await?;
        stage
            .until("the hand-over is said", async || {
                Ok(count(&stage, name, "Normal", "AnnotationChanged").await? == 1)
            })
            .await?;
        // What is changed now is the other controller's business, even the end of the Service.
        annotate(&stage, name, &lab::full_name("scheduler"), json!("wrr")).await?;
    }
    service_api(&stage)
        .delete("tunnel", &DeleteParams::default())
        .await?;
    stage.world.services.restart().await?;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    assert_eq!(account(&stage).state()["load_balancers"], before);
    for (name, _, _) in cases {
        let service = service_api(&stage).get(name).await?;
        assert_eq!(service.finalizers(), [FINALIZER], "{name}");
        assert_eq!(
            count(&stage, name, "Normal", "AnnotationChanged").await?,
            1,
            "{name}"
        );
    }

    // Back again: one follows what was changed meanwhile, the other goes.
    for (name, annotation, _) in cases {
        annotate(&stage, name, annotation, Value::Null).await?;
    }
    let id = id_of(&account(&stage), &services["class"]);
    shows(&stage, &id, &[("/listeners/tcp~180/Scheduler", json!("wrr"))]).await?;
    stage
        .until("the deleted one is gone", async || {
            Ok(service_api(&stage).get_opt("tunnel").await?.is_none())
        })
        .await?;
    stage.converged(1).await?;
    let ids = account(&stage).load_balancer_ids();
    assert_eq!(
        ids.iter().filter(|id| !id.starts_with("lb-reuse-")).count(),
        1,
        "{ids:?}"
    );
    stage.end().await;
    Ok(())
}

/// Whoever takes the finalizer off by hand keeps the CLB: a Service that is not there deletes nothing.
async fn a_service_that_is_missing_deletes_nothing(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(
        &stage,
        &[
            service("away", &["80/TCP"], &[]),
            service("there", &["80/TCP"], &[]),
        ],
    )
    .await?;
    stage.converged(2).await?;
    let before = account(&stage).state()["load_balancers"].clone();
    let last = last_call(&stage);
    // It goes while nobody watches: it is missing from the next snapshot.
    stage.world.services.stop().await;
    patch(&stage, "away", json!({"metadata": {"finalizers": null}})).await?;
    service_api(&stage)
        .delete("away", &DeleteParams::default())
        .await?;
    stage.world.services.restart().await?;
    stage.converged(1).await?;
    at_rest(&stage).await?;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    assert_eq!(account(&stage).state()["load_balancers"], before);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_others_are_left_alone_on_kube_sim() -> anyhow::Result<()> {
    services_of_others_are_left_alone(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_others_are_left_alone_on_a_real_api() -> anyhow::Result<()> {
    services_of_others_are_left_alone(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_handed_over_and_back_on_kube_sim() -> anyhow::Result<()> {
    a_service_is_handed_over_and_back(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_handed_over_and_back_on_a_real_api() -> anyhow::Result<()> {
    a_service_is_handed_over_and_back(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_missing_deletes_nothing_on_kube_sim() -> anyhow::Result<()> {
    a_service_that_is_missing_deletes_nothing(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_missing_deletes_nothing_on_a_real_api() -> anyhow::Result<()> {
    a_service_that_is_missing_deletes_nothing(Api::Real).await
}
