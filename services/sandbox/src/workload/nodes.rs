//! Nodes, as the lab's ECS instances register them.

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use super::{During as _, WorkloadError};

/// A Node and the ECS instance behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabNode {
    /// `metadata.name`.
    pub name: String,
    /// The instance's id.
    pub instance_id: String,
    /// Its zone.
    pub zone: String,
    /// Its region.
    pub region: String,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// Labels besides the usual ones.
    pub labels: Vec<(String, String)>,
}

impl LabNode {
    /// The `number`th node (from 1) of a cluster, in alternating zones. Instance ids are unique in the account: they carry
    /// `prefix`, which differs from cluster to cluster.
    #[must_use]
    pub fn numbered(prefix: &str, number: usize) -> Self {
        let name = format!("n{number}");
        let zone = if number % 2 == 1 {
            "cn-hangzhou-k"
        } else {
            "cn-hangzhou-j"
        };
        Self {
            instance_id: format!("i-{prefix}{name}"),
            name,
            zone: zone.to_owned(),
            region: "cn-hangzhou".to_owned(),
            unschedulable: false,
            labels: Vec::new(),
        }
    }
}

/// Creates the Nodes and says that they are Ready.
///
/// # Errors
/// The first refusal of the API.
pub async fn make_nodes(client: &kube::Client, nodes: &[LabNode]) -> Result<(), WorkloadError> {
    let api: Api<Node> = Api::all(client.clone());
    for node in nodes {
        let mut labels = json!({
            "kubernetes.io/hostname": node.name,
            "topology.kubernetes.io/region": node.region,
            "topology.kubernetes.io/zone": node.zone,
            "failure-domain.beta.kubernetes.io/zone": node.zone,
        });
        for (key, value) in &node.labels {
            labels[key] = json!(value);
        }
        let object: Node = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node.name, "labels": labels},
            "spec": {
                "providerID": format!("{}.{}", node.region, node.instance_id),
                "unschedulable": node.unschedulable,
            },
        }))
        .map_err(kube::Error::SerdeError)
        .during(|| format!("describing node {}", node.name))?;
        api.create(&PostParams::default(), &object)
            .await
            .during(|| format!("creating node {}", node.name))?;
        let ready = json!({"status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            "lastHeartbeatTime": null, "lastTransitionTime": null,
        }]}});
        api.patch_status(&node.name, &PatchParams::default(), &Patch::Merge(ready))
            .await
            .during(|| format!("setting node {} Ready", node.name))?;
    }
    Ok(())
}
