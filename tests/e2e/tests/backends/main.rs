//! Which nodes and pods are backends, when they come and go, and what that costs, as the cloud sees it.

mod gates;
mod lab;
mod sequences;
