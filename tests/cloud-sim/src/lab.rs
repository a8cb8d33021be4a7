//! The cloud that the examples expect.
//!
//! Region cn-hangzhou; VPC `vpc-lab` with vSwitches `vsw-k` and `vsw-j`; certificates `cert-a`, `cert-b`,
//! `cert-c`; access lists `acl-1`, `acl-2`; and four CLBs of the user's own, each with a group and a listener
//! on port 9000.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::acls::AccessControlList;
use crate::certificates::Certificate;
use crate::ecs::Instance;
use crate::seed::Account;
use crate::snapshot::LoadError;
use crate::vpc::{VSwitch, Vpc};

/// Region of the lab.
pub const REGION: &str = "cn-hangzhou";
/// VPC of the lab.
pub const VPC: &str = "vpc-lab";
/// Resource group of the lab.
pub const RESOURCE_GROUP: &str = "rg-lab";
/// The vSwitches of the lab with their zones and the second number of their range, `10.N.0.0/16`.
pub const VSWITCHES: [(&str, &str, u8); 2] = [("vsw-k", "cn-hangzhou-k", 0), ("vsw-j", "cn-hangzhou-j", 1)];
/// Numbers of the user's own CLBs, `lb-reuse-NN`.
pub const REUSED: [&str; 4] = ["04", "05", "44", "45"];

/// The instance behind the user's own listeners.
const INSTANCE: &str = "i-mine";

/// Builds the lab in an account.
///
/// # Errors
/// None but a mistake in this module.
pub fn build(account: &Account) -> Result<(), LoadError> {
    build_network(account);
    for name in ["cert-a", "cert-b", "cert-c"] {
        let end = Timestamp::now()
            .saturating_add(SignedDuration::from_hours(24 * 365))
            .unwrap_or(Timestamp::MAX);
        account.add_certificate(Certificate::new(
            name,
            REGION,
            &format!("{name}.example.com"),
            end,
        ));
    }
    account.add_acl(AccessControlList::new("acl-1", "lab-1", &["10.0.0.0/8"]));
    account.add_acl(AccessControlList::new(
        "acl-2",
        "lab-2",
        &["192.168.0.0/16", "172.16.0.0/12"],
    ));
    for (at, number) in REUSED.iter().enumerate() {
        account.load_state(&reused(number, at), &[])?;
    }
    Ok(())
}

fn build_network(account: &Account) {
    let net = |second: u8, prefix: u8| Ipv4Net::new_assert(Ipv4Addr::new(10, second, 0, 0), prefix);
    let mut vpc = Vpc::new(VPC, REGION, net(0, 8));
    RESOURCE_GROUP.clone_into(&mut vpc.resource_group_id);
    account.add_vpc(vpc);
    for (id, zone, second) in VSWITCHES {
        account.add_vswitch(VSwitch::new(id, VPC, zone, net(second, 16)));
    }
    let address = IpAddr::from(Ipv4Addr::new(10, 0, 99, 99));
    account.add_instance(Instance::new(INSTANCE, VPC, "vsw-k", "cn-hangzhou-k", address));
}

/// A CLB of the user's own, in the form that `Account::load_state` reads.
fn reused(number: &str, at: usize) -> Value {
    let name = format!("users-{number}");
    let mut lb = json!({
        "LoadBalancerName": name,
        "Address": format!("47.110.0.{}", at + 1),
        "AddressIPVersion": "ipv4",
        "AddressType": "internet",
        "Bandwidth": 5120,
        "DeleteProtection": "off",
        "InstanceChargeType": "PayBySpec",
        "InternetChargeType": "paybytraffic",
        "LoadBalancerSpec": "slb.s2.small",
        "LoadBalancerStatus": "active",
        "MasterZoneId": "cn-hangzhou-h",
        "SlaveZoneId": "cn-hangzhou-j",
        "ModificationProtectionReason": "",
        "ModificationProtectionStatus": "NonProtection",
        "NetworkType": "classic",
        "PayType": "PayOnDemand",
        "RegionId": REGION,
        "ResourceGroupId": "rg-default",
        "VSwitchId": "",
        "VpcId": "",
        "owner": "user",
        "tags": { "team": "web" },
    });
    lb["vgroups"] = json!({ name.clone(): {
        "VServerGroupId": format!("rsp-user-{number}"),
        "VServerGroupName": name,
        "owner": "user",
        "servers": [{
            "ServerId": INSTANCE,
            "Port": 9999,
            "Weight": 50,
            "Type": "ecs",
            "Description": "mine",
            "owner": "user",
        }],
    } });
    lb["listeners"] = json!({ "tcp/9000": reused_listener(&name) });
    json!({ "load_balancers": { format!("lb-reuse-{number}"): lb } })
}

fn reused_listener(group: &str) -> Value {
    json!({
        "AclStatus": "off",
        "Bandwidth": -1,
        "ConnectionDrain": "off",
        "Description": "users-listener",
        "EstablishedTimeout": 900,
        "HealthCheck": "on",
        "HealthCheckConnectTimeout": 5,
        "HealthCheckHttpCode": "http_2xx",
        "HealthCheckInterval": 2,
        "HealthCheckType": "tcp",
        "HealthCheckURI": "/",
        "HealthyThreshold": 3,
        "PersistenceTimeout": 0,
        "ProxyProtocolV2Enabled": false,
        "Scheduler": "wrr",
        "Status": "running",
        "UnhealthyThreshold": 3,
        "VServerGroupId": format!("group:{group}"),
        "owner": "user",
    })
}
