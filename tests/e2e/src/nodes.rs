//! Nodes that join and leave while a scenario runs.

use anyhow::Context as _;
use clb_sandbox::workload::{LabNode, make_nodes};
use cloud_sim::{DEFAULT_ACCOUNT, Instance, lab};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, DeleteParams};

use crate::Stage;

/// Lets the `number`th node join the first cluster, with an ECS instance behind it; returns the instance's id. The stage's own nodes
/// are 1 to 3.
///
/// # Errors
/// Refusals of the API server.
pub async fn add_node(stage: &Stage, number: u8) -> anyhow::Result<String> {
    let node = LabNode::numbered("", number.into());
    let account = stage.world.cloud.cloud().account(DEFAULT_ACCOUNT);
    let vswitch = if node.zone.ends_with('j') {
        "vsw-j"
    } else {
        "vsw-k"
    };
    let address = [10, u8::from(vswitch == "vsw-j"), 200, number].into();
    account.add_instance(Instance::new(
        &node.instance_id,
        lab::VPC,
        vswitch,
        &node.zone,
        address,
    ));
    make_nodes(&stage.world.clusters[0].client, std::slice::from_ref(&node))
        .await
        .context("adding a node")?;
    Ok(node.instance_id)
}

/// Lets the `number`th node leave the first cluster.
///
/// # Errors
/// Refusals of the API server.
pub async fn remove_node(stage: &Stage, number: usize) -> anyhow::Result<()> {
    let nodes: Api<Node> = Api::all(stage.world.clusters[0].client.clone());
    nodes
        .delete(&LabNode::numbered("", number).name, &DeleteParams::default())
        .await
        .context("removing a node")?;
    Ok(())
}
