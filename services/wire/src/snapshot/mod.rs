//! Package `clb.snapshot.v1`: what a watcher says about its cluster and what the planner directs it to write.

mod directive;
mod endpoints;
mod node;
mod service;
mod session;
mod status;

pub use directive::{
    directive_from_proto, directive_result_from_proto, directive_result_to_proto, directive_to_proto,
};
pub use endpoints::{endpoint_set_from_proto, endpoint_set_to_proto};
pub use node::{node_from_proto, node_to_proto};
pub use service::{service_from_proto, service_to_proto};
pub use session::{
    Hello, ResumePoint, epoch_from_proto, epoch_to_proto, heartbeat_from_proto, heartbeat_to_proto,
    hello_from_proto, hello_to_proto,
};
