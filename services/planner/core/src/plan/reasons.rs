//! The words for why a backend comes or goes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use clb_model::cloud::{Backend, BackendTarget};
use clb_model::cluster::{Node, Service, TrafficPolicy};

use super::PlanContext;
use crate::problem::first_few;

/// How many backends a reason names before it only counts.
const NAMED: usize = 3;

/// Finds the words; looks the Nodes up once.
pub(super) struct BackendWords<'a> {
    service: &'a Service,
    by_instance: BTreeMap<&'a str, &'a Node>,
}

impl<'a> BackendWords<'a> {
    pub(super) fn new(context: PlanContext<'a>) -> Self {
        Self {
            service: context.service,
            by_instance: context
                .nodes
                .values()
                .filter_map(|node| node.instance_id().map(|id| (id, node)))
                .collect(),
        }
    }

    /// Why these come.
    pub(super) fn coming(&self, backends: &[Backend]) -> String {
        let names = backends.iter().map(|backend| match &backend.target {
            BackendTarget::Instance(_) => self.name(backend),
            BackendTarget::Interface { address, .. } => match self.pod(*address) {
                Some(pod) => format!("pod {pod}"),
                None => self.name(backend),
            },
        });
        format!("{} can take traffic", list(names))
    }

    /// Why these go.
    pub(super) fn going(&self, backends: &[Backend]) -> String {
        list(backends.iter().map(|backend| match &backend.target {
            BackendTarget::Instance(id) => match self.by_instance.get(id.as_str()) {
                Some(node) => self.node_going(node),
                None => format!("instance {id} is no longer a node of the cluster"),
            },
            BackendTarget::Interface { address, .. } => {
                format!("pod address {address} is no longer a ready endpoint")
            }
        }))
    }

    /// Why these get another weight.
    pub(super) fn weighing(&self, changes: &[(Backend, u8)]) -> String {
        list(changes.iter().map(|(backend, before)| {
            let name = self.name(backend);
            if backend.weight == *before {
                format!(
                    "{name} is marked {} and weighs {before} as before",
                    backend.description
                )
            } else {
                format!("{name} has weight {} instead of {before}", backend.weight)
            }
        }))
    }

    /// A backend for people.
    pub(super) fn name(&self, backend: &Backend) -> String {
        match &backend.target {
            BackendTarget::Instance(id) => match self.by_instance.get(id.as_str()) {
                Some(node) => format!("node {}", node.name),
                None => format!("instance {id}"),
            },
            BackendTarget::Interface { address, .. } => format!("pod address {address}"),
        }
    }

    /// Whether the cluster no longer has what is behind the backend: traffic to it is lost.
    pub(super) fn is_gone(&self, backend: &Backend) -> bool {
        match &backend.target {
            BackendTarget::Instance(id) => match self.by_instance.get(id.as_str()) {
                Some(node) => {
                    node.deleting
                        || !node.ready.is_some_and(|ready| ready.ready)
                        || self.service.traffic_policy == TrafficPolicy::Local
                }
                None => true,
            },
            BackendTarget::Interface { .. } => true,
        }
    }

    fn node_going(&self, node: &Node) -> String {
        let name = &node.name;
        if node.deleting {
            return format!("node {name} is being deleted");
        }
        match node.ready {
            None => format!("node {name} has no conditions"),
            Some(ready) if !ready.ready => format!("node {name} is not ready"),
            Some(_) if self.service.traffic_policy == TrafficPolicy::Local => {
                format!("node {name} runs no ready pod of the Service, or is not eligible")
            }
            Some(_) => format!("node {name} is no longer an eligible backend"),
        }
    }

    fn pod(&self, address: IpAddr) -> Option<&'a str> {
        self.service
            .endpoints
            .iter()
            .flat_map(|set| &set.endpoints)
            .find(|endpoint| endpoint.address == address)
            .and_then(|endpoint| endpoint.pod.as_ref())
            .map(|pod| pod.name.as_str())
    }
}

/// Joins the first few and counts the rest.
pub(super) fn list(words: impl Iterator<Item = String>) -> String {
    first_few(words.collect(), NAMED, ", ")
}
