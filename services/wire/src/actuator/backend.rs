//! `Backend` and `Version`, which observed groups and operations share.

use clb_model::cloud::{Backend, BackendTarget};
use clb_model::version::PartVersion;
use clb_proto::actuator::v1;

use crate::WireError;
use crate::field::{Reader, non_empty};

const BACKEND: Reader = Reader("Backend");

pub(super) fn version_to_proto(version: PartVersion) -> v1::Version {
    v1::Version {
        term: version.term,
        number: version.number,
    }
}

pub(super) fn version_from_proto(message: v1::Version) -> PartVersion {
    PartVersion {
        term: message.term,
        number: message.number,
    }
}

pub(super) fn required_version(
    message: Reader,
    version: Option<v1::Version>,
) -> Result<PartVersion, WireError> {
    message
        .required("version", version, "the part's version in the mirror")
        .map(version_from_proto)
}

pub(super) fn backend_to_proto(backend: &Backend) -> v1::Backend {
    let (server_id, kind, server_ip) = match &backend.target {
        BackendTarget::Instance(id) => (id.clone(), "ecs", String::new()),
        BackendTarget::Interface { address, eni, eci } => (
            eni.clone().unwrap_or_default(),
            if *eci { "eci" } else { "eni" },
            address.to_string(),
        ),
    };
    v1::Backend {
        server_id,
        r#type: kind.to_owned(),
        server_ip,
        port: backend.port.into(),
        weight: backend.weight.into(),
        description: backend.description.clone(),
    }
}

pub(super) fn backend_from_proto(message: v1::Backend) -> Result<Backend, WireError> {
    let target = match message.r#type.as_str() {
        "ecs" if message.server_id.is_empty() => {
            return Err(BACKEND.invalid("server_id", "", "the id of an ECS instance"));
        }
        "ecs" => BackendTarget::Instance(message.server_id),
        kind @ ("eni" | "eci") => BackendTarget::Interface {
            address: BACKEND.address("server_ip", &message.server_ip)?,
            eni: non_empty(message.server_id),
            eci: kind == "eci",
        },
        other => return Err(BACKEND.invalid("type", other, "ecs, eni or eci")),
    };
    let weight = u8::try_from(message.weight)
        .ok()
        .filter(|weight| *weight <= 100)
        .ok_or_else(|| BACKEND.invalid("weight", message.weight, "0 to 100"))?;
    Ok(Backend {
        target,
        port: BACKEND.port("port", message.port)?,
        weight,
        description: message.description,
    })
}

pub(super) fn backends_to_proto(backends: &[Backend]) -> Vec<v1::Backend> {
    backends.iter().map(backend_to_proto).collect()
}

pub(super) fn backends_from_proto(messages: Vec<v1::Backend>) -> Result<Vec<Backend>, WireError> {
    messages.into_iter().map(backend_from_proto).collect()
}
