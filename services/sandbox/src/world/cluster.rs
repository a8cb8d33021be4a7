//! One cluster of a sandbox: its API, its Nodes with ECS instances, its pods with ENIs.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use cloud_sim::{Account, Instance, NetworkInterface, lab};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube_sim::KubeSim;

use crate::workload::{Interfaces, LabNode, LabPod, Layout, PodNetwork, Workload, make_nodes};

/// Where a cluster's API comes from.
#[derive(Debug, Clone)]
pub enum KubeApi {
    /// A simulated one is started.
    Simulated,
    /// One is there; this is its kubeconfig's text.
    Given(String),
}

/// A running cluster.
pub struct LabCluster {
    /// Its id, as in the planner's configuration and in the cloud's tags.
    pub id: String,
    /// A client with all rights.
    pub client: kube::Client,
    /// A kubeconfig file for kubectl and the watcher.
    pub kubeconfig: PathBuf,
    /// Its Nodes.
    pub nodes: Vec<LabNode>,
    /// The simulated API, unless a real one was given.
    pub sim: Option<KubeSim>,
    index: usize,
    /// The pods of every Service, where they were given.
    given_pods: Option<Vec<LabPod>>,
}

impl LabCluster {
    pub(super) async fn start(
        index: usize,
        api: KubeApi,
        nodes: usize,
        given: Option<Layout>,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let id = format!("sandbox-{}", index + 1);
        let (sim, text) = match api {
            KubeApi::Simulated => {
                let sim = KubeSim::start(kube_sim::Options::default())
                    .await
                    .with_context(|| format!("starting the simulated API of {id}"))?;
                let text = sim.kubeconfig();
                (Some(sim), text)
            }
            KubeApi::Given(text) => (None, text),
        };
        let kubeconfig = folder.join(format!("{id}.kubeconfig"));
        std::fs::write(&kubeconfig, &text).with_context(|| format!("writing {}", kubeconfig.display()))?;
        let config = kube::Config::from_custom_kubeconfig(
            Kubeconfig::from_yaml(&text)?,
            &KubeConfigOptions::default(),
        )
        .await
        .with_context(|| format!("reading the kubeconfig of {id}"))?;
        let client = kube::Client::try_from(config).with_context(|| format!("making a client for {id}"))?;
        let prefix = if index == 0 {
            String::new()
        } else {
            format!("c{}-", index + 1)
        };
        let (nodes, given_pods) = match given {
            Some(layout) => (layout.nodes, Some(layout.pods)),
            None => {
                let numbered = (1..=nodes).map(|number| LabNode::numbered(&prefix, number));
                (numbered.collect(), None)
            }
        };
        make_nodes(&client, &nodes)
            .await
            .with_context(|| format!("making the Nodes of {id}"))?;
        Ok(Self {
            id,
            client,
            kubeconfig,
            nodes,
            sim,
            index,
            given_pods,
        })
    }

    /// Puts the ECS instances of the Nodes into the account.
    pub(super) fn register_instances(&self, account: &Account) {
        for (number, node) in (1_u8..).zip(&self.nodes) {
            let vswitch = if node.zone.ends_with('j') {
                "vsw-j"
            } else {
                "vsw-k"
            };
            let zone_octet = u8::from(node.zone.ends_with('j'));
            let cluster_octet = u8::try_from(200 + self.index % 50).unwrap_or(250);
            let address = IpAddr::from([10, zone_octet, cluster_octet, number]);
            account.add_instance(Instance::new(
                &node.instance_id,
                lab::VPC,
                vswitch,
                &node.zone,
                address,
            ));
        }
    }

    pub(super) fn workload(&self, interfaces: AccountInterfaces, pods: usize) -> Workload {
        let block = u8::try_from(self.index % 12).unwrap_or(0);
        let network = match &self.given_pods {
            Some(pods) => {
                for pod in pods {
                    interfaces.attach(&pod.eni, pod.address);
                }
                PodNetwork::given(pods.clone())
            }
            None => PodNetwork::new(self.nodes.clone(), block, pods),
        };
        Workload::new(self.client.clone(), network, Arc::new(interfaces))
    }

    pub(super) async fn shutdown(self) {
        if let Some(sim) = self.sim {
            sim.shutdown().await;
        }
    }
}

/// Puts the pods' ENIs into the account.
pub(super) struct AccountInterfaces {
    account: Account,
}

impl AccountInterfaces {
    pub(super) fn new(account: Account) -> Self {
        Self { account }
    }
}

impl Interfaces for AccountInterfaces {
    fn attach(&self, eni: &str, address: IpAddr) {
        let second_zone = matches!(address, IpAddr::V4(v4) if v4.octets()[1] == 1);
        let (vswitch, zone) = if second_zone {
            ("vsw-j", "cn-hangzhou-j")
        } else {
            ("vsw-k", "cn-hangzhou-k")
        };
        let mut interface = self
            .account
            .network_interface(eni)
            .unwrap_or_else(|| NetworkInterface::new(eni, lab::VPC, vswitch, zone, &[]));
        let addresses = match address {
            IpAddr::V4(_) => &mut interface.private_ips,
            IpAddr::V6(_) => &mut interface.ipv6_addresses,
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        self.account.add_network_interface(interface);
    }
}
