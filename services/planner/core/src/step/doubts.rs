//! What holds a Service up only by what the mirror showed of a CLB at its last look. A person may have put it right since: such a CLB is
//! looked at again, see [`super::Step::doubtful`].

use clb_model::LoadBalancerId;
use clb_model::cluster::Service;

use super::pass::Pass;
use crate::conditions::reason;
use crate::find::{FindError, interest};
use crate::plan::Plan;

/// The user's CLB, or a group on it, is not as annotations need it.
pub(super) fn doubt_refusal(pass: &mut Pass<'_>, service: &Service) {
    pass.doubtful.extend(interest(service));
}

/// Which CLB is the Service's cannot be told, or the one that it names cannot be used.
pub(super) fn doubt_search(pass: &mut Pass<'_>, error: &FindError) {
    match error {
        FindError::Ambiguous { ids } => pass.doubtful.extend(ids.iter().cloned()),
        FindError::NoSuchLoadBalancer { id }
        | FindError::NotReusable { id, .. }
        | FindError::OtherCluster { id, .. } => {
            pass.doubtful.insert(id.clone());
        }
        // An address does not change, and a CLB that is gone does not come back.
        FindError::Gone { .. } | FindError::OtherAddress { .. } => {}
    }
}

/// A listener is in the way, or a group is missing.
pub(super) fn doubt_obstacles(pass: &mut Pass<'_>, plan: &Plan, load_balancer: &LoadBalancerId) {
    let is_of_the_clb = |of: &str| of == reason::LISTENER_CONFLICT || of == reason::VSERVER_GROUP_MISSING;
    if plan
        .obstacles
        .iter()
        .any(|obstacle| is_of_the_clb(obstacle.reason))
    {
        pass.doubtful.insert(load_balancer.clone());
    }
}
