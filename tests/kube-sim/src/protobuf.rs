//! Reads the protobuf in which kubectl sends what it makes itself (`kubectl create namespace`, `create service`).
//!
//! Only requests are read; answers are JSON, which every client takes. Field numbers come from `openapi/protobuf-fields.json`,
//! the forms of the fields from the schema. Members that Go embeds into a struct of a Pod's volumes and probes are not read.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::schema::{Shape, TypeId, schemas};

/// What stands before every object.
const MAGIC: &[u8] = b"k8s\0";

/// Number to name, by type.
static FIELDS: LazyLock<HashMap<String, HashMap<u64, String>>> = LazyLock::new(|| {
    let by_name: HashMap<String, HashMap<String, u64>> =
        serde_json::from_str(include_str!("../openapi/protobuf-fields.json")).unwrap_or_default();
    let turned =
        |fields: HashMap<String, u64>| fields.into_iter().map(|(name, number)| (number, name)).collect();
    by_name
        .into_iter()
        .map(|(kind, fields)| (kind, turned(fields)))
        .collect()
});

/// The object as JSON; the error says what is malformed.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let envelope = bytes
        .strip_prefix(MAGIC)
        .ok_or("the body does not begin with the protobuf prefix of Kubernetes")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Wire(envelope) {
        match field? {
            (1, Payload::Bytes(type_meta)) => {
                for field in Wire(type_meta) {
                    match field? {
                        (1, Payload::Bytes(text)) => api_version = utf8(text)?,
                        (2, Payload::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Payload::Bytes(body)) => raw = body,
            _ => {}
        }
    }
    let name = type_name(&api_version, &kind);
    let id = schemas()
        .by_name(&name)
        .ok_or_else(|| format!("no kind \"{kind}\" of \"{api_version}\" is known"))?;
    let mut object = structure(id, raw)?;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    Ok(object)
}

fn type_name(api_version: &str, kind: &str) -> String {
    let package = match (api_version, kind) {
        (_, "DeleteOptions") => "apimachinery.pkg.apis.meta.v1".to_owned(),
        ("v1", _) => "api.core.v1".to_owned(),
        (grouped, _) => {
            let (group, version) = grouped.split_once('/').unwrap_or((grouped, ""));
            format!("api.{}.{version}", group.split('.').next().unwrap_or_default())
        }
    };
    format!("io.k8s.{package}.{kind}")
}

fn structure(id: TypeId, bytes: &[u8]) -> Result<Value, String> {
    let declared = schemas().get(id);
    let Some(numbers) = FIELDS.get(&declared.name) else {
        return Err(format!("{} has no protobuf form here", declared.name));
    };
    let mut members = Map::new();
    for field in Wire(bytes) {
        let (number, payload) = field?;
        let Some((name, field)) = numbers
            .get(&number)
            .and_then(|name| Some((name, declared.fields.get(name)?)))
        else {
            continue;
        };
        match &field.shape {
            Shape::List(item) => {
                let entry = value(item, payload)?;
                let list = members
                    .entry(name.clone())
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(entry);
                }
            }
            Shape::Map(item) => {
                let (key, entry) = map_entry(item, payload)?;
                let map = members
                    .entry(name.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                map.as_object_mut().map(|map| map.insert(key, entry));
            }
            shape => {
                members.insert(name.clone(), value(shape, payload)?);
            }
        }
    }
    Ok(Value::Object(members))
}

fn map_entry(item: &Shape, payload: Payload<'_>) -> Result<(String, Value), String> {
    let (mut key, mut entry) = (String::new(), Value::Null);
    for field in Wire(payload.bytes()?) {
        match field? {
            (1, Payload::Bytes(text)) => key = utf8(text)?,
            (2, payload) => entry = value(item, payload)?,
            _ => {}
        }
    }
    Ok((key, entry))
}

fn value(shape: &Shape, payload: Payload<'_>) -> Result<Value, String> {
    Ok(match shape {
        Shape::Struct(id) => structure(*id, payload.bytes()?)?,
        Shape::String => utf8(payload.bytes()?)?.into(),
        Shape::Bytes => STANDARD.encode(payload.bytes()?).into(),
        Shape::Bool => (payload.number()? != 0).into(),
        Shape::Int32 | Shape::Int64 => payload.number()?.into(),
        Shape::Quantity => {
            let mut text = String::new();
            for field in Wire(payload.bytes()?) {
                if let (1, Payload::Bytes(bytes)) = field? {
                    text = utf8(bytes)?;
                }
            }
            text.into()
        }
        Shape::IntOrString => int_or_string(payload.bytes()?)?,
        Shape::Time | Shape::MicroTime => time(payload.bytes()?, shape)?,
        // FieldsV1 and RawExtension hold JSON.
        Shape::Any => {
            let mut held = Value::Null;
            for field in Wire(payload.bytes()?) {
                if let (1, Payload::Bytes(bytes)) = field? {
                    held = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
                }
            }
            held
        }
        Shape::Float | Shape::List(_) | Shape::Map(_) => {
            return Err("a form that protobuf does not nest".to_owned());
        }
    })
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in Wire(bytes) {
        match field? {
            (1, payload) => is_text = payload.number()? == 1,
            (2, payload) => number = payload.number()?,
            (3, payload) => text = utf8(payload.bytes()?)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

/// Seconds and nanoseconds; neither is no time.
fn time(bytes: &[u8], shape: &Shape) -> Result<Value, String> {
    let (mut seconds, mut nanoseconds) = (0, 0);
    for field in Wire(bytes) {
        match field? {
            (1, payload) => seconds = payload.number()?,
            (2, payload) => nanoseconds = payload.number()?,
            _ => {}
        }
    }
    if seconds == 0 && nanoseconds == 0 {
        return Ok(Value::Null);
    }
    let nanoseconds = i32::try_from(nanoseconds).map_err(|error| error.to_string())?;
    let at = Timestamp::new(seconds, nanoseconds).map_err(|error| error.to_string())?;
    let format = if *shape == Shape::MicroTime {
        "%Y-%m-%dT%H:%M:%S.%6fZ"
    } else {
        "%Y-%m-%dT%H:%M:%SZ"
    };
    Ok(at.strftime(format).to_string().into())
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())
}

/// What follows a field's number.
#[derive(Debug, Clone, Copy)]
enum Payload<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Payload<'a> {
    fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err("a number where a text or a message belongs".to_owned()),
        }
    }

    /// Negative numbers travel as 64-bit two's complement.
    fn number(self) -> Result<i64, String> {
        match self {
            Self::Number(number) => Ok(number.cast_signed()),
            Self::Bytes(_) => Err("a text or a message where a number belongs".to_owned()),
        }
    }
}

/// The fields of a message.
struct Wire<'a>(&'a [u8]);

