//! The rules of change: what cannot change and says so, what was set by hand, what is paid, and how a CLB goes.

mod by_hand;
mod deletion;
mod immutable;
mod payment;
