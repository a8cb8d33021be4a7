//! Which of the CLBs that the mirror shows is the Service's: `compatibility.md`, "Finding the CLB of a Service" and "A reused CLB".
//! [`crate::step()`] asks; the planner's shell asks [`interest`] what to look for.

use std::collections::BTreeMap;

use clb_model::cloud::LoadBalancer;
use clb_model::cluster::{ConditionStatus, Service, ServiceType};
use clb_model::marks::{
    self, ANNOTATION_PREFIX, CLUSTER_TAG, LEGACY_ANNOTATION_PREFIX, LOAD_BALANCER_ID_LABEL, OWNER_TAG,
    REUSED_TAG,
};
use clb_model::{ClusterId, LoadBalancerId};

use crate::annotations::instance::LOAD_BALANCER_ID;

use crate::conditions::{self, FORMER, MOVING};

/// The annotation that names a CLB of the user's, behind either prefix.
const ID_SUFFIX: &str = LOAD_BALANCER_ID.suffix;

/// The CLB of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// It.
    pub load_balancer: &'a LoadBalancer,
    /// Who owns it.
    pub owner: Owner,
}

impl Found<'_> {
    /// The CLB's id, where it is the Service's own.
    pub(crate) fn own_id(&self) -> Option<LoadBalancerId> {
        (self.owner == Owner::Service).then(|| self.load_balancer.id.clone())
    }
}

/// Who owns the CLB that a Service uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The Service: made for it, deleted with it.
    Service,
    /// A user: never deleted.
    User,
}

/// Why there is no CLB to work on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Several CLBs carry the Service's mark.
    #[error(
        "{} CLBs are marked as this Service's: {}. Keep one, and delete the others or take the tag {OWNER_TAG} off them",
        ids.len(), join(ids)
    )]
    Ambiguous {
        /// All of them.
        ids: Vec<LoadBalancerId>,
    },
    /// The Service has an address, but its CLB is not there.
    #[error(
        "the Service's status has the address {address}, but its CLB{} is gone. No other is made, since people may still use the \
         address. To get a new CLB, empty the status (kubectl patch service {name} -n {namespace} --subresource=status --type=merge \
         -p '{{\"status\":{{\"loadBalancer\":{{\"ingress\":null}}}}}}'), or delete the Service and create it again", id.as_ref().map(|id| format!(" {id}")).unwrap_or_default()
    )]
    Gone {
        /// The Service's namespace.
        namespace: String,
        /// The Service's name.
        name: String,
        /// What its status says.
        address: String,
        /// The CLB's id where it is known.
        id: Option<LoadBalancerId>,
    },
    /// The CLB that the annotation names does not exist.
    #[error(
        "annotation {} names CLB {id}, which does not exist in this region: name one that does", LOAD_BALANCER_ID.name()
    )]
    NoSuchLoadBalancer {
        /// The annotation's value.
        id: LoadBalancerId,
    },
    /// The CLB that the annotation names was made by a controller for a Service or for the API server.
    #[error(
        "CLB {id}, which annotation {} names, carries the tag {tag}: it belongs to another Service or to a cluster, and cannot be \
         reused. Create a CLB in the console and name that", LOAD_BALANCER_ID.name()
    )]
    NotReusable {
        /// The annotation's value.
        id: LoadBalancerId,
        /// The tag that says so.
        tag: &'static str,
    },
    /// The Service has the address of another CLB than the annotation names.
    #[error(
        "the Service already has the address {address}, which is not that of CLB {id} that annotation {} names: \
         the CLB of a Service cannot be changed. Delete the Service and create it again to move it", LOAD_BALANCER_ID.name()
    )]
    OtherAddress {
        /// The annotation's value.
        id: LoadBalancerId,
        /// What the status says.
        address: String,
    },
    /// A CLB with the mark or the default name of this Service's UID belongs to another cluster.
    #[error(
        "CLB {id} carries this Service's mark or name, but its tag {CLUSTER_TAG} names cluster {cluster}: it is left alone. If it belongs to \
         this cluster, correct the tag"
    )]
    OtherCluster {
        /// The CLB.
        id: LoadBalancerId,
        /// The tag's value.
        cluster: String,
    },
}

/// The id to look for beside the tag and the default name.
#[must_use]
pub fn interest(service: &Service) -> Option<LoadBalancerId> {
    used_id(service)
        .or_else(|| moving_to(service).and_then(|_| labelled_id(service)))
        .or_else(|| annotated_id(service))
        .or_else(|| labelled_id(service))
}

/// The CLB that the Service's label remembers, while it counts: the CLB of a Service that has an address does not change, and one that is
/// cleaned up leaves the CLB that it used. (A person who empties the status of a Service wants it to forget a CLB that is gone.)
fn used_id(service: &Service) -> Option<LoadBalancerId> {
    labelled_id(service).filter(|_| is_going(service) || !service.ingress.is_empty())
}

fn is_going(service: &Service) -> bool {
    service.finalizer && (service.deleting || service.service_type != ServiceType::LoadBalancer)
}

