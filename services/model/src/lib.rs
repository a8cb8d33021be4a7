//! Plain domain types that the services share: what Kubernetes says ([`cluster`]), what the cloud holds ([`cloud`]), what is to be
//! done about it ([`operation`], [`directive`]), the [`events`] that tell people, and the names that mark things as ours ([`marks`]).
//!
//! No I/O and no messages: `clb-wire` turns these into messages and back. The types hold only values that make sense, so code
//! that has one needs no further check.

pub mod api_text;
pub mod attribute;
pub mod cloud;
pub mod cluster;
pub mod directive;
pub mod events;
pub mod identity;
pub mod marks;
pub mod operation;
pub mod ownership;
pub mod version;

pub use identity::{ClusterId, InvalidText, LoadBalancerId, ServiceKey, ServiceUid, VServerGroupId};
