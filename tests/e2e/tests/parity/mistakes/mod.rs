//! Every kind of mistake of a Service, each told at once and before the first write to the cloud.

mod addresses;
mod combinations;
mod in_force;
mod remarks;
mod table;
mod told;
mod unanswered;
mod unknown;
mod values;
