//! `preserve-lb-on-delete`: two tags of ours and both protections off, nothing else; and the CLB is never found again.

use clb_e2e::{Api, Stage, service_api};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{self, account, actions_since, apply_all, at_rest, events, last_call, service};
use crate::shown::{differences, id_of, settled};

const PORTS: &[&str] = &["80/TCP", "443/TCP"];

fn clb(stage: &Stage, id: &str) -> Value {
    settled(&account(stage).load_balancer(id).unwrap_or_default(), &[])
}

/// A Service whose CLB is to stay; its id, and how it must look afterwards.
async fn preserved(stage: &Stage, value: &str) -> anyhow::Result<(String, Value)> {
    let annotations = [
        ("preserve-lb-on-delete", value),
        ("protocol-port", "https:443,http:80"),
        ("cert-id", "cert-a"),
        ("forward-port", "80:443"),
        ("additional-resource-tags", "team=shop"),
    ];
    apply_all(stage, &[service("web", PORTS, &annotations)]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(stage), &service_api(stage).get("web").await?);
    let mut wanted = clb(stage, &id);
    wanted["tags"] = json!({"team": "shop"});
    wanted["DeleteProtection"] = json!("off");
    wanted["ModificationProtectionStatus"] = json!("NonProtection");
    wanted["ModificationProtectionReason"] = json!("");
    Ok((id, wanted))
}

/// What may be written when the Service goes.
const ALLOWED: [&str; 5] = [
    "SetLoadBalancerDeleteProtection",
    "SetLoadBalancerModificationProtection",
    "UntagResources",
    "RemoveTags",
    "TagResources",
];

fn only_lets_go(actions: &[String]) {
    assert_eq!(actions.len(), 3, "{actions:?}");
    assert!(
        actions
            .iter()
            .all(|action| ALLOWED[..4].contains(&action.as_str())),
        "{actions:?}"
    );
}

/// Deletion, with any value, also `"false"`; a new Service of the name gets a CLB of its own.
async fn it_stays_when_the_service_is_deleted(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let mut preserved_before = Vec::new();
    for value in ["true", "false"] {
        let (id, wanted) = preserved(&stage, value).await?;
        assert!(
            !preserved_before.iter().any(|(before, _)| *before == id),
            "a CLB that was left was found again"
        );
        let said = events(&stage).await?;
        assert!(
            said["web"]
                .iter()
                .any(|said| said.kind == "Warning" && said.reason == "PreservedOnDelete"),
            "{said:?}"
        );
        let last = last_call(&stage);
        service_api(&stage)
            .delete("web", &DeleteParams::default())
            .await?;
        stage
            .until("the Service is gone", async || {
                Ok(service_api(&stage).get_opt("web").await?.is_none())
            })
            .await?;
        only_lets_go(&actions_since(&stage, last));
        preserved_before.push((id, wanted));
        for (id, wanted) in &preserved_before {
            assert_eq!(
                differences(&clb(&stage, id), wanted),
                Vec::<String>::new(),
                "{value}"
            );
        }
    }
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_when_the_service_is_deleted_on_kube_sim() -> anyhow::Result<()> {
    it_stays_when_the_service_is_deleted(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_when_the_service_is_deleted_on_a_real_api() -> anyhow::Result<()> {
    it_stays_when_the_service_is_deleted(Api::Real).await
}

/// A change of type; when it changes back the Service, whose default name is the same, gets a new CLB.
async fn it_stays_when_the_type_changes(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    let (id, wanted) = preserved(&stage, "true").await?;
    assert!(
        wanted["LoadBalancerName"]
            .as_str()
            .is_some_and(|name| name.starts_with('a')),
        "the default name"
    );
    let last = last_call(&stage);
    let change = async |kind: &str| {
        let patch = json!({"spec": {"type": kind}});
        service_api(&stage)
            .patch("web", &PatchParams::default(), &Patch::Merge(patch))
            .await
    };
    change("ClusterIP").await?;
    stage
        .until("the finalizer is off", async || {
            Ok(service_api(&stage).get("web").await?.finalizers().is_empty())
        })
        .await?;
    only_lets_go(&actions_since(&stage, last));
    assert_eq!(differences(&clb(&stage, &id), &wanted), Vec::<String>::new());

    change("LoadBalancer").await?;
    stage.converged(1).await?;
    at_rest(&stage).await?;
    let new = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    assert_ne!(new, id);
    stage.world.services.restart().await?;
    stage.converged(1).await?;
    assert_eq!(differences(&clb(&stage, &id), &wanted), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_when_the_type_changes_on_kube_sim() -> anyhow::Result<()> {
    it_stays_when_the_type_changes(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_when_the_type_changes_on_a_real_api() -> anyhow::Result<()> {
    it_stays_when_the_type_changes(Api::Real).await
}
