//! End-to-end scenarios: the three services over real gRPC between a Kubernetes API and the simulated cloud.
//!
//! The tests in `tests/` use [`Stage`]: each scenario runs against kube-sim always, and against a real kube-apiserver and etcd where
//! they are to be had. What is asserted is what the cloud and the API server say.

#![expect(clippy::panic, clippy::expect_used, reason = "a panic is how a test fails")]

mod checks;
mod cloud;
mod logs;
mod nodes;
mod services;
mod settled;
mod sketch;
mod stage;

pub use checks::assert_check;
pub use cloud::{
    backend_instances, find_load_balancer, listener, listeners, load_balancer_of, our_load_balancers, text,
    uid_of, vgroup_names,
};
pub use logs::Logs;
pub use nodes::{add_node, remove_node};
pub use services::{delete_all_services, events_of, ingress_of, json, manifest, service_api};
pub use settled::assert_settled;
pub use sketch::Sketch;
pub use stage::{Api, Stage, repository};
