//! The actuator as a planner meets it: over gRPC, in front of the simulated cloud.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests do"
)]

mod access_lists;
mod addresses;
mod backends;
mod batches;
mod changes;
mod confirmed;
mod credentials;
mod faults;
mod lab;
mod last_look;
mod mirror;
mod own_writes;
mod plans;
mod shutdown;
mod unanswered;
mod waiting;
