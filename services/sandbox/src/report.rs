//! What a person sees of a run: a line per Service as it converges, a table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_proto::planner::v1::{Service, ServiceState};
use comfy_table::{CellAlignment, Table, presets};
use owo_colors::OwoColorize as _;

use crate::view::{ServiceName, converged};

/// Turns successive views into lines: one when a Service converges, one for each new trouble.
#[derive(Debug, Default)]
pub struct Progress {
    said: BTreeMap<ServiceName, Said>,
}

#[derive(Debug, PartialEq, Eq, Clone)]
enum Said {
    Converged(String),
    Trouble(String),
}

impl Progress {
    /// The lines that this view adds.
    pub fn lines(&mut self, services: &BTreeMap<ServiceName, Service>, elapsed: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, service) in services {
            let Some(now) = said(service) else { continue };
            if self.said.get(name) == Some(&now) {
                continue;
            }
            let time = format!("{:>6.2} s", elapsed.as_secs_f64());
            lines.push(match &now {
                Said::Converged(address) => format!(
                    "{} {} {name} → {address} ({}, listeners {}, backends {})",
                    time.dimmed(),
                    "ok     ".green(),
                    service.load_balancer_id,
                    service.listeners,
                    service.backends
                ),
                Said::Trouble(message) => {
                    format!("{} {} {name}: {message}", time.dimmed(), "trouble".yellow())
                }
            });
            self.said.insert(name.clone(), now);
        }
        for gone in self
            .said
            .keys()
            .filter(|name| !services.contains_key(*name))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.said.remove(&gone);
            lines.push(format!(
                "{} {} {gone}",
                format!("{:>6.2} s", elapsed.as_secs_f64()).dimmed(),
                "gone   ".blue()
            ));
        }
        lines
    }
}

fn said(service: &Service) -> Option<Said> {
    if converged(service) {
        Some(Said::Converged(service.address.clone()))
    } else if service.state() == ServiceState::Failed {
        Some(Said::Trouble(service.message.clone()))
    } else {
        None
    }
}

/// The table at the end. `calls` counts the calls of the cloud's API by CLB id.
#[must_use]
pub fn table(services: &BTreeMap<ServiceName, Service>, calls: &BTreeMap<String, usize>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "Cluster",
        "Service",
        "External address",
        "CLB",
        "Listeners",
        "Backends",
        "Calls",
        "State",
    ]);
    for column in 4..=6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (name, service) in services {
        let state = if converged(service) {
            "converged".to_owned()
        } else {
            unfinished(service)
        };
        table.add_row([
            name.cluster.clone(),
            format!("{}/{}", name.namespace, name.name),
            service.address.clone(),
            service.load_balancer_id.clone(),
            service.listeners.to_string(),
            service.backends.to_string(),
            calls
                .get(&service.load_balancer_id)
                .copied()
                .unwrap_or_default()
                .to_string(),
            state,
        ]);
    }
    table.to_string()
}

fn unfinished(service: &Service) -> String {
    let state = match service.state() {
        ServiceState::Unspecified => "unknown",
        ServiceState::Observing => "waiting for the cloud's state",
        ServiceState::Converging | ServiceState::Converged => "converging",
        ServiceState::Failed => "failed",
        ServiceState::Cleaning => "being cleaned up",
        ServiceState::NotOurs => "not ours",
        ServiceState::HandedOver => "handed over",
    };
    if service.message.is_empty() {
        state.to_owned()
    } else {
        format!("{state}: {}", service.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(state: ServiceState, address: &str, message: &str) -> BTreeMap<ServiceName, Service> {
        let name = ServiceName {
            cluster: "c1".into(),
            namespace: "default".into(),
            name: "web".into(),
        };
        let service = Service {
            cluster_id: "c1".into(),
            name: "web".into(),
            namespace: "default".into(),
            state: state.into(),
            address: address.into(),
            message: message.into(),
            ..Service::default()
        };
        BTreeMap::from([(name, service)])
    }

    #[test]
    fn says_each_thing_once() {
        let mut progress = Progress::default();
        let mut said = |state, address: &str, message: &str| {
            progress
                .lines(&view(state, address, message), Duration::from_secs(1))
                .len()
        };
        assert_eq!(said(ServiceState::Observing, "", ""), 0);
        assert_eq!(said(ServiceState::Failed, "", "no such certificate"), 1);
        assert_eq!(said(ServiceState::Failed, "", "no such certificate"), 0);
        assert_eq!(said(ServiceState::Converged, "47.1.1.1", ""), 1);
        assert_eq!(said(ServiceState::Converging, "47.1.1.1", ""), 0);
        assert_eq!(said(ServiceState::Converged, "47.1.1.1", ""), 0);
        assert_eq!(progress.lines(&BTreeMap::new(), Duration::from_secs(2)).len(), 1);
    }

    #[test]
    fn the_table_says_why_a_service_has_not_converged() {
        let text = table(
            &view(ServiceState::Failed, "", "no such certificate"),
            &BTreeMap::new(),
        );
        assert!(text.contains("failed: no such certificate"), "{text}");
    }
}
