//! The planner's settings, and what its core needs of them.
//!
//! Read by `main.rs` with [`clb_settings::load_or_exit`] and by the sandbox with [`clb_settings::from_yaml`].

use std::net::SocketAddr;
use std::time::Duration;

use clb_model::ClusterId;
use clb_model::cloud::InstanceChargeType;
use clb_planner_core::settings as core;
use clb_settings::{Checker, HostPort, IpNet, Partial, choice, settings};
use clb_telemetry::{AdminSettings, LogSettings, OtlpSettings};
use clb_tls::{SecurityFields, TlsSettings, check_security};

choice! {
    /// Backends of a Service whose annotations do not say.
    pub enum BackendTypeSetting {
        /// Nodes, on the node port.
        Ecs = "ecs",
        /// Pods, on the target port.
        Eni = "eni",
    }
}

choice! {
    /// How a new CLB is paid whose Service does not say.
    pub enum InstanceChargeTypeSetting {
        /// By use.
        PayByClcu = "PayByCLCU",
        /// By specification.
        PayBySpec = "PayBySpec",
    }
}

choice! {
    /// `ipMode` in a Service's status.
    pub enum IpModeSetting {
        /// Nodes answer to the address themselves.
        Vip = "VIP",
        /// Traffic goes through the CLB from inside the cluster too.
        Proxy = "Proxy",
    }
}

settings! {
    /// The planner's settings.
    pub struct PlannerSettings checked by certificates_unless_insecure {
        /// Address of the gRPC services for watchers and operators.
        listen: SocketAddr = default("127.0.0.1:7443"),
        /// The actuator's address.
        actuator: HostPort = default("127.0.0.1:7444"),
        /// Plaintext instead of mutual TLS; only on loopback addresses. A cluster's id then comes from the gRPC metadata clb-cluster-id.
        insecure: bool = default("false"),
        /// Certificates, for both directions.
        tls: Option<TlsSettings> = optional(),
        /// The admin port.
        admin: AdminSettings = group(),
        /// Logs.
        log: LogSettings = group(),
        /// Traces.
        otlp: OtlpSettings = group(),
        /// A cluster whose watches are older than this is frozen: nothing is removed for it.
        stale_after: Duration = default("30s").between("1s", "1h"),
        /// Batches of one cluster that may be under way at a time.
        batches_in_flight: usize = default("256").between("1", "10000"),
        /// How long a batch may wait and run before the actuator gives it up.
        batch_deadline: Duration = default("60s").between("1s", "1h"),
        /// How long an answer about a certificate, an access control list or a vSwitch holds; one about an address, at most 10 s.
        facts_ttl: Duration = default("60s").between("1s", "1h"),
        /// Time that batches under way are given at the end.
        shutdown_grace: Duration = default("5s").between("0s", "60s"),
        /// The clusters that are served.
        clusters: Vec<ClusterEntry> = list().not_empty().unique_by(|cluster: &ClusterEntry| cluster.id.clone()),
    }
}

settings! {
    /// A cluster that is served, and the defaults of its Services.
    pub struct ClusterEntry checked by identifiers {
        /// Its id, as in its certificate, in the tag ack.aliyun.com and in the names of vServer groups.
        id: String = required().not_blank(),
        /// The region of its CLBs.
        region: String = required().not_blank(),
        /// Its VPC, for internal CLBs.
        vpc_id: String = required().not_blank(),
        /// The VPC's address ranges; a pod address outside them is not used. Empty when unknown.
        vpc_cidrs: Vec<IpNet> = list(),
        /// vSwitches for internal CLBs whose Service names none, in the order in which they are tried.
        vswitches: Vec<VSwitchEntry> = list().unique_by(|vswitch: &VSwitchEntry| vswitch.id.clone()),
        /// Resource group of new CLBs whose Service names none.
        resource_group_id: Option<String> = optional(),
        /// Backends of Services without the annotation backend-type.
        default_backend_type: BackendTypeSetting = default("ecs"),
        /// How new CLBs are paid whose Service does not say.
        default_instance_charge_type: InstanceChargeTypeSetting = default("PayByCLCU"),
        /// The load balancer class that is served; without one, Services that have none.
        load_balancer_class: Option<String> = optional(),
        /// How long a Node may be not Ready before its backends are touched.
        node_grace: Duration = default("40s").between("0s", "1h"),
        /// Backends on Nodes that are about to go get weight 0 until the Node is gone, instead of being removed at once.
        drain_leaving_nodes: bool = default("false"),
        /// ipMode in the status of Services.
        ip_mode: IpModeSetting = default("VIP"),
        /// Listeners of Services with externalTrafficPolicy Local check healthCheckNodePort.
        use_health_check_node_port: bool = default("false"),
        /// Source ranges and session affinity also take effect on CLBs that Alibaba's controller made, which ignores both.
        standard_fields_on_adopted: bool = default("false"),
        /// Limits of the account that are planned for.
        quotas: QuotaSettings = group(),
    }
}

settings! {
    /// A vSwitch and its zone.
    pub struct VSwitchEntry {
        /// Its id.
        id: String = required().not_blank(),
        /// Its zone.
        zone: String = required().not_blank(),
    }
}

