//! What is known of one cluster: its Services with what planning remembers of each, and its Nodes. Owned by the cluster's task.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use clb_model::cluster::{Node, Service, TrafficPolicy};
use clb_model::{LoadBalancerId, ServiceKey, ServiceUid, marks};
use clb_planner_core::find;
use clb_planner_core::settings::{BackendType, ClusterSettings};
use clb_planner_core::step::{Memory, State};
use clb_wire::actuator::Interest;
use clb_wire::records::ObjectKey;
use tokio::time::Instant;

use super::change::PendingChange;
use super::effects::Signs;
use super::looks::Looks;
use crate::snapshot::staging::Deleted;

/// The Services and Nodes of one cluster.
#[derive(Debug, Default)]
pub(crate) struct ClusterState {
    services: BTreeMap<ServiceUid, ServiceState>,
    by_key: HashMap<ServiceKey, ServiceUid>,
    nodes: BTreeMap<String, Node>,
}

/// One Service.
#[derive(Debug)]
pub(crate) struct ServiceState {
    /// As last told.
    pub(crate) service: Arc<Service>,
    /// What passes leave for the next.
    pub(crate) memory: Memory,
    /// What the last pass found; none before the first.
    pub(crate) state: Option<State>,
    /// What stood in the way of it.
    pub(crate) message: String,
    /// What is being planned for.
    pub(crate) change: PendingChange,
    /// The last pass's trace.
    pub(crate) trace_id: String,
    /// What the mirror must show before the next pass, and until when that is waited for.
    pub(crate) awaiting: Option<(Signs, Instant)>,
    /// Batches that succeeded, one after the other, since the Service was last as it should be, and the one that is out.
    pub(crate) batches: u32,
    /// The looks at CLBs that hold it up.
    pub(crate) looks: Option<Looks>,
    /// It has operations for which there was no room among the batches under way.
    pub(crate) waits_for_room: bool,
}

/// What a snapshot or delta means for planning.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// To be planned.
    pub(crate) changed: BTreeSet<ServiceUid>,
    /// To be forgotten; nothing is done about them in the cloud.
    pub(crate) gone: BTreeSet<ServiceUid>,
}

impl ServiceState {
    fn new(service: Service) -> Self {
        Self {
            service: Arc::new(service),
            memory: Memory::default(),
            state: None,
            message: String::new(),
            change: PendingChange::default(),
            trace_id: String::new(),
            awaiting: None,
            batches: 0,
            looks: None,
            waits_for_room: false,
        }
    }
}

impl ClusterState {
    /// A full snapshot: what is not in it is not there.
    pub(crate) fn replace(&mut self, services: Vec<Service>, nodes: BTreeMap<String, Node>) -> Difference {
        let mut difference = Difference::default();
        let nodes_changed = self.nodes != nodes;
        self.nodes = nodes;
        let mut before: BTreeSet<ServiceUid> = self.services.keys().cloned().collect();
        for service in services {
            before.remove(&service.uid);
            let uid = service.uid.clone();
            let same = self
                .services
                .get(&uid)
                .is_some_and(|known| *known.service == service);
            if !same || nodes_changed {
                difference.changed.insert(uid);
            }
            if !same {
                self.put(service, &mut difference);
            }
        }
        for uid in before {
            if self.remove(&uid) {
                difference.gone.insert(uid);
            }
        }
        difference.changed.retain(|uid| self.services.contains_key(uid));
        difference
    }

    /// A CLB was looked at again: the Services that waited for that, to be planned now.
    pub(crate) fn looked(&mut self, id: &LoadBalancerId) -> Vec<ServiceUid> {
        let all = self.services.iter_mut();
        let waited = all.filter_map(|(uid, known)| known.looks.as_mut()?.looked(id).then(|| uid.clone()));
        waited.collect()
    }

    /// A Service's new state. Another Service of the same name is gone.
    pub(crate) fn put_service(&mut self, service: Service) -> Difference {
        let mut difference = Difference::default();
        let known = self.services.get(&service.uid);
        if known.is_none_or(|known| *known.service != service) {
            difference.changed.insert(service.uid.clone());
            self.put(service, &mut difference);
        }
        difference
    }