/// The user's CLB to which a Service moves that never got as far as an address on the one that its label names; it may be used, which has
/// been looked at. Until nothing of the Service is left on the other, that one is looked for.
pub(crate) fn moving_to(service: &Service) -> Option<LoadBalancerId> {
    let target = remembered(service, MOVING)?;
    let is_on_its_way = service.ingress.is_empty()
        && !is_going(service)
        && annotated_id(service).as_ref() == Some(&target)
        && labelled_id(service).is_some_and(|from| from != target);
    is_on_its_way.then_some(target)
}

/// The CLBs that the Service had before its type was another one, the last one first.
pub(crate) fn former_ids(service: &Service) -> Vec<LoadBalancerId> {
    let message = conditions::message_of(service, FORMER).unwrap_or_default();
    message.split(',').filter_map(|id| id.parse().ok()).collect()
}

/// The CLB that a condition names while it holds.
fn remembered(service: &Service, kind: &str) -> Option<LoadBalancerId> {
    conditions::find(service, kind)
        .filter(|condition| condition.status == ConditionStatus::True)
        .and_then(|condition| condition.message.parse().ok())
}

/// What the annotation `…-id` names.
#[must_use]
pub fn annotated_id(service: &Service) -> Option<LoadBalancerId> {
    annotation(&service.annotations, ID_SUFFIX).and_then(|value| value.parse().ok())
}

/// The CLB that the Service's label remembers.
#[must_use]
pub fn labelled_id(service: &Service) -> Option<LoadBalancerId> {
    service
        .labels
        .get(LOAD_BALANCER_ID_LABEL)
        .and_then(|id| id.parse().ok())
}

/// The value of one of our annotations, the newer prefix first.
pub(crate) fn annotation<'a>(annotations: &'a BTreeMap<String, String>, suffix: &str) -> Option<&'a str> {
    [ANNOTATION_PREFIX, LEGACY_ANNOTATION_PREFIX]
        .iter()
        .find_map(|prefix| annotations.get(&format!("{prefix}{suffix}")))
        .map(String::as_str)
}

/// Finds the CLB: by tag, else by the annotated id, else by default name. None when the Service has none yet.
///
/// # Errors
/// [`FindError`] when there is none to work on and none may be made.
pub fn find<'a>(
    service: &Service,
    cluster: &ClusterId,
    observed: &[&'a LoadBalancer],
) -> Result<Option<Found<'a>>, FindError> {
    if let Some(own) = by_tag(service, cluster, observed)? {
        return Ok(Some(own));
    }
    if let Some(kept) = kept_reuse(service, observed) {
        return Ok(Some(kept));
    }
    if let Some(id) = annotated_id(service) {
        let Some(load_balancer) = by_id(&id, observed) else {
            return Err(gone(service).unwrap_or(FindError::NoSuchLoadBalancer { id }));
        };
        if let Some(tag) = [CLUSTER_TAG, OWNER_TAG]
            .into_iter()
            .find(|tag| load_balancer.tags.contains_key(*tag))
        {
            return Err(FindError::NotReusable { id, tag });
        }
        if let Some(address) = other_address(service, load_balancer) {
            return Err(FindError::OtherAddress { id, address });
        }
        return Ok(Some(Found {
            load_balancer,
            owner: Owner::User,
        }));
    }
    if let Some(own) = by_name(service, cluster, observed)? {
        return Ok(Some(own));
    }
    gone(service).map_or(Ok(None), Err)
}

/// Finds the CLB that a Service works on already, also where a mistake stands in the way: one of a user's that was tagged since stays in
/// use.
pub(crate) fn find_in_use<'a>(
    service: &Service,
    cluster: &ClusterId,
    observed: &[&'a LoadBalancer],
) -> Option<Found<'a>> {
    match find(service, cluster, observed) {
        Ok(found) => found,
        Err(FindError::NotReusable { id, .. }) if used_id(service).as_ref() == Some(&id) => {
            by_id(&id, observed)
                .filter(|found| found.tags.contains_key(REUSED_TAG))
                .map(|load_balancer| Found {
                    load_balancer,
                    owner: Owner::User,
                })
        }
        Err(_) => None,
    }
}

/// Finds the CLB of a Service that is cleaned up. What is gone or was never there is simply none; a CLB that could not be reused is looked
/// at all the same, since our marks tell what on it is ours.
///
/// # Errors
/// [`FindError::Ambiguous`] and [`FindError::OtherCluster`]: a person must say which CLB is to go.
pub fn find_for_clean_up<'a>(
    service: &Service,
    cluster: &ClusterId,
    observed: &[&'a LoadBalancer],
) -> Result<Option<Found<'a>>, FindError> {
    match find(service, cluster, observed) {
        Ok(found) => Ok(found),
        Err(error @ (FindError::Ambiguous { .. } | FindError::OtherCluster { .. })) => Err(error),
        Err(FindError::NotReusable { id, .. } | FindError::OtherAddress { id, .. }) => {
            Ok(by_id(&id, observed).map(|load_balancer| Found {
                load_balancer,
                owner: Owner::User,
            }))
        }
        Err(FindError::Gone { .. } | FindError::NoSuchLoadBalancer { .. }) => Ok(None),
    }
}

