//! CLBs: describe, create, change, delete.

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, LoadBalancer, StaticAddress};
use clb_model::identity::LoadBalancerId;
use clb_model::marks::MODIFICATION_PROTECTION_REASON;
use clb_model::operation::{LoadBalancerChange, NewLoadBalancer};
use clb_model::version::PartVersion;

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// Rows on one page, the most that the API gives.
const PAGE_SIZE: usize = 100;

/// Which CLBs to describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadBalancerFilter {
    /// All of the region.
    All,
    /// At most ten; ids that do not exist are absent from the answer.
    Ids(Vec<LoadBalancerId>),
    /// Those that carry one tag. Only one: with several the API is said to take any of them.
    Tag {
        /// `TagKey`.
        key: String,
        /// `TagValue`.
        value: String,
    },
    /// The internal one that has this address.
    Address(StaticAddress),
}

/// `DescribeLoadBalancers`: one page.
#[derive(Debug, Clone)]
pub struct DescribeLoadBalancers {
    /// Which.
    pub filter: LoadBalancerFilter,
    /// From 1.
    pub page: usize,
}

/// One page of CLBs, without their listeners and groups.
#[derive(Debug, Clone)]
pub struct LoadBalancerPage {
    /// The CLBs.
    pub load_balancers: Vec<LoadBalancer>,
    /// Whether more pages follow.
    pub more: bool,
}

impl Action for DescribeLoadBalancers {
    type Answer = LoadBalancerPage;

    fn name(&self) -> &'static str {
        "DescribeLoadBalancers"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("PageNumber", self.page);
        parameters.set("PageSize", PAGE_SIZE);
        match &self.filter {
            LoadBalancerFilter::All => {}
            LoadBalancerFilter::Ids(ids) => {
                let ids: Vec<&str> = ids.iter().map(LoadBalancerId::as_str).collect();
                parameters.set("LoadBalancerId", ids.join(","));
            }
            LoadBalancerFilter::Tag { key, value } => {
                parameters.set("Tags", serde_json::json!([{"TagKey": key, "TagValue": value}]));
            }
            LoadBalancerFilter::Address(address) => {
                parameters.set("AddressType", AddressType::Intranet);
                parameters.set("VpcId", &address.vpc_id);
                parameters.set("VSwitchId", &address.vswitch_id);
                parameters.set("Address", address.address);
            }
        }
    }

    fn read(&self, answer: Node<'_>) -> Result<LoadBalancerPage, UnexpectedAnswer> {
        let total = usize::try_from(answer.number("TotalCount").unwrap_or_default()).unwrap_or_default();
        let rows = answer.items("LoadBalancers", "LoadBalancer").count();
        let load_balancers: Result<_, _> = answer
            .items("LoadBalancers", "LoadBalancer")
            .map(load_balancer)
            .collect();
        Ok(LoadBalancerPage {
            load_balancers: load_balancers?,
            more: rows > 0 && self.page * PAGE_SIZE < total,
        })
    }
}

/// Only the id must be there: an unusual CLB of somebody else must not make the others unreadable.
fn load_balancer(node: Node<'_>) -> Result<LoadBalancer, UnexpectedAnswer> {
    let internet_charge_type = node
        .parsed("InternetChargeTypeAlias")
        .or_else(|| node.parsed("InternetChargeType"))
        .or(match node.number("InternetChargeType") {
            // The number of DescribeLoadBalancers; 4 is by traffic.
            Some(3) => Some(InternetChargeType::PayByBandwidth),
            _ => None,
        })
        .unwrap_or(InternetChargeType::PayByTraffic);
    Ok(LoadBalancer {
        id: node.required("LoadBalancerId")?,
        version: PartVersion::default(),
        name: node.text_or_empty("LoadBalancerName"),
        address: node.text_or_empty("Address"),
        address_type: node.parsed("AddressType").unwrap_or(AddressType::Internet),
        ip_version: node
            .parsed("AddressIPVersion")
            .unwrap_or(clb_model::cloud::IpVersion::V4),
        status: node.text_or_empty("LoadBalancerStatus"),
        spec: node.text_or_empty("LoadBalancerSpec"),
        instance_charge_type: node
            .parsed("InstanceChargeType")
            .unwrap_or(InstanceChargeType::PayBySpec),
        internet_charge_type,
        bandwidth: node
            .number("Bandwidth")
            .and_then(|mbps| i32::try_from(mbps).ok())
            .unwrap_or_default(),
        delete_protection: node.text("DeleteProtection").as_deref() == Some("on"),
        modification_protection: node.text("ModificationProtectionStatus").as_deref()
            == Some("ConsoleProtection"),
        resource_group_id: node.text_or_empty("ResourceGroupId"),
        vpc_id: node.text_or_empty("VpcId"),
        vswitch_id: node.text_or_empty("VSwitchId"),
        master_zone_id: node.text_or_empty("MasterZoneId"),
        slave_zone_id: node.text_or_empty("SlaveZoneId"),
        tags: node.tags(),
        access_lists: Default::default(),
        eip_address: None,
        listeners: Default::default(),
        vgroups: Default::default(),
    })
}

