//! Applies manifests to a cluster, as `kubectl apply --server-side` does.

use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;

use crate::manifests::Manifest;

/// A manifest that the API server refused.
#[derive(Debug, thiserror::Error)]
#[error("{}: {} {}/{} was refused: {source}", .manifest.file.display(), .manifest.kind.kind, .manifest.namespace, .manifest.name)]
pub struct ApplyError {
    /// The manifest.
    pub manifest: Box<Manifest>,
    /// What the API server said.
    #[source]
    pub source: Box<kube::Error>,
}

/// Applies one manifest.
///
/// # Errors
/// The refusal of the API server, with the manifest's place.
pub async fn apply(client: &kube::Client, manifest: &Manifest) -> Result<(), ApplyError> {
    let (group, version) = manifest
        .kind
        .api_version
        .split_once('/')
        .unwrap_or(("", manifest.kind.api_version));
    let kind = GroupVersionKind::gvk(group, version, manifest.kind.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, manifest.kind.plural);
    let api: Api<DynamicObject> = if manifest.kind.namespaced {
        Api::namespaced_with(client.clone(), &manifest.namespace, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    };
    let params = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::apply("clb-sandbox").force()
    };
    api.patch(&manifest.name, &params, &Patch::Apply(&manifest.object))
        .await
        .map(|_| ())
        .map_err(|source| ApplyError {
            manifest: Box::new(manifest.clone()),
            source: Box::new(source),
        })
}
