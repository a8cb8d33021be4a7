//! Which Services travel: those that get a CLB, and those that still carry our finalizer. One that was handed over to another
//! controller with our finalizer on it travels too: the planner says so in an event.

use clb_model::cluster::Service;
use clb_model::ownership::{Candidate, Standing, remembered_class, standing};

/// Whether the planner has to know of the Service. `class` is the load balancer class that we are configured with.
pub(crate) fn travels(service: &Service, class: Option<&str>) -> bool {
    let candidate = Candidate {
        service_type: service.service_type,
        load_balancer_class: service.load_balancer_class.as_deref(),
        annotations: &service.annotations,
        remembered_class: remembered_class(&service.conditions),
        deleting: service.deleting,
        finalizer: service.finalizer,
    };
    standing(candidate, class) != Standing::Foreign
}
