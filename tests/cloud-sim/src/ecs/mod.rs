//! ECS: instances and network interfaces, as far as a load balancer controller reads them.

mod describe;
mod interfaces;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::account::Tags;

pub(crate) use describe::{describe_instances, describe_network_interfaces};
pub use interfaces::NetworkInterface;
pub(crate) use interfaces::NetworkInterfaces;

/// An ECS instance, or a container instance (ECI).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Instance {
    /// Its id, `i-…` or `eci-…`.
    pub instance_id: String,
    /// Its name.
    #[serde(default)]
    pub instance_name: String,
    /// `Running`, `Stopped`, `Starting`, `Stopping`.
    #[serde(default = "running")]
    pub status: String,
    /// Where it is.
    pub region_id: String,
    /// Where in the region it is.
    pub zone_id: String,
    /// The VPC it is in.
    pub vpc_id: String,
    /// The vSwitch it is in.
    #[serde(rename = "VSwitchId")]
    pub vswitch_id: String,
    /// Its addresses, the primary one first.
    pub private_ips: Vec<IpAddr>,
    /// Whether it is a container instance.
    #[serde(default)]
    pub is_container: bool,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
}

fn running() -> String {
    "Running".to_owned()
}

impl Instance {
    /// A running instance in a vSwitch of that zone.
    pub fn new(instance_id: &str, vpc_id: &str, vswitch_id: &str, zone_id: &str, address: IpAddr) -> Self {
        let region_id = zone_id.rsplit_once('-').map_or(zone_id, |(region, _)| region);
        Instance {
            instance_id: instance_id.to_owned(),
            instance_name: instance_id.to_owned(),
            status: running(),
            region_id: region_id.to_owned(),
            zone_id: zone_id.to_owned(),
            vpc_id: vpc_id.to_owned(),
            vswitch_id: vswitch_id.to_owned(),
            private_ips: vec![address],
            is_container: false,
            tags: Tags::new(),
        }
    }
}