settings! {
    /// Limits of the account; the defaults are those that every account begins with.
    pub struct QuotaSettings {
        /// Listeners per CLB.
        listeners_per_load_balancer: usize = default("50").between("1", "10000"),
        /// Backends per CLB, all vServer groups together.
        backends_per_load_balancer: usize = default("200").between("1", "100000"),
        /// vServer groups that one ECS instance may be in.
        attachments_per_instance: usize = default("50").between("1", "10000"),
        /// Extension domains per HTTPS listener.
        domain_extensions_per_listener: usize = default("3").between("1", "10000"),
        /// Tags per CLB.
        tags_per_load_balancer: usize = default("20").between("1", "1000"),
        /// Entries per access control list, which are the source ranges that a Service may have.
        entries_per_access_list: usize = default("300").between("1", "10000"),
    }
}

fn certificates_unless_insecure(settings: &Partial<PlannerSettings>, checker: &mut Checker<'_, '_>) {
    let fields = SecurityFields {
        tls: settings.tls.as_ref(),
        insecure: settings.insecure,
        listen: &[("listen", settings.listen)],
        dial: &[("actuator", settings.actuator.as_ref())],
    };
    check_security(&fields, checker);
}

fn identifiers(cluster: &Partial<ClusterEntry>, checker: &mut Checker<'_, '_>) {
    if let Some(Err(error)) = cluster.id.as_deref().map(ClusterId::new) {
        checker.wrong("id", error.to_string(), format!("allowed: {}", error.allowed));
    }
}

impl ClusterEntry {
    /// For the core; none when the id is not valid, which reading the settings has refused.
    #[must_use]
    pub fn to_core(&self) -> Option<core::ClusterSettings> {
        Some(core::ClusterSettings {
            id: ClusterId::new(self.id.as_str()).ok()?,
            region: self.region.clone(),
            vpc_id: self.vpc_id.clone(),
            vpc_cidrs: self.vpc_cidrs.clone(),
            vswitches: self
                .vswitches
                .iter()
                .map(|vswitch| core::VSwitch {
                    id: vswitch.id.clone(),
                    zone_id: vswitch.zone.clone(),
                })
                .collect(),
            resource_group_id: self.resource_group_id.clone(),
            default_backend_type: match self.default_backend_type {
                BackendTypeSetting::Ecs => core::BackendType::Ecs,
                BackendTypeSetting::Eni => core::BackendType::Eni,
            },
            default_instance_charge_type: match self.default_instance_charge_type {
                InstanceChargeTypeSetting::PayByClcu => InstanceChargeType::PayByClcu,
                InstanceChargeTypeSetting::PayBySpec => InstanceChargeType::PayBySpec,
            },
            load_balancer_class: self.load_balancer_class.clone(),
            quotas: core::Quotas {
                listeners_per_load_balancer: self.quotas.listeners_per_load_balancer,
                backends_per_load_balancer: self.quotas.backends_per_load_balancer,
                attachments_per_instance: self.quotas.attachments_per_instance,
                domain_extensions_per_listener: self.quotas.domain_extensions_per_listener,
                tags_per_load_balancer: self.quotas.tags_per_load_balancer,
                entries_per_access_list: self.quotas.entries_per_access_list,
            },
            node_grace_ms: u64::try_from(self.node_grace.as_millis()).unwrap_or(u64::MAX),
            drain_leaving_nodes: self.drain_leaving_nodes,
            ip_mode_proxy: self.ip_mode == IpModeSetting::Proxy,
            use_health_check_node_port: self.use_health_check_node_port,
            standard_fields_on_adopted: self.standard_fields_on_adopted,
        })
    }
}

#[cfg(test)]
mod tests {
    use clb_settings::{check_declaration, from_yaml};

    use super::*;

    #[test]
    fn the_declaration_is_sound() {
        check_declaration::<PlannerSettings>().unwrap();
    }

    #[test]
    fn the_defaults_of_the_core_are_those_of_the_settings() {
        let settings: PlannerSettings = from_yaml(
            "insecure: true\nclusters: [{id: c-1, region: cn-hangzhou, vpc_id: vpc-1, vswitches: [{id: vsw-1, zone: cn-hangzhou-b}]}]",
        )
        .unwrap();
        let core = settings.clusters[0].to_core().unwrap();
        assert_eq!(core.quotas, core::Quotas::default());
        assert_eq!(core.default_instance_charge_type, InstanceChargeType::PayByClcu);
        assert_eq!(core.vswitches[0].zone_id, "cn-hangzhou-b");
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let errors = from_yaml::<PlannerSettings>(
            "insecure: true\nlisten: 0.0.0.0:7443\nactuator: 'actuator.clb:7444'\nstale_after: 1ms\nclusters: [{id: 'a b', region: r, vpc_id: v}, {id: c}]",
        )
        .unwrap_err();
        let fields: Vec<_> = errors
            .problems()
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        for field in [
            "listen",
            "actuator",
            "stale_after",
            "clusters[0].id",
            "clusters[1].region",
            "clusters[1].vpc_id",
        ] {
            assert!(fields.contains(&field), "{field} is missing in {fields:?}");
        }
    }

    #[test]
    fn plaintext_is_for_loopback_only() {
        let errors = from_yaml::<PlannerSettings>(
            "insecure: true\nlisten: 0.0.0.0:7443\nactuator: 'actuator.clb:7444'\nclusters: [{id: a, region: r, vpc_id: v}]",
        )
        .unwrap_err();
        assert_eq!(errors.problems().len(), 2, "{errors}");
        let errors = from_yaml::<PlannerSettings>("clusters: [{id: a, region: r, vpc_id: v}]").unwrap_err();
        assert_eq!(errors.problems()[0].field, "tls", "{errors}");
    }
}
