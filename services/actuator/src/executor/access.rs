//! What a cluster may use, as the configuration says, and what it may never touch.

use std::collections::HashMap;
use std::sync::Arc;

use clb_model::cloud::LoadBalancer;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG, default_name};
use clb_model::operation::{ACTUATOR_CONFIGURATION, Batch, CloudError, ErrorClass, NewLoadBalancer, Outcome};

use crate::settings::ClusterSettings;

/// A request for something that the configuration does not give the cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAllowed {
    /// The cluster is not configured.
    #[error("cluster {0} is not among the actuator's clusters")]
    Cluster(String),
    /// Another region than the configured one.
    #[error("cluster {cluster} may use region {allowed}, not {region}")]
    Region {
        /// The cluster.
        cluster: String,
        /// What it asked for.
        region: String,
        /// What it may use.
        allowed: String,
    },
}

/// The configured clusters.
#[derive(Debug, Clone)]
pub(crate) struct Access(HashMap<String, Arc<ClusterSettings>>);

impl Access {
    pub(crate) fn new(clusters: &[ClusterSettings]) -> Self {
        Self(
            clusters
                .iter()
                .map(|cluster| (cluster.id.clone(), Arc::new(cluster.clone())))
                .collect(),
        )
    }

    /// The settings of a cluster that asks for a region.
    pub(crate) fn cluster(&self, id: &str, region: &str) -> Result<Arc<ClusterSettings>, NotAllowed> {
        let cluster = self.0.get(id).ok_or_else(|| NotAllowed::Cluster(id.to_owned()))?;
        if cluster.region != region {
            return Err(NotAllowed::Region {
                cluster: id.to_owned(),
                region: region.to_owned(),
                allowed: cluster.region.clone(),
            });
        }
        Ok(Arc::clone(cluster))
    }
}

/// Whether the cluster may create such a CLB. Where a list limits something, the batch has to name it: what the cloud would choose
/// could be what the cluster may not use, and no later batch could take the CLB away again.
pub(super) fn check_new(cluster: &ClusterSettings, new: &NewLoadBalancer) -> Result<(), Outcome> {
    if let Some(vpc) = &new.vpc_id {
        check_listed(cluster, "VPCs", &cluster.vpc_ids, vpc)?;
        if new.vswitch_ids.is_empty() {
            check_named(cluster, "vSwitches", &cluster.vswitch_ids, "")?;
        }
    }
    for vswitch in &new.vswitch_ids {
        check_named(cluster, "vSwitches", &cluster.vswitch_ids, vswitch)?;
    }
    let group = new.resource_group_id.as_deref().unwrap_or_default();
    check_named(cluster, "resource groups", &cluster.resource_group_ids, group)
}

/// Whether the batch may change a CLB at all: not one of another cluster, not one outside of what the cluster may use. What the cloud
/// does not tell of it, as the VPC of an Internet-facing one, is not held against it.
pub(super) fn check_existing(cluster: &ClusterSettings, load_balancer: &LoadBalancer) -> Result<(), Outcome> {
    if let Some(owner) = load_balancer.tags.get(CLUSTER_TAG)
        && *owner != cluster.id
    {
        return Err(denied(format!(
            "{} belongs to cluster {owner}, not to {}",
            load_balancer.id, cluster.id
        )));
    }
    let checks = [
        ("VPCs", &cluster.vpc_ids, &load_balancer.vpc_id),
        ("vSwitches", &cluster.vswitch_ids, &load_balancer.vswitch_id),
        (
            "resource groups",
            &cluster.resource_group_ids,
            &load_balancer.resource_group_id,
        ),
    ];
    checks
        .into_iter()
        .filter(|(_, _, used)| !used.is_empty())
        .try_for_each(|(what, allowed, used)| check_listed(cluster, what, allowed, used))
}

/// Whether the batch may delete a CLB: only one that was created for its Service. The name, which anybody may give, counts only where
/// no tag says for whom it was created.
pub(super) fn check_deletion(batch: &Batch, load_balancer: &LoadBalancer) -> Result<(), Outcome> {
    let name = default_name(&batch.service);
    let owner = load_balancer.tags.get(OWNER_TAG).unwrap_or(&load_balancer.name);
    if *owner == name {
        Ok(())
    } else {
        Err(denied(format!(
            "{} was not created for Service {}: it carries neither its tag nor, without such a tag, its name",
            load_balancer.id, batch.service_key
        )))
    }
}

/// As [`check_listed`], and something has to be named where there is a list.
fn check_named(
    cluster: &ClusterSettings,
    what: &str,
    allowed: &[String],
    asked: &str,
) -> Result<(), Outcome> {
    if asked.is_empty() && !allowed.is_empty() {
        return Err(denied(format!(
            "cluster {} may use only the {what} {}: the batch has to name one of them; see clusters in the actuator's configuration",
            cluster.id,
            allowed.join(", ")
        )));
    }
    check_listed(cluster, what, allowed, asked)
}

/// Whether it is on the list; an empty list allows any.
fn check_listed(
    cluster: &ClusterSettings,
    what: &str,
    allowed: &[String],
    asked: &str,
) -> Result<(), Outcome> {
    if allowed.is_empty() || allowed.iter().any(|one| one == asked) {
        return Ok(());
    }
    Err(denied(format!(
        "cluster {} may use the {what} {}, not {asked}; see clusters in the actuator's configuration",
        cluster.id,
        allowed.join(", ")
    )))
}

