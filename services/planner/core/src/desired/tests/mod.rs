//! The desired state, from manifests to what it should be.

mod acting;
mod addresses;
mod adoption;
mod backends;
mod combinations;
mod despite;
mod effects;
mod examples;
mod families;
pub(crate) mod lab;
mod load_balancer;
pub(crate) mod manifest;
mod properties;
mod remedies;
mod shared_groups;
mod standard_fields;
