//! The state page: clusters, Services and CLBs, and a Service's last trace as a timeline.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use clb_telemetry::{RecordedSpan, SpanRecorder};
use cloud_sim::Cloud;
use tokio_util::sync::CancellationToken;

use crate::view::{PlannerView, converged};

/// What the page shows.
#[derive(Clone)]
pub struct Sources {
    /// Clusters and Services.
    pub view: PlannerView,
    /// CLBs and calls.
    pub cloud: Cloud,
    /// Traces.
    pub recorder: SpanRecorder,
}

/// Opens the page and serves it until `stop`. Returns its address.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(
    address: SocketAddr,
    sources: Sources,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("opening the state page on {address}"))?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/", get(overview))
        .route("/trace/{cluster}/{namespace}/{name}", get(trace))
        .with_state(sources);
    tokio::spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::warn!(%error, "the state page ended");
        }
    });
    Ok(address)
}

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:75em;color:#222}table{border-collapse:collapse;\
width:100%;margin:.5em 0 2em}th,td{text-align:left;padding:.35em .8em;border-bottom:1px solid #ddd}th{background:#f4f6f8}\
.ok{color:#087a3c}.no{color:#b3460e}.bar{background:#3b7dd8;height:.8em;border-radius:2px}.bad{background:#c0392b}\
.lane{position:relative;background:#f4f6f8;width:34em}code{background:#f4f6f8;padding:0 .3em}a{color:#1a5fb4}";

async fn overview(State(sources): State<Sources>) -> Response {
    match overview_page(&sources).await {
        Ok(page) => Html(page).into_response(),
        Err(status) => (
            StatusCode::BAD_GATEWAY,
            format!("the planner does not answer: {}", status.message()),
        )
            .into_response(),
    }
}

async fn overview_page(sources: &Sources) -> Result<String, tonic::Status> {
    let clusters = sources.view.clusters().await?;
    let services = sources.view.services().await?;
    let mut page = head("clb-sandbox");
    page.push_str(
        "<h2>Clusters</h2><table><tr><th>Id</th><th>Watcher</th><th>Services</th><th>Nodes</th></tr>",
    );
    for cluster in clusters {
        let watcher = match (cluster.connected, cluster.frozen.is_empty()) {
            (true, true) => "<span class=ok>connected</span>".to_owned(),
            (true, false) => format!("<span class=no>frozen: {}</span>", escape(&cluster.frozen)),
            (false, _) => "<span class=no>not connected</span>".to_owned(),
        };
        row(
            &mut page,
            &[
                &escape(&cluster.id),
                &watcher,
                &cluster.services.to_string(),
                &cluster.nodes.to_string(),
            ],
        );
    }
    page.push_str("</table><h2>Services</h2><table><tr><th>Cluster</th><th>Service</th><th>State</th><th>Address</th><th>CLB</th><th>Listeners</th><th>Backends</th><th>Trace</th></tr>");
    for (name, service) in &services {
        let state = if converged(service) {
            "<span class=ok>converged</span>".to_owned()
        } else {
            let state = service
                .state()
                .as_str_name()
                .trim_start_matches("SERVICE_STATE_")
                .to_lowercase();
            format!("<span class=no>{state} {}</span>", escape(&service.message))
        };
        let trace = format!(
            "<a href=\"/trace/{}/{}/{}\">last</a>",
            name.cluster, name.namespace, name.name
        );
        row(
            &mut page,
            &[
                &escape(&name.cluster),
                &escape(&format!("{}/{}", name.namespace, name.name)),
                &state,
                &escape(&service.address),
                &escape(&service.load_balancer_id),
                &service.listeners.to_string(),
                &service.backends.to_string(),
                &trace,
            ],
        );
    }
    page.push_str("</table>");
    cloud_section(&mut page, &sources.cloud);
    Ok(page)
}

fn cloud_section(page: &mut String, cloud: &Cloud) {
    page.push_str("<h2>CLBs</h2><table><tr><th>Id</th><th>Name</th><th>Address</th><th>Status</th><th>Charged</th></tr>");
    let account = cloud.account(cloud_sim::DEFAULT_ACCOUNT);
    for id in account.load_balancer_ids() {
        let Some(load_balancer) = account.load_balancer(&id) else {
            continue;
        };
        let text = |field: &str| {
            escape(
                load_balancer
                    .get(field)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default(),
            )
        };
        row(
            page,
            &[
                &escape(&id),
                &text("LoadBalancerName"),
                &text("Address"),
                &text("LoadBalancerStatus"),
                &text("InstanceChargeType"),
            ],
        );
    }
    let counters = cloud.counters();
    let _ = write!(
        page,
        "</table><h2>Calls of the cloud's API</h2><p>{} writes, {} reads, {} refused</p><table><tr><th>Action</th><th>Calls</th></tr>",
        counters.writes, counters.reads, counters.errors
    );
    for (action, calls) in &counters.by_action {
        row(page, &[&escape(action), &calls.to_string()]);
    }
    page.push_str("</table>");
}

async fn trace(
    State(sources): State<Sources>,
    Path((cluster, namespace, name)): Path<(String, String, String)>,
) -> Response {
    let service = clb_telemetry::attributes::service(&cluster, &namespace, &name);
    let spans = sources.recorder.last_trace(&service);
    if spans.is_empty() {
        return (StatusCode::NOT_FOUND, format!("no trace of {service} is kept")).into_response();
    }
    Html(timeline(&service, &spans)).into_response()
}

fn timeline(service: &str, spans: &[RecordedSpan]) -> String {
    let mut page = head(&format!("Last trace of {}", escape(service)));
    let Some(start) = spans.iter().map(|span| span.start).min() else {
        return page;
    };
    let end = spans
        .iter()
        .map(|span| span.start + span.duration)
        .max()
        .unwrap_or(start);
    let whole = end
        .duration_since(start)
        .unwrap_or_default()
        .max(Duration::from_micros(1));
    let parents: BTreeMap<&str, Option<&str>> = spans
        .iter()
        .map(|span| (span.span_id.as_str(), span.parent_id.as_deref()))
        .collect();
    let _ = write!(
        page,
        "<p><code>{}</code>, {:.1} ms</p><table><tr><th>Span</th><th>Service</th><th>Took</th><th></th></tr>",
        spans[0].trace_id,
        whole.as_secs_f64() * 1e3
    );
    for span in spans {
        let offset = span.start.duration_since(start).unwrap_or_default();
        let left = 100.0 * offset.as_secs_f64() / whole.as_secs_f64();
        let width = (100.0 * span.duration.as_secs_f64() / whole.as_secs_f64()).max(0.3);
        let bad = if span.error.is_some() { " bad" } else { "" };
        let lane = format!(
            "<div class=lane><div class=\"bar{bad}\" style=\"margin-left:{left:.2}%;width:{width:.2}%\" title=\"{}\"></div></div>",
            escape(&details(span))
        );
        let indent = format!(
            "{}{}",
            "&nbsp;&nbsp;".repeat(depth(&parents, &span.span_id)),
            escape(&span.name)
        );
        let took = format!("{:.1} ms", span.duration.as_secs_f64() * 1e3);
        row(&mut page, &[&indent, &escape(span.component), &took, &lane]);
    }
    page.push_str("</table><p><a href=\"/\">back</a></p>");
    page
}

fn depth(parents: &BTreeMap<&str, Option<&str>>, span: &str) -> usize {
    let mut depth = 0;
    let mut at = span;
    while let Some(Some(parent)) = parents.get(at)
        && depth < 20
    {
        at = parent;
        depth += 1;
    }
    depth
}

fn details(span: &RecordedSpan) -> String {
    let mut text: Vec<String> = span
        .attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    text.extend(span.error.iter().map(|error| format!("error: {error}")));
    text.join(", ")
}

fn head(title: &str) -> String {
    format!("<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>")
}

fn row(page: &mut String, cells: &[&str]) {
    page.push_str("<tr>");
    for cell in cells {
        let _ = write!(page, "<td>{cell}</td>");
    }
    page.push_str("</tr>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
