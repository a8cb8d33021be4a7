//! The planner's end of the snapshot stream: who may speak for a cluster, what has been said, how fresh it is.
//!
//! - [`server`]: the gRPC service; identity and admission;
//! - [`gate`]: one stream per cluster, older epochs refused;
//! - [`session`]: the conversation on one stream;
//! - `strangers`: watchers of another cluster under the id of one that is known;
//! - [`staging`]: full snapshots and deltas, checked by count and digest;
//! - [`freshness`]: when a cluster is frozen.

pub(crate) mod freshness;
pub(crate) mod gate;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod staging;
mod strangers;
