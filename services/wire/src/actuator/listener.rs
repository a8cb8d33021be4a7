//! Listeners: their keys and attributes, observed or in operations.

use std::collections::BTreeMap;

use clb_model::attribute::{AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{DomainExtension, Listener, ListenerKey};
use clb_proto::actuator::v1;

use super::backend::{required_version, version_to_proto};
use crate::WireError;
use crate::field::Reader;

const LISTENER: Reader = Reader("Listener");

/// What to do about an attribute whose name is not in our table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownNames {
    /// A newer actuator reports more than this planner knows: that is no fault.
    Ignore,
    /// An operation that is carried out in part would do what nobody asked for.
    Refuse,
}

pub(super) fn key_from_proto(message: Reader, protocol: &str, port: u32) -> Result<ListenerKey, WireError> {
    Ok(ListenerKey {
        port: message.port("port", port)?,
        protocol: message.text("protocol", protocol)?,
    })
}

pub(super) fn attributes_to_proto(attributes: &ListenerAttributes) -> BTreeMap<String, String> {
    attributes
        .iter()
        .map(|(attribute, value)| (attribute.name().to_owned(), value.to_string()))
        .collect()
}

pub(super) fn attributes_from_proto(
    message: Reader,
    attributes: BTreeMap<String, String>,
    unknown: UnknownNames,
) -> Result<ListenerAttributes, WireError> {
    let mut known = ListenerAttributes::new();
    for (name, text) in attributes {
        match ListenerAttribute::by_name(&name) {
            Some(attribute) => {
                let value = AttributeValue::parse(attribute, &text)
                    .map_err(|invalid| message.invalid(attribute.name(), text, invalid.allowed))?;
                known.set(attribute, value);
            }
            None if unknown == UnknownNames::Ignore => {}
            None => return Err(message.invalid("attributes", name, "the names of ListenerAttribute")),
        }
    }
    Ok(known)
}

pub(super) fn listener_to_proto(key: ListenerKey, listener: &Listener) -> v1::Listener {
    v1::Listener {
        version: Some(version_to_proto(listener.version)),
        protocol: key.protocol.to_string(),
        port: key.port.into(),
        running: listener.running,
        vgroup_id: listener
            .vgroup
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        attributes: attributes_to_proto(&listener.attributes),
        domain_extensions: listener
            .domain_extensions
            .iter()
            .map(|(domain, extension)| v1::DomainExtension {
                id: extension.id.clone(),
                domain: domain.clone(),
                certificate_id: extension.certificate_id.clone(),
            })
            .collect(),
    }
}

pub(super) fn listener_from_proto(message: v1::Listener) -> Result<(ListenerKey, Listener), WireError> {
    let key = key_from_proto(LISTENER, &message.protocol, message.port)?;
    let listener = Listener {
        version: required_version(LISTENER, message.version)?,
        running: message.running,
        vgroup: LISTENER.optional_text("vgroup_id", &message.vgroup_id)?,
        attributes: attributes_from_proto(LISTENER, message.attributes, UnknownNames::Ignore)?,
        domain_extensions: message
            .domain_extensions
            .into_iter()
            .map(|extension| {
                (
                    extension.domain,
                    DomainExtension {
                        id: extension.id,
                        certificate_id: extension.certificate_id,
                    },
                )
            })
            .collect(),
    };
    Ok((key, listener))
}
