//! Everything that one account owns in the simulated cloud.
//!
//! One lock guards an account (`cloud`); handlers change it through a `Scope`, tests and the sandbox through
//! [`crate::Account`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::acls::AccessControlList;
use crate::certificates::Certificate;
use crate::client_tokens::ClientTokens;
use crate::ecs::{Instance, NetworkInterfaces};
use crate::load_balancers::LoadBalancer;
use crate::vgroups::VServerGroup;
use crate::vpc::{Eip, VSwitch, Vpc};

/// Tags of a resource, by key.
pub type Tags = BTreeMap<String, String>;

/// Who made a thing: tests tell what the controller did from what was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// A call of the API.
    #[default]
    Api,
    /// The account's user, by the library or a seed.
    User,
}

/// The state of one account.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountState {
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    pub vgroups: BTreeMap<String, VServerGroup>,
    /// Group and load balancer of each extension domain live with the listener; this finds the listener.
    pub domain_extensions: HashMap<String, (String, crate::listeners::Key)>,
    pub acls: BTreeMap<String, AccessControlList>,
    pub certificates: BTreeMap<String, Certificate>,
    pub ca_certificates: BTreeMap<String, Certificate>,
    pub tls_policies: BTreeSet<String>,
    pub instances: BTreeMap<String, Instance>,
    pub network_interfaces: NetworkInterfaces,
    pub vpcs: BTreeMap<String, Vpc>,
    pub vswitches: BTreeMap<String, VSwitch>,
    pub eips: BTreeMap<String, Eip>,
    /// How many times each ECS instance is a backend.
    pub attachments: HashMap<String, usize>,
    /// What health checks find for a server, where it is not `normal`.
    pub health: HashMap<String, String>,
    pub client_tokens: ClientTokens,
    /// Internet addresses given out so far.
    pub addresses_given: u32,
}
