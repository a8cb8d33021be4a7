//! The ClientToken of `CreateLoadBalancer`: the same for the same wish, so that no crash and no lost answer makes a second CLB.

use clb_model::operation::{Batch, NewLoadBalancer};
use sha2::{Digest as _, Sha256};

/// A hash of cluster, Service UID and everything that is sent, 64 hexadecimal digits: the longest that the API takes. The CLB that
/// this one replaces is part of it, because a used token never makes a second CLB, even after the first is gone.
pub(super) fn client_token(batch: &Batch, new: &NewLoadBalancer, vswitch_id: Option<&str>) -> String {
    let mut hash = Sha256::new();
    let mut part = |name: &str, value: &str| {
        // Lengths keep neighbouring values apart.
        hash.update(format!("{name}:{}:{value};", value.len()));
    };
    part("cluster", batch.cluster.as_str());
    part("service", batch.service.as_str());
    part("name", &new.name);
    part("address type", new.address_type.as_str());
    part("ip version", new.ip_version.as_str());
    part("instance charge type", new.instance_charge_type.as_str());
    part("spec", new.spec.as_deref().unwrap_or_default());
    part("internet charge type", new.internet_charge_type.as_str());
    part("bandwidth", &new.bandwidth.unwrap_or_default().to_string());
    part("vpc", new.vpc_id.as_deref().unwrap_or_default());
    part("vswitch", vswitch_id.unwrap_or_default());
    part("address", new.address.as_deref().unwrap_or_default());
    part("master zone", new.master_zone_id.as_deref().unwrap_or_default());
    part("slave zone", new.slave_zone_id.as_deref().unwrap_or_default());
    part(
        "resource group",
        new.resource_group_id.as_deref().unwrap_or_default(),
    );
    part("delete protection", &new.delete_protection.to_string());
    part(
        "modification protection",
        &new.modification_protection.to_string(),
    );
    for (key, value) in &new.tags {
        part(key, value);
    }
    part(
        "replaces",
        new.replaces.as_ref().map_or("", |replaced| replaced.as_str()),
    );
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clb_model::operation::Priority;
    use clb_model::{ClusterId, LoadBalancerId, ServiceKey, ServiceUid};

    use super::*;
    use crate::sample::new_load_balancer as new;

    fn batch(uid: &str) -> Batch {
        Batch {
            cluster: ClusterId::new("c-lab").unwrap(),
            region: "cn-hangzhou".to_owned(),
            service: ServiceUid::new(uid).unwrap(),
            service_key: ServiceKey::new("default", "nginx"),
            plan: Default::default(),
            load_balancer: None,
            operations: Vec::new(),
            priority: Priority::Normal,
            deadline: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn another_wish_has_another_token_and_the_same_one_the_same() {
        let tokens = [
            client_token(&batch("u1"), &new(), None),
            client_token(&batch("u2"), &new(), None),
            client_token(&batch("u1"), &new(), Some("vsw-1")),
            client_token(
                &batch("u1"),
                &NewLoadBalancer {
                    bandwidth: Some(5),
                    ..new()
                },
                None,
            ),
            client_token(
                &batch("u1"),
                &NewLoadBalancer {
                    replaces: Some(LoadBalancerId::new("lb-1").unwrap()),
                    ..new()
                },
                None,
            ),
            client_token(
                &batch("u1"),
                &NewLoadBalancer {
                    tags: [("k".to_owned(), "v".to_owned())].into(),
                    ..new()
                },
                None,
            ),
        ];
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), tokens.len());
        assert!(tokens.iter().all(|token| token.len() == 64 && token.is_ascii()));
        assert_eq!(tokens[0], client_token(&batch("u1"), &new(), None));
    }

    #[test]
    fn the_plan_and_the_candidates_are_no_part_of_it() {
        let mut later = batch("u1");
        later.plan.counter = 7;
        let mut more = new();
        more.vswitch_ids = vec!["vsw-1".to_owned(), "vsw-2".to_owned()];
        assert_eq!(
            client_token(&batch("u1"), &new(), Some("vsw-1")),
            client_token(&later, &more, Some("vsw-1"))
        );
    }
}
