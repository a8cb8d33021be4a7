//! Which nodes may be backends: every row of the reference, on the cloud's side.

use clb_e2e::Api;
use clb_sandbox::workload::LabNode;
use cloud_sim::{Instance, lab};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::lab::{Lab, Pod, by_hand, on_both_apis, pod};

on_both_apis!(nodes_of_every_kind);

/// Name, what is special in `metadata` and `spec`, status of the condition Ready, and whether the node is a backend under Cluster and
/// under Local policy.
type Kind = (&'static str, Value, Value, Option<&'static str>, bool, bool);

fn kinds() -> Vec<Kind> {
    let label = |key: &str| json!({"labels": {key: ""}});
    let taint = |key: &str| json!({"taints": [{"key": key, "effect": "NoSchedule"}]});
    let provider = |id: &str| json!({"providerID": id});
    let (plain, ready) = (json!({}), Some("True"));
    vec![
        (
            "master",
            label("node-role.kubernetes.io/master"),
            plain.clone(),
            ready,
            false,
            false,
        ),
        // Only the label of old is in the reference; clusters that want the new one left out say so by the next.
        (
            "control-plane",
            label("node-role.kubernetes.io/control-plane"),
            plain.clone(),
            ready,
            true,
            true,
        ),
        (
            "excluded",
            label("node.kubernetes.io/exclude-from-external-load-balancers"),
            plain.clone(),
            ready,
            false,
            false,
        ),
        (
            "excluded-alpha",
            label("alpha.service-controller.kubernetes.io/exclude-balancer"),
            plain.clone(),
            ready,
            false,
            false,
        ),
        (
            "excluded-ack",
            label("service.alibabacloud.com/exclude-node"),
            plain.clone(),
            ready,
            false,
            false,
        ),
        (
            "excluded-beta",
            label("service.beta.kubernetes.io/exclude-node"),
            plain.clone(),
            ready,
            false,
            false,
        ),
        (
            "hybrid",
            plain.clone(),
            provider("ack-hybrid://i-hybrid"),
            ready,
            false,
            false,
        ),
        (
            "leaving",
            plain.clone(),
            taint("ToBeDeletedByClusterAutoscaler"),
            ready,
            false,
            false,
        ),
        ("tainted", plain.clone(), taint("dedicated"), ready, true, true),
        // Under Local policy its pods' readiness counts, which its controller takes from them.
        (
            "not-ready",
            plain.clone(),
            plain.clone(),
            Some("False"),
            false,
            true,
        ),
        (
            "unknown",
            plain.clone(),
            plain.clone(),
            Some("Unknown"),
            false,
            true,
        ),
        ("no-conditions", plain.clone(), plain.clone(), None, false, true),
        (
            "cordoned",
            plain.clone(),
            json!({"unschedulable": true}),
            ready,
            true,
            true,
        ),
        (
            "long-id",
            plain.clone(),
            provider("alicloud://cn-hangzhou.i-long-id"),
            ready,
            true,
            true,
        ),
        (
            "foreign-id",
            plain.clone(),
            provider("kind://foreign-id"),
            ready,
            false,
            false,
        ),
        ("no-id", plain, provider(""), ready, false, false),
    ]
}

/// A node of each kind, with a pod on it.
async fn nodes_of_every_kind(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start_with(api, |options| {
        options.cluster_settings = "node_grace: 0s".to_owned()
    })
    .await?
    else {
        return Ok(());
    };
    let nodes: kube::Api<Node> = kube::Api::all(lab.client.clone());
    let (mut cluster, mut local, mut pods): (Vec<String>, Vec<String>, Vec<Pod>) = Default::default();
    for number in 1..=3 {
        cluster.push(format!("{}=100", LabNode::numbered("", number).instance_id));
    }
    for (number, (name, metadata, spec, ready, in_cluster, in_local)) in (0..).zip(kinds()) {
        let instance = format!("i-{name}");
        let address = [10, 0, 210, u8::try_from(number)?].into();
        lab.account.add_instance(Instance::new(
            &instance,
            lab::VPC,
            "vsw-k",
            "cn-hangzhou-k",
            address,
        ));
        let mut object =
            json!({"metadata": metadata, "spec": {"providerID": format!("cn-hangzhou.{instance}")}});
        object["metadata"]["name"] = json!(name);
        for (field, value) in spec.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        nodes
            .create(&PostParams::default(), &serde_json::from_value(object)?)
            .await?;
        if let Some(status) = ready {
            let condition = json!({"type": "Ready", "status": status, "reason": "Kubelet", "message": ""});
            let status = json!({"status": {"conditions": [condition]}});
            nodes
                .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
                .await?;
        }
        pods.push(pod(number).on(name));
        cluster.extend(in_cluster.then(|| format!("{instance}=100")));
        local.extend(in_local.then(|| format!("{instance}=1")));
    }
    for (name, policy, wanted) in [("cluster", "Cluster", cluster), ("local", "Local", local)] {
        lab.slice(name, &pods).await?;
        let sketch = by_hand(name).tcp(80).spec("externalTrafficPolicy", json!(policy));
        let uid = lab.apply(&sketch).await?;
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        lab.backends_are(&uid, &wanted).await?;
        for unnamed in [
            "Node foreign-id has a provider id",
            "Node no-id has a provider id",
        ] {
            lab.says(name, unnamed).await?;
        }
    }
    lab.stage.end().await;
    Ok(())
}
