//! Services without a selector, whose pods and EndpointSlices a scenario writes itself, and what the cloud has of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use clb_e2e::{Api, Sketch, Stage, events_of, find_load_balancer, service_api, text, uid_of};
use clb_sandbox::workload::{LabNode, Layout};
use clb_sandbox::world::Options;
use cloud_sim::{Account, Call, DEFAULT_ACCOUNT, NetworkInterface, lab};
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

/// A cluster and the cloud.
pub(crate) struct Lab {
    pub(crate) stage: Stage,
    pub(crate) client: Client,
    pub(crate) account: Account,
}

/// A pod as an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) address: IpAddr,
    pub(crate) node: Option<String>,
    pub(crate) ready: bool,
    pub(crate) terminating: bool,
    /// Name and UID where it is an object of the API.
    pub(crate) object: Option<(String, String)>,
}

/// The `number`th pod, ready, on one of the nodes 1 to 3 in turn.
pub(crate) fn pod(number: u16) -> Pod {
    let (high, low) = (number / 250, number % 250 + 1);
    Pod {
        address: IpAddr::V4(Ipv4Addr::new(
            10,
            0,
            100 + u8::try_from(high).unwrap_or(99),
            u8::try_from(low).unwrap_or(0),
        )),
        node: Some(format!("n{}", number % 3 + 1)),
        ready: true,
        terminating: false,
        object: None,
    }
}

/// So many of them.
pub(crate) fn pods(numbers: std::ops::Range<u16>) -> Vec<Pod> {
    numbers.map(pod).collect()
}

impl Pod {
    pub(crate) fn on(mut self, node: &str) -> Self {
        self.node = Some(node.to_owned());
        self
    }

    pub(crate) fn endpoint(&self) -> Value {
        let mut endpoint = json!({
            "addresses": [self.address],
            "conditions": {
                "ready": self.ready && !self.terminating,
                "serving": self.ready,
                "terminating": self.terminating,
            },
        });
        if let Some(node) = &self.node {
            endpoint["nodeName"] = json!(node);
        }
        if let Some((name, uid)) = &self.object {
            endpoint["targetRef"] = json!({"kind": "Pod", "name": name, "namespace": "default", "uid": uid});
        }
        endpoint
    }

    /// The pod as an ENI backend of weight 100.
    pub(crate) fn backend(&self, port: u16) -> String {
        format!("{}:{port}=100", self.address)
    }
}

/// A Service that selects nothing.
pub(crate) fn by_hand(name: &str) -> Sketch {
    Sketch::new(name).spec("selector", Value::Null)
}

/// The same with pods as backends.
pub(crate) fn eni(name: &str) -> Sketch {
    by_hand(name).plain_annotation("service.beta.kubernetes.io/backend-type", "eni")
}

/// Nodes n1 to n3 and the virtual node vk.
pub(crate) fn virtual_node_among_three() -> Layout {
    let mut nodes: Vec<LabNode> = (1..=3).map(|number| LabNode::numbered("", number)).collect();
    nodes.push(LabNode {
        name: "vk".to_owned(),
        labels: vec![("type".to_owned(), "virtual-kubelet".to_owned())],
        ..LabNode::numbered("", 9)
    });
    Layout {
        nodes,
        pods: Vec::new(),
    }
}

impl Lab {
    pub(crate) async fn start(api: Api) -> anyhow::Result<Option<Self>> {
        Self::start_with(api, |_| {}).await
    }

    pub(crate) async fn start_with(
        api: Api,
        change: impl FnOnce(&mut Options),
    ) -> anyhow::Result<Option<Self>> {
        Ok(Stage::start_with(api, change).await?.map(Self::on))
    }

    /// On a stage.
    pub(crate) fn on(stage: Stage) -> Self {
        Self {
            client: stage.world.clusters[0].client.clone(),
            account: stage.world.cloud.cloud().account(DEFAULT_ACCOUNT),
            stage,
        }
    }

    /// Gives pods their ENIs.
    pub(crate) fn attach(&self, pods: &[Pod]) {
        for pod in pods {
            let eni = format!("eni-{}", pod.address.to_string().replace(['.', ':'], "-"));
            self.account.add_network_interface(NetworkInterface::new(
                &eni,
                lab::VPC,
                "vsw-k",
                "cn-hangzhou-k",
                &[pod.address],
            ));
        }
    }

    /// Writes the only slice of a Service, whose port tcp-80 leads to 8080.
    pub(crate) async fn slice(&self, service: &str, pods: &[Pod]) -> anyhow::Result<()> {
        self.slice_to(service, "1", 8080, pods).await
    }