    fn put(&mut self, service: Service, difference: &mut Difference) {
        let uid = service.uid.clone();
        if let Some(other) = self.by_key.insert(service.key.clone(), uid.clone())
            && other != uid
        {
            self.services.remove(&other);
            difference.gone.insert(other);
        }
        match self.services.get_mut(&uid) {
            Some(known) => known.service = Arc::new(service),
            None => {
                self.services.insert(uid, ServiceState::new(service));
            }
        }
    }

    /// A Node's new state. Returns the Services whose backends it can change.
    pub(crate) fn put_node(&mut self, node: Node, settings: &ClusterSettings) -> BTreeSet<ServiceUid> {
        if self.nodes.get(&node.name) == Some(&node) {
            return BTreeSet::new();
        }
        let concerned = self.services_on(&node.name, settings);
        self.nodes.insert(node.name.clone(), node);
        concerned
    }

    /// An explicit deletion; another object of the same name stays.
    pub(crate) fn delete(&mut self, deleted: &Deleted, settings: &ClusterSettings) -> Difference {
        let mut difference = Difference::default();
        match &deleted.key {
            ObjectKey::Service(key) => {
                let found = self.by_key.get(key).filter(|uid| uid.as_str() == deleted.uid);
                if let Some(uid) = found.cloned()
                    && self.remove(&uid)
                {
                    difference.gone.insert(uid);
                }
            }
            ObjectKey::Node(name) => {
                if self.nodes.get(name).is_some_and(|node| node.uid == deleted.uid) {
                    self.nodes.remove(name);
                    difference.changed = self.services_on(name, settings);
                }
            }
        }
        difference
    }

    fn remove(&mut self, uid: &ServiceUid) -> bool {
        let Some(removed) = self.services.remove(uid) else {
            return false;
        };
        let key = &removed.service.key;
        if self.by_key.get(key) == Some(uid) {
            self.by_key.remove(key);
        }
        true
    }

    /// The Services whose backends may be on a Node: pods are backends of their own, and under Local policy only nodes with a pod count.
    fn services_on(&self, node: &str, settings: &ClusterSettings) -> BTreeSet<ServiceUid> {
        self.services
            .iter()
            .filter(|(_, known)| {
                let service = &known.service;
                let on_node = || {
                    service
                        .endpoints
                        .iter()
                        .flat_map(|set| &set.endpoints)
                        .any(|endpoint| endpoint.node_name.as_deref() == Some(node))
                };
                match service.traffic_policy {
                    TrafficPolicy::Cluster if backends_are_nodes(service, settings) => true,
                    TrafficPolicy::Cluster | TrafficPolicy::Local => on_node(),
                }
            })
            .map(|(uid, _)| uid.clone())
            .collect()
    }

    /// A Service.
    pub(crate) fn service(&self, uid: &ServiceUid) -> Option<&ServiceState> {
        self.services.get(uid)
    }

    /// A Service, and all Nodes by name.
    pub(crate) fn service_and_nodes(
        &mut self,
        uid: &ServiceUid,
    ) -> Option<(&mut ServiceState, &BTreeMap<String, Node>)> {
        Some((self.services.get_mut(uid)?, &self.nodes))
    }

    /// All Services.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&ServiceUid, &ServiceState)> {
        self.services.iter()
    }

    /// How many Services there are.
    pub(crate) fn service_count(&self) -> usize {
        self.services.len()
    }

    /// How many Nodes there are.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

fn backends_are_nodes(service: &Service, settings: &ClusterSettings) -> bool {
    let named = service
        .annotations
        .get(&format!("{}backend-type", marks::ANNOTATION_DOMAIN));
    match named.map(String::as_str) {
        Some("eni") => false,
        Some(_) => true,
        None => settings.default_backend_type == BackendType::Ecs,
    }
}

