//! All events that are sent on Services, each reason once, with what it means: the planner's core and the watcher send them,
//! `clbctl explain events` and the reference page print [`TABLE`].
//!
//! The names up to [`reason::FAILED_UPDATE_READINESS_GATE`] are those that Alibaba's controller uses, because people alert on them.

use crate::directive::Severity;

/// A reason, for documentation.
#[derive(Debug, Clone, Copy)]
pub struct EventReason {
    /// What `kubectl get events` shows as the reason.
    pub name: &'static str,
    /// The types that events of this reason have.
    pub severities: &'static [Severity],
    /// When such an event is sent.
    pub meaning: &'static str,
    /// What a person can do about it; empty when nothing needs to be done.
    pub remedy: &'static str,
}

/// Makes of one list: a constant for each reason, and the table.
macro_rules! reasons {
    ($($name:ident = $text:literal, [$($severity:ident),+], $meaning:literal, $remedy:literal;)+) => {
        /// The reasons by themselves.
        pub mod reason {
            $(
                #[doc = $meaning]
                pub const $name: &str = $text;
            )+
        }

        /// All reasons.
        pub const TABLE: &[EventReason] = &[$(
            EventReason {
                name: reason::$name,
                severities: &[$(Severity::$severity),+],
                meaning: $meaning,
                remedy: $remedy,
            },
        )+];
    };
}

reasons! {
    ENSURED_LOAD_BALANCER = "EnsuredLoadBalancer", [Normal],
        "Something was changed in the cloud, and the CLB is now as the Service asks.",
        "";
    SYNC_LOAD_BALANCER_FAILED = "SyncLoadBalancerFailed", [Warning],
        "The Service has mistakes, or the cloud does not get to what it asks for; the message lists all reasons, with the cloud's \
         request id where there is one.",
        "Mend what the message names. What may pass by itself is tried again without a change.";
    CLEAN_LOAD_BALANCER = "CleanLoadBalancer", [Normal],
        "The Service was deleted or is no longer of type LoadBalancer, and nothing that is to go is left in the cloud.",
        "";
    CLEAN_LOAD_BALANCER_FAILED = "CleanLoadBalancerFailed", [Warning],
        "What the Service has in the cloud cannot be removed; the finalizer stays, and so does the Service.",
        "Remove what the message names. It is tried again by itself.";
    UNAVAILABLE_LOAD_BALANCER = "UnAvailableLoadBalancer", [Warning],
        "The CLB is locked, as a rule because a bill is overdue, or was stopped.",
        "Pay the bill, or start the CLB in the console.";
    SKIP_SYNC_BACKENDS = "SkipSyncBackends", [Warning],
        "Some backends are not as the Service would have them, because the cloud cannot use them or a quota is used up; the others are.",
        "See the message: mend the backend, or have the quota raised and put the new value into the planner's configuration.";
    PRESERVED_ON_DELETE = "PreservedOnDelete", [Warning],
        "The CLB stays, or will stay, when the Service is deleted, because preserve-lb-on-delete has a value.",
        "Take the annotation off if the CLB should go with the Service.";
    ANNOTATION_CHANGED = "AnnotationChanged", [Normal, Warning],
        "An annotation was changed in a way that cannot be followed or interrupts traffic, or now names another controller.",
        "See the message. What cannot change needs a new Service.";
    SERVICE_SPEC_CHANGED = "ServiceSpecChanged", [Normal],
        "The Service now names another load balancer class: its CLB and its finalizer stay as they are.",
        "";
    TYPE_CHANGED = "TypeChanged", [Normal],
        "The Service is no longer of type LoadBalancer: what it has in the cloud is removed.",
        "";
    DELETE_TIMESTAMP_CHANGED = "DeleteTimestampChanged", [Normal],
        "The Service is deleted: what it has in the cloud is removed.",
        "";
    FAILED_ADD_FINALIZER = "FailedAddFinalizer", [Warning],
        "The API server refused the finalizer, so nothing is made in the cloud yet.",
        "See the message: as a rule the watcher's ClusterRole lacks a permission, or a webhook refuses.";
    FAILED_REMOVE_FINALIZER = "FailedRemoveFinalizer", [Warning],
        "The API server refused to have the finalizer taken off, so the Service stays though nothing of it is left in the cloud.",
        "As for FailedAddFinalizer.";
    FAILED_UPDATE_STATUS = "FailedUpdateStatus", [Warning],
        "The Service's status could not be written, or the address that it should show does not exist.",
        "See the message.";
    FAILED_UPDATE_READINESS_GATE = "FailedUpdateReadinessGate", [Warning],
        "The readiness gate of a pod behind the Service could not be set.",
        "As for FailedAddFinalizer.";
    ANNOTATION_WITHOUT_EFFECT = "AnnotationWithoutEffect", [Warning],
        "An annotation does nothing for this Service, for example one of HTTP listeners where there are only TCP listeners.",
        "Take it off, or write the one that the message names.";
    UNKNOWN_ANNOTATION = "UnknownAnnotation", [Warning],
        "A name under our prefix is no annotation that we know; the message suggests the nearest.",
        "Correct the name.";
    FIELD_WITHOUT_EFFECT = "FieldWithoutEffect", [Normal, Warning],
        "A field of the Service that a CLB cannot do, or only in part.",
        "See the message.";
    NO_LISTENER_MANAGED = "NoListenerManaged", [Normal],
        "The Service uses a CLB of the user's without force-override-listeners: it has a vServer group there, and no listener of this \
         controller's sends to it.",
        "Let a listener of the CLB use the group, or set the annotation force-override-listeners to \"true\".";
    SCHEDULER_IGNORES_WEIGHTS = "SchedulerIgnoresWeights", [Normal],
        "Weights are set, but the scheduler of the listener does not look at weights.",
        "Set the annotation scheduler to wrr.";
    QUOTA_EXCEEDED = "QuotaExceeded", [Warning],
        "The Service asks for more than a quota of the account allows; a stable part of it is there.",
        "Ask for less, or have the quota raised and put the new value into the planner's configuration.";
    BACKEND_LEFT_OUT = "BackendLeftOut", [Warning],
        "A node or pod cannot be a backend; the others are.",
        "See the message.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TABLE;

    #[test]
    fn each_reason_stands_once_and_is_camel_case() {
        let names: BTreeSet<_> = TABLE.iter().map(|reason| reason.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for name in names {
            assert!(
                name.starts_with(char::is_uppercase) && name.chars().all(|c| c.is_ascii_alphanumeric()),
                "{name}"
            );
        }
    }

    #[test]
    fn every_text_is_a_sentence() {
        for reason in TABLE {
            assert!(reason.meaning.ends_with('.'), "{}", reason.name);
            assert!(
                reason.remedy.is_empty() || reason.remedy.ends_with('.'),
                "{}",
                reason.name
            );
            assert!(!reason.severities.is_empty(), "{}", reason.name);
        }
    }
}
