//! The vServer group of a port cannot be changed by the annotation `vgroup-port` once the Service has a CLB: a port stays with the group
//! that its backends are in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clb_model::VServerGroupId;
use clb_model::cloud::LoadBalancer;
use clb_model::events::reason::ANNOTATION_CHANGED;

use super::draft::Draft;
use super::marked::{is_our_listener, is_our_vgroup};
use super::{PlanContext, group_name};
use crate::annotations::backend::VGROUP_PORT;
use crate::desired::{DesiredListener, DesiredVServerGroup, VServerGroupIdentity};

/// The groups and listeners with the groups that are in force.
pub(super) struct InForce<'d> {
    pub(super) vgroups: Cow<'d, [DesiredVServerGroup]>,
    pub(super) listeners: Cow<'d, [DesiredListener]>,
}

/// Puts the group that a port uses in the place of another that the annotation now names, and says so.
pub(super) fn in_force<'d>(
    draft: &mut Draft,
    context: PlanContext<'_>,
    vgroups: &'d [DesiredVServerGroup],
    listeners: &'d [DesiredListener],
    observed: Option<&LoadBalancer>,
) -> InForce<'d> {
    let mut result = InForce {
        vgroups: Cow::Borrowed(vgroups),
        listeners: Cow::Borrowed(listeners),
    };
    let Some(load_balancer) = observed.filter(|_| !context.service.ingress.is_empty()) else {
        return result;
    };
    let mut kept: BTreeMap<&VServerGroupIdentity, VServerGroupIdentity> = BTreeMap::new();
    for (index, group) in vgroups.iter().enumerate() {
        let shares_mark = vgroups
            .iter()
            .any(|other| other.mark == group.mark && other.identity != group.identity);
        let Some(present) = present(context, load_balancer, group, listeners, shares_mark) else {
            continue;
        };
        draft.notice(
            true,
            ANNOTATION_CHANGED,
            format!(
                "annotation {} {}, but the backends of the Service are in {} and this cannot be changed: they stay there",
                context.name_of(&VGROUP_PORT),
                what_it_says(context, &group.identity, &present),
                group_name(&present)
            ),
        );
        if let Some(changed) = result.vgroups.to_mut().get_mut(index) {
            changed.identity = present.clone();
        }
        draft.replace_group(&group.identity, Some(&present));
        kept.insert(&group.identity, present);
    }
    if kept.is_empty() {
        return result;
    }
    for (index, listener) in listeners.iter().enumerate() {
        let identity = listener.vgroup.as_ref().and_then(|identity| kept.get(identity));
        if let (Some(identity), Some(changed)) = (identity, result.listeners.to_mut().get_mut(index)) {
            changed.vgroup = Some(identity.clone());
        }
    }
    result
}

/// What became of the annotation.
fn what_it_says(
    context: PlanContext<'_>,
    wanted: &VServerGroupIdentity,
    present: &VServerGroupIdentity,
) -> String {
    match wanted {
        VServerGroupIdentity::Reused(_) => format!("now asks for {}", group_name(wanted)),
        VServerGroupIdentity::Own(_) if VGROUP_PORT.written_in(&context.service.annotations).is_some() => {
            format!("no longer names {}", group_name(present))
        }
        VServerGroupIdentity::Own(_) => "was removed".to_owned(),
    }
}

/// The group that a port uses, where it is another than the wanted one. `shares_mark` says whether the backends of another port, which is
/// to have another group, carry the same mark: then they tell nothing, and only a listener does.
fn present(
    context: PlanContext<'_>,
    load_balancer: &LoadBalancer,
    group: &DesiredVServerGroup,
    listeners: &[DesiredListener],
    shares_mark: bool,
) -> Option<VServerGroupIdentity> {
    let vgroups = &load_balancer.vgroups;
    let listened = || {
        listeners
            .iter()
            .filter(|listener| listener.vgroup.as_ref() == Some(&group.identity))
            .filter_map(|listener| load_balancer.listeners.get(&listener.key))
            .filter(|listener| is_our_listener(context, listener))
            .find_map(|listener| listener.vgroup.as_ref())
    };
    let used = if shares_mark {
        listened()
    } else {
        let holds_ours = |id: &VServerGroupId| {
            let backends = vgroups.get(id).map(|vgroup| &vgroup.backends);
            let mut backends = backends.into_iter().flatten();
            backends.any(|backend| backend.description == group.mark)
        };
        let own = vgroups
            .iter()
            .find_map(|(id, vgroup)| (vgroup.name == group.mark).then_some(id));
        match &group.identity {
            VServerGroupIdentity::Own(_) if own.is_some() => own,
            VServerGroupIdentity::Reused(id) if holds_ours(id) => Some(id),
            VServerGroupIdentity::Reused(_) if own.is_some() => own,
            _ => {
                let users = vgroups
                    .iter()
                    .filter(|(_, vgroup)| !is_our_vgroup(context, vgroup));
                let mut users = users.map(|(id, _)| id);
                users.find(|id| holds_ours(id)).or_else(listened)
            }
        }
    };
    let (id, vgroup) = vgroups.get_key_value(used?)?;
    let present = if vgroup.name == group.mark {
        VServerGroupIdentity::Own(group.mark.clone())
    } else if is_our_vgroup(context, vgroup) {
        // Its own group of another kind of backends, which the wanted one replaces.
        return None;
    } else {
        VServerGroupIdentity::Reused(id.clone())
    };
    (present != group.identity).then_some(present)
}
