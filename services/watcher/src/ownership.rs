//! Which Services travel: those that get a CLB, and those that still carry our finalizer.

use clb_model::cluster::Service;
use clb_model::ownership::{Candidate, Standing, remembered_class, standing};

/// What is to become of a Service, see [`clb_model::ownership`]. `class` is the load balancer class that we are configured with.
pub(crate) fn standing_of(service: &Service, class: Option<&str>) -> Standing {
    let candidate = Candidate {
        service_type: service.service_type,
        load_balancer_class: service.load_balancer_class.as_deref(),
        annotations: &service.annotations,
        remembered_class: remembered_class(&service.conditions),
        deleting: service.deleting,
        finalizer: service.finalizer,
    };
    standing(candidate, class)
}

/// Whether the planner has to know of it. One that was handed over to another controller travels too: the planner says so in an
/// event.
pub(crate) fn travels(service: &Service, class: Option<&str>) -> bool {
    standing_of(service, class) != Standing::Foreign
}
