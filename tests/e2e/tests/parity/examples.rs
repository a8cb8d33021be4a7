//! Every example of the annotation reference, from its manifest to what the cloud shows.

use std::collections::BTreeMap;

use clb_e2e::{Api, Stage, delete_all_services, ingress_of};
use clb_sandbox::manifests::Manifest;
use kube::ResourceExt as _;
use serde_json::Value;

use crate::expected::Table;
use crate::lab::{self, account, apply_all, events, example, example_names};
use crate::shown;

/// The user's own CLBs as the cloud shows them, by id.
fn users(stage: &Stage) -> BTreeMap<String, Value> {
    let account = account(stage);
    let ids = account.load_balancer_ids().into_iter();
    ids.filter(|id| id.starts_with("lb-reuse-"))
        .map(|id| (id.clone(), account.load_balancer(&id).unwrap_or_default()))
        .collect()
}

/// Every example comes to the state that the reference describes, attribute for attribute, and leaves as it came.
async fn every_example_is_as_the_reference_says(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let table = Table::read();
    let names = example_names();
    assert_eq!(names, table.examples.keys().cloned().collect::<Vec<_>>());
    let manifests: Vec<Manifest> = names.iter().map(|name| example(name)).collect();
    let before = users(&stage);
    apply_all(&stage, &manifests).await?;
    stage.converged(manifests.len()).await?;

    let account = account(&stage);
    let services = lab::services(&stage).await?;
    let events = events(&stage).await?;
    let mut wrong = Vec::new();
    for (name, manifest) in names.iter().zip(&manifests) {
        let expected = &table.examples[name];
        let service = &services[&manifest.name];
        let users = expected
            .users
            .as_ref()
            .map(|id| shown::with_stand_ins(before[id].clone(), service));
        let state = expected.spoken_of(&table, shown::shown(&account, service));
        let wanted = table.state(manifest, expected, users.as_ref());
        wrong.extend(
            shown::differences(&state, &wanted)
                .into_iter()
                .map(|line| format!("{name}{line}")),
        );

        let address = account
            .load_balancer(&shown::id_of(&account, service))
            .unwrap_or_default()["Address"]
            .clone();
        let status = expected
            .status
            .clone()
            .unwrap_or_else(|| address.as_str().unwrap_or_default().to_owned());
        assert_eq!(ingress_of(service), [status], "{name}");
        assert_eq!(service.finalizers(), ["service.k8s.alibaba/resources"], "{name}");
        assert_eq!(
            lab::condition(service, "service.k8s.alibaba/Programmed").0,
            "True",
            "{name}"
        );
        // One reason can come with each pass that changes something.
        let mut warnings: Vec<_> = events
            .get(&manifest.name)
            .into_iter()
            .flatten()
            .filter(|said| said.kind == "Warning")
            .map(|said| said.reason.clone())
            .collect();
        warnings.dedup();
        assert_eq!(
            warnings,
            expected.warnings,
            "{name}: {:?}",
            events.get(&manifest.name)
        );
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));

    let preserved = shown::id_of(&account, &services["preserve"]);
    delete_all_services(&stage).await?;
    let mut left = account.load_balancer_ids();
    left.retain(|id| !before.contains_key(id));
    assert_eq!(left, [preserved]);
    for (id, mut after) in users(&stage) {
        // That it was reused stays visible; nothing else of ours does.
        if let Some(tags) = after["tags"].as_object_mut() {
            tags.remove("kubernetes.reused.by.user");
        }
        assert_eq!(
            shown::differences(&after, &before[&id]),
            Vec::<String>::new(),
            "{id}"
        );
    }
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_as_the_reference_says_on_kube_sim() -> anyhow::Result<()> {
    every_example_is_as_the_reference_says(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_as_the_reference_says_on_a_real_api() -> anyhow::Result<()> {
    every_example_is_as_the_reference_says(Api::Real).await
}
