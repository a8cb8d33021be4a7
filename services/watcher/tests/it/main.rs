//! The watcher between a simulated Kubernetes API and a planner that does what a test tells it: everything is seen from outside,
//! in the messages of the stream and in the objects of the cluster.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test that they are for"
)]

mod directives;
mod gates;
mod objects;
mod outages;
mod planner;
mod real_api;
mod stream;
mod traces;
mod world;
