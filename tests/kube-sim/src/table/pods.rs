//! Cells of a Pod. Init containers only count by what a simulated cluster says of them.

use serde_json::Value;

use super::age;
use crate::service_view::{is_empty, text};

pub(super) fn cells(pod: &Value, name: &str, age: &str) -> Vec<Value> {
    let statuses = entries(&pod["status"]["containerStatuses"]);
    let total = entries(&pod["spec"]["containers"]).len();
    let is_running = |status: &&Value| status["ready"] == true && !status["state"]["running"].is_null();
    let ready = statuses.iter().filter(is_running).count();
    let or_none = |value: &Value| {
        if is_empty(value) {
            "<none>".to_owned()
        } else {
            text(value).to_owned()
        }
    };
    vec![
        name.into(),
        format!("{ready}/{total}").into(),
        reason(pod, ready > 0).into(),
        restarts(statuses).into(),
        age.into(),
        or_none(&pod["status"]["podIPs"][0]["ip"]).into(),
        or_none(&pod["spec"]["nodeName"]).into(),
        or_none(&pod["status"]["nominatedNodeName"]).into(),
        gates(pod).into(),
    ]
}

/// The phase, or what the containers say more precisely.
fn reason(pod: &Value, has_running: bool) -> String {
    let status = &pod["status"];
    let phase = text(&status["phase"]);
    let mut reason = if is_empty(&status["reason"]) {
        phase.to_owned()
    } else {
        text(&status["reason"]).to_owned()
    };
    let conditions = entries(&status["conditions"]);
    if conditions
        .iter()
        .any(|condition| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated")
    {
        reason = "SchedulingGated".to_owned();
    }
    for container in entries(&status["containerStatuses"]).iter().rev() {
        let (waiting, terminated) = (&container["state"]["waiting"], &container["state"]["terminated"]);
        if !is_empty(&waiting["reason"]) {
            reason = text(&waiting["reason"]).to_owned();
        } else if !terminated.is_null() {
            reason = match (
                text(&terminated["reason"]),
                terminated["signal"].as_i64().unwrap_or(0),
            ) {
                ("", 0) => format!("ExitCode:{}", terminated["exitCode"]),
                ("", signal) => format!("Signal:{signal}"),
                (reason, _) => reason.to_owned(),
            };
        }
    }
    if reason == "Completed" && has_running {
        let is_ready = conditions
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        reason = if is_ready { "Running" } else { "NotReady" }.to_owned();
    }
    if pod["metadata"]["deletionTimestamp"].is_null() {
        return reason;
    }
    match (text(&status["reason"]), phase) {
        ("NodeLost", _) => "Unknown".to_owned(),
        (_, "Failed" | "Succeeded") => reason,
        _ => "Terminating".to_owned(),
    }
}

fn restarts(statuses: &[Value]) -> String {
    let count: i64 = statuses
        .iter()
        .filter_map(|status| status["restartCount"].as_i64())
        .sum();
    let last = statuses
        .iter()
        .map(|status| text(&status["lastState"]["terminated"]["finishedAt"]))
        .max();
    match last {
        Some(last) if count != 0 && !last.is_empty() => format!("{count} ({} ago)", age::since(&last.into())),
        _ => count.to_string(),
    }
}

fn gates(pod: &Value) -> String {
    let gates = entries(&pod["spec"]["readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let conditions = entries(&pod["status"]["conditions"]);
    let is_open = |gate: &&Value| {
        let condition = conditions
            .iter()
            .find(|condition| condition["type"] == gate["conditionType"]);
        condition.is_some_and(|condition| condition["status"] == "True")
    };
    format!("{}/{}", gates.iter().filter(is_open).count(), gates.len())
}

fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
