//! What the API server says of Services, and changes to them.

use std::path::Path;

use anyhow::Context as _;
use clb_sandbox::apply::apply;
use clb_sandbox::manifests::{self, Manifest};
use k8s_openapi::api::core::v1::{Event, Service};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams};
use serde_json::Value;

use crate::Stage;

/// The Services of the first cluster's default namespace.
#[must_use]
pub fn service_api(stage: &Stage) -> Api<Service> {
    Api::namespaced(stage.world.clusters[0].client.clone(), "default")
}

/// Applies the manifests of a file or folder of the repository to the first cluster and returns them.
///
/// # Errors
/// Mistakes in them, refusals of the API server.
pub async fn manifest(stage: &Stage, place: &Path) -> anyhow::Result<Vec<Manifest>> {
    let manifests = manifests::read(place)?;
    for manifest in &manifests {
        apply(&stage.world.clusters[0].client, manifest).await?;
    }
    Ok(manifests)
}

/// Addresses and hostnames in a Service's status.
#[must_use]
pub fn ingress_of(service: &Service) -> Vec<String> {
    let ingress = service
        .status
        .iter()
        .filter_map(|status| status.load_balancer.as_ref());
    ingress
        .flat_map(|load_balancer| load_balancer.ingress.iter().flatten())
        .filter_map(|ingress| ingress.ip.clone().or_else(|| ingress.hostname.clone()))
        .collect()
}

/// Deletes every Service but kubernetes and waits until no finalizer holds one.
///
/// # Errors
/// Refusals of the API server; a Service that is still there after a minute.
pub async fn delete_all_services(stage: &Stage) -> anyhow::Result<()> {
    let api = service_api(stage);
    for service in api.list(&ListParams::default()).await? {
        let name = service.name_any();
        if name != "kubernetes" {
            api.delete(&name, &DeleteParams::default())
                .await
                .with_context(|| format!("deleting {name}"))?;
        }
    }
    stage
        .until("no Service is left", async || {
            let left = api.list(&ListParams::default()).await?;
            Ok(left.iter().all(|service| service.name_any() == "kubernetes"))
        })
        .await
}

/// Type, reason and message of the events about a Service, oldest first.
///
/// # Errors
/// Refusals of the API server.
pub async fn events_of(stage: &Stage, service: &str) -> anyhow::Result<Vec<(String, String, String)>> {
    let events: Api<Event> = Api::namespaced(stage.world.clusters[0].client.clone(), "default");
    let mut found = events.list(&ListParams::default()).await?.items;
    found.retain(|event| event.involved_object.name.as_deref() == Some(service));
    found.sort_by_key(|event| {
        event
            .metadata
            .resource_version
            .as_deref()
            .and_then(|v| v.parse::<u64>().ok())
    });
    Ok(found
        .into_iter()
        .map(|event| {
            let text = |text: Option<String>| text.unwrap_or_default();
            (text(event.type_), text(event.reason), text(event.message))
        })
        .collect())
}

/// An object as JSON, for pointers into it.
///
/// # Errors
/// Never for objects of the API.
pub fn json(object: &Service) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(object)?)
}
