//! What this watcher knows of its cluster: the Services that travel, all Nodes, the EndpointSlices, and the pods that have a readiness
//! gate of ours.
//!
//! Written by the watches ([`crate::watches`]), read by the stream to the planner. A change is noted in the [`Feed`] only if it
//! changes what would be sent: a node's heartbeat or a list that brings nothing new wakes nobody.
//!
//! Slices of Services that are not ours are kept as well, packed ([`crate::slices`]): a Service and its slices arrive on different
//! watches, so a slice may well come first.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use clb_model::ServiceKey;
use clb_model::cluster::{Node, Service};
use clb_proto::snapshot::v1::ObjectRecord;
use clb_telemetry::attributes;
use clb_wire::records::{ObjectKey, node_record, service_record};
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use parking_lot::Mutex;
use tracing::info_span;

use crate::normalize::{self, Slice};
use crate::ownership::travels;
use crate::pending::{Feed, Urgency};
use crate::pods::GatedPods;
use crate::slices::Slices;
use crate::slim;

/// Namespace (empty for Nodes) and name.
pub(crate) type ObjectName = (String, String);

/// Names a watched object.
pub(crate) fn object_name(object: &impl Resource) -> ObjectName {
    let metadata = object.meta();
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

/// The store of one kind of objects.
pub(crate) trait Store<K>: Send + Sync {
    /// The object came or changed.
    fn apply(&self, object: &K);
    /// The object is gone.
    fn remove(&self, name: &ObjectName);
    /// A list is complete: what it did not hold is gone.
    fn retain(&self, listed: &HashSet<ObjectName>);
}

/// An object as it is sent.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// `metadata.uid`.
    pub(crate) uid: String,
    /// The record, without a trace context.
    pub(crate) record: ObjectRecord,
}

/// All stores.
#[derive(Debug)]
pub(crate) struct Stores {
    cluster: String,
    class: Option<String>,
    feed: Arc<Feed>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    services: BTreeMap<ServiceKey, Arc<Service>>,
    nodes: BTreeMap<String, Arc<Node>>,
    slices: Slices,
    pods: GatedPods,
}

impl Stores {
    /// Empty. `class` is the load balancer class that we are configured with.
    pub(crate) fn new(cluster: String, class: Option<String>, feed: Arc<Feed>) -> Self {
        Self {
            cluster,
            class,
            feed,
            state: Mutex::new(State::default()),
        }
    }

    /// The keys of everything that travels.
    pub(crate) fn keys(&self) -> Vec<ObjectKey> {
        let state = self.state.lock();
        let services = state.services.keys().cloned().map(ObjectKey::Service);
        let nodes = state.nodes.keys().cloned().map(ObjectKey::Node);
        services.chain(nodes).collect()
    }

