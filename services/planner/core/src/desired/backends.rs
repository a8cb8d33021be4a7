//! The backends of one port: Nodes (Cluster and Local policy) or pods, and in every mode the pods on virtual
//! nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clb_model::cloud::{Backend, BackendTarget};
use clb_model::cluster::{Node, TrafficPolicy};

use super::context::Context;
use super::endpoints::{self, Usable};
use super::nodes::{self, Eligibility, Readiness};
use super::ports::Port;
use super::weights::{self, Share};
use super::{families, health_check};
use crate::settings::BackendType;

/// What one port sends to.
#[derive(Debug, Default)]
pub(super) struct PortBackends {
    /// Backends that are to be there.
    pub(super) backends: Vec<Backend>,
    /// Backends that stay where they are attached.
    pub(super) if_present: Vec<Backend>,
    /// How many endpoints get the port's traffic.
    pub(super) ready_endpoints: usize,
    /// Nodes that would be backends but for the user's annotations.
    pub(super) left_out_by_user: usize,
    /// Nodes that the user's annotations allow, but that are not Ready or about to go.
    pub(super) out_of_service: usize,
    /// Backends that cannot be used, with the reason.
    pub(super) unusable: Vec<String>,
    /// Backends that are there stay with their weights.
    pub(super) keeps_weights: bool,
    /// When a Node's grace time ends.
    pub(super) wake_at_ms: Option<u64>,
}

/// The backends of a port. `mark` is their description.
pub(super) fn of_port(context: &Context<'_>, port: &Port<'_>, mark: &str) -> PortBackends {
    let family = families::of_endpoints(context);
    let usable = endpoints::usable(context.inputs.service, port.spec, family);
    let without_port = endpoints::ready_without_port(context.inputs.service, port.spec, family);
    let host_names = endpoints::host_names(context.inputs.service, port.spec);
    let mut found = PortBackends {
        ready_endpoints: usable
            .len()
            .saturating_add(without_port)
            .saturating_add(host_names),
        ..PortBackends::default()
    };
    let follows_endpoints = context.backend_type == BackendType::Eni || context.is_local();
    if without_port > 0 && follows_endpoints {
        found.unusable.push(format!(
            "{without_port} endpoints are ready, but no EndpointSlice of the Service has a port named {:?} of {} with a number",
            port.spec.name,
            port.spec.transport.as_str()
        ));
    }
    if host_names > 0 && follows_endpoints {
        found.unusable.push(
            "endpoints that are host names (an EndpointSlice of addressType FQDN), which no backend can be"
                .to_owned(),
        );
    }
    let mut building = Building {
        context,
        port,
        mark,
        found,
        pods: Vec::new(),
        nodes: Vec::new(),
        nodes_in_grace: Vec::new(),
        leaving_nodes: Vec::new(),
    };
    match (context.backend_type, context.inputs.service.traffic_policy) {
        (BackendType::Eni, _) => building.add_pods(&usable),
        (BackendType::Ecs, TrafficPolicy::Cluster) => building.add_all_nodes(&usable),
        (BackendType::Ecs, TrafficPolicy::Local) => building.add_nodes_with_pods(&usable),
    }
    building.finish()
}

struct Building<'a, 'b> {
    context: &'b Context<'a>,
    port: &'b Port<'a>,
    mark: &'b str,
    found: PortBackends,
    pods: Vec<(IpAddr, u16)>,
    /// Instances with the number of the Service's pods on each.
    nodes: Vec<(String, usize)>,
    nodes_in_grace: Vec<String>,
    leaving_nodes: Vec<String>,
}

