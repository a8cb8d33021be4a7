//! A Service or a Node changes, and its CLB follows: what was asked for is changed, nothing else is, and a second look finds nothing to do.

mod annotations;
mod crowd;
mod lifecycle;
mod nodes;
mod ports;
