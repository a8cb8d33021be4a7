//! Mistakes in the annotations that name a CLB and vServer groups of the user's. They show only once the mirror has said what is there;
//! [`crate::step()`] adds them to those that [`crate::desired`] finds, so that a person is told of all at once.

use clb_model::attribute::ListenerAttribute;
use clb_model::cloud::LoadBalancer;
use clb_model::cluster::{Service, ServicePort};
use clb_model::{ClusterId, marks};

use crate::annotations::list::VGroupPorts;
use crate::annotations::{self, backend, instance};
use crate::conditions::reason;
use crate::find::{FindError, Owner, find};
use crate::problem::Problem;

/// What the names of groups begin with that a controller has made: see [`clb_model::marks::vgroup_mark`].
const MARKED: &str = "k8s/";
/// Groups that a message lists.
const LISTED: usize = 5;

/// What is wrong with what annotations name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason of the condition Programmed.
    pub reason: &'static str,
    /// The mistakes, ordered.
    pub problems: Vec<Problem>,
}

/// What is wrong with the CLB or the groups that the annotations name. `observed` are the CLBs that could be the Service's.
///
/// That a port which works already is in another group than the annotation now names is a change that cannot be made, not a mistake:
/// [`crate::plan`] says so.
#[must_use]
pub fn refusal(service: &Service, cluster: &ClusterId, observed: &[&LoadBalancer]) -> Option<Refusal> {
    match find(service, cluster, observed) {
        Err(error) => {
            let problem = problem_of(service, &error)?;
            Some(Refusal {
                reason: reason::REUSE_REFUSED,
                problems: vec![problem],
            })
        }
        Ok(Some(found)) if found.owner == Owner::User => {
            let problems = missing_groups(service, cluster, found.load_balancer);
            (!problems.is_empty()).then_some(Refusal {
                reason: reason::VSERVER_GROUP_MISSING,
                problems,
            })
        }
        Ok(_) => None,
    }
}

/// The mistake in the annotation `…-id`, where the error is one.
fn problem_of(service: &Service, error: &FindError) -> Option<Problem> {
    let allowed = match error {
        FindError::NoSuchLoadBalancer { id } => {
            format!("a CLB of your own in the cluster's region; {id} does not exist in this region")
        }
        FindError::NotReusable { id, tag } => format!(
            "a CLB of your own; {id} carries the tag {tag}, so it belongs to another Service or to a cluster and cannot be reused. \
             Create a CLB in the console and name that"
        ),
        FindError::OtherAddress { id, address } => format!(
            "the CLB that the Service uses; its status has the address {address}, which is not that of {id}, and the CLB of a Service \
             cannot be changed. Delete the Service and create it again to move it"
        ),
        FindError::Ambiguous { .. } | FindError::Gone { .. } | FindError::OtherCluster { .. } => return None,
    };
    let read = annotations::read(&service.annotations);
    let written = read.annotations.instance.load_balancer_id?;
    Some(written.problem(allowed, instance::LOAD_BALANCER_ID.example))
}

/// The groups of the annotation `vgroup-port` that are not on the CLB, for ports of the Service that are in no other.
fn missing_groups(service: &Service, cluster: &ClusterId, load_balancer: &LoadBalancer) -> Vec<Problem> {
    let read = annotations::read(&service.annotations);
    let Some(written) = read.annotations.backend.vgroup_port else {
        return Vec::new();
    };
    let bound = Bound {
        service,
        cluster,
        load_balancer,
        named: &written.value,
    };
    let of_service = written.value.iter().filter(|(number, _)| {
        let mut ports = service.ports.iter().filter(|port| port.port == *number);
        ports.any(|port| !bound.has_group(port))
    });
    let there = groups_of_the_user(load_balancer);
    let listed = there.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    of_service
        .filter(|(_, group)| !load_balancer.vgroups.contains_key(*group))
        .map(|(port, group)| {
            let id = &load_balancer.id;
            match there.first() {
                Some(first) => written.problem(
                    format!("vServer groups of CLB {id}, such as {listed}; {group} is not there"),
                    format!("{first}:{port}"),
                ),
                None => written.problem(
                    format!(
                        "vServer groups of CLB {id}; {group} is not there, and there is none of your own: create one in the console"
                    ),
                    backend::VGROUP_PORT.example,
                ),
            }
        })
        .collect()
}

/// What tells of a port of a Service whether it has a group already.
struct Bound<'a> {
    service: &'a Service,
    cluster: &'a ClusterId,
    load_balancer: &'a LoadBalancer,
    named: &'a VGroupPorts,
}

impl Bound<'_> {
    /// Whether the port has a group. Until the Service has an address none of its ports is bound to any.
    fn has_group(&self, port: &ServicePort) -> bool {
        !self.service.ingress.is_empty()
            && (self.has_listener(port) || self.marks(port).iter().any(|mark| self.tells(port, mark)))
    }

    fn has_listener(&self, port: &ServicePort) -> bool {
        let mark = marks::listener_mark(port.port, &self.service.key, self.cluster);
        let mut listeners = self.load_balancer.listeners.values();
        listeners.any(|listener| {
            listener.vgroup.is_some()
                && listener.attributes.text(ListenerAttribute::Description) == Some(mark.as_str())
        })
    }

    /// Of both kinds of backends: which kind it was may have changed together with the annotation.
    fn marks(&self, port: &ServicePort) -> Vec<String> {
        let of_nodes = port
            .node_port
            .map(|node_port| marks::vgroup_mark(node_port, &self.service.key, self.cluster));
        let of_pods = marks::vgroup_mark(&port.target, &self.service.key, self.cluster);
        of_nodes.into_iter().chain([of_pods]).collect()
    }

    /// Whether a group of that name, or backends of that description, are this port's. They may be those of a port which is to have
    /// another group and carries the same mark.
    fn tells(&self, port: &ServicePort, mark: &String) -> bool {
        let is_others = self.service.ports.iter().any(|other| {
            self.named.group(other.port) != self.named.group(port.port) && self.marks(other).contains(mark)
        });
        let mut groups = self.load_balancer.vgroups.values();
        !is_others
            && groups.any(|group| {
                let mut backends = group.backends.iter();
                group.name == *mark || backends.any(|backend| backend.description == *mark)
            })
    }
}

/// The groups that no controller has marked.
fn groups_of_the_user(load_balancer: &LoadBalancer) -> Vec<&str> {
    load_balancer
        .vgroups
        .iter()
        .filter(|(_, group)| !group.name.starts_with(MARKED))
        .map(|(id, _)| id.as_str())
        .collect()
}
