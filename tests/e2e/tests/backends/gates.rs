//! Readiness gates, end to end.

use clb_e2e::{Api, load_balancer_of, text};
use cloud_sim::{Fault, FaultKind};
use k8s_openapi::api::core::v1::Pod as PodObject;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use crate::deployment::{Deployment, REPLICAS, UNAVAILABLE};
use crate::lab::{self, Lab, eni, on_both_apis, pod};
use crate::modes::lab_with_a_virtual_node;
use crate::moments::fewest;
use crate::troubles::Trouble;

on_both_apis!(
    a_rolling_replacement_keeps_45_of_50_backends_alive,
    gates_of_nodes_and_of_pods_that_cannot_be_registered,
    a_gate_waits_until_the_backend_is_really_there,
    a_yes_of_the_cloud_that_comes_to_nothing_sets_no_gate,
);

/// Makes a pod that waits for the Service's gate; its containers are ready.
async fn gated(lab: &Lab, service: &str, mut endpoint: lab::Pod) -> anyhow::Result<lab::Pod> {
    let name = format!("{service}-{}", endpoint.address.to_string().replace('.', "-"));
    let gate = format!("service.readiness.alibabacloud.com/{service}");
    let pods: kube::Api<PodObject> = kube::Api::namespaced(lab.client.clone(), "default");
    let object = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "containers": [{"name": "main", "image": "web:1"}],
            "nodeName": endpoint.node,
            "readinessGates": [{"conditionType": gate}],
        },
    }))?;
    let made = pods.create(&PostParams::default(), &object).await?;
    let status = json!({"status": {"phase": "Running", "conditions": [
        {"type": "ContainersReady", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"},
    ]}});
    pods.patch_status(&name, &PatchParams::default(), &Patch::Strategic(status))
        .await?;
    endpoint.object = Some((name, made.uid().unwrap_or_default()));
    endpoint.ready = false;
    Ok(endpoint)
}

/// Whether a pod's gate is set.
async fn is_set(lab: &Lab, pod: &lab::Pod) -> anyhow::Result<bool> {
    let pods: kube::Api<PodObject> = kube::Api::namespaced(lab.client.clone(), "default");
    let name = pod.object.as_ref().map_or("", |(name, _)| name.as_str());
    let conditions = pods.get(name).await?.status.and_then(|status| status.conditions);
    Ok(conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_.starts_with("service.readiness.") && condition.status == "True"))
}

/// 50 ENI pods are replaced with at most 5 unavailable. A pod counts as available only when it is registered, so the group has 45 live
/// backends at every moment, whatever goes wrong.
async fn a_rolling_replacement_keeps_45_of_50_backends_alive(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for (number, trouble) in (0..).zip(Trouble::ALL) {
        let name = format!("web-{trouble}");
        let uid = lab.apply(&eni(&name).tcp(80)).await?;
        let mut deployment = Deployment::new(&lab, &name, 200 * number);
        deployment.roll_out(&lab, "one").await?;
        let first: Vec<lab::Pod> = deployment.addresses.values().cloned().collect();
        lab.pods_are(&uid, &first, 8080).await?;
        let since = lab.now();

        trouble.begin(&lab);
        for _ in 0..2 {
            // A few pods are replaced, and some are on their way.
            for _ in 0..5 {
                deployment.work(&lab, "two").await?;
            }
            trouble.strike(&mut lab).await?;
        }
        deployment.roll_out(&lab, "two").await?;
        deployment.work(&lab, "two").await?;
        let second: Vec<lab::Pod> = deployment.addresses.values().cloned().collect();
        lab.pods_are(&uid, &second, 8080).await?;
        trouble.end(&lab);
        assert!(first.iter().all(|pod| !second.contains(pod)), "all were replaced");
        assert_eq!(deployment.ended.len(), REPLICAS);
        let load_balancer = load_balancer_of(&lab.stage, &uid);
        let calls = lab.stage.world.cloud.cloud().calls();
        let alive = |server: &str, call: u64| deployment.is_alive(server, call);
        let fewest = fewest(&calls, text(&load_balancer, "LoadBalancerId"), since, alive);
        assert!(
            fewest >= REPLICAS - UNAVAILABLE,
            "{trouble}: only {fewest} live backends"
        );
        lab.delete(&name).await?;
    }
    lab.stage.end().await;
    Ok(())
}

