//! The manifests of `deploy/kubernetes` on a real API server, which knows every field and refuses those that it does not know.

use clb_documentation::manifests::resources;
use clb_envtest::ControlPlane;
use kube::api::{DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Config, discovery};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server_takes_every_manifest() -> anyhow::Result<()> {
    clb_tls::install_provider();
    let Some(control_plane) = ControlPlane::start().await? else {
        return Ok(());
    };
    let kubeconfig = Kubeconfig::from_yaml(&control_plane.kubeconfig())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;
    let params = PostParams {
        field_manager: Some("clb-documentation".to_owned()),
        ..PostParams::default()
    };
    let mut created = std::collections::BTreeSet::new();
    for folder in ["deploy/kubernetes/watcher", "deploy/kubernetes/control-plane"] {
        for manifest in resources(folder)? {
            let kind = (manifest.kind().to_owned(), manifest.name().to_owned());
            // The namespace is in both.
            if !created.insert(kind) {
                continue;
            }
            let object: DynamicObject = serde_json::from_value(manifest.object.clone())?;
            let api_version = manifest.text("/apiVersion");
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let kind = GroupVersionKind::gvk(group, version, manifest.kind());
            let (resource, capabilities) = discovery::pinned_kind(&client, &kind).await?;
            let api: Api<DynamicObject> = match (&capabilities.scope, object.metadata.namespace.as_deref()) {
                (discovery::Scope::Namespaced, Some(namespace)) => {
                    Api::namespaced_with(client.clone(), namespace, &resource)
                }
                _ => Api::all_with(client.clone(), &resource),
            };
            let made = api.create(&params, &object).await;
            assert!(made.is_ok(), "{}: {made:?}", manifest.file.display());
            // What the server does not know it drops.
            let made = serde_json::to_value(made?)?;
            assert_contains(&made, &manifest.object, &manifest.file.display().to_string());
        }
    }
    assert!(created.len() > 10, "{created:?}");
    Ok(())
}

/// Fails where a field that was sent did not come back.
fn assert_contains(whole: &serde_json::Value, part: &serde_json::Value, place: &str) {
    use serde_json::Value;
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                let found = whole.get(key);
                assert!(found.is_some(), "{place}.{key} was dropped");
                assert_contains(found.unwrap_or(&Value::Null), value, &format!("{place}.{key}"));
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len(), "{place}");
            for (index, (whole, part)) in whole.iter().zip(part).enumerate() {
                assert_contains(whole, part, &format!("{place}[{index}]"));
            }
        }
        _ => {}
    }
}
