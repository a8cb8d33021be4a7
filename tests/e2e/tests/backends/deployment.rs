//! A Deployment's controller, the EndpointSlice controller and the kubelets in one, step by step: 50 pods with a readiness gate, of which
//! at most 5 are unavailable.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod as PodObject;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::lab::{self, Lab, pod};

/// How many pods there are to be.
pub(crate) const REPLICAS: usize = 50;
/// `maxUnavailable: 10%`.
pub(crate) const UNAVAILABLE: usize = 5;

/// The pods of the Service of that name.
pub(crate) struct Deployment {
    service: String,
    gate: String,
    pods: kube::Api<PodObject>,
    next: u16,
    pub(crate) addresses: BTreeMap<String, lab::Pod>,
    /// Addresses of pods that have ended, with the number of the last call to the cloud before.
    pub(crate) ended: BTreeMap<String, u64>,
    slice: Vec<Value>,
}

impl Deployment {
    /// None yet; the `first` is the number of their first address.
    pub(crate) fn new(lab: &Lab, service: &str, first: u16) -> Self {
        Self {
            service: service.to_owned(),
            gate: format!("service.readiness.alibabacloud.com/{service}"),
            pods: kube::Api::namespaced(lab.client.clone(), "default"),
            next: first,
            addresses: BTreeMap::new(),
            ended: BTreeMap::new(),
            slice: Vec::new(),
        }
    }

    /// One more pod of a generation.
    async fn create(&mut self, lab: &Lab, generation: &str) -> anyhow::Result<()> {
        let endpoint = pod(self.next);
        let name = format!("{}-{}", self.service, self.next);
        self.next += 1;
        lab.attach(std::slice::from_ref(&endpoint));
        let object = serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"generation": generation, "app": self.service}},
            "spec": {
                "containers": [{"name": "main", "image": "web:1"}],
                "nodeName": endpoint.node,
                "readinessGates": [{"conditionType": self.gate}],
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
    async fn end(&mut self, lab: &Lab, name: &str) -> anyhow::Result<()> {
        if let Some(pod) = self.addresses.remove(name) {
            self.ended.insert(pod.address.to_string(), lab.now());
        }
        let at_once = DeleteParams::default().grace_period(0);
        self.pods.delete(name, &at_once).await?;
        Ok(())
    }

    /// Does everything that there is to do once. Returns whether all pods are of this generation and available.
    pub(crate) async fn work(&mut self, lab: &Lab, generation: &str) -> anyhow::Result<bool> {
        let mine = ListParams::default().labels(&format!("app={}", self.service));
        let objects = self.pods.list(&mine).await?;
        let mut slice = Vec::new();
        let (mut available, mut old, mut alive) = (0, Vec::new(), 0);
        for object in &objects {
            let name = object.name_any();
            if object.metadata.deletion_timestamp.is_some() {
                // It was terminating for a whole round.
                self.end(lab, &name).await?;
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
            let (ready, gate) = (is("Ready"), is(&self.gate));
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
            self.create(lab, generation).await?;
        }
        let endpoints: Vec<Value> = slice.iter().map(lab::Pod::endpoint).collect();
        if endpoints != self.slice {
            lab.slice(&self.service, &slice).await?;
            self.slice = endpoints;
        }
        Ok(available == REPLICAS && old.is_empty())
    }

    /// Works until all pods are of this generation and available.
    pub(crate) async fn roll_out(&mut self, lab: &Lab, generation: &str) -> anyhow::Result<()> {
        lab.stage
            .until("all pods are replaced and available", async || {
                self.work(lab, generation).await
            })
            .await
    }

    /// Whether the pod with this address had not ended when the cloud was called so many times.
    pub(crate) fn is_alive(&self, address: &str, call: u64) -> bool {
        self.ended.get(address).is_none_or(|last| call <= *last)
    }
}