/// Under Cluster policy the gate is set once the group exists, under Local policy once the pod's node is a backend; a pod that cannot be
/// one waits, and the others do not wait for it.
async fn gates_of_nodes_and_of_pods_that_cannot_be_registered(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let on_cluster = gated(&lab, "cluster", pod(0).on("n1")).await?;
    lab.slice("cluster", std::slice::from_ref(&on_cluster)).await?;
    lab.apply(&lab::by_hand("cluster").tcp(80)).await?;
    lab.stage
        .until("the gate under Cluster policy is set", async || {
            is_set(&lab, &on_cluster).await
        })
        .await?;

    let on_local = gated(&lab, "local", pod(1).on("n2")).await?;
    lab.slice("local", std::slice::from_ref(&on_local)).await?;
    let policy = json!("Local");
    let local = lab
        .apply(
            &lab::by_hand("local")
                .tcp(80)
                .spec("externalTrafficPolicy", policy),
        )
        .await?;
    lab.stage
        .until("the gate under Local policy is set", async || {
            is_set(&lab, &on_local).await
        })
        .await?;
    assert_eq!(lab.backends(&local), Some(vec!["i-n2=1".to_owned()]));

    let mut outside = pod(2);
    outside.address = [172, 31, 0, 9].into();
    let (inside, outside) = (
        gated(&lab, "pods", pod(3)).await?,
        gated(&lab, "pods", outside).await?,
    );
    lab.slice("pods", &[inside.clone(), outside.clone()]).await?;
    lab.apply(&eni("pods").tcp(80)).await?;
    lab.stage
        .until("the gate of the pod in the VPC is set", async || {
            is_set(&lab, &inside).await
        })
        .await?;
    lab.says(
        "pods",
        "address 172.31.0.9 of a pod is outside of the VPC's ranges",
    )
    .await?;
    assert!(
        !is_set(&lab, &outside).await?,
        "no traffic of the CLB can reach it"
    );
    lab.stage.end().await;
    Ok(())
}

/// The cloud refuses to add a pod: its gate is not set, also under Cluster policy where the pod is on a virtual node. Once it is added, its
/// gate is set.
async fn a_gate_waits_until_the_backend_is_really_there(api: Api) -> anyhow::Result<()> {
    let Some(lab) = lab_with_a_virtual_node(api).await? else {
        return Ok(());
    };
    for (service, node) in [("pods", "n1"), ("cluster", "vk")] {
        let sketch = if service == "pods" {
            eni(service).tcp(80)
        } else {
            lab::by_hand(service).tcp(80)
        };
        let number = if service == "pods" { 0 } else { 10 };
        let first = pod(number).on(node);
        lab.slice(service, std::slice::from_ref(&first)).await?;
        let uid = lab.apply(&sketch).await?;
        let has = |pod: &lab::Pod| {
            let backends = lab.backends(&uid).unwrap_or_default();
            backends.contains(&pod.backend(8080))
        };
        lab.stage
            .until("the first pod is a backend", async || Ok(has(&first)))
            .await?;

        let cloud = lab.stage.world.cloud.cloud();
        let refusal = FaultKind::Error {
            status: 500,
            code: "InternalError".to_owned(),
            message: "not now".to_owned(),
        };
        cloud.order_fault(Fault::next(refusal).of("AddVServerGroupBackendServers").always());
        let before = lab.now();
        let second = gated(&lab, service, pod(number + 1).on(node)).await?;
        lab.slice(service, &[first, second.clone()]).await?;
        lab.stage
            .until("the cloud has refused the second pod twice", async || {
                Ok(lab.calls(before, "AddVServerGroup").len() > 1)
            })
            .await?;
        assert!(!has(&second) && !is_set(&lab, &second).await?, "{service}");
        cloud.clear_faults();
        lab.stage
            .until("the gate of the second pod is set", async || {
                is_set(&lab, &second).await
            })
            .await?;
        assert!(
            has(&second),
            "{service}: the gate is set before the pod is a backend"
        );
    }
    lab.stage.end().await;
    Ok(())
}

/// The cloud says yes and adds nothing, or adds it late: the gate is set when the group holds the pod.
async fn a_yes_of_the_cloud_that_comes_to_nothing_sets_no_gate(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let first = pod(0);
    lab.slice("web", std::slice::from_ref(&first)).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, std::slice::from_ref(&first), 8080).await?;
    let mut pods = vec![first];
    for (number, kind) in (1..).zip([FaultKind::ApplyNever, FaultKind::ApplyLate { milliseconds: 700 }]) {
        let cloud = lab.stage.world.cloud.cloud();
        cloud.order_fault(Fault::next(kind.clone()).of("AddVServerGroupBackendServers"));
        let new = gated(&lab, "web", pod(number)).await?;
        pods.push(new.clone());
        lab.slice("web", &pods).await?;
        let holds = || {
            let backends = lab.backends(&uid).unwrap_or_default();
            backends.contains(&new.backend(8080))
        };
        lab.stage
            .until("the gate is set", async || {
                let is_set = is_set(&lab, &new).await?;
                anyhow::ensure!(
                    !is_set || holds(),
                    "{kind:?}: the gate is set before the pod is a backend"
                );
                Ok(is_set)
            })
            .await?;
    }
    lab.stage.end().await;
    Ok(())
}
