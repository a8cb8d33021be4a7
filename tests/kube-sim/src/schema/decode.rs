//! Turns a request's JSON into what Go's decoder would have made of it.
//!
//! Wrongly typed fields are refused with Go's text, unknown fields are pruned and listed, `null` and zero values vanish
//! where the Go type says `omitempty` and appear where it does not. Objects that went through here compare equal exactly
//! when the real API's would.

use serde_json::{Map, Value};

use super::{Field, Schemas, Shape, TypeId, scalar, schemas};
use crate::resources::Resource;

/// A decoded object and what was dropped on the way.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// Paths of unknown fields, such as `spec.ports[0].foo`.
    pub(crate) unknown: Vec<String>,
}

/// Decodes `raw` as an object of `resource`; the error is Go's text after `cannot be handled as a …: `.
pub(crate) fn decode(resource: &Resource, raw: &Value) -> Result<Decoded, String> {
    let mut decoder = Decoder {
        schemas: schemas(),
        unknown: Vec::new(),
    };
    let root = decoder.schemas.root(resource);
    let place = Place {
        indexed: String::new(),
        plain: String::new(),
        go_struct: resource.kind,
        go_type: resource.kind,
    };
    let object = decoder.structure(root, raw, &place)?;
    Ok(Decoded {
        object,
        unknown: decoder.unknown,
    })
}

/// Where in the document the decoder is, in the two spellings that messages need.
struct Place<'a> {
    /// With list positions: `spec.ports[0].port`.
    indexed: String,
    /// Without: `spec.ports.port`.
    plain: String,
    /// Go name of the struct around the field.
    go_struct: &'a str,
    /// Go type of the value.
    go_type: &'a str,
}

impl<'a> Place<'a> {
    fn field(&self, name: &str, go_struct: &'a str, go_type: &'a str) -> Place<'a> {
        let join = |base: &str| {
            if base.is_empty() {
                name.to_owned()
            } else {
                format!("{base}.{name}")
            }
        };
        Place {
            indexed: join(&self.indexed),
            plain: join(&self.plain),
            go_struct,
            go_type,
        }
    }

    fn entry(&self, position: usize, go_type: &'a str) -> Place<'a> {
        let indexed = format!("{}[{position}]", self.indexed);
        Place {
            indexed,
            plain: self.plain.clone(),
            go_struct: self.go_struct,
            go_type,
        }
    }

    fn mismatch(&self, found: &Value) -> String {
        let found = match found {
            Value::String(_) => "string".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
            Value::Null => "null".to_owned(),
            Value::Number(number) => match self.go_type {
                "int32" | "int64" => format!("number {number}"),
                _ => "number".to_owned(),
            },
        };
        if self.plain.is_empty() {
            return format!(
                "json: cannot unmarshal {found} into Go value of type v1.{}",
                self.go_type
            );
        }
        let Place {
            go_struct,
            plain,
            go_type,
            ..
        } = self;
        format!("json: cannot unmarshal {found} into Go struct field {go_struct}.{plain} of type {go_type}")
    }
}

struct Decoder {
    schemas: &'static Schemas,
    unknown: Vec<String>,
}

impl Decoder {
    fn structure(&mut self, id: TypeId, raw: &Value, place: &Place<'_>) -> Result<Value, String> {
        let declared = self.schemas.get(id);
        let empty = Map::new();
        let members = match raw {
            Value::Object(members) => members,
            Value::Null => &empty,
            other => return Err(place.mismatch(other)),
        };
        let mut decoded = Map::new();
        for (name, member) in members {
            let Some(field) = declared.fields.get(name) else {
                let place = place.field(name, &declared.go_name, "");
                self.unknown.push(place.indexed);
                continue;
            };
            if member.is_null() {
                continue;
            }
            let place = place.field(name, &declared.go_name, &field.go_type);
            let value = self.value(&field.shape, member, &place)?;
            if self.is_left_out(field, &value) {
                continue;
            }
            // Objects are stored as protobuf, which does not tell an empty list from none.
            let is_empty_list = value.as_array().is_some_and(Vec::is_empty);
            decoded.insert(name.clone(), if is_empty_list { Value::Null } else { value });
        }
        self.fill_zero_values(id, &mut decoded);
        Ok(Value::Object(decoded))
    }

    /// Go writes fields without `omitempty`, and structs by value, even when nobody set them.
    fn fill_zero_values(&self, id: TypeId, decoded: &mut Map<String, Value>) {
        for (name, field) in &self.schemas.get(id).fields {
            if field.pointer || field.omit_zero || decoded.contains_key(name) || name == "metadata" {
                continue;
            }
            let zero = match &field.shape {
                Shape::Struct(inner) => {
                    let mut members = Map::new();
                    self.fill_zero_values(*inner, &mut members);
                    Value::Object(members)
                }
                // Structs in Go, so `omitempty` does not leave them out.
                Shape::IntOrString => 0.into(),
                Shape::Quantity => "0".into(),
                Shape::Time | Shape::MicroTime => Value::Null,
                _ if field.omit_empty => continue,
                Shape::String | Shape::Bytes => "".into(),
                Shape::Int32 | Shape::Int64 | Shape::Float => 0.into(),
                Shape::Bool => false.into(),
                Shape::List(_) | Shape::Map(_) | Shape::Any => Value::Null,
            };
            decoded.insert(name.clone(), zero);
        }
    }

