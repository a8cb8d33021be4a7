//! A cluster and its Services for operators.

use clb_model::cloud::LoadBalancer;
use clb_model::cluster::Service;
use clb_model::{ClusterId, LoadBalancerId, marks};
use clb_planner_core::find::labelled_id;
use clb_planner_core::step::State;
use clb_proto::planner::v1;
use tokio::time::Instant;

use super::event::Description;
use super::state::ServiceState;
use super::worker::ClusterTask;

impl ClusterTask {
    /// As it is now.
    pub(super) fn describe(&self, now: Instant) -> Description {
        let cluster = v1::Cluster {
            id: self.settings.id.to_string(),
            connected: self.freshness.is_connected(),
            committed: self.freshness.is_committed(),
            staleness: self
                .freshness
                .age(now)
                .and_then(|age| prost_types::Duration::try_from(age).ok()),
            services: count(self.state.service_count()),
            nodes: count(self.state.node_count()),
            frozen: self.frozen().map(ToString::to_string).unwrap_or_default(),
        };
        let mut services: Vec<_> = self
            .state
            .services()
            .map(|(_, known)| self.describe_service(known))
            .collect();
        services.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        Description { cluster, services }
    }

    fn describe_service(&self, known: &ServiceState) -> v1::Service {
        let service = &known.service;
        let id = self.used_by(known);
        let load_balancer = id.as_ref().and_then(|id| self.view.load_balancer(id));
        let (listeners, backends) = load_balancer.map_or((0, 0), |found| {
            (
                listeners_of(found, service, &self.settings.id),
                backends_of(found, service, &self.settings.id),
            )
        });
        v1::Service {
            cluster_id: self.settings.id.to_string(),
            namespace: service.key.namespace.clone(),
            name: service.key.name.clone(),
            uid: service.uid.to_string(),
            state: state_to_proto(known.state).into(),
            load_balancer_id: id.as_ref().map(LoadBalancerId::to_string).unwrap_or_default(),
            address: service
                .ingress
                .first()
                .and_then(|ingress| ingress.hostname.clone().or_else(|| ingress.ip.clone()))
                .unwrap_or_default(),
            listeners: count(listeners),
            backends: count(backends),
            message: known.message.clone(),
            trace_id: known.trace_id.clone(),
            directing: self.handle.outbox.is_directing(service),
        }
    }

    /// The CLB that was made for the Service, or the user's that its label names.
    fn used_by(&self, known: &ServiceState) -> Option<LoadBalancerId> {
        let users = || labelled_id(&known.service).filter(|id| self.view.load_balancer(id).is_some());
        known.memory.load_balancer.clone().or_else(users)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn state_to_proto(state: Option<State>) -> v1::ServiceState {
    match state {
        // Nothing has been planned yet, or there is nothing to plan.
        None | Some(State::Observing) => v1::ServiceState::Observing,
        Some(State::None) => v1::ServiceState::NotOurs,
        Some(State::HandedOver) => v1::ServiceState::HandedOver,
        Some(State::Converging) => v1::ServiceState::Converging,
        Some(State::Converged) => v1::ServiceState::Converged,
        Some(State::Failed) => v1::ServiceState::Failed,
        Some(State::Cleaning) => v1::ServiceState::Cleaning,
    }
}

/// Listeners that carry the Service's mark.
fn listeners_of(load_balancer: &LoadBalancer, service: &Service, cluster: &ClusterId) -> usize {
    load_balancer
        .listeners
        .iter()
        .filter(|(key, listener)| {
            let mark = marks::listener_mark(key.port, &service.key, cluster);
            listener
                .attributes
                .text(clb_model::attribute::ListenerAttribute::Description)
                == Some(mark.as_str())
        })
        .count()
}

/// Backends that carry the Service's mark, in whichever group.
fn backends_of(load_balancer: &LoadBalancer, service: &Service, cluster: &ClusterId) -> usize {
    load_balancer
        .vgroups
        .values()
        .flat_map(|group| &group.backends)
        .filter(|backend| {
            // k8s/<port>/…: the port is a number or the name of a target port.
            let port = backend.description.split('/').nth(1).unwrap_or_default();
            backend.description == marks::vgroup_mark(port, &service.key, cluster)
        })
        .count()
}
