//! Carries out what the planner directs, Service by Service: see `clb.snapshot.v1.Directive`.
//!
//! [`queue`] holds what waits, in order per Service; [`runner`] takes from it; [`apply`] carries out one directive with the writes that
//! [`patch`] computes, the gates that [`gates`] sets on pods and the events that [`events`] sends.

mod apply;
mod events;
mod gates;
mod patch;
mod queue;
mod runner;

pub(crate) use queue::DirectiveQueue;
pub(crate) use runner::Runner;
