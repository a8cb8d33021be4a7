//! From what the API server says to the domain's types: defaults filled in, order fixed, what does not matter left out. Pure
//! functions: the same objects give the same values, and those the same bytes on the wire.

mod endpoints;
mod node;
mod pod;
mod service;

pub(crate) use endpoints::{Slice, merge, slice};
pub(crate) use node::node;
pub(crate) use pod::{GatedPod, mark_gated, pod};
pub(crate) use service::{ingress, service, service_key};

/// An object that the API server should not have let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}, which the API server should not have accepted; allowed is {allowed}")]
pub(crate) struct Unusable {
    /// The field's path.
    pub(crate) field: &'static str,
    /// Its value.
    pub(crate) value: String,
    /// What is allowed.
    pub(crate) allowed: &'static str,
}

impl Unusable {
    fn new(field: &'static str, value: impl Into<String>, allowed: &'static str) -> Self {
        Self {
            field,
            value: value.into(),
            allowed,
        }
    }
}

fn port(field: &'static str, number: i32) -> Result<u16, Unusable> {
    u16::try_from(number)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| Unusable::new(field, number.to_string(), "1 to 65535"))
}

/// TCP is the default of every `protocol` in the API.
fn transport(field: &'static str, name: Option<&str>) -> Result<clb_model::cluster::Transport, Unusable> {
    use clb_model::cluster::Transport;
    match name {
        None | Some("" | "TCP") => Ok(Transport::Tcp),
        Some("UDP") => Ok(Transport::Udp),
        Some("SCTP") => Ok(Transport::Sctp),
        Some(other) => Err(Unusable::new(field, other, "TCP, UDP or SCTP")),
    }
}
