//! The wanted `status.loadBalancer.ingress` of a Service.

use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::cluster::{Ingress, IpMode, PortStatus, Service, Transport};

use crate::desired::StatusWish;

/// A port that does not work.
pub(super) struct PortError {
    pub(super) listener: ListenerKey,
    /// A reason of [`crate::conditions::reason`].
    pub(super) reason: &'static str,
}

/// The ingress that the status should have; none where it cannot be told, because the EIP that it should show is not bound.
pub(super) fn ingress(
    service: &Service,
    wish: &StatusWish,
    load_balancer: &LoadBalancer,
    errors: &[PortError],
) -> Option<Vec<Ingress>> {
    let ports = ports(service, errors);
    if let Some(hostname) = &wish.hostname {
        return Some(vec![Ingress {
            hostname: Some(hostname.clone()),
            ports,
            ..Ingress::default()
        }]);
    }
    let address = if wish.eip {
        load_balancer.eip_address.clone()?
    } else {
        load_balancer.address.clone()
    };
    Some(vec![Ingress {
        ip: Some(address),
        hostname: None,
        ip_mode: Some(if wish.ip_mode_proxy {
            IpMode::Proxy
        } else {
            IpMode::Vip
        }),
        ports,
    }])
}

/// Whether the status says this already. An address without a mode is one in mode VIP: API servers before 1.30 know no modes.
pub(super) fn says(present: &[Ingress], wanted: &[Ingress]) -> bool {
    let normal = |ingress: &Ingress| {
        let mut ingress = ingress.clone();
        if ingress.ip.is_some() {
            ingress.ip_mode.get_or_insert(IpMode::Vip);
        }
        ingress
    };
    present.iter().map(normal).eq(wanted.iter().map(normal))
}

/// Empty while all is well; otherwise every port has an entry, as the API asks for, those that do not work with an error.
fn ports(service: &Service, errors: &[PortError]) -> Vec<PortStatus> {
    let error_of = |port: u16, transport: Transport| {
        errors
            .iter()
            .find(|error| error.listener.port == port && error.listener.protocol.transport() == transport)
            .map(|error| format!("service.k8s.alibaba/{}", error.reason))
    };
    let ports: Vec<PortStatus> = service
        .ports
        .iter()
        .map(|port| PortStatus {
            port: port.port,
            transport: port.transport,
            error: error_of(port.port, port.transport),
        })
        .collect();
    if ports.iter().all(|port| port.error.is_none()) {
        return Vec::new();
    }
    ports
}
