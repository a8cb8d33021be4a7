//! The objects that we read, with only the fields that we need: a full `k8s-openapi` type takes five times the memory and a
//! third more time to decode, and none of the rest is looked at.
//!
//! They live only from the API server's answer to [`crate::normalize`]; the stores hold domain types.

mod endpoint_slice;
mod metadata;
mod node;
mod pod;
mod service;

pub(crate) use endpoint_slice::{EndpointSlice, SERVICE_NAME_LABEL, SliceEndpoint, SlicePort};
pub(crate) use node::{Node, NodeCondition};
pub(crate) use pod::Pod;
pub(crate) use service::{Service, ServiceIngress, ServicePort};
