//! Objects as they travel in snapshots and deltas: encoded once by the watcher, hashed and stored by both ends.

use clb_model::ServiceKey;
use clb_model::cluster::{Node, Service};
use clb_proto::snapshot::v1;
use prost::Message as _;

use crate::WireError;
use crate::snapshot::{node_from_proto, node_to_proto, service_from_proto, service_to_proto};

/// Kind and key of an object that travels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKey {
    /// A Service.
    Service(ServiceKey),
    /// A Node, by its name.
    Node(String),
}

impl ObjectKey {
    /// The kind in the messages.
    #[must_use]
    pub fn kind(&self) -> v1::ObjectKind {
        match self {
            Self::Service(_) => v1::ObjectKind::Service,
            Self::Node(_) => v1::ObjectKind::Node,
        }
    }

    /// Reads a record's or a deletion's kind and key.
    ///
    /// # Errors
    /// A kind that is unknown, a key that is none of its kind.
    pub fn from_proto(message: &'static str, kind: i32, key: &str) -> Result<Self, WireError> {
        let invalid = |field, value: String, allowed| WireError::Invalid {
            message,
            field,
            value,
            allowed,
        };
        match v1::ObjectKind::try_from(kind) {
            Ok(v1::ObjectKind::Service) => match key.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                    Ok(Self::Service(ServiceKey::new(namespace, name)))
                }
                _ => Err(invalid("key", key.to_owned(), "namespace/name")),
            },
            Ok(v1::ObjectKind::Node) if key.is_empty() => {
                Err(invalid("key", String::new(), "the name of a Node"))
            }
            Ok(v1::ObjectKind::Node) => Ok(Self::Node(key.to_owned())),
            Ok(v1::ObjectKind::Unspecified) | Err(_) => Err(invalid(
                "kind",
                kind.to_string(),
                "OBJECT_KIND_SERVICE or OBJECT_KIND_NODE",
            )),
        }
    }
}

/// The key in the messages, without the kind.
impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(key) => write!(f, "{key}"),
            Self::Node(name) => f.write_str(name),
        }
    }
}

/// An object out of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A Service with its endpoints.
    Service(Box<Service>),
    /// A Node.
    Node(Node),
}

impl Object {
    /// Kind and key.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        match self {
            Self::Service(service) => ObjectKey::Service(service.key.clone()),
            Self::Node(node) => ObjectKey::Node(node.name.clone()),
        }
    }
}

/// Encodes a Service. The same Service gives the same bytes.
#[must_use]
pub fn service_record(service: &Service) -> v1::ObjectRecord {
    v1::ObjectRecord {
        kind: v1::ObjectKind::Service.into(),
        key: service.key.to_string(),
        payload: service_to_proto(service).encode_to_vec(),
        trace: None,
    }
}

/// Encodes a Node. The same Node gives the same bytes.
#[must_use]
pub fn node_record(node: &Node) -> v1::ObjectRecord {
    v1::ObjectRecord {
        kind: v1::ObjectKind::Node.into(),
        key: node.name.clone(),
        payload: node_to_proto(node).encode_to_vec(),
        trace: None,
    }
}

/// Decodes a record.
///
/// # Errors
/// An unknown kind, a payload that is no message of the kind, a value out of its range, a payload for another key.
pub fn decode(record: &v1::ObjectRecord) -> Result<Object, WireError> {
    let key = ObjectKey::from_proto("ObjectRecord", record.kind, &record.key)?;
    let undecodable = |message| {
        move |error: prost::DecodeError| WireError::Undecodable {
            message,
            key: record.key.clone(),
            reason: error.to_string(),
        }
    };
    let object = match key {
        ObjectKey::Service(_) => {
            let message = v1::Service::decode(record.payload.as_slice()).map_err(undecodable("Service"))?;
            Object::Service(Box::new(service_from_proto(message)?))
        }
        ObjectKey::Node(_) => {
            let message = v1::Node::decode(record.payload.as_slice()).map_err(undecodable("Node"))?;
            Object::Node(node_from_proto(message)?)
        }
    };
    if object.key() != key {
        return Err(WireError::Invalid {
            message: "ObjectRecord",
            field: "key",
            value: record.key.clone(),
            allowed: "the key of the object in the payload",
        });
    }
    Ok(object)
}