fn denied(message: String) -> Outcome {
    Outcome::Rejected(CloudError {
        class: ErrorClass::Denied,
        code: ACTUATOR_CONFIGURATION.to_owned(),
        message,
        request_id: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use clb_model::ServiceUid;
    use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};

    use super::*;
    use crate::sample;

    fn cluster(more: &str) -> ClusterSettings {
        let text =
            format!("insecure: true\nclusters: [{{id: c-lab, region: r, vpc_ids: [vpc-a, vpc-b]{more}}}]");
        let settings: crate::settings::ActuatorSettings = clb_settings::from_yaml(&text).unwrap();
        settings.clusters[0].clone()
    }

    fn new_clb() -> NewLoadBalancer {
        NewLoadBalancer {
            name: "n".to_owned(),
            address_type: AddressType::Intranet,
            ip_version: IpVersion::V4,
            instance_charge_type: InstanceChargeType::PayByClcu,
            spec: None,
            internet_charge_type: InternetChargeType::PayByTraffic,
            bandwidth: None,
            vpc_id: Some("vpc-a".to_owned()),
            vswitch_ids: vec!["vsw-a".to_owned()],
            address: None,
            master_zone_id: None,
            slave_zone_id: None,
            resource_group_id: None,
            delete_protection: true,
            modification_protection: true,
            tags: [].into(),
            replaces: None,
        }
    }

    #[track_caller]
    fn assert_denied<T: std::fmt::Debug>(result: Result<T, Outcome>, named: &str) {
        let Err(Outcome::Rejected(error)) = result else {
            panic!("{result:?}");
        };
        assert_eq!(error.class, ErrorClass::Denied);
        assert!(error.message.contains(named), "{error:?}");
    }

    #[test]
    fn a_clb_is_not_created_in_the_default_group_where_groups_are_limited() {
        let limited = cluster(", resource_group_ids: [rg-a]");
        assert_denied(check_new(&limited, &new_clb()), "rg-a");
        let mut named = new_clb();
        named.resource_group_id = Some("rg-a".to_owned());
        assert!(check_new(&limited, &named).is_ok());
        named.resource_group_id = Some("rg-b".to_owned());
        assert_denied(check_new(&limited, &named), "rg-b");
        assert!(check_new(&cluster(""), &new_clb()).is_ok());
    }

    #[test]
    fn a_clb_in_a_group_or_vpc_of_others_is_not_changed() {
        let limited = cluster(", resource_group_ids: [rg-a]");
        let mut known = sample::load_balancer("lb-1");
        // An answer without a group, and an Internet-facing CLB outside of every VPC, break no rule.
        assert!(check_existing(&limited, &known).is_ok());
        known.resource_group_id = "rg-b".to_owned();
        assert_denied(check_existing(&limited, &known), "rg-b");
        known.resource_group_id = "rg-a".to_owned();
        known.vpc_id = "vpc-b".to_owned();
        assert!(check_existing(&limited, &known).is_ok());
        known.vpc_id = "vpc-c".to_owned();
        assert_denied(check_existing(&limited, &known), "vpc-c");
    }

    #[test]
    fn vswitches_are_limited_where_the_configuration_says_so() {
        let limited = cluster(", vswitch_ids: [vsw-a]");
        assert!(check_new(&limited, &new_clb()).is_ok());
        let mut other = new_clb();
        other.vswitch_ids.push("vsw-b".to_owned());
        assert_denied(check_new(&limited, &other), "vsw-b");
        assert!(check_new(&cluster(""), &other).is_ok());
        let mut known = sample::load_balancer("lb-1");
        assert!(check_existing(&limited, &known).is_ok());
        known.vswitch_id = "vsw-b".to_owned();
        assert_denied(check_existing(&limited, &known), "vsw-b");
        assert!(check_existing(&cluster(""), &known).is_ok());
    }

    #[test]
    fn the_name_counts_for_a_deletion_only_where_there_is_no_owner_tag() {
        let batch = Batch {
            cluster: clb_model::ClusterId::new("c-lab").unwrap(),
            region: "r".to_owned(),
            service: ServiceUid::new("uid-1").unwrap(),
            service_key: clb_model::ServiceKey::new("default", "nginx"),
            plan: Default::default(),
            load_balancer: None,
            operations: Vec::new(),
            priority: clb_model::operation::Priority::Normal,
            deadline: std::time::Duration::ZERO,
        };
        let name = default_name(&batch.service);
        let mut known = sample::load_balancer("lb-1");
        assert_denied(check_deletion(&batch, &known), "lb-1");
        known.name.clone_from(&name);
        assert!(check_deletion(&batch, &known).is_ok());
        known.tags.insert(OWNER_TAG.to_owned(), "of-another".to_owned());
        assert_denied(check_deletion(&batch, &known), "lb-1");
        known.tags.insert(OWNER_TAG.to_owned(), name);
        known.name = "renamed".to_owned();
        assert!(check_deletion(&batch, &known).is_ok());
    }
}
