//! Nodes, pods, Services and EndpointSlices, as the measurements need them. Pods are in 10.0.0.0/16 from below,
//! nodes in 10.0.250.0/24.

use std::net::Ipv4Addr;

use cloud_sim::{Account, Instance, NetworkInterface, lab};
use kube_sim::Cluster;
use serde_json::{Value, json};

/// Nodes with these numbers come into the cluster, Ready, their ECS instances into the account.
pub(crate) fn add_nodes(
    cluster: &Cluster,
    account: &Account,
    numbers: impl IntoIterator<Item = u8>,
) -> anyhow::Result<()> {
    for number in numbers {
        let node = node(account, number);
        cluster.create(&node)?;
        cluster.update_status(&node)?;
    }
    Ok(())
}

fn node(account: &Account, number: u8) -> Value {
    let name = format!("n{number}");
    let address = Ipv4Addr::new(10, 0, 250, number);
    account.add_instance(Instance::new(
        &format!("i-{name}"),
        lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        address.into(),
    ));
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "spec": {"providerID": format!("{}.i-{name}", lab::REGION)},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": ""}]},
    })
}

/// A Service of one port with ECS backends.
pub(crate) fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    })
}

/// The same with ENI backends.
pub(crate) fn eni_service(name: &str) -> Value {
    let mut service = service(name);
    service["metadata"]["annotations"] = json!({"service.beta.kubernetes.io/backend-type": "eni"});
    service
}

/// The address of a pod, which has an ENI from now on.
pub(crate) fn pod(account: &Account, number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    let address = Ipv4Addr::new(10, 0, high, low);
    let eni = format!("eni-{number}");
    account.add_network_interface(NetworkInterface::new(
        &eni,
        lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        &[address.into()],
    ));
    address
}

/// The EndpointSlice of a Service with these pods.
pub(crate) fn slice(service: &str, pods: &[Ipv4Addr]) -> Value {
    let endpoint = |pod: &Ipv4Addr| json!({"addresses": [pod.to_string()], "conditions": {"ready": true}, "nodeName": "n1"});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-1"), "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "", "protocol": "TCP", "port": 8080}],
        "endpoints": pods.iter().map(endpoint).collect::<Vec<_>>(),
    })
}
