//! Mistakes in the annotations that name a CLB and vServer groups of the user's. They show only once the mirror has said what is there;
//! [`crate::step()`] adds them to those that [`crate::desired`] finds, so that a person is told of all at once.

use clb_model::ClusterId;
use clb_model::cloud::LoadBalancer;
use clb_model::cluster::Service;

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
/// That a Service which works already is in another group than the annotation now names is a change that cannot be made, not a mistake:
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
        Ok(Some(found)) if found.owner == Owner::User && service.ingress.is_empty() => {
            let problems = missing_groups(service, found.load_balancer);
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

/// The groups of the annotation `vgroup-port` that are not on the CLB, for ports that the Service has.
fn missing_groups(service: &Service, load_balancer: &LoadBalancer) -> Vec<Problem> {
    let read = annotations::read(&service.annotations);
    let Some(written) = read.annotations.backend.vgroup_port else {
        return Vec::new();
    };
    let of_service = written
        .value
        .iter()
        .filter(|(number, _)| service.ports.iter().any(|port| port.port == *number));
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

/// The groups that no controller has marked.
fn groups_of_the_user(load_balancer: &LoadBalancer) -> Vec<&str> {
    load_balancer
        .vgroups
        .iter()
        .filter(|(_, group)| !group.name.starts_with(MARKED))
        .map(|(id, _)| id.as_str())
        .collect()
}
