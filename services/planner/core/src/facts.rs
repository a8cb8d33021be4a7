//! What only the cloud knows of things that annotations name. The shell asks the actuator for what a pass still needs and calls
//! again with the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use clb_model::VServerGroupId;
use clb_model::attribute::{AttributeValue, ListenerAttribute};
use clb_model::cloud::{AddressHolder, IpVersion, ListenerKey, LoadBalancer, StaticAddress, ZonePair};
use ipnet::IpNet;

/// Something to ask the cloud.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Does this server certificate exist, and when does it expire?
    Certificate(String),
    /// Does this access control list exist?
    AccessControlList(String),
    /// Does this vSwitch exist, where, with which range?
    VSwitch(String),
    /// In which pairs of zones can a CLB be?
    ZonePairs,
    /// Does anything have this address already?
    StaticAddress(StaticAddress),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(id) => write!(f, "server certificate {id}"),
            Self::AccessControlList(id) => write!(f, "access control list {id}"),
            Self::VSwitch(id) => write!(f, "vSwitch {id}"),
            Self::ZonePairs => f.write_str("the region's zones"),
            Self::StaticAddress(address) => address.fmt(f),
        }
    }
}

/// The answers so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CloudFacts {
    /// By certificate id; none when it does not exist.
    pub certificates: BTreeMap<String, Option<Certificate>>,
    /// By id; none when it does not exist.
    pub access_control_lists: BTreeMap<String, Option<AccessControlList>>,
    /// By id; none when it does not exist.
    pub vswitches: BTreeMap<String, Option<VSwitchFact>>,
    /// The pairs of zones that a CLB can have; none while that is not known. Empty: the cloud does not say.
    pub zone_pairs: Option<BTreeSet<ZonePair>>,
    /// What has an address; none when it is free.
    pub static_addresses: BTreeMap<StaticAddress, Option<AddressHolder>>,
    /// Whether the Service's CLB has its address already, or may have it: that cannot change, so nobody need ask what has the one that the
    /// Service names.
    pub address_is_given: bool,
    /// The family of the Service's CLB, where it has one or uses one of the user's.
    pub ip_version: Option<IpVersion>,
    /// By the description of backends, where no group has that name: the groups that hold some, with the greatest of their weights. Those
    /// of a Service stay in the user's group that they are in, whatever `vgroup-port` says later.
    pub in_users_groups: BTreeMap<String, BTreeMap<VServerGroupId, u8>>,
    /// The names of the CLB's groups by the descriptions of the listeners that use them.
    pub listened_groups: BTreeMap<String, String>,
    /// The names of all groups of the CLB.
    pub group_names: BTreeSet<String>,
    /// What is known of the health checks of the listeners on the Service's CLB.
    pub health_checks: BTreeMap<ListenerKey, HealthCheckFact>,
    /// Why the cloud has not answered questions, though asked several times.
    pub unanswered_because: BTreeMap<Question, String>,
}

/// A server certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// When it expires, milliseconds since 1970; none when the cloud does not say.
    pub expires_ms: Option<u64>,
}

/// An access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessControlList {
    /// The family of its addresses; none when the cloud does not say.
    pub ip_version: Option<IpVersion>,
}

/// The health check of a listener that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheckFact {
    /// Whether the listener checks its backends.
    pub is_on: bool,
    /// The group that it sends to, and that one's name.
    pub vgroup: Option<(VServerGroupId, String)>,
}

/// A vSwitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitchFact {
    /// Its VPC.
    pub vpc_id: String,
    /// Its range.
    pub cidr: Option<IpNet>,
}

impl CloudFacts {
    /// The same, and what a CLB itself shows: what it uses is there, so nobody need ask. An expired certificate that
    /// is in use stays in use; only one that would be set anew must be valid.
    #[must_use]
    pub fn with_observed(&self, load_balancer: &LoadBalancer) -> Self {
        let mut facts = self.with_address_given();
        facts.ip_version = Some(load_balancer.ip_version);
        // The zones of a CLB that is there cannot change any more.
        facts.zone_pairs = Some(BTreeSet::new());
        let in_use = Some(Certificate { expires_ms: None });
        for listener in load_balancer.listeners.values() {
            let default = listener.attributes.text(ListenerAttribute::ServerCertificateId);
            let extensions = listener.domain_extensions.values();
            let extensions = extensions.map(|extension| extension.certificate_id.as_str());
            for id in default.into_iter().chain(extensions).filter(|id| !id.is_empty()) {
                facts.certificates.insert(id.to_owned(), in_use);
            }
            let acl = listener.attributes.text(ListenerAttribute::AclId);
            if let Some(id) = acl.filter(|id| !id.is_empty()) {
                let in_use = AccessControlList { ip_version: None };
                facts.access_control_lists.insert(id.to_owned(), Some(in_use));
            }
        }
        facts.in_users_groups = in_users_groups(load_balancer);
        let groups = load_balancer.vgroups.values();
        facts.group_names = groups.map(|group| group.name.clone()).collect();
        facts.listened_groups = listened_groups(load_balancer);
        facts.health_checks = health_checks(load_balancer);
        if !load_balancer.vswitch_id.is_empty() {
            let vswitch = VSwitchFact {
                vpc_id: load_balancer.vpc_id.clone(),
                cidr: None,
            };
            facts
                .vswitches
                .insert(load_balancer.vswitch_id.clone(), Some(vswitch));
        }
        facts
    }

    /// The same for a Service whose CLB has its address already, or may have it.
    #[must_use]
    pub fn with_address_given(&self) -> Self {
        Self {
            address_is_given: true,
            ..self.clone()
        }
    }

