//! End-to-end scenarios: the three services over real gRPC between a Kubernetes API and the simulated cloud.
//!
//! The tests in `tests/` use [`Stage`]: each scenario runs against kube-sim always, and against a real kube-apiserver and etcd where
//! they are to be had. What is asserted is what the cloud and the API server say.

mod cloud;
mod services;
mod stage;

pub use cloud::{listener, load_balancer_of, our_load_balancers};
pub use services::{delete_all_services, events_of, ingress_of, json, manifest, service_api};
pub use stage::{Api, Stage, repository};
