//! Readiness gates, end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clb_e2e::{Api, load_balancer_of, text};
use cloud_sim::Call;
use k8s_openapi::api::core::v1::Pod as PodObject;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::lab::{self, Lab, eni, on_both_apis, pod};

on_both_apis!(
    a_rolling_replacement_keeps_45_of_50_backends_alive,
    gates_of_nodes_and_of_pods_that_cannot_be_registered,
);

const GATE: &str = "service.readiness.alibabacloud.com/web";
const REPLICAS: usize = 50;
/// `maxUnavailable: 10%`.
const UNAVAILABLE: usize = 5;

/// A Deployment's controller, the EndpointSlice controller and the kubelets in one, step by step.
struct Deployment<'l> {
    lab: &'l Lab,
    pods: kube::Api<PodObject>,
    next: u16,
    addresses: BTreeMap<String, lab::Pod>,
    /// Pods that have ended, with the last call to the cloud before.
    ended: Vec<(IpAddr, u64)>,
    slice: Vec<Value>,
}

impl<'l> Deployment<'l> {
    fn new(lab: &'l Lab) -> Self {
        Self {
            lab,
            pods: kube::Api::namespaced(lab.client.clone(), "default"),
            next: 0,
            addresses: BTreeMap::new(),
            ended: Vec::new(),
            slice: Vec::new(),
        }
    }

    /// One more pod of a generation.
    async fn create(&mut self, generation: &str) -> anyhow::Result<()> {
        let endpoint = pod(self.next);
        let name = format!("web-{}", self.next);
        self.next += 1;
        self.lab.attach(std::slice::from_ref(&endpoint));
        let object = serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"generation": generation}},
            "spec": {
                "containers": [{"name": "main", "image": "web:1"}],
                "nodeName": endpoint.node,
                "readinessGates": [{"conditionType": GATE}],
            },
        }))?;
        self.pods.create(&PostParams::default(), &object).await?;
        self.addresses.insert(name, endpoint);
        Ok(())
    }

    /// What the kubelet says of a pod: its containers are ready, the pod is once its gate is set.
    async fn report(&self, name: &str, ready: bool) -> anyhow::Result<()> {
        let ready = if ready {
            json!({"type": "Ready", "status": "True", "reason": null})
        } else {
            json!({"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"})
        };
        let status = json!({"status": {
            "phase": "Running",
            "conditions": [{"type": "ContainersReady", "status": "True"}, ready],
        }});
        self.pods
            .patch_status(name, &PatchParams::default(), &Patch::Strategic(status))
            .await?;
        Ok(())
    }

    /// Ends a pod that was deleted and whose time is over.
    async fn end(&mut self, name: &str) -> anyhow::Result<()> {
        if let Some(pod) = self.addresses.remove(name) {
            self.ended.push((pod.address, self.lab.now()));
        }
        let at_once = DeleteParams::default().grace_period(0);
        self.pods.delete(name, &at_once).await?;
        Ok(())
    }

    /// Does everything that there is to do once. Returns whether all pods are of this generation and available.
    async fn work(&mut self, generation: &str) -> anyhow::Result<bool> {
        let objects = self.pods.list(&ListParams::default()).await?;
        let mut slice = Vec::new();
        let (mut available, mut old, mut alive) = (0, Vec::new(), 0);
        for object in &objects {
            let name = object.name_any();
            if object.metadata.deletion_timestamp.is_some() {
                // It was terminating for a whole round.
                self.end(&name).await?;
                continue;
            }
            alive += 1;
            let is = |kind: &str| {
                let conditions = object
                    .status
                    .iter()
                    .flat_map(|status| status.conditions.iter().flatten());
                conditions
                    .clone()
                    .any(|condition| condition.type_ == kind && condition.status == "True")
            };
            let (ready, gate) = (is("Ready"), is(GATE));
            if !is("ContainersReady") || (gate && !ready) {
                self.report(&name, gate).await?;
            }
            let ready = ready || gate;
            available += usize::from(ready);
            let is_old = object.labels().get("generation").map(String::as_str) != Some(generation);
            if is_old {
                old.push(name.clone());
            }
            let mut endpoint = self.addresses[&name].clone();
            endpoint.object = Some((name, object.uid().unwrap_or_default()));
            endpoint.ready = ready;
            slice.push(endpoint);
        }
        let may_go = available.saturating_sub(REPLICAS - UNAVAILABLE);
        for name in old.iter().take(may_go) {
            self.pods
                .delete(name, &DeleteParams::default().grace_period(30))
                .await?;
            for endpoint in &mut slice {
                if endpoint.object.as_ref().is_some_and(|(of, _)| of == name) {
                    endpoint.terminating = true;
                }
            }
            alive -= 1;
        }
        for _ in alive..REPLICAS {
            self.create(generation).await?;
        }
        let endpoints: Vec<Value> = slice.iter().map(lab::Pod::endpoint).collect();
        if endpoints != self.slice {
            self.lab.slice("web", &slice).await?;
            self.slice = endpoints;
        }
        Ok(available == REPLICAS && old.is_empty())
    }

    /// Works until all pods are of this generation and available.
    async fn roll_out(&mut self, generation: &str) -> anyhow::Result<()> {
        self.lab
            .stage
            .until("all pods are replaced and available", async || {
                self.work(generation).await
            })
            .await
    }
}

