//! Parity with Alibaba's own controller, end to end: the annotation reference's examples, what that controller leaves behind, every
//! kind of mistake, every change from one example to another, and CLBs that Services share with their users.
//!
//! What is asserted is what the simulated cloud shows, in the field names of Describe, against tables written from the reference.

#![expect(clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

mod adoption;
mod changing;
mod events;
mod examples;
mod expected;
mod finding;
mod lab;
mod listeners;
mod mistakes;
mod ours;
mod reuse;
mod shown;
mod status;
mod transitions;
