//! Regions and zones, and what can be had in them.

use serde_json::{Value, json};

use crate::errors::Answer;
use crate::scope::Scope;

/// Cipher policies that are there without being made.
pub(crate) const BUILT_IN_TLS_POLICIES: &[&str] = &[
    "tls_cipher_policy_1_0",
    "tls_cipher_policy_1_1",
    "tls_cipher_policy_1_2",
    "tls_cipher_policy_1_2_strict",
    "tls_cipher_policy_1_2_strict_with_1_3",
];

struct Region {
    id: &'static str,
    name: &'static str,
    /// Letters of its zones. A load balancer that names none gets the first as primary, the second as
    /// secondary zone.
    zones: &'static [&'static str],
}

const REGIONS: &[Region] = &[
    Region {
        id: "cn-hangzhou",
        name: "China (Hangzhou)",
        zones: &["h", "j", "k", "i", "g", "b"],
    },
    Region {
        id: "cn-shanghai",
        name: "China (Shanghai)",
        zones: &["f", "g", "e", "b", "l"],
    },
    Region {
        id: "cn-beijing",
        name: "China (Beijing)",
        zones: &["f", "g", "h", "k", "l"],
    },
    Region {
        id: "cn-shenzhen",
        name: "China (Shenzhen)",
        zones: &["e", "f", "d"],
    },
    Region {
        id: "cn-hongkong",
        name: "China (Hong Kong)",
        zones: &["b", "c", "d"],
    },
    Region {
        id: "ap-southeast-1",
        name: "Singapore",
        zones: &["a", "b", "c"],
    },
    Region {
        id: "us-west-1",
        name: "US (Silicon Valley)",
        zones: &["a", "b"],
    },
    Region {
        id: "eu-central-1",
        name: "Germany (Frankfurt)",
        zones: &["a", "b", "c"],
    },
];

/// Whether there is such a region.
pub(crate) fn region_exists(id: &str) -> bool {
    REGIONS.iter().any(|region| region.id == id)
}

/// The zones of a region, in the order of preference.
pub(crate) fn zones_of(region: &str) -> Vec<String> {
    let found = REGIONS.iter().find(|known| known.id == region);
    let letters = found.map(|region| region.zones).unwrap_or_default();
    letters
        .iter()
        .map(|letter| format!("{region}-{letter}"))
        .collect()
}

/// DescribeRegions.
pub(crate) fn describe_regions(_scope: &mut Scope<'_>) -> Answer {
    let regions: Vec<Value> = REGIONS
        .iter()
        .map(|region| {
            json!({
                "RegionId": region.id,
                "LocalName": region.name,
                "RegionEndpoint": format!("slb.{}.aliyuncs.com", region.id),
            })
        })
        .collect();
    Ok(json!({ "Regions": { "Region": regions } }))
}

/// DescribeZones: every zone with the zones that can be secondary to it.
pub(crate) fn describe_zones(scope: &mut Scope<'_>) -> Answer {
    let zones = zones_of(scope.input.text_or_empty("RegionId"));
    let rendered: Vec<Value> = zones
        .iter()
        .map(|zone| {
            let others = zones.iter().filter(|other| *other != zone);
            let secondary: Vec<Value> = others
                .map(|other| json!({ "ZoneId": other, "LocalName": other }))
                .collect();
            json!({ "ZoneId": zone, "LocalName": zone, "SlaveZones": { "SlaveZone": secondary } })
        })
        .collect();
    Ok(json!({ "Zones": { "Zone": rendered } }))
}

/// DescribeAvailableResource: pairs of zones with the address types and IP versions that they support.
pub(crate) fn describe_available_resource(scope: &mut Scope<'_>) -> Answer {
    let wanted_type = scope
        .input
        .filled("AddressType")
        .map(|kind| kind.replace('-', "_"));
    let wanted_version = scope.input.filled("AddressIPVersion");
    let supported: Vec<Value> = [
        ("vpc", "ipv4"),
        ("classic_internet", "ipv4"),
        ("classic_internet", "ipv6"),
        ("classic_intranet", "ipv4"),
    ]
    .into_iter()
    .filter(|(kind, version)| {
        wanted_type.as_deref().is_none_or(|wanted| wanted == *kind)
            && wanted_version.is_none_or(|wanted| wanted == *version)
    })
    .map(|(kind, version)| json!({ "AddressType": kind, "AddressIPVersion": version }))
    .collect();
    let zones = zones_of(scope.input.text_or_empty("RegionId"));
    let mut pairs = Vec::new();
    for master in &zones {
        for slave in zones.iter().filter(|slave| *slave != master) {
            pairs.push(json!({
                "MasterZoneId": master,
                "SlaveZoneId": slave,
                "SupportResources": { "SupportResource": supported },
            }));
        }
    }
    Ok(json!({ "AvailableResources": { "AvailableResource": pairs } }))
}