/// How the actuator can find the Service's CLB.
pub(crate) fn interest_of(service: &Service) -> Interest {
    Interest {
        service: service.uid.clone(),
        default_name: marks::default_name(&service.uid),
        load_balancer: find::interest(service),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use clb_model::cluster::{Endpoint, EndpointSet};
    use clb_settings::from_yaml;

    use super::*;
    use crate::settings::PlannerSettings;
    use crate::tests::service;

    fn settings() -> ClusterSettings {
        let text = "insecure: true\nclusters: [{id: c, region: r, vpc_id: v}]";
        from_yaml::<PlannerSettings>(text).unwrap().clusters[0]
            .to_core()
            .unwrap()
    }

    fn node(name: &str, uid: &str) -> Node {
        Node {
            name: name.to_owned(),
            uid: uid.to_owned(),
            provider_id: format!("cn-hangzhou.i-{name}"),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            unschedulable: false,
            ready: None,
            deleting: false,
        }
    }

    fn on_node(mut service: Service, node: &str) -> Service {
        service.endpoints = vec![EndpointSet {
            ports: Vec::new(),
            host_names: 0,
            endpoints: vec![Endpoint {
                address: Ipv4Addr::LOCALHOST.into(),
                node_name: Some(node.to_owned()),
                ready: true,
                serving: true,
                terminating: false,
                pod: None,
                awaits_readiness_gate: false,
            }],
        }];
        service
    }

    fn with_pods(mut service: Service) -> Service {
        let name = "service.beta.kubernetes.io/backend-type".to_owned();
        service.annotations.insert(name, "eni".to_owned());
        service
    }

    fn local(mut service: Service) -> Service {
        service.traffic_policy = TrafficPolicy::Local;
        service
    }

    fn names(uids: &BTreeSet<ServiceUid>) -> Vec<&str> {
        uids.iter().map(ServiceUid::as_str).collect()
    }

    #[test]
    fn a_node_concerns_services_whose_backends_it_can_change() {
        let mut state = ClusterState::default();
        for service in [
            service("nodes"),
            with_pods(service("pods")),
            with_pods(on_node(service("pods-here"), "n1")),
            local(service("local")),
            local(on_node(service("local-here"), "n1")),
            local(on_node(service("local-there"), "n2")),
        ] {
            state.put_service(service);
        }
        let concerned = state.put_node(node("n1", "1"), &settings());
        assert_eq!(
            names(&concerned),
            ["uid-local-here", "uid-nodes", "uid-pods-here"]
        );
        assert!(state.put_node(node("n1", "1"), &settings()).is_empty());

        let deleted = |uid: &str| Deleted {
            key: ObjectKey::Node("n1".to_owned()),
            uid: uid.to_owned(),
        };
        assert_eq!(state.delete(&deleted("2"), &settings()), Difference::default());
        assert_eq!(state.delete(&deleted("1"), &settings()).changed, concerned);
        assert_eq!(state.node_count(), 0);
    }

    #[test]
    fn a_service_of_the_same_name_replaces_the_old_one() {
        let mut state = ClusterState::default();
        state.put_service(service("web"));
        let mut again = service("web");
        again.uid = ServiceUid::new("uid-again").unwrap();
        let difference = state.put_service(again);
        assert_eq!(names(&difference.changed), ["uid-again"]);
        assert_eq!(names(&difference.gone), ["uid-web"]);
        assert_eq!(state.service_count(), 1);
    }

    #[test]
    fn a_snapshot_says_what_changed_and_what_is_not_there() {
        let mut state = ClusterState::default();
        let nodes = || BTreeMap::from([("n1".to_owned(), node("n1", "1"))]);
        state.replace(vec![service("a"), service("b"), service("c")], nodes());
        let difference = state.replace(vec![service("a"), local(service("b"))], nodes());
        assert_eq!(names(&difference.changed), ["uid-b"]);
        assert_eq!(names(&difference.gone), ["uid-c"]);
        let difference = state.replace(vec![service("a")], BTreeMap::new());
        assert_eq!(names(&difference.changed), ["uid-a"]);
    }
}
