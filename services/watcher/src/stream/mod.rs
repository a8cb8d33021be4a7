//! The stream to the planner: state up, directives down. See the design's section "Snapshot stream".
//!
//! [`link`] opens streams for as long as the watcher lives; [`session`] is one of them; [`snapshot`] and [`delta`] make its
//! messages; [`ledger`] remembers what has been sent on it.

mod delta;
mod ledger;
mod link;
mod session;
mod snapshot;

pub(crate) use link::{Link, StreamTiming};