/// `CreateLoadBalancer`.
#[derive(Debug, Clone)]
pub struct CreateLoadBalancer<'a> {
    /// What to create.
    pub new: &'a NewLoadBalancer,
    /// Which of its vSwitches.
    pub vswitch_id: Option<&'a str>,
    /// `ClientToken`, at most 64 ASCII characters: the same one with the same parameters creates nothing twice.
    pub client_token: &'a str,
}

/// What `CreateLoadBalancer` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedLoadBalancer {
    /// `LoadBalancerId`.
    pub id: LoadBalancerId,
    /// `Address`.
    pub address: String,
    /// `VpcId`.
    pub vpc_id: String,
    /// `VSwitchId`.
    pub vswitch_id: String,
    /// `ResourceGroupId`.
    pub resource_group_id: String,
}

impl Action for CreateLoadBalancer<'_> {
    type Answer = CreatedLoadBalancer;

    fn name(&self) -> &'static str {
        "CreateLoadBalancer"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        let new = self.new;
        parameters.set("LoadBalancerName", &new.name);
        parameters.set("AddressType", new.address_type);
        parameters.set("AddressIPVersion", new.ip_version);
        parameters.set("InstanceChargeType", new.instance_charge_type);
        parameters.set_some("LoadBalancerSpec", new.spec.as_ref());
        parameters.set("InternetChargeType", new.internet_charge_type);
        parameters.set_some("Bandwidth", new.bandwidth);
        parameters.set_some("VpcId", new.vpc_id.as_ref());
        parameters.set_some("VSwitchId", self.vswitch_id);
        parameters.set_some("Address", new.address.as_ref());
        parameters.set_some("MasterZoneId", new.master_zone_id.as_ref());
        parameters.set_some("SlaveZoneId", new.slave_zone_id.as_ref());
        parameters.set_some("ResourceGroupId", new.resource_group_id.as_ref());
        parameters.set("DeleteProtection", on_off(new.delete_protection));
        set_modification_protection(parameters, new.modification_protection);
        parameters.set_tags(&new.tags);
        parameters.set("ClientToken", self.client_token);
    }

    fn read(&self, answer: Node<'_>) -> Result<CreatedLoadBalancer, UnexpectedAnswer> {
        Ok(CreatedLoadBalancer {
            id: answer.required("LoadBalancerId")?,
            address: answer.text_or_empty("Address"),
            vpc_id: answer.text_or_empty("VpcId"),
            vswitch_id: answer.text_or_empty("VSwitchId"),
            resource_group_id: answer.text_or_empty("ResourceGroupId"),
        })
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn set_modification_protection(parameters: &mut Parameters, on: bool) {
    if on {
        parameters.set("ModificationProtectionStatus", "ConsoleProtection");
        parameters.set("ModificationProtectionReason", MODIFICATION_PROTECTION_REASON);
    } else {
        parameters.set("ModificationProtectionStatus", "NonProtection");
    }
}

/// One change of a CLB's own attributes; each kind is an action of its own.
#[derive(Debug, Clone)]
pub struct ChangeLoadBalancer<'a> {
    /// Of which CLB.
    pub id: &'a LoadBalancerId,
    /// What changes.
    pub change: &'a LoadBalancerChange,
}

