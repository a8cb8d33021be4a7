//! The shell from outside: a fake watcher and a fake actuator speak gRPC to it in memory, on a paused clock. The core is a fake too
//! ([`fake_core`]), so that these tests hold whatever its rules are.

mod batches;
mod bench;
mod directives;
mod fake_actuator;
mod fake_core;
mod fake_watcher;
mod looks;
mod mirror;
mod quotas;
mod scale;
mod snapshots;
mod traces;

pub(crate) use fake_actuator::load_balancer;
pub(crate) use fake_watcher::service;
