//! Reads the embedded schema files into [`Schemas`]; called once.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Field, ListType, PatchStrategy, Schemas, Shape, Struct, TypeId};

const REFERENCE_PREFIX: &str = "#/components/schemas/";

/// Builds the types; fails with the JSON error of the file that is malformed.
pub(super) fn load(component_schemas: &str, go_types: &str) -> Result<Schemas, serde_json::Error> {
    let components: Map<String, Value> = serde_json::from_str(component_schemas)?;
    let go_types: HashMap<String, HashMap<String, String>> = serde_json::from_str(go_types)?;
    let mut schemas = Schemas::default();
    let structs: Vec<(&String, &Value)> = components
        .iter()
        .filter(|(name, _)| go_types.contains_key(*name))
        .collect();
    for (position, (name, _)) in structs.iter().enumerate() {
        schemas.by_name.insert((*name).clone(), TypeId(position));
    }
    for (name, component) in structs {
        let go_name = name.rsplit('.').next().unwrap_or(name).to_owned();
        let mut fields = HashMap::new();
        for (field, schema) in component["properties"].as_object().into_iter().flatten() {
            let go_type = go_types[name].get(field).map_or("", String::as_str);
            fields.insert(field.clone(), load_field(schema, go_type, &schemas.by_name));
        }
        schemas.structs.push(Struct {
            name: name.clone(),
            go_name,
            atomic: is_atomic(component),
            fields,
        });
    }
    Ok(schemas)
}

fn load_field(schema: &Value, go_type: &str, by_name: &HashMap<String, TypeId>) -> Field {
    let mut options = go_type.split(',');
    let declared = options.next().unwrap_or_default();
    let options: Vec<&str> = options.collect();
    let pointer = declared.starts_with('*');
    let strategy = schema["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
    Field {
        shape: shape(schema, declared, by_name),
        go_type: declared.trim_start_matches('*').to_owned(),
        pointer,
        omit_empty: options.contains(&"omitempty"),
        omit_zero: options.contains(&"omitzero"),
        list_type: list_type(schema),
        atomic: is_atomic(schema),
        patch: PatchStrategy {
            merge: strategy.split(',').any(|part| part == "merge"),
            retain_keys: strategy.split(',').any(|part| part == "retainKeys"),
            merge_key: schema["x-kubernetes-patch-merge-key"].as_str().map(str::to_owned),
        },
        default: schema.get("default").cloned(),
    }
}

fn is_atomic(schema: &Value) -> bool {
    schema["x-kubernetes-map-type"] == "atomic"
}

fn list_type(schema: &Value) -> ListType {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => ListType::Set,
        Some("map") => ListType::Map(
            schema["x-kubernetes-list-map-keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect(),
        ),
        _ => ListType::Atomic,
    }
}

/// The component that a schema refers to, directly or as the only part of an `allOf`.
fn referenced(schema: &Value) -> Option<&str> {
    let direct = schema["$ref"].as_str();
    direct
        .or_else(|| schema["allOf"][0]["$ref"].as_str())?
        .strip_prefix(REFERENCE_PREFIX)
}

fn shape(schema: &Value, go_type: &str, by_name: &HashMap<String, TypeId>) -> Shape {
    if let Some(name) = referenced(schema) {
        return match (by_name.get(name), name.rsplit('.').next().unwrap_or_default()) {
            (Some(id), _) => Shape::Struct(*id),
            (None, "Time") => Shape::Time,
            (None, "MicroTime") => Shape::MicroTime,
            (None, "Quantity") => Shape::Quantity,
            (None, "IntOrString") => Shape::IntOrString,
            (None, _) => Shape::Any,
        };
    }
    let element = go_type.trim_start_matches('*').trim_start_matches("[]");
    match (
        schema["type"].as_str().unwrap_or_default(),
        schema["format"].as_str().unwrap_or_default(),
    ) {
        ("array", _) => Shape::List(Box::new(shape(&schema["items"], element, by_name))),
        ("object", _) if schema.get("additionalProperties").is_some() => {
            Shape::Map(Box::new(shape(&schema["additionalProperties"], element, by_name)))
        }
        ("string", "byte") => Shape::Bytes,
        ("string", _) => Shape::String,
        ("integer", "int64") => Shape::Int64,
        ("integer", _) => Shape::Int32,
        ("number", _) => Shape::Float,
        ("boolean", _) => Shape::Bool,
        _ => Shape::Any,
    }
}
