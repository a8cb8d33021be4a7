//! `Ingress` and `Condition`, which travel both ways.

use clb_model::cluster::{Condition, ConditionStatus, Ingress, IpMode, PortStatus};
use clb_proto::snapshot::v1;

use super::service::transport_from_name;
use crate::WireError;
use crate::field::{Reader, non_empty};

const INGRESS: Reader = Reader("Ingress");
const PORT_STATUS: Reader = Reader("PortStatus");
const CONDITION: Reader = Reader("Condition");

pub(super) fn ingress_to_proto(ingress: &Ingress) -> v1::Ingress {
    v1::Ingress {
        ip: ingress.ip.clone().unwrap_or_default(),
        hostname: ingress.hostname.clone().unwrap_or_default(),
        ip_mode: match ingress.ip_mode {
            None => "",
            Some(IpMode::Vip) => "VIP",
            Some(IpMode::Proxy) => "Proxy",
        }
        .to_owned(),
        ports: ingress
            .ports
            .iter()
            .map(|port| v1::PortStatus {
                port: port.port.into(),
                protocol: port.transport.as_str().to_owned(),
                error: port.error.clone().unwrap_or_default(),
            })
            .collect(),
    }
}

pub(super) fn ingress_from_proto(message: v1::Ingress) -> Result<Ingress, WireError> {
    Ok(Ingress {
        ip: non_empty(message.ip),
        hostname: non_empty(message.hostname),
        ip_mode: match message.ip_mode.as_str() {
            "" => None,
            "VIP" => Some(IpMode::Vip),
            "Proxy" => Some(IpMode::Proxy),
            other => return Err(INGRESS.invalid("ip_mode", other, "VIP, Proxy or empty")),
        },
        ports: message
            .ports
            .into_iter()
            .map(|port| {
                Ok(PortStatus {
                    port: PORT_STATUS.port("port", port.port)?,
                    transport: transport_from_name(PORT_STATUS, &port.protocol)?,
                    error: non_empty(port.error),
                })
            })
            .collect::<Result<_, WireError>>()?,
    })
}

pub(super) fn condition_to_proto(condition: &Condition) -> v1::Condition {
    v1::Condition {
        r#type: condition.kind.clone(),
        status: match condition.status {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        }
        .to_owned(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    }
}

pub(super) fn condition_from_proto(message: v1::Condition) -> Result<Condition, WireError> {
    Ok(Condition {
        kind: message.r#type,
        status: match message.status.as_str() {
            "True" => ConditionStatus::True,
            "False" => ConditionStatus::False,
            "Unknown" => ConditionStatus::Unknown,
            other => return Err(CONDITION.invalid("status", other, "True, False or Unknown")),
        },
        reason: message.reason,
        message: message.message,
    })
}