impl Action for ChangeLoadBalancer<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        match self.change {
            LoadBalancerChange::Name(_) => "SetLoadBalancerName",
            LoadBalancerChange::Spec(_) => "ModifyLoadBalancerInstanceSpec",
            LoadBalancerChange::InternetSpec { .. } => "ModifyLoadBalancerInternetSpec",
            LoadBalancerChange::PayByClcu => "ModifyLoadBalancerInstanceChargeType",
            LoadBalancerChange::DeleteProtection(_) => "SetLoadBalancerDeleteProtection",
            LoadBalancerChange::ModificationProtection(_) => "SetLoadBalancerModificationProtection",
            LoadBalancerChange::SetTags(_) => "TagResources",
            LoadBalancerChange::RemoveTags(_) => "UntagResources",
        }
    }

    fn parameters(&self, parameters: &mut Parameters) {
        if let LoadBalancerChange::SetTags(_) | LoadBalancerChange::RemoveTags(_) = self.change {
            parameters.set("ResourceType", "instance");
            parameters.set("ResourceId.1", self.id);
        } else {
            parameters.set("LoadBalancerId", self.id);
        }
        match self.change {
            LoadBalancerChange::Name(name) => parameters.set("LoadBalancerName", name),
            LoadBalancerChange::Spec(spec) => parameters.set("LoadBalancerSpec", spec),
            LoadBalancerChange::InternetSpec {
                charge_type,
                bandwidth,
            } => {
                parameters.set_some("InternetChargeType", *charge_type);
                parameters.set_some("Bandwidth", *bandwidth);
                parameters.set("AutoPay", true);
            }
            LoadBalancerChange::PayByClcu => {
                parameters.set("InstanceChargeType", InstanceChargeType::PayByClcu);
            }
            LoadBalancerChange::DeleteProtection(on) => parameters.set("DeleteProtection", on_off(*on)),
            LoadBalancerChange::ModificationProtection(on) => set_modification_protection(parameters, *on),
            LoadBalancerChange::SetTags(tags) => parameters.set_tags(tags),
            // Without a key the action removes every tag; the executor never sends an empty list.
            LoadBalancerChange::RemoveTags(keys) => parameters.set_list("TagKey", keys),
        }
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

/// `DeleteLoadBalancer`: takes listeners, groups and tags along; refused under deletion protection.
#[derive(Debug, Clone)]
pub struct DeleteLoadBalancer<'a> {
    /// Which.
    pub id: &'a LoadBalancerId,
}

impl Action for DeleteLoadBalancer<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteLoadBalancer"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_says_whether_more_follow() {
        let row = json!({"LoadBalancerId": "lb-1", "InternetChargeType": "3", "DeleteProtection": "on",
            "Tags": {"Tag": [{"TagKey": "ack.aliyun.com", "TagValue": "c-lab"}]}});
        let answer = json!({"TotalCount": 101, "LoadBalancers": {"LoadBalancer": [row]}});
        let page = |page| {
            DescribeLoadBalancers {
                filter: LoadBalancerFilter::All,
                page,
            }
            .read(Node(&answer))
            .unwrap()
        };
        assert!(page(1).more && !page(2).more);
        let first = page(1).load_balancers.remove(0);
        assert_eq!(first.internet_charge_type, InternetChargeType::PayByBandwidth);
        assert!(first.delete_protection && !first.modification_protection);
        assert_eq!(
            first.tags.get("ack.aliyun.com").map(String::as_str),
            Some("c-lab")
        );
    }

    #[test]
    fn tags_are_changed_by_resource_id() {
        let id = LoadBalancerId::new("lb-1").unwrap();
        let change = LoadBalancerChange::RemoveTags(vec!["a".to_owned(), "b".to_owned()]);
        let action = ChangeLoadBalancer {
            id: &id,
            change: &change,
        };
        let mut parameters = Parameters::default();
        action.parameters(&mut parameters);
        assert_eq!(action.name(), "UntagResources");
        assert_eq!(parameters.get("ResourceId.1"), Some("lb-1"));
        assert_eq!(parameters.get("TagKey.2"), Some("b"));
        assert_eq!(parameters.get("LoadBalancerId"), None);
    }
}
