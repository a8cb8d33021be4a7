//! Cluster IPs and node ports: finite pools from which Services are given their share, and to which it returns.
//!
//! The registry opens a [`Lending`] per write; what was taken goes back by itself if the write fails or was a dry run.

mod pools;
pub(crate) mod service;

pub(crate) use pools::{Allocators, Lending};
