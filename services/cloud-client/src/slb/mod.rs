//! The calls of the SLB API, version 2014-05-15.

pub(crate) mod access_control;
pub(crate) mod certificates;
pub(crate) mod domain_extensions;
pub(crate) mod listener_attributes;
pub(crate) mod listeners;
pub(crate) mod load_balancers;
pub(crate) mod vgroups;
pub(crate) mod zones;