    fn is_left_out(&self, field: &Field, value: &Value) -> bool {
        if field.pointer || !field.omit_empty {
            return false;
        }
        match (&field.shape, value) {
            (Shape::Struct(_) | Shape::Quantity | Shape::IntOrString, _) => false,
            (_, Value::String(text)) => text.is_empty(),
            (_, Value::Number(number)) => number.as_f64() == Some(0.0),
            (_, Value::Bool(set)) => !set,
            (_, Value::Array(entries)) => entries.is_empty(),
            (Shape::Map(_), Value::Object(members)) => members.is_empty(),
            _ => false,
        }
    }

    fn value(&mut self, shape: &Shape, raw: &Value, place: &Place<'_>) -> Result<Value, String> {
        match (shape, raw) {
            (Shape::Any, _)
            | (Shape::String | Shape::Bytes, Value::String(_))
            | (Shape::Bool, Value::Bool(_))
            | (Shape::Float, Value::Number(_)) => Ok(raw.clone()),
            (Shape::Struct(id), _) => self.structure(*id, raw, place),
            (Shape::List(item), Value::Array(entries)) => {
                let go_type = place.go_type.trim_start_matches("[]");
                let decoded: Result<Vec<Value>, String> = entries
                    .iter()
                    .enumerate()
                    .map(|(position, entry)| self.value(item, entry, &place.entry(position, go_type)))
                    .collect();
                Ok(Value::Array(decoded?))
            }
            (Shape::Map(item), Value::Object(members)) => {
                let go_type = place
                    .go_type
                    .split_once(']')
                    .map_or(place.go_type, |(_, element)| element);
                let mut decoded = Map::new();
                for (key, member) in members {
                    let place = Place {
                        go_type,
                        ..place.entry(0, go_type)
                    };
                    decoded.insert(key.clone(), self.value(item, member, &place)?);
                }
                Ok(Value::Object(decoded))
            }
            (Shape::Int32, Value::Number(number)) => match number.as_i64() {
                Some(whole) if i32::try_from(whole).is_ok() => Ok(whole.into()),
                _ => Err(place.mismatch(raw)),
            },
            (Shape::Int64, Value::Number(number)) => number
                .as_i64()
                .map(Value::from)
                .ok_or_else(|| place.mismatch(raw)),
            (Shape::Time, Value::String(text)) => scalar::time(text),
            (Shape::MicroTime, Value::String(text)) => scalar::micro_time(text),
            (Shape::Quantity, Value::String(_) | Value::Number(_)) => scalar::quantity(raw),
            (Shape::IntOrString, Value::String(_)) => Ok(raw.clone()),
            (Shape::IntOrString, _) => {
                let place = Place {
                    go_type: "int32",
                    ..place.entry(0, "int32")
                };
                self.value(&Shape::Int32, raw, &place)
            }
            (Shape::String, Value::Null) => Ok("".into()),
            _ => Err(place.mismatch(raw)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{ENDPOINT_SLICES, SERVICES};

    #[test]
    fn wrong_types_are_refused_in_go_words() {
        let cases = [
            (
                json!({"spec": {"ports": [{"port": "x"}]}}),
                "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32",
            ),
            (
                json!({"spec": {"type": 3}}),
                "json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType",
            ),
            (
                json!({"spec": {"ports": {}}}),
                "json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort",
            ),
            (
                json!({"metadata": {"labels": {"a": 3}}}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                json!({"spec": {"ports": [{"targetPort": true}]}}),
                "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
            ),
            (
                json!({"spec": {"ports": [{"port": 80.5}]}}),
                "json: cannot unmarshal number 80.5 into Go struct field ServicePort.spec.ports.port of type int32",
            ),
        ];
        for (raw, expected) in cases {
            assert_eq!(decode(&SERVICES, &raw).expect_err("refused"), expected);
        }
    }

    #[test]
    fn unknown_fields_are_pruned_and_named() {
        let raw = json!({"spec": {"foo": 1, "ports": [{"port": 80, "bar": {}}]}, "x": 1});
        let decoded = decode(&SERVICES, &raw).expect("decoded");
        assert_eq!(decoded.unknown, ["spec.foo", "spec.ports[0].bar", "x"]);
        assert_eq!(
            decoded.object["spec"]["ports"],
            json!([{"port": 80, "targetPort": 0}])
        );
    }

    #[test]
    fn zero_values_follow_the_go_types() {
        let service = json!({"metadata": {"labels": {}}, "spec": {"publishNotReadyAddresses": false,
            "allocateLoadBalancerNodePorts": false, "clusterIP": "", "selector": null}});
        let decoded = decode(&SERVICES, &service).expect("decoded").object;
        let expected = json!({"metadata": {}, "spec": {"allocateLoadBalancerNodePorts": false},
            "status": {"loadBalancer": {}}});
        assert_eq!(decoded, expected);
        let slice = decode(&ENDPOINT_SLICES, &json!({"addressType": "IPv4"}))
            .expect("decoded")
            .object;
        assert_eq!(
            slice,
            json!({"addressType": "IPv4", "endpoints": null, "ports": null})
        );
    }
}
