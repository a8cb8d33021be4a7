//! The calls of the VPC API, version 2016-04-28: vSwitches and elastic addresses.

use crate::action::{Action, Parameters, Product};
use crate::answer::{Node, UnexpectedAnswer};

/// Rows on one page of vSwitches, the most that the API gives.
const VSWITCH_PAGE: usize = 50;
/// Rows on one page of EIPs, the most that the API gives.
const EIP_PAGE: usize = 100;

/// `DescribeVSwitches` for one id.
#[derive(Debug, Clone)]
pub struct DescribeVSwitches<'a> {
    /// `VSwitchId`.
    pub id: &'a str,
}

/// A vSwitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitch {
    /// `VSwitchId`.
    pub id: String,
    /// `VpcId`.
    pub vpc_id: String,
    /// `ZoneId`.
    pub zone_id: String,
    /// `CidrBlock`.
    pub cidr: String,
    /// `AvailableIpAddressCount`.
    pub free_addresses: u32,
}

impl Action for DescribeVSwitches<'_> {
    type Answer = Vec<VSwitch>;

    fn product(&self) -> Product {
        Product::Vpc
    }

    fn name(&self) -> &'static str {
        "DescribeVSwitches"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("VSwitchId", self.id);
        parameters.set("PageSize", VSWITCH_PAGE);
    }

    fn read(&self, answer: Node<'_>) -> Result<Vec<VSwitch>, UnexpectedAnswer> {
        answer
            .items("VSwitches", "VSwitch")
            .map(|vswitch| {
                Ok(VSwitch {
                    id: vswitch.required("VSwitchId")?,
                    vpc_id: vswitch.text_or_empty("VpcId"),
                    zone_id: vswitch.text_or_empty("ZoneId"),
                    cidr: vswitch.text_or_empty("CidrBlock"),
                    free_addresses: vswitch.parsed("AvailableIpAddressCount").unwrap_or_default(),
                })
            })
            .collect()
    }
}

/// `DescribeEipAddresses`: one page of those that are bound to CLBs.
#[derive(Debug, Clone)]
pub struct DescribeEips {
    /// From 1.
    pub page: usize,
}

/// An EIP bound to a CLB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eip {
    /// `IpAddress`.
    pub address: String,
    /// `InstanceId`: the CLB's id.
    pub load_balancer: String,
}

/// One page of EIPs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EipPage {
    /// Those that are bound to a CLB.
    pub eips: Vec<Eip>,
    /// Whether more pages follow.
    pub more: bool,
}

impl Action for DescribeEips {
    type Answer = EipPage;

    fn product(&self) -> Product {
        Product::Vpc
    }

    fn name(&self) -> &'static str {
        "DescribeEipAddresses"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("AssociatedInstanceType", "SlbInstance");
        parameters.set("PageNumber", self.page);
        parameters.set("PageSize", EIP_PAGE);
    }

    fn read(&self, answer: Node<'_>) -> Result<EipPage, UnexpectedAnswer> {
        let rows = answer.items("EipAddresses", "EipAddress").count();
        let eips = answer
            .items("EipAddresses", "EipAddress")
            .filter_map(|eip| {
                Some(Eip {
                    address: eip.text("IpAddress")?,
                    load_balancer: eip.text("InstanceId")?,
                })
            })
            .collect();
        Ok(EipPage {
            eips,
            more: rows == EIP_PAGE,
        })
    }
}
