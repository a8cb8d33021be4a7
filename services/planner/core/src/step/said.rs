//! What a pass says of its plan: remarks, what stands in the way, that a CLB will stay.

use clb_model::cloud::IpVersion;
use clb_model::directive::Severity;
use clb_model::{LoadBalancerId, events};

use super::pass::Pass;
use super::refused_values;
use super::unusable::say_unusable;
use crate::annotations::{self, instance::PRESERVE};
use crate::conditions::{IP_FAMILIES, Notifications, PROGRAMMED, Subject, reason};
use crate::desired::{Desired, one_address};
use crate::plan::Plan;
use crate::problem::Notice;

/// The event's reason where the cloud does not get to what the Service asks for.
pub(super) const FAILED: &str = events::reason::SYNC_LOAD_BALANCER_FAILED;

/// Says of a Service with mistakes what its annotations' names alone show: a misspelt one may be why another is missing. Other remarks
/// wait until the mistakes are mended.
pub(super) fn say_names(pass: &mut Pass<'_>) {
    let notices = annotations::read(&pass.inputs.service.annotations).notices;
    for notice in notices
        .iter()
        .filter(|notice| notice.reason == events::reason::UNKNOWN_ANNOTATION)
    {
        say_notice(pass, notice);
    }
}

pub(super) fn say_notices(pass: &mut Pass<'_>, desired: &Desired, plan: &Plan) {
    pass.notifications.look_at(Subject::Notice);
    for notice in desired.notices.iter().chain(&plan.notices) {
        say_notice(pass, notice);
    }
    for shortage in &plan.shortages {
        pass.notifications.say(
            Subject::Notice,
            Severity::Warning,
            events::reason::SKIP_SYNC_BACKENDS,
            &shortage.message,
            Some(&shortage.backends),
        );
    }
    say_unusable(pass);
}

fn say_notice(pass: &mut Pass<'_>, notice: &Notice) {
    let severity = if notice.warning {
        Severity::Warning
    } else {
        Severity::Normal
    };
    pass.notifications
        .say(Subject::Notice, severity, notice.reason, &notice.message, None);
}

/// Says of a Service that asks for both address families that it gets one.
pub(super) fn say_families(pass: &mut Pass<'_>, family: IpVersion) {
    let service = pass.inputs.service;
    if service.dual_stack {
        let message = one_address(service, family);
        pass.conditions
            .set(IP_FAMILIES, false, reason::SINGLE_FAMILY, message);
    } else {
        pass.conditions.correct(
            IP_FAMILIES,
            true,
            reason::ALL_FAMILIES,
            "the CLB has an address of the family that the Service asks for",
        );
    }
}

/// Says that the CLB will stay: once, so that a person sees that the annotation is understood, and whenever something `changes`.
pub(super) fn say_preserved(pass: &mut Pass<'_>, id: Option<&LoadBalancerId>, changes: bool) {
    let annotation = PRESERVE.name_in(&pass.inputs.service.annotations);
    let message =
        format!("annotation {annotation} has a value: the CLB will stay when the Service is deleted");
    let detail = id.map(|id| format!("CLB {id}"));
    let say = if changes {
        Notifications::repeat
    } else {
        Notifications::say
    };
    say(
        &mut pass.notifications,
        Subject::Notice,
        Severity::Warning,
        super::PRESERVED,
        &message,
        detail.as_deref(),
    );
}

/// The reason of the event where the condition has this one.
fn event_reason(of_condition: &'static str) -> &'static str {
    if of_condition == reason::QUOTA_EXCEEDED {
        events::reason::QUOTA_EXCEEDED
    } else {
        FAILED
    }
}

/// Says what stands in the way: obstacles of the plan and failures of the last batch. The first of them, for the message.
pub(super) fn say_failures(pass: &mut Pass<'_>, plan: &Plan) -> Option<String> {
    pass.notifications.look_at(Subject::Failure);
    let mut all: Vec<(&'static str, String)> = Vec::new();
    for obstacle in &plan.obstacles {
        pass.notifications.say(
            Subject::Failure,
            Severity::Warning,
            event_reason(obstacle.reason),
            &obstacle.message,
            None,
        );
        // Several listeners may be concerned by one.
        if all.last().is_none_or(|(_, told)| *told != obstacle.message) {
            all.push((obstacle.reason, obstacle.message.clone()));
        }
    }
    pass.memory.keep_refusals_of(plan);
    let service = pass.inputs.service;
    for failure in pass.memory.standing_failures() {
        let refused = failure
            .annotation
            .and_then(|suffix| refused_values::told(service, suffix));
        let message = match refused {
            Some(refused) => format!("{refused}; {}", failure.message),
            None => failure.message.clone(),
        };
        if failure.warn {
            let detail = failure.request_id.as_ref().map(|id| format!("request id {id}"));
            pass.notifications.say(
                Subject::Failure,
                Severity::Warning,
                FAILED,
                &message,
                detail.as_deref(),
            );
        }
        all.push((failure.reason, message));
    }
    let (reason, _) = all.first()?;
    let message = all
        .iter()
        .map(|(_, message)| message.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    pass.conditions.set(PROGRAMMED, false, reason, message.clone());
    Some(message)
}
