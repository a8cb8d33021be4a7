//! Turns the messages between the services into the domain types of `clb-model` and back: the only place where both meet.
//!
//! Called by the edges of watcher, planner and actuator. Every conversion is a pair `x_to_proto` / `x_from_proto`; what comes
//! from a peer is checked here once, so that the domain types hold only values that make sense.
//!
//! * [`snapshot`]: Services, Nodes, directives, the greeting of the snapshot stream.
//! * [`records`]: objects as they travel, encoded once.
//! * [`digest`]: what both ends of the stream compare.
//! * [`actuator`]: batches and their results, observed CLBs, interests, facts about things that annotations name.

pub mod actuator;
pub mod digest;
pub mod records;
pub mod snapshot;

mod error;
mod field;

pub use error::WireError;
