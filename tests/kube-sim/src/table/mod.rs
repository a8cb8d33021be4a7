//! Tables: what `kubectl get` prints, made on the server as in the real API (`pkg/printers/internalversion`).
//!
//! The server asks for a table where the `Accept` header prefers one.

mod age;
mod columns;
mod endpoints;
mod events;
mod nodes;
mod pods;
mod services;

use serde_json::{Value, json};

use crate::resources::Resource;
use crate::service_view::text;
use crate::storage::Stored;

/// `includeObject`: what each row carries besides its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowObject {
    None,
    Metadata,
    Object,
}

/// A table of some objects. A watch sends the columns with its first event only.
pub(crate) fn table(
    resource: &'static Resource,
    metadata: &Value,
    objects: &[&Stored],
    row_object: RowObject,
    with_columns: bool,
) -> Value {
    let rows: Vec<Value> = objects
        .iter()
        .map(|stored| row(resource, stored, row_object))
        .collect();
    let columns = if with_columns {
        columns::definitions(resource)
    } else {
        Value::Null
    };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows,
    })
}

/// An object reduced to its metadata.
pub(crate) fn metadata_only(stored: &Stored) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored.value["metadata"]})
}

fn row(resource: &'static Resource, stored: &Stored, row_object: RowObject) -> Value {
    let object = match row_object {
        RowObject::None => Value::Null,
        RowObject::Metadata => metadata_only(stored),
        RowObject::Object => stored.full_value(resource),
    };
    let mut row = json!({"cells": cells(resource, &stored.value), "object": object});
    if let Some(conditions) = conditions(resource, &stored.value) {
        row["conditions"] = conditions;
    }
    row
}

/// Cells in order of the columns; events of both groups are stored in the core form.
fn cells(resource: &Resource, object: &Value) -> Vec<Value> {
    let name = text(&object["metadata"]["name"]);
    let age = age::since(&object["metadata"]["creationTimestamp"]);
    match resource.plural {
        "services" => services::cells(object, name, &age),
        "nodes" => nodes::cells(object, name, &age),
        "pods" => pods::cells(object, name, &age),
        "endpointslices" => endpoints::slice_cells(object, name, &age),
        "endpoints" => endpoints::cells(object, name, &age),
        "events" => events::cells(object, name),
        "namespaces" => vec![name.into(), object["status"]["phase"].clone(), age.into()],
        "leases" => vec![
            name.into(),
            text(&object["spec"]["holderIdentity"]).into(),
            age.into(),
        ],
        "configmaps" => {
            let count = |member: &str| object[member].as_object().map_or(0, serde_json::Map::len);
            vec![
                name.into(),
                (count("data") + count("binaryData")).into(),
                age.into(),
            ]
        }
        _ => vec![name.into(), age.into()],
    }
}

/// kubectl hides completed pods where it is asked to.
fn conditions(resource: &Resource, object: &Value) -> Option<Value> {
    if resource.plural != "pods" {
        return None;
    }
    let (reason, message) = match text(&object["status"]["phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

/// At most three entries and the number of the others.
fn at_most_three(entries: &[String], nothing: &str) -> String {
    const SHOWN: usize = 3;
    let shown = entries[..entries.len().min(SHOWN)].join(",");
    match entries.len() {
        0 => nothing.to_owned(),
        count if count > SHOWN => format!("{shown} + {} more...", count - SHOWN),
        _ => shown,
    }
}
