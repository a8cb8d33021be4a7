//! Passes from the first to the last, against a model of the cloud.

mod addresses;
mod adoption;
mod backends;
mod cleanup;
pub(crate) mod cloud;
mod creation;
mod examples;
mod foreign;
mod in_use;
mod instance;
mod kept;
mod kept_groups;
mod leaving;
mod left_out;
mod listeners;
mod moment;
mod moving;
mod notices;
mod payment;
mod properties;
mod quotas;
mod readiness_gates;
mod reuse;
mod shared_marks;
mod source_ranges;
mod standard_fields;
pub(crate) mod world;
