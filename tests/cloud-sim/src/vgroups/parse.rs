//! Reads the JSON list in `BackendServers`.

use serde_json::{Map, Value};

use super::Backend;
use crate::account::Owner;
use crate::errors::{self, ApiError};

/// A backend as a call names it. What is left out is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub server_id: String,
    pub port: u16,
    pub weight: Option<u8>,
    pub kind: String,
    pub server_ip: Option<String>,
    pub description: Option<String>,
}

impl Named {
    /// The backend to add.
    pub(super) fn to_backend(&self, owner: Owner) -> Backend {
        Backend {
            server_id: self.server_id.clone(),
            port: self.port,
            weight: self.weight.unwrap_or(100),
            kind: self.kind.clone(),
            server_ip: self.server_ip.clone().unwrap_or_default(),
            description: self.description.clone().unwrap_or_default(),
            owner,
        }
    }

    /// Whether it means this backend of a group.
    pub(super) fn means(&self, backend: &Backend) -> bool {
        self.server_id == backend.server_id
            && self.port == backend.port
            && (backend.kind == "ecs" || self.server_ip.as_ref().is_none_or(|ip| *ip == backend.server_ip))
    }
}

/// Parses a list of backends.
///
/// # Errors
/// Not a list, an empty one, or more than `most`; a field with a value that it may not have.
pub(super) fn parse(text: &str, most: usize) -> Result<Vec<Named>, ApiError> {
    let list: Vec<Value> =
        serde_json::from_str(text).map_err(|_| ApiError::from(errors::BACKENDS_MALFORMED))?;
    if list.is_empty() {
        return Err(errors::BACKENDS_MALFORMED.into());
    }
    if list.len() > most {
        return Err(errors::TOO_MANY_BACKENDS.into());
    }
    list.iter().map(parse_one).collect()
}

fn parse_one(item: &Value) -> Result<Named, ApiError> {
    let fields = item
        .as_object()
        .ok_or_else(|| ApiError::from(errors::BACKENDS_MALFORMED))?;
    let kind = text(fields, "Type")?
        .filter(|kind| !kind.is_empty())
        .unwrap_or_else(|| "ecs".to_owned());
    if !matches!(kind.as_str(), "ecs" | "eni" | "eci") {
        return Err(errors::BACKEND_TYPE.into());
    }
    let server_id = text(fields, "ServerId")?.filter(|id| !id.is_empty());
    let server_id = server_id.ok_or_else(|| ApiError::from(errors::BACKENDS_MALFORMED))?;
    let port = text(fields, "Port")?
        .and_then(|port| port.parse().ok())
        .filter(|port| *port > 0);
    let port = port.ok_or_else(|| ApiError::from(errors::BACKENDS_MALFORMED))?;
    let weight = match text(fields, "Weight")? {
        None => None,
        Some(weight) => {
            let parsed = weight.parse().ok().filter(|weight| *weight <= 100);
            Some(parsed.ok_or_else(|| ApiError::from(errors::WEIGHT_MALFORMED))?)
        }
    };
    let description = text(fields, "Description")?;
    if description.as_ref().is_some_and(|text| text.chars().count() > 80) {
        return Err(errors::BACKENDS_MALFORMED.into());
    }
    let server_ip = text(fields, "ServerIp")?.filter(|ip| !ip.is_empty());
    Ok(Named {
        server_id,
        port,
        weight,
        kind,
        server_ip,
        description,
    })
}

/// A field as text: numbers may be numbers or text.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(errors::BACKENDS_MALFORMED.into()),
    }
}
