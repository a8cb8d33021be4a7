//! A real Kubernetes API for tests: kube-apiserver and etcd on free loopback ports, gone when the test is.
//!
//! The end-to-end suite and kube-sim's conformance suite call [`ControlPlane::start`]. It answers `None` where there are no
//! binaries, so that tests can say that they did not run; [`binaries::find`] says where it looked. `build` beside this crate
//! puts the binaries there. No controllers run: nothing makes EndpointSlices, sets nodes Ready or empties a namespace.

pub mod binaries;
mod certificates;
mod control_plane;
mod process;

pub use control_plane::{ControlPlane, StartError};
