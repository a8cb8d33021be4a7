//! The actuator's settings.
//!
//! Read by `main.rs` with [`clb_settings::load_or_exit`] and by the sandbox with [`clb_settings::from_yaml`].

use std::net::SocketAddr;
use std::time::Duration;

use clb_cloud_client::{Endpoints, Network};
use clb_model::ClusterId;
use clb_settings::{Checker, Partial, choice, settings};
use clb_telemetry::{AdminSettings, LogSettings, OtlpSettings};
use clb_tls::{SecurityFields, TlsSettings, check_security};

choice! {
    /// From where the cloud's endpoints are reached.
    pub enum NetworkSetting {
        /// slb.<region>.aliyuncs.com
        Public = "public",
        /// slb-vpc.<region>.aliyuncs.com, from inside a VPC.
        Vpc = "vpc",
    }
}

settings! {
    /// The actuator's settings.
    pub struct ActuatorSettings checked by certificates_unless_insecure {
        /// Address of the gRPC service for the planner.
        listen: SocketAddr = default("127.0.0.1:7444"),
        /// Plaintext instead of mutual TLS; only on loopback addresses.
        insecure: bool = default("false"),
        /// Certificates.
        tls: Option<TlsSettings> = optional(),
        /// The admin port.
        admin: AdminSettings = group(),
        /// Logs.
        log: LogSettings = group(),
        /// Traces.
        otlp: OtlpSettings = group(),
        /// Which of the usual endpoints are called.
        network: NetworkSetting = default("public"),
        /// Other endpoints than the usual ones.
        endpoints: EndpointSettings = group(),
        /// The clusters that may call, and what each may use.
        clusters: Vec<ClusterSettings> = list().not_empty().unique_by(|cluster: &ClusterSettings| cluster.id.clone()),
        /// Limits of actions that differ from the documented ones; the action * stands for all without an entry.
        limits: Vec<LimitSettings> = list().unique_by(|limit: &LimitSettings| limit.action.clone()),
        /// How much of each limit is used, in percent: others use the account too.
        limit_share_percent: u32 = default("90").between("1", "100"),
        /// Calls of one action at once after a time of rest.
        limit_burst: u32 = default("20").between("1", "100000"),
        /// Calls of one action that may wait for its limit.
        limit_queue: usize = default("4096").between("1", "1000000"),
        /// Batches that may wait and run at a time, of all clusters; one more is refused.
        batches: usize = default("10000").between("1", "1000000"),
        /// How long one call to the cloud may take.
        call_timeout: Duration = default("10s").between("100ms", "2m"),
        /// Time between two full reads of what the cloud holds.
        audit_interval: Duration = default("10m").between("1s", "24h"),
        /// CLBs per second whose listeners, groups and backends a full read looks at.
        audit_rate: u32 = default("5").between("1", "1000"),
        /// Time that batches under way are given at the end.
        shutdown_grace: Duration = default("20s").between("0s", "5m"),
    }
}

/// What an endpoint may be, in words.
const ENDPOINT: &str = "a host or an http(s) URL without a path, a query or a user";

/// As the actuator will read it; which region and product it is for makes no difference.
#[expect(clippy::ref_option, reason = "a check gets the field's type")]
fn an_endpoint(text: &Option<String>) -> Result<(), String> {
    Endpoints::new("region", Network::Public, |_| text.clone())
        .map(drop)
        .map_err(|_| "no endpoint".to_owned())
}

settings! {
    /// Endpoints in place of the usual ones: a host (https) or a URL. Plain http is for a simulator.
    pub struct EndpointSettings {
        /// Of the SLB API.
        slb: Option<String> = optional().env("SLB_ENDPOINT").check(an_endpoint).allowed(ENDPOINT),
        /// Of the ECS API.
        ecs: Option<String> = optional().env("ECS_ENDPOINT").check(an_endpoint).allowed(ENDPOINT),
        /// Of the VPC API.
        vpc: Option<String> = optional().env("VPC_ENDPOINT").check(an_endpoint).allowed(ENDPOINT),
    }
}

settings! {
    /// A cluster, and what it may use.
    pub struct ClusterSettings checked by a_valid_id {
        /// Its id, as in the tag ack.aliyun.com.
        id: String = required().not_blank(),
        /// The region of its CLBs.
        region: String = required().not_blank(),
        /// The VPCs that its internal CLBs and its pods' network interfaces may be in.
        vpc_ids: Vec<String> = list().not_empty(),
        /// The vSwitches that its internal CLBs may be in; empty for any of those VPCs.
        vswitch_ids: Vec<String> = list(),
        /// The resource groups that its CLBs may be in; empty for any. Otherwise a CLB is created only where the planner names one of them.
        resource_group_ids: Vec<String> = list(),
    }
}

settings! {
    /// A limit of the account.
    pub struct LimitSettings {
        /// The action, such as CreateVServerGroup.
        action: String = required().not_blank(),
        /// Calls in any window.
        calls: u32 = required().between("1", "10000000"),
        /// The window.
        window: Duration = default("60s").between("1s", "24h"),
        /// Calls at once after a time of rest, in place of limit_burst.
        burst: Option<u32> = optional(),
    }
}

fn certificates_unless_insecure(settings: &Partial<ActuatorSettings>, checker: &mut Checker<'_, '_>) {
    let fields = SecurityFields {
        tls: settings.tls.as_ref(),
        insecure: settings.insecure,
        listen: &[("listen", settings.listen)],
        dial: &[],
    };
    check_security(&fields, checker);
}

fn a_valid_id(cluster: &Partial<ClusterSettings>, checker: &mut Checker<'_, '_>) {
    if let Some(Err(error)) = cluster.id.as_deref().map(ClusterId::new) {
        checker.wrong("id", error.to_string(), format!("allowed: {}", error.allowed));
    }
}

#[cfg(test)]
mod tests {
    use clb_settings::{check_declaration, from_yaml};

    use super::*;

    #[test]
    fn the_declaration_is_sound() {
        check_declaration::<ActuatorSettings>().unwrap();
    }

    #[test]
    fn all_mistakes_are_named_at_once() {
        let text = "insecure: true\nlisten: 0.0.0.0:7444\nclusters: [{id: 'a b', region: r, vpc_ids: [v]}]\n";
        let errors = from_yaml::<ActuatorSettings>(text).unwrap_err().to_string();
        assert!(errors.contains("clusters") && errors.contains("a b"), "{errors}");
        let errors = from_yaml::<ActuatorSettings>("clusters: [{id: c, region: r, vpc_ids: [v]}]")
            .unwrap_err()
            .to_string();
        assert!(errors.contains("tls"), "{errors}");
    }

    #[test]
    fn endpoints_that_cannot_be_called_are_named_with_the_rest() {
        let text = "insecure: true\nendpoints: {slb: 'ftp://x', ecs: 'https://x/path', vpc: 127.0.0.1:80}\nlimit_burst: 0\n\
                    clusters: [{id: c, region: r, vpc_ids: [v]}]\n";
        let errors = from_yaml::<ActuatorSettings>(text).unwrap_err();
        let fields: Vec<_> = errors
            .problems()
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(
            fields,
            ["endpoints.slb", "endpoints.ecs", "limit_burst"],
            "{errors}"
        );
    }
}