/// The addresses that a call adds to or removes from a group.
fn addresses(call: &Call) -> Vec<IpAddr> {
    let list = call.parameters.get("BackendServers").map_or("[]", String::as_str);
    let servers: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
    servers
        .iter()
        .filter_map(|server| text(server, "ServerIp").parse().ok())
        .collect()
}

/// The fewest live backends that the group ever had: those in it whose pods had not ended.
fn fewest_alive(calls: &[Call], ended: &[(IpAddr, u64)]) -> usize {
    let mut group: BTreeSet<IpAddr> = BTreeSet::new();
    let mut ended = ended.iter().peekable();
    let mut gone: BTreeSet<IpAddr> = BTreeSet::new();
    let mut fewest = usize::MAX;
    let mut complete = false;
    for call in calls.iter().filter(|call| call.applied) {
        // Those that ended before this call.
        while let Some((address, _)) = ended.next_if(|(_, after)| *after < call.number) {
            gone.insert(*address);
            if complete {
                fewest = fewest.min(group.difference(&gone).count());
            }
        }
        match call.action.as_str() {
            "CreateVServerGroup" | "AddVServerGroupBackendServers" => group.extend(addresses(call)),
            "RemoveVServerGroupBackendServers" => {
                for address in addresses(call) {
                    group.remove(&address);
                }
            }
            _ => {}
        }
        complete |= group.len() >= REPLICAS;
        if complete {
            fewest = fewest.min(group.difference(&gone).count());
        }
    }
    fewest
}

/// 50 ENI pods are replaced with at most 5 unavailable. A pod counts as available only when it is registered, so the group has 45 live
/// backends at every moment, however slow the cloud is.
async fn a_rolling_replacement_keeps_45_of_50_backends_alive(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    let mut deployment = Deployment::new(&lab);
    deployment.roll_out("one").await?;
    let first: Vec<lab::Pod> = deployment.addresses.values().cloned().collect();
    lab.pods_are(&uid, &first, 8080).await?;

    deployment.roll_out("two").await?;
    deployment.work("two").await?;
    let second: Vec<lab::Pod> = deployment.addresses.values().cloned().collect();
    lab.pods_are(&uid, &second, 8080).await?;
    assert!(first.iter().all(|pod| !second.contains(pod)), "all were replaced");
    assert_eq!(deployment.ended.len(), REPLICAS);
    let calls = lab.stage.world.cloud.cloud().calls();
    let fewest = fewest_alive(&calls, &deployment.ended);
    assert!(fewest >= REPLICAS - UNAVAILABLE, "only {fewest} live backends");
    let id = load_balancer_of(&lab.stage, &uid);
    assert_eq!(text(&id, "LoadBalancerStatus"), "active");
    lab.stage.end().await;
    Ok(())
}

/// Under Cluster policy the gate is set once the group exists, under Local policy once the pod's node is a backend; a pod that cannot be
/// one waits, and the others do not wait for it.
async fn gates_of_nodes_and_of_pods_that_cannot_be_registered(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let gated = async |service: &str, mut endpoint: lab::Pod| -> anyhow::Result<lab::Pod> {
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
    };
    let is_set = async |pod: &lab::Pod| -> anyhow::Result<bool> {
        let pods: kube::Api<PodObject> = kube::Api::namespaced(lab.client.clone(), "default");
        let name = pod.object.as_ref().map_or("", |(name, _)| name.as_str());
        let conditions = pods.get(name).await?.status.and_then(|status| status.conditions);
        Ok(conditions
            .into_iter()
            .flatten()
            .any(|condition| condition.type_.starts_with("service.readiness.") && condition.status == "True"))
    };
    let on_cluster = gated("cluster", pod(0).on("n1")).await?;
    lab.slice("cluster", std::slice::from_ref(&on_cluster)).await?;
    lab.apply(&lab::by_hand("cluster").tcp(80)).await?;
    lab.stage
        .until("the gate under Cluster policy is set", async || {
            is_set(&on_cluster).await
        })
        .await?;

    let on_local = gated("local", pod(1).on("n2")).await?;
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
            is_set(&on_local).await
        })
        .await?;
    assert_eq!(lab.backends(&local), Some(vec!["i-n2=1".to_owned()]));

    let mut outside = pod(2);
    outside.address = [172, 31, 0, 9].into();
    let (inside, outside) = (gated("pods", pod(3)).await?, gated("pods", outside).await?);
    lab.slice("pods", &[inside.clone(), outside.clone()]).await?;
    lab.apply(&eni("pods").tcp(80)).await?;
    lab.stage
        .until("the gate of the pod in the VPC is set", async || {
            is_set(&inside).await
        })
        .await?;
    lab.says(
        "pods",
        "address 172.31.0.9 of a pod is outside of the VPC's ranges",
    )
    .await?;
    assert!(!is_set(&outside).await?, "no traffic of the CLB can reach it");
    lab.stage.end().await;
    Ok(())
}