impl Wire<'_> {
    fn varint(&mut self) -> Result<u64, String> {
        let mut number = 0_u64;
        for position in 0..10 {
            let (byte, rest) = self.0.split_first().ok_or("the message ends within a number")?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number of more than ten bytes".to_owned())
    }
}

impl<'a> Wire<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("the message ends within a field")?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Payload<'a>), String> {
        let tag = self.varint()?;
        let payload = match tag & 7 {
            0 => Payload::Number(self.varint()?),
            1 => Payload::Bytes(self.take(8)?),
            2 => {
                let length = self.varint()?;
                Payload::Bytes(self.take(length)?)
            }
            5 => Payload::Bytes(self.take(4)?),
            other => return Err(format!("a field of the unknown form {other}")),
        };
        Ok((tag >> 3, payload))
    }
}

impl<'a> Iterator for Wire<'a> {
    type Item = Result<(u64, Payload<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A length-delimited field.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        [&[number << 3 | 2, length], content].concat()
    }

    #[test]
    fn a_service_is_read() {
        let port = [
            field(2, b"TCP"),
            vec![3 << 3, 80],
            field(4, &[1 << 3, 1, 2 << 3, 0, 3 << 3 | 2, 4, b'h', b't', b't', b'p']),
        ]
        .concat();
        let spec = [
            field(1, &port),
            field(2, &[field(1, b"app"), field(2, b"x")].concat()),
        ]
        .concat();
        let service = [field(1, &field(1, b"web")), field(2, &spec)].concat();
        let type_meta = [field(1, b"v1"), field(2, b"Service")].concat();
        let body = [MAGIC, &field(1, &type_meta), &field(2, &service)].concat();
        let expected = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"ports": [{"protocol": "TCP", "port": 80, "targetPort": "http"}], "selector": {"app": "x"}}});
        assert_eq!(decode(&body), Ok(expected));
    }

    #[test]
    fn broken_bodies_are_refused() {
        assert!(decode(b"{}").is_err());
        assert!(decode(b"k8s\0\x0a\x7f").is_err());
        assert!(decode(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }
}
