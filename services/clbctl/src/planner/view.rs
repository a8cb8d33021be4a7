//! Clusters and Services as tables and as JSON. The JSON's field names are those of the gRPC messages.

use std::time::Duration;

use clb_proto::planner::v1::{Cluster, Service, ServiceState};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::cli::Output;

#[derive(Serialize)]
struct ClusterView<'a> {
    id: &'a str,
    connected: bool,
    committed: bool,
    /// None before the watcher was first heard.
    staleness_seconds: Option<f64>,
    services: u32,
    nodes: u32,
    frozen: &'a str,
}

#[derive(Serialize)]
struct ServiceView<'a> {
    cluster_id: &'a str,
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    state: &'static str,
    load_balancer_id: &'a str,
    address: &'a str,
    listeners: u32,
    backends: u32,
    message: &'a str,
    trace_id: &'a str,
}

/// The clusters, ending in a line break.
///
/// # Errors
/// When they cannot be written as JSON, which does not happen with these types.
pub fn clusters(clusters: &[Cluster], output: Output) -> serde_json::Result<String> {
    let views: Vec<_> = clusters.iter().map(cluster_view).collect();
    match output {
        Output::Json => json(&views),
        Output::Table => Ok(clusters_table(&views)),
    }
}

/// The Services, ending in a line break.
///
/// # Errors
/// As [`clusters`].
pub fn services(services: &[Service], output: Output) -> serde_json::Result<String> {
    let views: Vec<_> = services.iter().map(service_view).collect();
    match output {
        Output::Json => json(&views),
        Output::Table => Ok(services_table(&views)),
    }
}

fn cluster_view(cluster: &Cluster) -> ClusterView<'_> {
    let staleness = cluster
        .staleness
        .and_then(|staleness| Duration::try_from(staleness).ok());
    ClusterView {
        id: &cluster.id,
        connected: cluster.connected,
        committed: cluster.committed,
        staleness_seconds: staleness.map(|age| age.as_secs_f64()),
        services: cluster.services,
        nodes: cluster.nodes,
        frozen: &cluster.frozen,
    }
}

fn service_view(service: &Service) -> ServiceView<'_> {
    ServiceView {
        cluster_id: &service.cluster_id,
        namespace: &service.namespace,
        name: &service.name,
        uid: &service.uid,
        state: state(service.state()),
        load_balancer_id: &service.load_balancer_id,
        address: &service.address,
        listeners: service.listeners,
        backends: service.backends,
        message: &service.message,
        trace_id: &service.trace_id,
    }
}

fn state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Unspecified => "unknown",
        ServiceState::Observing => "observing",
        ServiceState::Converging => "converging",
        ServiceState::Converged => "converged",
        ServiceState::Failed => "failed",
        ServiceState::Cleaning => "cleaning",
        ServiceState::NotOurs => "not ours",
        ServiceState::HandedOver => "handed over",
    }
}

fn json<T: Serialize>(views: &[T]) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(views)? + "\n")
}

fn clusters_table(clusters: &[ClusterView<'_>]) -> String {
    if clusters.is_empty() {
        return "The planner has no clusters.\n".to_owned();
    }
    let mut table = table([
        "Cluster", "Watcher", "Snapshot", "Age", "Services", "Nodes", "Frozen",
    ]);
    right(&mut table, 3..=5);
    for cluster in clusters {
        table.add_row([
            cluster.id.to_owned(),
            either(cluster.connected, "connected", "absent"),
            either(cluster.committed, "complete", "none yet"),
            cluster
                .staleness_seconds
                .map_or_else(|| "-".to_owned(), |age| format!("{age:.1} s")),
            cluster.services.to_string(),
            cluster.nodes.to_string(),
            dash(cluster.frozen),
        ]);
    }
    format!("{table}\n")
}

fn services_table(services: &[ServiceView<'_>]) -> String {
    if services.is_empty() {
        return "The planner looks after no Services here.\n".to_owned();
    }
    let mut table = table([
        "Cluster",
        "Service",
        "State",
        "Address",
        "CLB",
        "Listeners",
        "Backends",
        "Message",
    ]);
    right(&mut table, 5..=6);
    for service in services {
        table.add_row([
            service.cluster_id.to_owned(),
            format!("{}/{}", service.namespace, service.name),
            service.state.to_owned(),
            dash(service.address),
            dash(service.load_balancer_id),
            service.listeners.to_string(),
            service.backends.to_string(),
            service.message.to_owned(),
        ]);
    }
    format!("{table}\n")
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header);
    table
}

fn right(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn either(holds: bool, yes: &str, no: &str) -> String {
    if holds { yes } else { no }.to_owned()
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}
