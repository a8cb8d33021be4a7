//! One suite against two APIs: kube-sim always, a real kube-apiserver where `clb-envtest` finds one.
//!
//! A scenario sends requests and keeps a transcript of the answers. The expected transcripts in `snapshots/` were recorded
//! from the real one (`INSTA_UPDATE=always … conformance -- real`); where kube-sim differs, kube-sim is wrong.

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