/// The CLB that carries the tag with this Service's UID. A Service re-created under the same name has another UID.
fn by_tag<'a>(
    service: &Service,
    cluster: &ClusterId,
    observed: &[&'a LoadBalancer],
) -> Result<Option<Found<'a>>, FindError> {
    let mark = marks::default_name(&service.uid);
    let found = only(observed, |clb| clb.tags.get(OWNER_TAG) == Some(&mark))?;
    let Some(load_balancer) = found else {
        return Ok(None);
    };
    own(load_balancer, cluster).map(Some)
}

/// A restored etcd gives two clusters Services of the same UIDs: neither the mark nor the name tells them apart.
fn own<'a>(load_balancer: &'a LoadBalancer, cluster: &ClusterId) -> Result<Found<'a>, FindError> {
    match load_balancer.tags.get(CLUSTER_TAG) {
        Some(other) if other != cluster.as_str() => Err(FindError::OtherCluster {
            id: load_balancer.id.clone(),
            cluster: other.clone(),
        }),
        _ => Ok(Found {
            load_balancer,
            owner: Owner::Service,
        }),
    }
}

/// The CLB of the default name that a crash left without our tags. One without tags of ours whose modification protection is off was
/// preserved for the user when its Service went; so was each that the Service had before its type changed, even if the user has protected
/// it since.
fn by_name<'a>(
    service: &Service,
    cluster: &ClusterId,
    observed: &[&'a LoadBalancer],
) -> Result<Option<Found<'a>>, FindError> {
    let name = marks::default_name(&service.uid);
    let former = former_ids(service);
    let found = only(observed, |clb| {
        let untagged = !clb.tags.contains_key(OWNER_TAG) && !clb.tags.contains_key(CLUSTER_TAG);
        let preserved = untagged && (!clb.modification_protection || former.contains(&clb.id));
        clb.name == name && !clb.tags.contains_key(OWNER_TAG) && !preserved
    })?;
    found.map(|load_balancer| own(load_balancer, cluster)).transpose()
}

/// The user's CLB that the Service uses already though the annotation now names another or none: this cannot change. Where it names none,
/// also one on which the Service never got as far as an address: our groups are on it.
fn kept_reuse<'a>(service: &Service, observed: &[&'a LoadBalancer]) -> Option<Found<'a>> {
    let annotated = annotated_id(service);
    let id = used_id(service).or_else(|| labelled_id(service).filter(|_| annotated.is_none()))?;
    if annotated.as_ref() == Some(&id) {
        return None;
    }
    let load_balancer = by_id(&id, observed).filter(|found| is_users(found))?;
    Some(Found {
        load_balancer,
        owner: Owner::User,
    })
}

/// Whether a Service uses this CLB of a user's.
pub(crate) fn is_users(load_balancer: &LoadBalancer) -> bool {
    let has = |tag| load_balancer.tags.contains_key(tag);
    has(REUSED_TAG) && !has(OWNER_TAG) && !has(CLUSTER_TAG)
}

pub(crate) fn by_id<'a>(id: &LoadBalancerId, observed: &[&'a LoadBalancer]) -> Option<&'a LoadBalancer> {
    observed.iter().copied().find(|clb| clb.id == *id)
}

fn only<'a>(
    observed: &[&'a LoadBalancer],
    matches: impl Fn(&LoadBalancer) -> bool,
) -> Result<Option<&'a LoadBalancer>, FindError> {
    let mut found: BTreeMap<&LoadBalancerId, &'a LoadBalancer> = BTreeMap::new();
    for load_balancer in observed.iter().copied().filter(|clb| matches(clb)) {
        found.insert(&load_balancer.id, load_balancer);
    }
    if found.len() > 1 {
        return Err(FindError::Ambiguous {
            ids: found.into_keys().cloned().collect(),
        });
    }
    Ok(found.into_values().next())
}

/// The address in the Service's status where it is that of another CLB. The one that the Service's label names may have got another
/// EIP.
fn other_address(service: &Service, load_balancer: &LoadBalancer) -> Option<String> {
    if labelled_id(service).as_ref() == Some(&load_balancer.id) {
        return None;
    }
    let addresses: Vec<&str> = service
        .ingress
        .iter()
        .filter_map(|ingress| ingress.ip.as_deref())
        .collect();
    let is_its = |address: &&str| {
        *address == load_balancer.address || Some(*address) == load_balancer.eip_address.as_deref()
    };
    if addresses.iter().any(is_its) {
        return None;
    }
    addresses.first().map(|address| (*address).to_owned())
}

fn gone(service: &Service) -> Option<FindError> {
    let ingress = service.ingress.first()?;
    Some(FindError::Gone {
        namespace: service.key.namespace.clone(),
        name: service.key.name.clone(),
        address: ingress
            .ip
            .clone()
            .or_else(|| ingress.hostname.clone())
            .unwrap_or_default(),
        id: labelled_id(service),
    })
}

fn join(ids: &[LoadBalancerId]) -> String {
    ids.iter()
        .map(LoadBalancerId::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