    /// How many Services and Nodes travel, and how many pods have a gate.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let state = self.state.lock();
        (state.services.len(), state.nodes.len(), state.pods.len())
    }

    /// The object as it is now, encoded; none when it is not there or does not travel (any more).
    pub(crate) fn encode(&self, key: &ObjectKey) -> Option<Encoded> {
        match key {
            ObjectKey::Node(name) => {
                let node = self.state.lock().nodes.get(name).cloned()?;
                Some(Encoded {
                    uid: node.uid.clone(),
                    record: node_record(&node),
                })
            }
            ObjectKey::Service(key) => {
                let (service, slices) = self.state.lock().service_with_slices(key)?;
                let mut service = Service::clone(&service);
                service.endpoints = normalize::merge(slices.iter().map(Arc::as_ref));
                let state = self.state.lock();
                state
                    .pods
                    .mark(key, &mut service.endpoints, |node| state.is_lost(node));
                drop(state);
                Some(Encoded {
                    uid: service.uid.to_string(),
                    record: service_record(&service),
                })
            }
        }
    }

    fn service_changed(&self, key: &ServiceKey, urgency: Urgency) {
        self.feed.mark(ObjectKey::Service(key.clone()), urgency, || {
            let service = attributes::service(&self.cluster, &key.namespace, &key.name);
            match urgency {
                // A trace begins here, whatever span this code runs in.
                Urgency::Endpoints => {
                    info_span!(parent: None, "watcher.endpoints_changed", clb.cluster = %self.cluster, clb.service = %service)
                }
                _ => {
                    info_span!(parent: None, "watcher.service_changed", clb.cluster = %self.cluster, clb.service = %service)
                }
            }
        });
    }

    fn node_changed(&self, name: &str, urgency: Urgency) {
        self.feed.mark(ObjectKey::Node(name.to_owned()), urgency, || {
            info_span!(parent: None, "watcher.node_changed", clb.cluster = %self.cluster, k8s.node.name = name)
        });
    }

    fn put_pod(&self, name: &ObjectName, pod: Option<normalize::GatedPod>) {
        let mut state = self.state.lock();
        let mut touched = state.pods.put(name, pod);
        touched.retain(|service| state.services.contains_key(service));
        drop(state);
        for service in &touched {
            self.service_changed(service, Urgency::Endpoints);
        }
    }

    fn put_slice(&self, name: ObjectName, slice: Option<Slice>) {
        let mut state = self.state.lock();
        let State { services, slices, .. } = &mut *state;
        let mut touched = slices.put(name, slice, |service| services.contains_key(service));
        touched.retain(|service| services.contains_key(service));
        drop(state);
        for service in &touched {
            self.service_changed(service, Urgency::Endpoints);
        }
    }
}

impl State {
    fn service_with_slices(&self, key: &ServiceKey) -> Option<(Arc<Service>, Vec<Arc<Slice>>)> {
        let service = self.services.get(key).cloned()?;
        let slices = self.slices.of(key);
        Some((service, slices))
    }

    fn is_lost(&self, node: &str) -> bool {
        let condition = self.nodes.get(node).and_then(|node| node.ready);
        condition.is_some_and(|condition| !condition.ready)
    }

    /// The Services with pods on a node whose readiness gates they have: whether the node is lost decides what they count as.
    fn gated_on(&self, node: &str) -> Vec<ServiceKey> {
        let mut services: Vec<ServiceKey> = self.pods.services().into_iter().collect();
        services.retain(|service| {
            self.service_with_slices(service).is_some_and(|(_, slices)| {
                let mut endpoints = slices.iter().flat_map(|slice| &slice.endpoints);
                endpoints.any(|endpoint| endpoint.node_name.as_deref() == Some(node))
            })
        });
        services
    }

    /// Keeps a Service that travels, none when it does no more. Returns whether that changes anything.
    fn put_service(&mut self, key: &ServiceKey, service: Option<Service>) -> bool {
        let before = self.services.contains_key(key);
        let changed = match service {
            Some(service) => {
                let service = Arc::new(service);
                self.services.insert(key.clone(), service.clone()) != Some(service)
            }
            None => self.services.remove(key).is_some(),
        };
        let travels = self.services.contains_key(key);
        if travels != before {
            self.slices.keep_open(key, travels);
        }
        changed
    }
}

impl Store<slim::Service> for Stores {
    fn apply(&self, object: &slim::Service) {
        let service = match normalize::service(object) {
            Ok(service) => service,
            Err(error) => {
                // Keeping the last good state is safer than removing a load balancer's Service.
                tracing::error!(service = %normalize::service_key(object), %error, "Service cannot be read, its last state stays");
                return;
            }
        };
        let key = service.key.clone();
        let service = travels(&service, self.class.as_deref()).then_some(service);
        if self.state.lock().put_service(&key, service) {
            self.service_changed(&key, Urgency::Service);
        }
    }

    fn remove(&self, (namespace, name): &ObjectName) {
        let key = ServiceKey::new(namespace.as_str(), name.as_str());
        if self.state.lock().put_service(&key, None) {
            self.service_changed(&key, Urgency::Service);
        }
    }