impl Building<'_, '_> {
    fn add_all_nodes(&mut self, usable: &[Usable<'_>]) {
        // Without a check nothing else would keep traffic from a Node that is down.
        let grace_ms = if health_check::keeps_traffic_off(self.context, self.port) {
            self.context.inputs.cluster.node_grace_ms
        } else {
            0
        };
        for node in self.context.inputs.nodes.values() {
            match nodes::eligibility(node, &self.context.annotations().backend) {
                Eligibility::Excluded => continue,
                Eligibility::LeftOutByUser => {
                    self.found.left_out_by_user += 1;
                    continue;
                }
                Eligibility::Leaving => {
                    self.found.out_of_service += 1;
                    self.drain(node);
                    continue;
                }
                Eligibility::Eligible => {}
            }
            match nodes::readiness(node, grace_ms, self.context.inputs.now_ms) {
                Readiness::NotReady => self.found.out_of_service += 1,
                Readiness::Ready => {
                    if let Some(instance) = self.instance(node) {
                        self.nodes.push((instance, 0));
                    }
                }
                Readiness::InGrace(until) => {
                    self.found.out_of_service += 1;
                    let earliest = self.found.wake_at_ms.map_or(until, |other| other.min(until));
                    self.found.wake_at_ms = Some(earliest);
                    if let Some(instance) = self.instance(node) {
                        self.nodes_in_grace.push(instance);
                    }
                }
            }
        }
        let on_virtual_nodes: Vec<Usable<'_>> = usable
            .iter()
            .filter(|endpoint| self.node_of(endpoint).is_some_and(nodes::is_virtual))
            .copied()
            .collect();
        self.add_pods(&on_virtual_nodes);
    }

    /// Local policy follows the endpoints: whether a Node is Ready does not count, its pods' readiness does.
    fn add_nodes_with_pods(&mut self, usable: &[Usable<'_>]) {
        // By address, because while slices change to another target port a pod may be in them with both.
        let mut pods_by_node: BTreeMap<&str, BTreeSet<IpAddr>> = BTreeMap::new();
        let mut on_virtual_nodes = Vec::new();
        for endpoint in usable {
            match endpoint.node {
                None => {
                    let reason = format!(
                        "endpoint {} names no Node, and under Local policy only Nodes with a pod are \
                         backends",
                        endpoint.address
                    );
                    self.found.unusable.push(reason);
                }
                Some(_) if self.node_of(endpoint).is_some_and(nodes::is_virtual) => {
                    on_virtual_nodes.push(*endpoint);
                }
                Some(name) => {
                    pods_by_node.entry(name).or_default().insert(endpoint.address);
                }
            }
        }
        for (name, pods) in pods_by_node {
            // A Node that the snapshot does not hold is gone; its endpoints will follow.
            let Some(node) = self.context.inputs.nodes.get(name) else {
                continue;
            };
            match nodes::eligibility(node, &self.context.annotations().backend) {
                Eligibility::Excluded => {}
                Eligibility::LeftOutByUser => self.found.left_out_by_user += 1,
                Eligibility::Leaving => {
                    self.found.out_of_service += 1;
                    self.drain(node);
                }
                Eligibility::Eligible => {
                    if let Some(instance) = self.instance(node) {
                        self.nodes.push((instance, pods.len()));
                    }
                }
            }
        }
        self.add_pods(&on_virtual_nodes);
    }

    fn add_pods(&mut self, usable: &[Usable<'_>]) {
        let ranges = &self.context.inputs.cluster.vpc_cidrs;
        let reaches_v6 = families::reaches_v6(self.context);
        for endpoint in usable {
            let is_v4 = endpoint.address.is_ipv4();
            if !is_v4 && !reaches_v6 {
                let reason = format!(
                    "address {} of a pod is IPv6, which a CLB with an IPv4 address does not reach",
                    endpoint.address
                );
                self.found.unusable.push(reason);
                continue;
            }
            let mut of_family = ranges
                .iter()
                .filter(|range| range.addr().is_ipv4() == is_v4)
                .peekable();
            // Where no range of the family is configured, nobody knows what is outside.
            if of_family.peek().is_none() || of_family.any(|range| range.contains(&endpoint.address)) {
                self.pods.push((endpoint.address, endpoint.port));
            } else {
                let reason = format!(
                    "address {} of a pod is outside of the VPC's ranges",
                    endpoint.address
                );
                self.found.unusable.push(reason);
            }
        }
    }

    fn node_of(&self, endpoint: &Usable<'_>) -> Option<&Node> {
        endpoint.node.and_then(|name| self.context.inputs.nodes.get(name))
    }

    /// A Node that is about to go gets no new connections while it is still attached, where the settings ask
    /// for it.
    fn drain(&mut self, node: &Node) {
        if self.context.inputs.cluster.drain_leaving_nodes {
            self.leaving_nodes.extend(node.instance_id().map(str::to_owned));
        }
    }

    fn instance(&mut self, node: &Node) -> Option<String> {
        let instance = node.instance_id().map(str::to_owned);
        if instance.is_none() {
            let reason = format!(
                "Node {} has a provider id that names no ECS instance ({:?}; it should be \
                 <region>.<instance>)",
                node.name, node.provider_id
            );
            self.found.unusable.push(reason);
        }
        instance
    }

    fn finish(mut self) -> PortBackends {
        let local = self.context.is_local();
        let pods_on_nodes: usize = self.nodes.iter().map(|(_, pods)| pods).sum();
        // Nodes within their grace time count, so that a short flap changes no weight.
        let share = Share {
            backends: self.nodes.len() + self.nodes_in_grace.len() + self.pods.len(),
            pods: pods_on_nodes + self.pods.len(),
        };
        let is_reused = self
            .context
            .annotations()
            .backend
            .vgroup_port
            .as_ref()
            .is_some_and(|list| list.value.group(self.port.spec.port).is_some());
        let is_kept = self.context.is_in_kept_group(self.port);
        let there = self.context.weight_there(self.port).filter(|_| is_kept);
        let annotations = &self.context.annotations().backend;
        let rule = weights::rule(annotations, is_reused || is_kept, there, local);
        self.found.keeps_weights = rule.keeps();
        let node_port = self.port.spec.node_port.unwrap_or_default();
        let backend = |target: BackendTarget, port: u16, pods: usize| Backend {
            target,
            port,
            weight: rule.weight(pods, share),
            description: self.mark.to_owned(),
        };
        let mut backends: Vec<Backend> = self
            .nodes
            .into_iter()
            .map(|(instance, pods)| backend(BackendTarget::Instance(instance), node_port, pods))
            .collect();
        backends.extend(self.pods.into_iter().map(|(address, port)| {
            let target = BackendTarget::Interface {
                address,
                eni: None,
                eci: false,
            };
            backend(target, port, 1)
        }));
        let in_grace = self
            .nodes_in_grace
            .into_iter()
            .map(|instance| backend(BackendTarget::Instance(instance), node_port, 0));
        let leaving = self.leaving_nodes.into_iter().map(|instance| Backend {
            weight: 0,
            ..backend(BackendTarget::Instance(instance), node_port, 0)
        });
        self.found.if_present = in_grace.chain(leaving).collect();
        self.found.backends = backends;
        self.found
    }
}
