//! The calls of the ECS API, version 2014-05-26: network interfaces of pods, and those that have an address that a CLB is to have.

use std::net::IpAddr;

use crate::action::{Action, Parameters, Product};
use crate::answer::{Node, UnexpectedAnswer};

/// Rows on one page, the most that the API gives.
const PAGE_SIZE: usize = 500;

/// `DescribeNetworkInterfaces` by address: one page. An address repeats across VPCs, so the VPC is part of the question.
#[derive(Debug, Clone)]
pub struct DescribeNetworkInterfaces<'a> {
    /// `VpcId`.
    pub vpc_id: &'a str,
    /// `VSwitchId`; none for the whole VPC.
    pub vswitch_id: Option<&'a str>,
    /// At most [`crate::ADDRESSES_PER_READ`] of one family.
    pub addresses: &'a [IpAddr],
    /// Where the last page ended.
    pub next_token: Option<&'a str>,
}

/// One page of addresses with the interfaces that have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfacePage {
    /// Every address of every interface found, asked for or not.
    pub addresses: Vec<InterfaceAddress>,
    /// Where the next page begins; none after the last.
    pub next_token: Option<String>,
}

/// An address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// `NetworkInterfaceId`.
    pub interface_id: String,
}

impl Action for DescribeNetworkInterfaces<'_> {
    type Answer = InterfacePage;

    fn product(&self) -> Product {
        Product::Ecs
    }

    fn name(&self) -> &'static str {
        "DescribeNetworkInterfaces"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("VpcId", self.vpc_id);
        parameters.set_some("VSwitchId", self.vswitch_id);
        parameters.set("MaxResults", PAGE_SIZE);
        parameters.set_some("NextToken", self.next_token);
        let (v4, v6): (Vec<&IpAddr>, Vec<&IpAddr>) = self.addresses.iter().partition(|one| one.is_ipv4());
        parameters.set_list("PrivateIpAddress", v4);
        parameters.set_list("Ipv6Address", v6);
    }

    fn read(&self, answer: Node<'_>) -> Result<InterfacePage, UnexpectedAnswer> {
        let mut addresses = Vec::new();
        for interface in answer.items("NetworkInterfaceSets", "NetworkInterfaceSet") {
            let interface_id: String = interface.required("NetworkInterfaceId")?;
            let secondary = interface
                .items("PrivateIpSets", "PrivateIpSet")
                .filter_map(|set| set.parsed("PrivateIpAddress"));
            let v6 = interface
                .items("Ipv6Sets", "Ipv6Set")
                .filter_map(|set| set.parsed("Ipv6Address"));
            let all = interface
                .parsed("PrivateIpAddress")
                .into_iter()
                .chain(secondary)
                .chain(v6);
            addresses.extend(all.map(|address| InterfaceAddress {
                address,
                interface_id: interface_id.clone(),
            }));
        }
        Ok(InterfacePage {
            addresses,
            next_token: answer.text("NextToken"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secondary_addresses_belong_to_the_interface() {
        let answer = json!({"NetworkInterfaceSets": {"NetworkInterfaceSet": [{
            "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.2",
            "PrivateIpSets": {"PrivateIpSet": [{"PrivateIpAddress": "10.0.0.2"}, {"PrivateIpAddress": "10.0.0.3"}]},
            "Ipv6Sets": {"Ipv6Set": [{"Ipv6Address": "fd00::3"}]}}]}});
        let action = DescribeNetworkInterfaces {
            vpc_id: "vpc-1",
            vswitch_id: None,
            addresses: &[],
            next_token: None,
        };
        let page = action.read(Node(&answer)).unwrap();
        let found: Vec<String> = page.addresses.iter().map(|one| one.address.to_string()).collect();
        assert_eq!(found, ["10.0.0.2", "10.0.0.2", "10.0.0.3", "fd00::3"]);
        assert!(page.addresses.iter().all(|one| one.interface_id == "eni-1"));
    }
}
