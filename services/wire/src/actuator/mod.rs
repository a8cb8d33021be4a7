//! Package `clb.actuator.v1`: what the planner asks of the cloud and what it hears of it.

mod backend;
mod batch;
mod change;
mod inspect;
mod listener;
mod load_balancer;
mod result;
mod view;

pub use batch::{batch_from_proto, batch_to_proto, operation_from_proto, operation_to_proto};
pub use inspect::{
    AclFact, CertificateFact, Facts, InspectQuery, Subject, VSwitchFact, facts_from_proto, facts_to_proto,
    inspect_query_from_proto, inspect_query_to_proto,
};
pub use load_balancer::{load_balancer_from_proto, load_balancer_to_proto};
pub use result::{operation_result_from_proto, operation_result_to_proto};
pub use view::{
    Interest, MirrorUpdate, interest_from_proto, interest_to_proto, mirror_update_from_proto,
    mirror_update_to_proto,
};