    fn retain(&self, listed: &HashSet<ObjectName>) {
        let gone: Vec<ObjectName> = self
            .state
            .lock()
            .services
            .keys()
            .map(|key| (key.namespace.clone(), key.name.clone()))
            .filter(|name| !listed.contains(name))
            .collect();
        for name in &gone {
            Store::<slim::Service>::remove(self, name);
        }
    }
}

impl Store<slim::Node> for Stores {
    fn apply(&self, object: &slim::Node) {
        let mut node = normalize::node(object);
        let name = node.name.clone();
        let mut state = self.state.lock();
        let before = state.nodes.get(&name);
        let now_ms = Timestamp::now().as_millisecond();
        count_from_first_sight(&mut node, before.map(Arc::as_ref), now_ms);
        if before.map(Arc::as_ref) == Some(&node) {
            return;
        }
        let urgency = match before {
            Some(before) if takes_away(before, &node) => Urgency::NodeLeaves,
            _ => Urgency::NodeJoins,
        };
        let was_lost = state.is_lost(&name);
        state.nodes.insert(name.clone(), Arc::new(node));
        let touched = if state.is_lost(&name) == was_lost {
            Vec::new()
        } else {
            state.gated_on(&name)
        };
        drop(state);
        self.node_changed(&name, urgency);
        for service in &touched {
            self.service_changed(service, Urgency::Endpoints);
        }
    }

    fn remove(&self, (_, name): &ObjectName) {
        if self.state.lock().nodes.remove(name).is_some() {
            self.node_changed(name, Urgency::NodeLeaves);
        }
    }

    fn retain(&self, listed: &HashSet<ObjectName>) {
        let gone: Vec<ObjectName> = self
            .state
            .lock()
            .nodes
            .keys()
            .map(|name| (String::new(), name.clone()))
            .filter(|name| !listed.contains(name))
            .collect();
        for name in &gone {
            Store::<slim::Node>::remove(self, name);
        }
    }
}

/// A condition that does not say since when a Node is not Ready, as other hands than kubelet's may write it, counts from when it was first
/// seen so: else a short flap would look like one that is long over.
fn count_from_first_sight(node: &mut Node, before: Option<&Node>, now_ms: i64) {
    let Some(ready) = node
        .ready
        .as_mut()
        .filter(|ready| !ready.ready && ready.since_ms == 0)
    else {
        return;
    };
    let known = before
        .and_then(|before| before.ready)
        .filter(|before| !before.ready);
    ready.since_ms = known.map_or_else(|| u64::try_from(now_ms).unwrap_or(0), |before| before.since_ms);
}

/// Whether the change may end the Node's being a backend: it is not Ready any more, about to go, another machine, excluded by a label, or
/// without one that it was chosen by. Other labels come with a Node that joins, one after the other.
fn takes_away(before: &Node, after: &Node) -> bool {
    let ready = |node: &Node| node.ready.is_some_and(|condition| condition.ready);
    (ready(before) && !ready(after))
        || (after.deleting && !before.deleting)
        || (after.unschedulable && !before.unschedulable)
        || after.taints.iter().any(|taint| !before.taints.contains(taint))
        || after.provider_id != before.provider_id
        || after.uid != before.uid
        || (after.is_excluded() && !before.is_excluded())
        || before
            .labels
            .iter()
            .any(|(key, value)| after.labels.get(key) != Some(value))
}

impl Store<slim::EndpointSlice> for Stores {
    fn apply(&self, object: &slim::EndpointSlice) {
        let name = object_name(object);
        match normalize::slice(object) {
            Ok(slice) => self.put_slice(name, slice),
            Err(error) => {
                tracing::error!(namespace = name.0, name = name.1, %error, "EndpointSlice cannot be read, its last state stays");
            }
        }
    }