    /// The same, of whose pods some have no ENI.
    pub(crate) async fn slice_without_enis(
        &self,
        service: &str,
        pods: &[Pod],
        without: &[Pod],
    ) -> anyhow::Result<()> {
        let with: Vec<Pod> = pods
            .iter()
            .filter(|pod| !without.contains(pod))
            .cloned()
            .collect();
        self.attach(&with);
        self.write_slice(service, "1", 8080, pods).await
    }

    /// Writes one slice of a Service, whose port tcp-80 leads to this port of the pods.
    pub(crate) async fn slice_to(
        &self,
        service: &str,
        part: &str,
        port: u16,
        pods: &[Pod],
    ) -> anyhow::Result<()> {
        self.attach(pods);
        self.write_slice(service, part, port, pods).await
    }

    async fn write_slice(&self, service: &str, part: &str, port: u16, pods: &[Pod]) -> anyhow::Result<()> {
        let endpoints: Vec<Value> = pods.iter().map(Pod::endpoint).collect();
        let v6 = pods.iter().any(|pod| pod.address.is_ipv6());
        let name = format!("{service}-{part}");
        let object = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "name": name, "namespace": "default",
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": if v6 { "IPv6" } else { "IPv4" },
            "ports": [{"name": "tcp-80", "protocol": "TCP", "port": port}],
            "endpoints": endpoints,
        });
        let slices: kube::Api<EndpointSlice> = kube::Api::namespaced(self.client.clone(), "default");
        let params = PatchParams::apply("scenario").force();
        slices.patch(&name, &params, &Patch::Apply(object)).await?;
        Ok(())
    }

    /// Applies a Service and returns its UID.
    pub(crate) async fn apply(&self, sketch: &Sketch) -> anyhow::Result<String> {
        Ok(uid_of(&sketch.apply(&self.client).await?))
    }

    pub(crate) async fn service(&self, name: &str) -> anyhow::Result<Service> {
        Ok(service_api(&self.stage).get(name).await?)
    }

    /// Changes a node.
    pub(crate) async fn node(&self, name: &str, change: &Value) -> anyhow::Result<()> {
        let nodes: kube::Api<Node> = kube::Api::all(self.client.clone());
        nodes
            .patch(name, &PatchParams::default(), &Patch::Merge(change))
            .await?;
        Ok(())
    }

    /// Says whether a node is Ready.
    pub(crate) async fn node_is_ready(&self, name: &str, ready: bool) -> anyhow::Result<()> {
        let nodes: kube::Api<Node> = kube::Api::all(self.client.clone());
        let now = k8s_openapi::jiff::Timestamp::now();
        let status = json!({"status": {"conditions": [{
            "type": "Ready", "status": if ready { "True" } else { "Unknown" }, "reason": "Kubelet", "message": "",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        }]}});
        nodes
            .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
            .await?;
        Ok(())
    }

    /// The backends of the group to which a Service's listener tcp/80 sends, ordered: `i-n1=100` and `10.0.100.1:8080=100`. None while
    /// there is no such listener.
    pub(crate) fn backends(&self, uid: &str) -> Option<Vec<String>> {
        let load_balancer = find_load_balancer(&self.stage, uid)?;
        let reference = text(&load_balancer["listeners"]["tcp/80"], "VServerGroupId");
        Some(written(
            &load_balancer["vgroups"][reference.strip_prefix("group:")?],
        ))
    }

    /// Waits until the listener tcp/80 sends to these.
    pub(crate) async fn backends_are(&self, uid: &str, wanted: &[&str]) -> anyhow::Result<()> {
        let mut wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        wanted.sort_unstable();
        let what = format!("the backends are {wanted:?}");
        let reached = self
            .stage
            .until(&what, async || Ok(self.backends(uid).as_ref() == Some(&wanted)));
        reached
            .await
            .map_err(|error| error.context(format!("they are {:?}", self.backends(uid))))
    }

    /// The same for pods on this port.
    pub(crate) async fn pods_are(&self, uid: &str, pods: &[Pod], port: u16) -> anyhow::Result<()> {
        let wanted: Vec<String> = pods.iter().map(|pod| pod.backend(port)).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        self.backends_are(uid, &wanted).await
    }

    /// Waits until the listener tcp/80 sends to so many.
    pub(crate) async fn has_backends(&self, uid: &str, count: usize) -> anyhow::Result<()> {
        let there = || self.backends(uid).map(|backends| backends.len());
        let what = format!("there are {count} backends");
        let reached = self.stage.until(&what, async || Ok(there() == Some(count)));
        reached
            .await
            .map_err(|error| error.context(format!("there are {:?}", there())))
    }

    /// Waits for an event about a Service that contains the text.
    pub(crate) async fn says(&self, service: &str, text: &str) -> anyhow::Result<()> {
        let what = format!("an event says {text:?}");
        let reached = self.stage.until(&what, async || {
            let events = events_of(&self.stage, service).await?;
            Ok(events.iter().any(|(_, _, message)| message.contains(text)))
        });
        if let Err(error) = reached.await {
            let events = events_of(&self.stage, service).await?;
            return Err(error.context(format!("there are {events:#?}")));
        }
        Ok(())
    }

    /// A condition of a Service; null where there is none.
    pub(crate) async fn condition(&self, service: &str, kind: &str) -> anyhow::Result<Value> {
        let service = serde_json::to_value(self.service(service).await?)?;
        let conditions = service["status"]["conditions"].as_array().into_iter().flatten();
        let mut found = conditions.filter(|condition| condition["type"] == kind).cloned();
        Ok(found.next().unwrap_or_default())
    }

    /// Deletes a Service and waits until it is gone.
    pub(crate) async fn delete(&self, service: &str) -> anyhow::Result<()> {
        let api = service_api(&self.stage);
        api.delete(service, &DeleteParams::default()).await?;
        self.stage
            .until(&format!("{service} is gone"), async || {
                Ok(api.get_opt(service).await?.is_none())
            })
            .await
    }

    /// The actions that wrote to a Service's CLB since a number.
    pub(crate) fn writes_on(&self, uid: &str, since: u64) -> Vec<String> {
        let id = find_load_balancer(&self.stage, uid).unwrap_or_default()["LoadBalancerId"].clone();
        let groups = find_load_balancer(&self.stage, uid).unwrap_or_default()["vgroups"].to_string();
        self.calls(since, "")
            .into_iter()
            .filter(|call| {
                let is_clb = call.parameters.get("LoadBalancerId").map(String::as_str) == id.as_str();
                let group = call.parameters.get("VServerGroupId");
                let is_group = group.is_some_and(|group| groups.contains(group.as_str()));
                call.write && (is_clb || is_group)
            })
            .map(|call| call.action)
            .collect()
    }

    /// Waits until every CLB that got a listener has been read after that, as the actuator does to see what the cloud filled in. From then
    /// on a read would be one too many.
    pub(crate) async fn read_back(&self) -> anyhow::Result<()> {
        let is_read = || {
            let calls = self.calls(0, "");
            let last_of = |action: &str, id: &str| {
                let mut of_clb = calls.iter().rev().filter(|call| call.action == action);
                of_clb.find(|call| call.parameters.values().any(|value| value == id))
            };
            let started = calls
                .iter()
                .filter(|call| call.action == "StartLoadBalancerListener");
            let mut started = started.filter_map(|call| Some((call, call.parameters.get("LoadBalancerId")?)));
            started.all(|(start, id)| {
                let read = last_of("DescribeLoadBalancerListeners", id);
                read.is_some_and(|read| read.number > start.number)
            })
        };
        let what = "new listeners are read back";
        self.stage.until(what, async || Ok(is_read())).await
    }

    /// The number of the last call.
    pub(crate) fn now(&self) -> u64 {
        self.stage
            .world
            .cloud
            .cloud()
            .calls()
            .last()
            .map_or(0, |call| call.number)
    }

    /// The calls of actions whose name contains the text, since a number.
    pub(crate) fn calls(&self, since: u64, action: &str) -> Vec<Call> {
        let mut calls = self.stage.world.cloud.cloud().calls_since(since);
        calls.retain(|call| call.action.contains(action));
        calls
    }

    /// How often each action was called since a number.
    pub(crate) fn counts(&self, since: u64) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.stage.world.cloud.cloud().calls_since(since) {
            *counts.entry(call.action).or_default() += 1;
        }
        counts
    }
}

/// The backends of a group, ordered: `i-n1=100` and `10.0.100.1:8080=100`.
pub(crate) fn written(group: &Value) -> Vec<String> {
    let servers = group["servers"].as_array().into_iter().flatten();
    let mut found: Vec<String> = servers
        .map(|server| {
            let weight = &server["Weight"];
            match text(server, "Type") {
                "ecs" => format!("{}={weight}", text(server, "ServerId")),
                _ => format!("{}:{}={weight}", text(server, "ServerIp"), server["Port"]),
            }
        })
        .collect();
    found.sort_unstable();
    found
}

/// Runs a scenario on kube-sim and, where there is one, on a real API.
macro_rules! on_both_apis {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_kube_sim() -> anyhow::Result<()> {
                super::$scenario(clb_e2e::Api::Simulated).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_a_real_api() -> anyhow::Result<()> {
                super::$scenario(clb_e2e::Api::Real).await
            }
        })+
    };
}
pub(crate) use on_both_apis;
