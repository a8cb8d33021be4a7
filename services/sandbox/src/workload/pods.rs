//! Pods behind Services: one set per selector, spread over the nodes, each with an address of its own; or given ones, which every
//! selector selects.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use parking_lot::Mutex;

use super::LabNode;

/// A pod of the lab. It exists as an endpoint and an ENI; no Pod object is needed for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabPod {
    /// `metadata.name`.
    pub name: String,
    /// Where it runs.
    pub node: String,
    /// Its address, inside a vSwitch of the lab's VPC.
    pub address: IpAddr,
    /// The ENI that has the address.
    pub eni: String,
    /// How far it is in its life.
    pub phase: PodPhase,
}

/// How far a pod is in its life, as the conditions of its endpoint say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodPhase {
    /// It takes traffic.
    Ready,
    /// It is there and takes none.
    NotReady,
    /// It is on its way out and still serves what it has.
    Terminating,
}

/// Gives pods their nodes and addresses. Equal selectors get equal pods.
#[derive(Debug)]
pub struct PodNetwork {
    nodes: Vec<LabNode>,
    /// Second octet block of this cluster, so that clusters of one VPC do not share addresses.
    block: u8,
    per_selector: usize,
    /// The pods of every selector, where they are given.
    given: Option<Vec<LabPod>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u16,
    by_selector: BTreeMap<String, Vec<LabPod>>,
}

impl PodNetwork {
    /// For one cluster of at most 16 in a VPC (`block` 0 to 15); each selector gets `per_selector` pods.
    #[must_use]
    pub fn new(nodes: Vec<LabNode>, block: u8, per_selector: usize) -> Self {
        Self {
            nodes,
            block,
            per_selector,
            given: None,
            state: Mutex::new(State::default()),
        }
    }

    /// Every selector selects these pods, whose ENIs are there already.
    #[must_use]
    pub fn given(pods: Vec<LabPod>) -> Self {
        Self {
            given: Some(pods),
            ..Self::new(Vec::new(), 0, 0)
        }
    }

    /// The pods of a selector in a namespace, and whether they are new.
    #[must_use]
    pub fn pods(&self, namespace: &str, selector: &BTreeMap<String, String>) -> (Vec<LabPod>, bool) {
        if let Some(pods) = &self.given {
            return (pods.clone(), false);
        }
        let key = format!("{namespace}/{selector:?}");
        let mut state = self.state.lock();
        if let Some(pods) = state.by_selector.get(&key) {
            return (pods.clone(), false);
        }
        let base = selector.values().next().map_or("pod", String::as_str).to_owned();
        let pods: Vec<LabPod> = (0..self.per_selector)
            .map(|number| {
                let sequence = state.next;
                state.next = state.next.wrapping_add(1);
                let node = &self.nodes[usize::from(sequence) % self.nodes.len()];
                let address = self.address(node, sequence);
                LabPod {
                    name: format!("{base}-{number}"),
                    node: node.name.clone(),
                    address,
                    eni: format!("eni-{}", address.to_string().replace('.', "-")),
                    phase: PodPhase::Ready,
                }
            })
            .collect();
        state.by_selector.insert(key, pods.clone());
        (pods, true)
    }

    /// 10.0.0.0/16 is zone k's vSwitch, 10.1.0.0/16 zone j's; each cluster has 16 of the 256 third octets.
    fn address(&self, node: &LabNode, sequence: u16) -> IpAddr {
        let zone = u8::from(node.zone.ends_with('j'));
        let third = (self.block << 4) | u8::try_from((sequence >> 8) & 0x0f).unwrap_or(0);
        let fourth = u8::try_from(sequence & 0xff).unwrap_or(0);
        Ipv4Addr::new(10, zone, third, fourth).into()
    }
}
