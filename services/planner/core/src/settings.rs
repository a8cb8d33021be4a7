//! What the planner's configuration says of one cluster. Read by [`crate::desired`].

use clb_model::ClusterId;
use clb_model::cloud::InstanceChargeType;
use ipnet::IpNet;

/// One cluster of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The cluster's id, as in the tag `ack.aliyun.com`.
    pub id: ClusterId,
    /// The region of its CLBs.
    pub region: String,
    /// Its VPC.
    pub vpc_id: String,
    /// The VPC's address ranges. A pod address of a family of which none is given is not refused.
    pub vpc_cidrs: Vec<IpNet>,
    /// vSwitches for internal CLBs whose Service names none, in the order in which they are tried.
    pub vswitches: Vec<VSwitch>,
    /// The resource group of new CLBs whose Service names none.
    pub resource_group_id: Option<String>,
    /// Backends of Services without the annotation `backend-type`.
    pub default_backend_type: BackendType,
    /// How new CLBs are paid whose Service does not say: PayByCLCU unless configured otherwise.
    pub default_instance_charge_type: InstanceChargeType,
    /// The load balancer class that we are to serve; none serves the Services without one.
    pub load_balancer_class: Option<String>,
    /// Limits of the account that are planned for.
    pub quotas: Quotas,
    /// How long a Node may be not Ready before its backends are touched, milliseconds (KEP-3458).
    pub node_grace_ms: u64,
    /// Whether backends on Nodes that are about to go (the cluster autoscaler's taint, deletion) get weight 0
    /// until the Node is gone, instead of being removed at once.
    pub drain_leaving_nodes: bool,
    /// `ipMode: Proxy` in the status instead of VIP.
    pub ip_mode_proxy: bool,
    /// Whether listeners of Local Services check `healthCheckNodePort`.
    pub use_health_check_node_port: bool,
    /// Whether source ranges and session affinity start on CLBs that Alibaba's controller made, which ignores
    /// both.
    pub standard_fields_on_adopted: bool,
}

/// A vSwitch of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitch {
    /// Its id.
    pub id: String,
    /// Its zone.
    pub zone_id: String,
}

/// What backends are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackendType {
    /// Nodes, on the node port.
    Ecs,
    /// Pods, on the target port.
    Eni,
}

/// Limits of the account, see `cloud-api.md`; they differ from account to account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Listeners per CLB.
    pub listeners_per_load_balancer: usize,
    /// Backends per CLB, all groups together.
    pub backends_per_load_balancer: usize,
    /// Groups that one ECS instance may be in.
    pub attachments_per_instance: usize,
    /// Extension domains per listener.
    pub domain_extensions_per_listener: usize,
    /// Tags per CLB.
    pub tags_per_load_balancer: usize,
    /// Entries per access control list.
    pub entries_per_access_list: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            listeners_per_load_balancer: 50,
            backends_per_load_balancer: 200,
            attachments_per_instance: 50,
            domain_extensions_per_listener: 3,
            tags_per_load_balancer: 20,
            entries_per_access_list: 300,
        }
    }
}
