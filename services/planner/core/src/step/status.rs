//! The wanted `status.loadBalancer.ingress` of a Service.

use clb_model::LoadBalancerId;
use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::cluster::{Ingress, IpMode, PortStatus, Service, Transport};
use clb_model::directive::Severity;
use clb_model::events;
use clb_model::marks::LOAD_BALANCER_ID_LABEL;
use clb_model::operation::Change;

use super::pass::Pass;
use crate::annotations::instance::EXTERNAL_IP_TYPE;
use crate::conditions::{Subject, reason};
use crate::desired::{Desired, DesiredListener, StatusWish};
use crate::plan::Plan;

/// The address and the label, once the CLB is as asked or as far as it gets. A Service none of whose listeners can be made gets no address.
pub(super) fn write_status(
    pass: &mut Pass<'_>,
    desired: &Desired,
    plan: &Plan,
    load_balancer: &LoadBalancer,
) {
    let service = pass.inputs.service;
    let errors: Vec<PortError> = plan
        .obstacles
        .iter()
        .map(|obstacle| (obstacle.listener, obstacle.reason))
        .chain(
            pass.memory
                .standing_failures()
                .into_iter()
                .map(|failure| (failure.listener, failure.reason)),
        )
        .filter_map(|(listener, reason)| {
            Some(PortError {
                listener: listener?,
                reason,
            })
        })
        .collect();
    // A listener that is there and has no backend is one whose address can be told.
    let lacks_backends =
        |error: &PortError| [reason::BACKENDS_MISSING, reason::QUOTA_EXCEEDED].contains(&error.reason);
    let works = |wanted: &DesiredListener| {
        load_balancer.listeners.contains_key(&wanted.key)
            && !errors
                .iter()
                .any(|error| error.listener == wanted.key && !lacks_backends(error))
    };
    if !desired.listeners.is_empty() && !desired.listeners.iter().any(works) && service.ingress.is_empty() {
        return;
    }
    match ingress(service, &desired.status, load_balancer, &errors) {
        Some(wanted) => {
            if !says(&service.ingress, &wanted) {
                pass.writes.ingress = Some(wanted);
            }
        }
        None => pass.notifications.say(
            Subject::Notice,
            Severity::Warning,
            events::reason::FAILED_UPDATE_STATUS,
            &format!(
                "annotation {} asks for the address of an EIP, but none is bound to CLB {}: bind one",
                EXTERNAL_IP_TYPE.name_in(&service.annotations),
                load_balancer.id
            ),
            None,
        ),
    }
    remember(pass, &load_balancer.id);
}

/// Whether every listener that the Service asks for runs, and only backends are still to change: where endpoints come and go all the time
/// that never ends, and nobody should wait for the address until it does.
pub(super) fn serves(desired: &Desired, plan: &Plan, load_balancer: &LoadBalancer) -> bool {
    let runs = |wanted: &DesiredListener| {
        let listener = load_balancer.listeners.get(&wanted.key);
        listener.is_some_and(|listener| listener.running)
    };
    let mut changes = plan.operations.iter().map(|operation| &operation.change);
    desired.listeners.iter().all(runs)
        && changes.all(|change| matches!(change, Change::ChangeBackends { .. }))
}

/// The label by which the Service's CLB is known again.
pub(super) fn remember(pass: &mut Pass<'_>, id: &LoadBalancerId) {
    let labels = &pass.inputs.service.labels;
    if labels.get(LOAD_BALANCER_ID_LABEL).map(String::as_str) != Some(id.as_str()) {
        pass.writes
            .labels
            .insert(LOAD_BALANCER_ID_LABEL.to_owned(), Some(id.to_string()));
    }
}

/// A port that does not work.
struct PortError {
    listener: ListenerKey,
    /// A reason of [`crate::conditions::reason`].
    reason: &'static str,
}

/// The ingress that the status should have; none where it cannot be told, because the EIP that it should show is not bound.
fn ingress(
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
fn says(present: &[Ingress], wanted: &[Ingress]) -> bool {
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
