//! Cells of an event in its core form.

use serde_json::Value;

use super::age;
use crate::service_view::{is_empty, text};

pub(super) fn cells(event: &Value, name: &str) -> Vec<Value> {
    let first = if is_empty(&event["firstTimestamp"]) {
        &event["eventTime"]
    } else {
        &event["firstTimestamp"]
    };
    let series = event.get("series").filter(|series| !series.is_null());
    let last = match series {
        Some(series) => &series["lastObservedTime"],
        None if is_empty(&event["lastTimestamp"]) => first,
        None => &event["lastTimestamp"],
    };
    let count = series
        .map_or(&event["count"], |series| &series["count"])
        .as_i64()
        .unwrap_or(0);
    let count = if series.is_none() && count == 0 { 1 } else { count };
    let about = &event["involvedObject"];
    let kind = text(&about["kind"]).to_lowercase();
    let target = if is_empty(&about["name"]) {
        kind
    } else {
        format!("{kind}/{}", text(&about["name"]))
    };
    vec![
        age::since(last).into(),
        text(&event["type"]).into(),
        text(&event["reason"]).into(),
        target.into(),
        text(&about["fieldPath"]).into(),
        source(event).into(),
        text(&event["message"]).trim().into(),
        age::since(first).into(),
        count.into(),
        name.into(),
    ]
}

fn source(event: &Value) -> String {
    let first_of = |old: &Value, new: &Value| text(if is_empty(old) { new } else { old }).to_owned();
    let component = first_of(&event["source"]["component"], &event["reportingComponent"]);
    let instance = first_of(&event["source"]["host"], &event["reportingInstance"]);
    if instance.is_empty() {
        component
    } else {
        format!("{component}, {instance}")
    }
}
