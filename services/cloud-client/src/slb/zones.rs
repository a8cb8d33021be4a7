//! Zones.

use clb_model::cloud::{AddressType, ZonePair};

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// `DescribeAvailableResource`: every pair of primary and secondary zone of the region, for each kind of CLB that is to be had there.
#[derive(Debug, Clone, Copy)]
pub struct DescribeZonePairs;

impl Action for DescribeZonePairs {
    type Answer = Vec<ZonePair>;

    fn name(&self) -> &'static str {
        "DescribeAvailableResource"
    }

    fn parameters(&self, _parameters: &mut Parameters) {}

    fn read(&self, answer: Node<'_>) -> Result<Vec<ZonePair>, UnexpectedAnswer> {
        let mut pairs = Vec::new();
        for pair in answer.items("AvailableResources", "AvailableResource") {
            let (master, slave): (String, String) =
                (pair.required("MasterZoneId")?, pair.required("SlaveZoneId")?);
            for kind in pair.items("SupportResources", "SupportResource") {
                let address_type = match kind.text_or_empty("AddressType").as_str() {
                    "vpc" => AddressType::Intranet,
                    "classic_internet" => AddressType::Internet,
                    // An internal CLB outside of a VPC is nothing that we create.
                    _ => continue,
                };
                pairs.push(ZonePair {
                    master: master.clone(),
                    slave: slave.clone(),
                    address_type,
                    ip_version: kind.required("AddressIPVersion")?,
                });
            }
        }
        Ok(pairs)
    }
}
