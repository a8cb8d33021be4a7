//! The three modes, and the pods on virtual nodes in each.

use clb_e2e::{Api, Sketch, load_balancer_of};
use serde_json::json;

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, virtual_node_among_three};

on_both_apis!(every_mode_and_virtual_nodes_in_each, annotations_choose_and_weigh);

/// With nodes n1 to n3 and a virtual one.
pub(crate) async fn lab_with_a_virtual_node(api: Api) -> anyhow::Result<Option<Lab>> {
    let nodes = virtual_node_among_three();
    Lab::start_with(api, |options| options.layout = Some(nodes)).await
}

/// Two pods on n1, one on n2, one on a virtual node: backends are nodes on the node port, weighed by pods under Local policy, or pods on
/// the target port; the pod on the virtual node is always one itself.
async fn every_mode_and_virtual_nodes_in_each(api: Api) -> anyhow::Result<()> {
    let Some(lab) = lab_with_a_virtual_node(api).await? else {
        return Ok(());
    };
    let pods = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2"), pod(3).on("vk")];
    let on_virtual_node = pods[3].backend(8080);
    let local = |sketch: Sketch| sketch.spec("externalTrafficPolicy", json!("Local"));
    for name in ["cluster", "local", "eni", "eni-local"] {
        lab.slice(name, &pods).await?;
    }
    let cluster = lab.apply(&by_hand("cluster").tcp(80)).await?;
    let expected = ["i-n1=100", "i-n2=100", "i-n3=100", &on_virtual_node];
    lab.backends_are(&cluster, &expected).await?;

    let by_pods = lab.apply(&local(by_hand("local").tcp(80))).await?;
    let expected = ["i-n1=2", "i-n2=1", "10.0.100.4:8080=1"];
    lab.backends_are(&by_pods, &expected).await?;

    for sketch in [eni("eni").tcp(80), local(eni("eni-local").tcp(80))] {
        let uid = lab.apply(&sketch).await?;
        lab.pods_are(&uid, &pods, 8080).await?;
    }

    // Nodes are backends on the node port, under the Service's mark.
    let service = lab.service("cluster").await?;
    let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
    let node_port = ports[0].node_port.unwrap_or_default();
    let load_balancer = load_balancer_of(&lab.stage, &cluster);
    let mark = format!("k8s/{node_port}/cluster/default/sandbox-1");
    let servers = load_balancer["vgroups"][&mark]["servers"].as_array().cloned();
    let servers = servers.unwrap_or_default();
    assert_eq!(servers.len(), 4, "the group goes by its mark");
    for server in servers {
        assert_eq!(server["Description"], mark.as_str());
        let expected = if server["Type"] == "ecs" { node_port } else { 8080 };
        assert_eq!(server["Port"], expected);
    }
    // Pods carry the target port in theirs where all backends are pods.
    let eni = lab.service("eni").await?.metadata.uid.unwrap_or_default();
    let load_balancer = load_balancer_of(&lab.stage, &eni);
    let mark = "k8s/8080/eni/default/sandbox-1";
    let servers = load_balancer["vgroups"][mark]["servers"].as_array().cloned();
    let servers = servers.unwrap_or_default();
    assert_eq!(servers.len(), pods.len());
    assert!(
        servers.iter().all(|server| server["Description"] == mark),
        "{servers:#?}"
    );
    lab.stage.end().await;
    Ok(())
}

/// `backend-label`, `default-weight` and `ignore-weight-update`.
async fn annotations_choose_and_weigh(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0), pod(1), pod(2)]).await?;
    let labels = |name: &str| json!({"metadata": {"labels": {"pool": name, "tier": "front"}}});
    lab.node("n1", &labels("edge")).await?;
    lab.node("n2", &labels("edge")).await?;
    lab.node("n3", &labels("inner")).await?;
    let web = by_hand("web")
        .tcp(80)
        .annotated("backend-label", "pool=edge,tier=front");
    let uid = lab.apply(&web).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n2=100"]).await?;
    lab.apply(&web.clone().annotated("default-weight", "60")).await?;
    lab.backends_are(&uid, &["i-n1=60", "i-n2=60"]).await?;

    // No weight of a backend that is there is changed; one that comes gets the new one.
    let ignoring = web
        .annotated("default-weight", "30")
        .annotated("ignore-weight-update", "on");
    lab.apply(&ignoring).await?;
    lab.node("n3", &labels("edge")).await?;
    lab.backends_are(&uid, &["i-n1=60", "i-n2=60", "i-n3=30"]).await?;
    lab.node("n1", &labels("inner")).await?;
    lab.backends_are(&uid, &["i-n2=60", "i-n3=30"]).await?;
    lab.stage.end().await;
    Ok(())
}