    /// Those of the questions that have no answer yet.
    #[must_use]
    pub fn unanswered(&self, questions: &BTreeSet<Question>) -> BTreeSet<Question> {
        questions
            .iter()
            .filter(|question| match question {
                Question::Certificate(id) => !self.certificates.contains_key(id),
                Question::AccessControlList(id) => !self.access_control_lists.contains_key(id),
                Question::VSwitch(id) => !self.vswitches.contains_key(id),
                Question::ZonePairs => self.zone_pairs.is_none(),
                Question::StaticAddress(address) => !self.static_addresses.contains_key(address),
            })
            .cloned()
            .collect()
    }
}

fn in_users_groups(load_balancer: &LoadBalancer) -> BTreeMap<String, BTreeMap<VServerGroupId, u8>> {
    let mut heaviest: BTreeMap<&str, BTreeMap<VServerGroupId, u8>> = BTreeMap::new();
    for (id, group) in &load_balancer.vgroups {
        for backend in group
            .backends
            .iter()
            .filter(|backend| backend.description != group.name)
        {
            let groups = heaviest.entry(&backend.description).or_default();
            let weight = groups.entry(id.clone()).or_default();
            *weight = backend.weight.max(*weight);
        }
    }
    for group in load_balancer.vgroups.values() {
        heaviest.remove(group.name.as_str());
    }
    let owned = heaviest
        .into_iter()
        .map(|(mark, groups)| (mark.to_owned(), groups));
    owned.collect()
}

fn listened_groups(load_balancer: &LoadBalancer) -> BTreeMap<String, String> {
    let listeners = load_balancer.listeners.values();
    listeners
        .filter_map(|listener| {
            let description = listener.attributes.text(ListenerAttribute::Description)?;
            let group = load_balancer.vgroups.get(listener.vgroup.as_ref()?)?;
            Some((description.to_owned(), group.name.clone()))
        })
        .collect()
}

/// Of the listeners that say whether they check.
fn health_checks(load_balancer: &LoadBalancer) -> BTreeMap<ListenerKey, HealthCheckFact> {
    let name_of = |id: &VServerGroupId| load_balancer.vgroups.get(id).map(|group| group.name.clone());
    let listeners = load_balancer.listeners.iter();
    listeners
        .filter_map(|(key, listener)| {
            let AttributeValue::On(is_on) = listener.attributes.get(ListenerAttribute::HealthCheck)? else {
                return None;
            };
            let vgroup = listener.vgroup.as_ref();
            let fact = HealthCheckFact {
                is_on: *is_on,
                vgroup: vgroup.and_then(|id| Some((id.clone(), name_of(id)?))),
            };
            Some((*key, fact))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use clb_model::attribute::ListenerAttributes;
    use clb_model::cloud::{
        AddressType, DomainExtension, InstanceChargeType, InternetChargeType, IpVersion, Listener,
    };
    use clb_model::version::PartVersion;

    use super::*;

    fn load_balancer() -> LoadBalancer {
        let listener = Listener {
            version: PartVersion::default(),
            running: true,
            vgroup: None,
            attributes: ListenerAttributes::new()
                .with(ListenerAttribute::ServerCertificateId, "cert-default")
                .with(ListenerAttribute::AclId, "acl-used"),
            domain_extensions: [(
                "a.example.com".to_owned(),
                DomainExtension {
                    id: "de-1".to_owned(),
                    certificate_id: "cert-extension".to_owned(),
                },
            )]
            .into(),
        };
        LoadBalancer {
            id: "lb-1".parse().unwrap(),
            version: PartVersion::default(),
            name: "web".to_owned(),
            address: "10.0.0.1".to_owned(),
            address_type: AddressType::Intranet,
            ip_version: IpVersion::V4,
            status: "active".to_owned(),
            spec: String::new(),
            instance_charge_type: InstanceChargeType::PayByClcu,
            internet_charge_type: InternetChargeType::PayByTraffic,
            bandwidth: 0,
            delete_protection: true,
            modification_protection: true,
            resource_group_id: String::new(),
            vpc_id: "vpc-1".to_owned(),
            vswitch_id: "vsw-used".to_owned(),
            master_zone_id: String::new(),
            slave_zone_id: String::new(),
            tags: BTreeMap::new(),
            access_lists: BTreeMap::new(),
            eip_address: None,
            listeners: [("https:443".parse().unwrap(), listener)].into(),
            vgroups: BTreeMap::new(),
        }
    }

    #[test]
    fn what_a_clb_uses_need_not_be_asked() {
        let questions: BTreeSet<Question> = [
            Question::Certificate("cert-default".to_owned()),
            Question::Certificate("cert-extension".to_owned()),
            Question::Certificate("cert-new".to_owned()),
            Question::AccessControlList("acl-used".to_owned()),
            Question::VSwitch("vsw-used".to_owned()),
        ]
        .into();
        let facts = CloudFacts::default();
        assert_eq!(facts.unanswered(&questions), questions);
        let new = Question::Certificate("cert-new".to_owned());
        let known = facts.with_observed(&load_balancer());
        assert_eq!(known.unanswered(&questions), [new].into());
    }

    #[test]
    fn an_expired_certificate_in_use_is_no_reason_to_stop() {
        let mut facts = CloudFacts::default();
        let expired = Some(Certificate { expires_ms: Some(1) });
        facts.certificates.insert("cert-default".to_owned(), expired);
        facts.certificates.insert("cert-new".to_owned(), expired);
        let known = facts.with_observed(&load_balancer());
        let in_use = Certificate { expires_ms: None };
        assert_eq!(known.certificates["cert-default"], Some(in_use));
        assert_eq!(known.certificates["cert-new"], expired);
    }
}
