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
