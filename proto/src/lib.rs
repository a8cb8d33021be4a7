//! The gRPC messages and services between watcher, planner and actuator, compiled from the `.proto` files beside this crate.
//!
//! Only the edges of the services use these types: `clb-wire` turns them into domain types and back.

// The generated code has the comments of the .proto files, which are no rustdoc.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(rustdoc::all)]

/// The stream between a cluster's watcher and the planner.
pub mod snapshot {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("clb.snapshot.v1");
    }
}

/// The planner's side of the cloud.
pub mod actuator {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("clb.actuator.v1");
    }
}

/// What the planner tells operators.
pub mod planner {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("clb.planner.v1");
    }
}

/// The encoded descriptors of all packages, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
