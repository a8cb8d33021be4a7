//! The names by which we, and Alibaba's controller before us, know our own things. All of them are fixed by
//! `compatibility.md`, "Names and marks": a cluster must be able to switch between the two controllers without a write.

use sha2::{Digest as _, Sha256};

use crate::identity::{ClusterId, ServiceKey, ServiceUid};

/// Prefix of all annotations.
pub const ANNOTATION_DOMAIN: &str = "service.beta.kubernetes.io/";
/// What follows [`ANNOTATION_DOMAIN`] in most annotations.
pub const ANNOTATION_PREFIX: &str = "service.beta.kubernetes.io/alibaba-cloud-";
/// The same, as it was called first; the newer name wins where both are there.
pub const LEGACY_ANNOTATION_PREFIX: &str = "service.beta.kubernetes.io/alicloud-";
/// Names a class, as `spec.loadBalancerClass` does.
pub const CLASS_ANNOTATION: &str = "service.beta.kubernetes.io/class";
/// With this annotation (behind either prefix) a Service is for another product's controller.
pub const TUNNEL_TYPE_SUFFIX: &str = "loadbalancer-tunnel-type";
/// On a Service before the first write to the cloud until after the last.
pub const FINALIZER: &str = "service.k8s.alibaba/resources";
/// Left on Services by Alibaba's controller; removed together with the finalizer.
pub const HASH_LABEL: &str = "service.beta.kubernetes.io/hash";
/// The CLB's id, on the Service.
pub const LOAD_BALANCER_ID_LABEL: &str = "service.k8s.alibaba/loadbalancer-id";
/// Tag of a CLB that a controller created; its value is the default name.
pub const OWNER_TAG: &str = "kubernetes.do.not.delete";
/// Tag of a CLB that a controller created; its value is the cluster's id.
pub const CLUSTER_TAG: &str = "ack.aliyun.com";
/// Tag of a user's CLB that a Service uses; its value is `true`.
pub const REUSED_TAG: &str = "kubernetes.reused.by.user";
/// `ModificationProtectionReason` of a CLB that a controller created.
pub const MODIFICATION_PROTECTION_REASON: &str = "managed.by.ack";

/// Type of the condition that remembers the Service's load balancer class, in its message: the API server drops the field when
/// the type changes.
pub const CLASS_CONDITION: &str = "service.k8s.alibaba/Class";

/// What the name of an access control list of ours begins with; the default name of the Service's CLB follows.
const ACCESS_LIST_PREFIX: &str = "k8s/source-ranges/";

/// What the type of a readiness gate's condition begins with; the Service's name follows.
const READINESS_GATE_PREFIX: &str = "service.readiness.alibabacloud.com/";

/// Group names and backend descriptions end here in the API.
const MARK_LIMIT: usize = 80;

/// The name of a CLB whose Service names none, also the value of [`OWNER_TAG`]: `a` and the UID without dashes, cut to 32
/// characters. It carries 31 of the UID's 32 hex digits, which tells a re-created Service from the old one.
#[must_use]
pub fn default_name(uid: &ServiceUid) -> String {
    std::iter::once('a')
        .chain(uid.as_str().chars().filter(|c| *c != '-'))
        .take(32)
        .collect()
}

/// The mark of a listener: its description.
#[must_use]
pub fn listener_mark(port: u16, service: &ServiceKey, cluster: &ClusterId) -> String {
    // A listener's description may have 256 characters, so nothing is shortened: CCM must find its own text.
    format!("k8s/{port}/{}/{}/{cluster}", service.name, service.namespace)
}

/// The mark of a vServer group (its name) and of its backends (their description). `port` is the node port, or for ENI backends
/// the target port's number or name. A text over 80 characters, which CCM cannot create at all, has Service and namespace
/// replaced by a hash of both.
#[must_use]
pub fn vgroup_mark(port: impl std::fmt::Display, service: &ServiceKey, cluster: &ClusterId) -> String {
    let full = format!("k8s/{port}/{}/{}/{cluster}", service.name, service.namespace);
    if full.chars().count() <= MARK_LIMIT {
        return full;
    }
    let hash = hex::encode(Sha256::digest(format!("{}/{}", service.namespace, service.name)));
    // What is left for the Service's name after the other parts; the hash of both goes where the namespace was.
    let fixed = format!("k8s/{port}///{cluster}").len();
    let hash_length = MARK_LIMIT.saturating_sub(fixed).min(16);
    let name_length = MARK_LIMIT
        .saturating_sub(fixed + hash_length)
        .min(service.name.len());
    format!(
        "k8s/{port}/{}/{}/{cluster}",
        service.name.get(..name_length).unwrap_or_default(),
        hash.get(..hash_length).unwrap_or_default()
    )
}

/// The name of the access control list that holds a Service's source ranges. Alibaba's controller makes none, so the form is ours; it
/// tells a re-created Service's list from the old one's as the default name does.
#[must_use]
pub fn access_list_name(uid: &ServiceUid) -> String {
    format!("{ACCESS_LIST_PREFIX}{}", default_name(uid))
}

/// Whether an access control list is one of ours, of whatever Service.
#[must_use]
pub fn is_access_list_name(name: &str) -> bool {
    name.starts_with(ACCESS_LIST_PREFIX)
}

/// Type of the readiness gate's condition on pods.
#[must_use]
pub fn readiness_gate(service_name: &str) -> String {
    format!("{READINESS_GATE_PREFIX}{service_name}")
}

/// The name of the Service that a readiness gate of ours is for; none when the gate is another's.
#[must_use]
pub fn readiness_gate_service(condition_type: &str) -> Option<&str> {
    condition_type
        .strip_prefix(READINESS_GATE_PREFIX)
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterId {
        ClusterId::new("c-lab").unwrap()
    }

    #[test]
    fn the_default_name_has_32_characters_of_the_uid() {
        let uid = ServiceUid::new("0b8a7c1e-6d3a-4f52-9c11-5a2f0e7d9b34").unwrap();
        assert_eq!(default_name(&uid), "a0b8a7c1e6d3a4f529c115a2f0e7d9b3");
        assert_eq!(default_name(&uid).len(), 32);
    }

    #[test]
    fn marks_are_those_of_ccm() {
        let service = ServiceKey::new("default", "nginx");
        assert_eq!(
            listener_mark(80, &service, &cluster()),
            "k8s/80/nginx/default/c-lab"
        );
        assert_eq!(
            vgroup_mark(31080, &service, &cluster()),
            "k8s/31080/nginx/default/c-lab"
        );
        assert_eq!(
            vgroup_mark("web", &service, &cluster()),
            "k8s/web/nginx/default/c-lab"
        );
    }

    #[test]
    fn a_long_mark_is_shortened_the_same_way_each_time_and_stays_unique() {
        let long = |namespace: &str| ServiceKey::new(namespace, "s".repeat(63));
        let mark = vgroup_mark(31080, &long("a"), &cluster());
        assert!(
            mark.len() <= 80 && mark.starts_with("k8s/31080/sss") && mark.ends_with("/c-lab"),
            "{mark}"
        );
        assert_eq!(mark, vgroup_mark(31080, &long("a"), &cluster()));
        assert_ne!(mark, vgroup_mark(31080, &long("b"), &cluster()));
    }
}
