//! `/openapi/v3` and `/openapi/v2`: what `kubectl apply`, `explain` and `--validate` read.
//!
//! The schemas are those in `openapi/schemas.json`; the paths are made from the resource table. Version 2 is complete in JSON;
//! in protobuf, which kubectl asks for only about kinds that version 3 does not have, it is empty.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::resources::{self, Resource};
use crate::schema::COMPONENT_SCHEMAS;

const REFERENCE: &str = "#/components/schemas/";

/// Media type in which kubectl asks for version 2.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const JSON: &str = "application/json";

/// The document at a path and its media type, or `None`.
pub(crate) fn document(path: &str, accept: &str) -> Option<(Bytes, &'static str)> {
    match path.trim_matches('/').strip_prefix("openapi/")? {
        "v3" => Some((INDEX.clone(), JSON)),
        "v2" if accept.contains("+protobuf") && !accept.contains("json") => {
            Some((nothing_in_protobuf(), PROTOBUF))
        }
        "v2" => Some((VERSION_2.clone(), JSON)),
        rest => Some((
            rest.strip_prefix("v3/")
                .and_then(|name| VERSION_3.get(name))?
                .clone(),
            JSON,
        )),
    }
}

/// A version 2 document without paths: `swagger` and `info` alone. kubectl looks there for kinds that it did not find in
/// version 3, and does not find them here either.
fn nothing_in_protobuf() -> Bytes {
    const SWAGGER: &[u8] = b"\x0a\x032.0";
    const INFO: &[u8] = b"\x12\x15\x0a\x0aKubernetes\x12\x07v1.36.3";
    Bytes::from([SWAGGER, INFO].concat())
}

/// `api/v1` or `apis/group/version`.
fn group_path(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

static INDEX: LazyLock<Bytes> = LazyLock::new(|| {
    let paths: Map<String, Value> = resources::groups()
        .into_iter()
        .map(|(group, version)| {
            let path = group_path(group, version);
            let url = format!("/openapi/v3/{path}?hash=kube-sim");
            (path, json!({"serverRelativeURL": url}))
        })
        .collect();
    Bytes::from(json!({"paths": paths}).to_string())
});

static VERSION_3: LazyLock<BTreeMap<String, Bytes>> = LazyLock::new(|| {
    let schemas: Map<String, Value> = serde_json::from_str(COMPONENT_SCHEMAS).unwrap_or_default();
    let documents = resources::groups().into_iter().map(|(group, version)| {
        let served: Vec<&Resource> = resources::ALL
            .into_iter()
            .filter(|resource| resource.group == group)
            .collect();
        let document = json!({
            "openapi": "3.0.0", "info": info(), "paths": paths(&served, REFERENCE),
            "components": {"schemas": reachable(&schemas, &served)},
        });
        (group_path(group, version), Bytes::from(document.to_string()))
    });
    documents.collect()
});

static VERSION_2: LazyLock<Bytes> = LazyLock::new(|| {
    let definitions = COMPONENT_SCHEMAS.replace(REFERENCE, "#/definitions/");
    let definitions: Map<String, Value> = serde_json::from_str(&definitions).unwrap_or_default();
    let definitions: Map<String, Value> = definitions
        .into_iter()
        .map(|(name, schema)| (name, without_single_all_of(schema)))
        .collect();
    let paths = paths(&resources::ALL, "#/definitions/");
    let document = json!({"swagger": "2.0", "info": info(), "paths": paths, "definitions": definitions});
    Bytes::from(document.to_string())
});

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "v1.36.3"})
}

/// Version 2 writes a plain reference where version 3 needs an `allOf` around it.
fn without_single_all_of(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) => {
            if let Some(reference) = members
                .get("allOf")
                .and_then(|parts| parts[0].get("$ref"))
                .cloned()
            {
                members.remove("allOf");
                members.insert("$ref".to_owned(), reference);
            }
            Value::Object(
                members
                    .into_iter()
                    .map(|(name, member)| (name, without_single_all_of(member)))
                    .collect(),
            )
        }
        Value::Array(entries) => entries.into_iter().map(without_single_all_of).collect(),
        scalar => scalar,
    }
}

