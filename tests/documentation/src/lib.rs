//! The pages of `docs/` that are made from the three services' own declarations, so that they cannot differ from them. The pages that
//! are made from tables of one crate are made there (`clb-planner-core`: annotations, `clbctl`: conditions and events).
//!
//! This crate's tests compare the pages with the files, and check the files of `deploy/` against the code.

pub mod configuration;
pub mod manifests;
pub mod metrics;

use std::path::{Path, PathBuf};

/// A path in the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
