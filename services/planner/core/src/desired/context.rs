//! What the parts of the desired state are made from, read once.

use clb_model::ServiceKey;
use clb_model::cluster::TrafficPolicy;
use clb_model::marks;

use super::nodes;
use super::ports::{Port, Ports};
use super::{Inputs, Source, VServerGroupIdentity};
use crate::annotations::{self, Annotations, Read};
use crate::settings::BackendType;

/// The inputs with the annotations read and the ports resolved.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// As they came.
    pub(super) inputs: Inputs<'a>,
    /// The annotations.
    pub(super) read: Read<'a>,
    /// The ports.
    pub(super) ports: Ports<'a>,
    /// Whose CLB it is.
    pub(super) source: Source,
    /// What backends are.
    pub(super) backend_type: BackendType,
}

impl<'a> Context<'a> {
    pub(super) fn new(inputs: Inputs<'a>) -> Self {
        let read = annotations::read(&inputs.service.annotations);
        let ports = Ports::of(inputs.service, &read);
        let instance = &read.annotations.instance;
        let source = instance
            .load_balancer_id
            .as_ref()
            .map_or(Source::Own, |id| Source::Reused {
                id: id.value.clone(),
                override_listeners: instance
                    .force_override
                    .as_ref()
                    .is_some_and(|written| written.value.is_true()),
            });
        let backend_type = read
            .annotations
            .backend
            .backend_type
            .as_ref()
            .map_or(inputs.cluster.default_backend_type, |written| written.value);
        Self {
            inputs,
            read,
            ports,
            source,
            backend_type,
        }
    }

    pub(super) fn annotations(&self) -> &Annotations {
        &self.read.annotations
    }

    pub(super) fn service_key(&self) -> &'a ServiceKey {
        &self.inputs.service.key
    }

    /// Whether the CLB is one that we create.
    pub(super) fn owns_load_balancer(&self) -> bool {
        self.source == Source::Own
    }

    /// Whether the listeners on the Service's ports are ours to manage.
    pub(super) fn manages_listeners(&self) -> bool {
        !matches!(
            self.source,
            Source::Reused {
                override_listeners: false,
                ..
            }
        )
    }

    /// The ports whose listeners we manage; none on a reused CLB without override.
    pub(super) fn managed_ports(&self) -> &[Port<'a>] {
        if self.manages_listeners() {
            &self.ports.ports
        } else {
            &[]
        }
    }

    /// Whether backends are the Nodes that have a ready pod.
    pub(super) fn is_local(&self) -> bool {
        self.inputs.service.traffic_policy == TrafficPolicy::Local && self.backend_type == BackendType::Ecs
    }

    /// Whether pods on virtual nodes, which are backends themselves, are behind the Service.
    pub(super) fn has_virtual_node_backends(&self) -> bool {
        let nodes = self.inputs.nodes;
        self.inputs
            .service
            .endpoints
            .iter()
            .flat_map(|set| &set.endpoints)
            .filter_map(|endpoint| endpoint.node_name.as_ref())
            .any(|name| nodes.get(name).is_some_and(nodes::is_virtual))
    }

    /// The mark of a port's group and backends: by node port for ECS backends, by target port for ENI
    /// backends. None while an ECS port has no node port.
    pub(super) fn vgroup_mark(&self, port: &Port<'_>) -> Option<String> {
        let (key, cluster) = (self.service_key(), &self.inputs.cluster.id);
        match self.backend_type {
            BackendType::Ecs => port
                .spec
                .node_port
                .map(|node_port| marks::vgroup_mark(node_port, key, cluster)),
            BackendType::Eni => Some(marks::vgroup_mark(&port.spec.target, key, cluster)),
        }
    }

    /// Whether a port's backends are in a user's group that `vgroup-port` does not name any more: they stay in it.
    pub(super) fn is_in_kept_group(&self, port: &Port<'_>) -> bool {
        // Without an address nothing is kept yet.
        if self.inputs.service.ingress.is_empty() {
            return false;
        }
        let Some(mark) = self.vgroup_mark(port) else {
            return false;
        };
        let facts = self.inputs.facts;
        let Some(holding) = facts.in_users_groups.get(&mark) else {
            // Its listener tells, where none of its backends is left.
            let listener = marks::listener_mark(port.spec.port, self.service_key(), &self.inputs.cluster.id);
            let listened = facts.listened_groups.get(&listener);
            let is_own = |name: &String| {
                let port = name.split('/').nth(1).unwrap_or_default();
                marks::vgroup_mark(port, self.service_key(), &self.inputs.cluster.id) == *name
            };
            return !facts.group_names.contains(&mark)
                && matches!(self.vgroup_identity(port), Some(VServerGroupIdentity::Own(_)))
                && listened.is_some_and(|name| !is_own(name));
        };
        // Backends of several ports can carry one mark: those in a group that is named may be another port's.
        let is_in_named_group = |other: &Port<'_>| match self.vgroup_identity(other) {
            Some(VServerGroupIdentity::Reused(id)) => {
                holding.contains_key(&id) && self.vgroup_mark(other).as_ref() == Some(&mark)
            }
            _ => false,
        };
        !self.ports.ports.iter().any(is_in_named_group)
    }

    /// The greatest weight of a port's backends in groups of users.
    pub(super) fn weight_there(&self, port: &Port<'_>) -> Option<u8> {
        let holding = self.inputs.facts.in_users_groups.get(&self.vgroup_mark(port)?)?;
        holding.values().max().copied()
    }

    /// The group of a port.
    pub(super) fn vgroup_identity(&self, port: &Port<'_>) -> Option<VServerGroupIdentity> {
        let reused = self
            .annotations()
            .backend
            .vgroup_port
            .as_ref()
            .and_then(|list| list.value.group(port.spec.port));
        match reused {
            Some(id) => Some(VServerGroupIdentity::Reused(id.clone())),
            None => self.vgroup_mark(port).map(VServerGroupIdentity::Own),
        }
    }
}
