//! The whole chain on one machine: simulated clusters and a simulated cloud, joined by the three real services over real gRPC.
//!
//! `clb-sandbox` is the command; the end-to-end suite uses the same [`world`] with a real kube-apiserver.

pub mod apply;
pub mod certificates;
pub mod cli;
pub mod manifests;
pub mod page;
pub mod report;
pub mod up;
pub mod view;
pub mod workload;
pub mod world;