/// The schemas of some kinds and their lists, with everything that they refer to.
fn reachable(schemas: &Map<String, Value>, served: &[&Resource]) -> Map<String, Value> {
    let mut wanted: Vec<String> = served
        .iter()
        .flat_map(|resource| [resource.schema_name(), format!("{}List", resource.schema_name())])
        .collect();
    wanted.extend(
        ["Status", "DeleteOptions", "WatchEvent"]
            .map(|kind| format!("io.k8s.apimachinery.pkg.apis.meta.v1.{kind}")),
    );
    let mut found = Map::new();
    while let Some(name) = wanted.pop() {
        let Some(schema) = schemas.get(&name).filter(|_| !found.contains_key(&name)) else {
            continue;
        };
        collect_references(schema, &mut wanted);
        found.insert(name, schema.clone());
    }
    found
}

fn collect_references(schema: &Value, references: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member
                    .as_str()
                    .filter(|_| name == "$ref")
                    .and_then(|text| text.strip_prefix(REFERENCE))
                {
                    Some(reference) => references.push(reference.to_owned()),
                    None => collect_references(member, references),
                }
            }
        }
        Value::Array(entries) => entries
            .iter()
            .for_each(|entry| collect_references(entry, references)),
        _ => {}
    }
}

fn paths(served: &[&Resource], reference: &str) -> Map<String, Value> {
    let mut paths = Map::new();
    for resource in served {
        let base = format!("/{}", group_path(resource.group, resource.version));
        let collection = if resource.namespaced {
            paths.insert(
                format!("{base}/{}", resource.plural),
                json!({"get": operation(resource, "list", reference)}),
            );
            format!("{base}/namespaces/{{namespace}}/{}", resource.plural)
        } else {
            format!("{base}/{}", resource.plural)
        };
        let of = |action: &str| operation(resource, action, reference);
        let item = json!({"get": of("get"), "put": of("put"), "patch": of("patch"), "delete": of("delete")});
        if resource.status {
            let status = json!({"get": of("get"), "put": of("put"), "patch": of("patch")});
            paths.insert(format!("{collection}/{{name}}/status"), status);
        }
        paths.insert(format!("{collection}/{{name}}"), item);
        paths.insert(
            collection,
            json!({"get": of("list"), "post": of("post"), "delete": of("deletecollection")}),
        );
    }
    paths
}

/// One operation: what it is about, and the query parameters by which clients find out what is supported.
fn operation(resource: &Resource, action: &str, reference: &str) -> Value {
    let names: &[&str] = match action {
        "post" | "put" | "patch" => &["dryRun", "fieldManager", "fieldValidation"],
        "delete" | "deletecollection" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        "list" => &[
            "allowWatchBookmarks",
            "continue",
            "fieldSelector",
            "labelSelector",
            "limit",
            "resourceVersion",
            "watch",
        ],
        _ => &[],
    };
    let parameter =
        |name: &&str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let mut parameters: Vec<Value> = names.iter().map(parameter).collect();
    if action == "patch" {
        parameters.push(
            json!({"name": "force", "in": "query", "schema": {"type": "boolean", "uniqueItems": true}}),
        );
    }
    let answered = if action == "list" {
        format!("{}List", resource.schema_name())
    } else {
        resource.schema_name()
    };
    let schema = json!({"$ref": format!("{reference}{answered}")});
    json!({
        "description": format!("{action} {}", resource.kind),
        "operationId": format!("{action}{}", resource.kind),
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Value {
        match document(path, "application/json") {
            Some((bytes, _)) => serde_json::from_slice(&bytes).expect("JSON"),
            None => panic!("no document at {path}"),
        }
    }

    #[test]
    fn every_listed_document_is_there_and_complete() {
        let index = read("/openapi/v3");
        for (path, _) in index["paths"].as_object().expect("paths") {
            let document = read(&format!("/openapi/v3/{path}"));
            let mut references = Vec::new();
            collect_references(&document, &mut references);
            assert!(!references.is_empty(), "{path}");
            for name in references {
                assert!(
                    document["components"]["schemas"].get(&name).is_some(),
                    "{name} of {path}"
                );
            }
        }
    }

    #[test]
    fn version_2_comes_in_both_forms() {
        assert!(read("/openapi/v2")["definitions"]["io.k8s.api.core.v1.Service"].is_object());
        let (bytes, media_type) = document("/openapi/v2", PROTOBUF).expect("a document");
        assert_eq!((media_type, bytes.len()), (PROTOBUF, 5 + 2 + 0x15));
    }
}