    fn remove(&self, name: &ObjectName) {
        self.put_slice(name.clone(), None);
    }

    fn retain(&self, listed: &HashSet<ObjectName>) {
        let gone: Vec<ObjectName> = self
            .state
            .lock()
            .slices
            .names()
            .filter(|name| !listed.contains(*name))
            .cloned()
            .collect();
        for name in &gone {
            Store::<slim::EndpointSlice>::remove(self, name);
        }
    }
}

impl Store<slim::Pod> for Stores {
    fn apply(&self, object: &slim::Pod) {
        self.put_pod(&object_name(object), normalize::pod(object));
    }

    fn remove(&self, name: &ObjectName) {
        self.put_pod(name, None);
    }

    fn retain(&self, listed: &HashSet<ObjectName>) {
        let mut gone: Vec<ObjectName> = self.state.lock().pods.names().collect();
        gone.retain(|name| !listed.contains(name));
        for name in &gone {
            self.put_pod(name, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use clb_model::cluster::NodeReady;

    use super::*;

    fn node() -> Node {
        let ready = NodeReady {
            ready: true,
            since_ms: 0,
        };
        Node {
            name: "n1".to_owned(),
            uid: "u1".to_owned(),
            provider_id: "cn-hangzhou.i-1".to_owned(),
            labels: [("pool".to_owned(), "edge".to_owned())].into(),
            taints: vec!["dedicated".to_owned()],
            unschedulable: false,
            ready: Some(ready),
            deleting: false,
        }
    }

    #[test]
    fn a_node_that_does_not_say_since_when_it_is_not_ready_counts_from_first_sight() {
        let not_ready = |since_ms| Node {
            ready: Some(NodeReady {
                ready: false,
                since_ms,
            }),
            ..node()
        };
        let seen = |mut seen: Node, before: Option<&Node>, now_ms| {
            count_from_first_sight(&mut seen, before, now_ms);
            seen
        };
        let first = seen(not_ready(0), Some(&node()), 1000);
        assert_eq!(first, not_ready(1000));
        assert_eq!(
            seen(not_ready(0), Some(&first), 2000),
            first,
            "it goes on counting"
        );
        assert_eq!(
            seen(not_ready(7), Some(&first), 2000),
            not_ready(7),
            "what is said counts"
        );
        assert_eq!(seen(not_ready(0), None, 3000), not_ready(3000));
        assert_eq!(seen(node(), Some(&first), 2000), node());
    }

    #[test]
    fn what_may_end_a_nodes_being_a_backend_does_not_wait_for_those_that_join() {
        let label = |node: &mut Node, key: &str| drop(node.labels.insert(key.to_owned(), String::new()));
        type Change = fn(&mut Node);
        let changes: [(&str, bool, Change); 10] = [
            ("not ready", true, |node| node.ready = None),
            ("deleted", true, |node| node.deleting = true),
            ("cordoned", true, |node| node.unschedulable = true),
            ("tainted", true, |node| node.taints.push("other".to_owned())),
            ("another machine", true, |node| node.provider_id.push('2')),
            ("another object", true, |node| node.uid.push('2')),
            ("a label lost", true, |node| node.labels.clear()),
            ("a label changed", true, |node| {
                node.labels.insert("pool".to_owned(), "inner".to_owned());
            }),
            ("a taint lost", false, |node| node.taints.clear()),
            ("nothing", false, |_| {}),
        ];
        for (case, expected, change) in changes {
            let mut after = node();
            change(&mut after);
            assert_eq!(takes_away(&node(), &after), expected, "{case}");
        }
        let mut excluded = node();
        label(
            &mut excluded,
            "node.kubernetes.io/exclude-from-external-load-balancers",
        );
        assert!(takes_away(&node(), &excluded));
        let mut labelled = node();
        label(&mut labelled, "zone");
        assert!(!takes_away(&node(), &labelled));
    }
}
