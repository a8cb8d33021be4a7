//! One suite against two APIs: kube-sim always, a real kube-apiserver where `clb-envtest` finds one.
//!
//! A scenario sends requests and keeps a transcript of the answers. The expected transcripts in `snapshots/` were recorded
//! from the real one (`INSTA_UPDATE=always … conformance -- real`); where kube-sim differs, kube-sim is wrong.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "helpers of tests may panic as tests do, and literals read best by value"
)]

mod harness;

mod deleting;
mod discovering;
mod kubectl;
mod objects;
mod patches;
mod reading;
mod services_create;
mod services_update;
mod tables;
mod watching;
