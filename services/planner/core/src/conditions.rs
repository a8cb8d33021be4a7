//! The conditions that we set on Services, in one documented table, and the memory of what has been said that lives in one of them.
//! [`crate::step()`] writes them; `clbctl` and the documentation print [`TABLE`].

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cluster::{Condition, ConditionStatus, Service};
use clb_model::directive::{Event, Severity};
use clb_model::marks::CLASS_CONDITION;
use sha2::{Digest as _, Sha256};

/// What begins the type of each condition of ours.
pub const DOMAIN: &str = "service.k8s.alibaba/";
/// Whether the Service can be understood.
pub const ACCEPTED: &str = "service.k8s.alibaba/Accepted";
/// Whether the cloud is as the Service asks.
pub const PROGRAMMED: &str = "service.k8s.alibaba/Programmed";
/// Hashes of what was said once.
pub const NOTIFIED: &str = "service.k8s.alibaba/Notified";
/// The CLB was made by Alibaba's controller.
pub const ADOPTED: &str = "service.k8s.alibaba/Adopted";
/// Whether the CLB has an address of every family that the Service asks for.
pub const IP_FAMILIES: &str = "service.k8s.alibaba/IPFamilies";
/// The Service has an access control list for its source ranges.
pub const SOURCE_RANGES: &str = "service.k8s.alibaba/SourceRanges";
/// Whether `sessionAffinity: ClientIP` has set how long the listeners keep a client.
pub const SESSION_AFFINITY: &str = "service.k8s.alibaba/SessionAffinity";
/// Whether health checks ask kube-proxy on `healthCheckNodePort`.
pub const HEALTH_CHECK_NODE_PORT: &str = "service.k8s.alibaba/HealthCheckNodePort";
/// The CLB to which a Service moves that never had an address.
pub const MOVING: &str = "service.k8s.alibaba/Moving";
/// The additional tags that are left to somebody else.
pub const TAGS_LEFT: &str = "service.k8s.alibaba/TagsLeft";
/// The CLB that the Service had before.
pub const FORMER: &str = "service.k8s.alibaba/FormerLoadBalancer";

/// Makes of one list: a constant for each reason, and what it means.
macro_rules! reasons {
    ($($(#[doc = $meaning:literal])+ $name:ident = $text:literal;)+) => {
        /// The reasons of our conditions.
        pub mod reason {
            $(
                $(#[doc = $meaning])+
                pub const $name: &str = $text;
            )+
        }

        /// What a reason means; none when it is none of ours.
        #[must_use]
        pub fn meaning(reason: &str) -> Option<&'static str> {
            match reason {
                $($text => Some(concat!($($meaning),+).trim_ascii()),)+
                _ => None,
            }
        }
    };
}

reasons! {
    /// Accepted is True.
    VALID = "Valid";
    /// Accepted is False: mistakes in annotations or fields.
    INVALID_ANNOTATIONS = "InvalidAnnotations";
    /// Programmed is True.
    PROGRAMMED = "Programmed";
    /// Programmed is False: the CLB is being made.
    PROGRESSING = "Progressing";
    /// Programmed is False: the CLB was busy with another change for too long.
    BUSY = "Busy";
    /// Programmed is False: the account's request limits are used up.
    THROTTLED = "Throttled";
    /// Programmed is False: the cloud refused a request.
    REJECTED = "Rejected";
    /// Programmed is False: a quota is used up.
    QUOTA_EXCEEDED = "QuotaExceeded";
    /// Programmed is False: the account cannot pay.
    BILLING_PROBLEM = "BillingProblem";
    /// Programmed is False: the cloud refused the credentials or lacks a permission for them.
    CREDENTIALS_REFUSED = "CredentialsRefused";
    /// Programmed is False: the actuator's configuration does not let the cluster use what the Service asks for.
    NOT_ALLOWED = "NotAllowed";
    /// Programmed is False: the cloud's API had a fault, or what became of a request is not known yet.
    CLOUD_FAULT = "CloudFault";
    /// Programmed is False: the request waited too long to be carried out safely, and is planned again.
    EXPIRED = "Expired";
    /// Programmed is False: the Service has an address, but its CLB is gone.
    LOAD_BALANCER_GONE = "LoadBalancerGone";
    /// Programmed is False: several CLBs, or one of another cluster, carry the Service's mark.
    LOAD_BALANCER_AMBIGUOUS = "LoadBalancerAmbiguous";
    /// Programmed is False: the CLB that an annotation names cannot be used.
    REUSE_REFUSED = "ReuseRefused";
    /// Programmed is False: the CLB is locked, or was stopped.
    LOAD_BALANCER_UNAVAILABLE = "LoadBalancerUnavailable";
    /// Programmed is False: another Service or the user has a listener in the place of one of the Service's.
    LISTENER_CONFLICT = "ListenerConflict";
    /// Programmed is False: a vServer group is without a backend though endpoints are ready, because none can be used.
    BACKENDS_MISSING = "BackendsMissing";
    /// Programmed is False: a vServer group that an annotation names is missing.
    VSERVER_GROUP_MISSING = "VServerGroupMissing";
    /// Programmed is False: the Service is no longer of type LoadBalancer.
    CLEANED_UP = "CleanedUp";
    /// Class is True: its message is the class.
    CLASS = "LoadBalancerClass";
    /// Notified is True: its message holds the hashes.
    SAID = "Said";
    /// Adopted is True.
    MADE_BY_ANOTHER = "MadeByAnotherController";
    /// Adopted is False: the CLB is gone, and the one in its place is made by this controller.
    MADE_HERE = "MadeHere";
    /// IPFamilies is False: a CLB has one address, of one family.
    SINGLE_FAMILY = "SingleFamily";
    /// IPFamilies is True: no second family is asked for any more.
    ALL_FAMILIES = "AllFamilies";
    /// SourceRanges is True.
    RESTRICTED = "Restricted";
    /// SourceRanges is False: everyone may connect again.
    UNRESTRICTED = "Unrestricted";
    /// SessionAffinity is True.
    CLIENT_IP = "ClientIP";
    /// SessionAffinity is False: what the field had set is taken back.
    NO_AFFINITY = "NoAffinity";
    /// HealthCheckNodePort is True.
    KUBE_PROXY_ASKED = "KubeProxyAsked";
    /// HealthCheckNodePort is False: what the field had set is taken back.
    NOT_ASKED = "NotAsked";
    /// Class is False: the Service names none any more.
    NO_CLASS = "NoClass";
    /// Moving is True: its message is the id of the CLB that the Service moves to.
    LEAVING = "Leaving";
    /// Moving is False: nothing is left on another CLB.
    SETTLED = "Settled";
    /// TagsLeft is True: its message is what the annotation asks for.
    CONTESTED = "Contested";
    /// TagsLeft is False: the annotation was changed since.
    UNCONTESTED = "Uncontested";
    /// FormerLoadBalancer is True: its message lists the ids.
    GONE = "Gone";
}

/// One type of condition, for documentation.
#[derive(Debug, Clone, Copy)]
pub struct ConditionType {
    /// Its type.
    pub kind: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// Its reasons; [`meaning`] says what each means.
    pub reasons: &'static [&'static str],
}

/// All conditions that we set.
pub const TABLE: &[ConditionType] = &[
    ConditionType {
        kind: ACCEPTED,
        meaning: "True when the Service has no mistakes; otherwise the message lists all of them and the cloud is left as it is.",
        reasons: &[reason::VALID, reason::INVALID_ANNOTATIONS],
    },
    ConditionType {
        kind: PROGRAMMED,
        meaning: "True when the CLB is as the Service asks; otherwise the message says what stands in the way.",
        reasons: &[
            reason::PROGRAMMED,
            reason::PROGRESSING,
            reason::BUSY,
            reason::THROTTLED,
            reason::REJECTED,
            reason::QUOTA_EXCEEDED,
            reason::BILLING_PROBLEM,
            reason::CREDENTIALS_REFUSED,
            reason::NOT_ALLOWED,
            reason::CLOUD_FAULT,
            reason::EXPIRED,
            reason::LOAD_BALANCER_GONE,
            reason::LOAD_BALANCER_AMBIGUOUS,
            reason::REUSE_REFUSED,
            reason::LOAD_BALANCER_UNAVAILABLE,
            reason::LISTENER_CONFLICT,
            reason::BACKENDS_MISSING,
            reason::VSERVER_GROUP_MISSING,
            reason::CLEANED_UP,
        ],
    },
    ConditionType {
        kind: CLASS_CONDITION,
        meaning: "The message remembers spec.loadBalancerClass, which the API server drops when the type changes.",
        reasons: &[reason::CLASS, reason::NO_CLASS],
    },
    ConditionType {
        kind: NOTIFIED,
        meaning: "The message holds a hash of each event that is sent once, while what it says still holds.",
        reasons: &[reason::SAID],
    },
    ConditionType {
        kind: ADOPTED,
        meaning: "True when the Service had an address before any condition of ours: its CLB was made by Alibaba's controller.",
        reasons: &[reason::MADE_BY_ANOTHER, reason::MADE_HERE],
    },
    ConditionType {
        kind: IP_FAMILIES,
        meaning: "False when the Service asks for both address families: a CLB has one address.",
        reasons: &[reason::SINGLE_FAMILY, reason::ALL_FAMILIES],
    },
    ConditionType {
        kind: SOURCE_RANGES,
        meaning: "The message is the name of the access control list for the source ranges; it goes with the Service.",
        reasons: &[reason::RESTRICTED, reason::UNRESTRICTED],
    },
    ConditionType {
        kind: SESSION_AFFINITY,
        meaning: "True while the Service's sessionAffinity sets how long TCP listeners keep a client, so that it can be taken back.",
        reasons: &[reason::CLIENT_IP, reason::NO_AFFINITY],
    },
    ConditionType {
        kind: HEALTH_CHECK_NODE_PORT,
        meaning: "True while health checks ask kube-proxy on the port that the message names, so that they can stop when it does not answer.",
        reasons: &[reason::KUBE_PROXY_ASKED, reason::NOT_ASKED],
    },
    ConditionType {
        kind: MOVING,
        meaning: "True while a Service that never had an address leaves one of the user's CLBs for another, which the message names.",
        reasons: &[reason::LEAVING, reason::SETTLED],
    },
    ConditionType {
        kind: TAGS_LEFT,
        meaning: "True when somebody else changes the additional tags of a user's CLB again and again: those that the message names are \
                  not set any more until the annotation is changed.",
        reasons: &[reason::CONTESTED, reason::UNCONTESTED],
    },
    ConditionType {
        kind: FORMER,
        meaning: "The message lists the CLBs that the Service had, the last one first; a new one is a different one.",
        reasons: &[reason::GONE],
    },
];

/// The condition of that type on a Service.
#[must_use]
pub fn find<'a>(service: &'a Service, kind: &str) -> Option<&'a Condition> {
    service.conditions.iter().find(|condition| condition.kind == kind)
}

/// The message of a condition that holds.
#[must_use]
pub fn message_of<'a>(service: &'a Service, kind: &str) -> Option<&'a str> {
    find(service, kind)
        .filter(|condition| condition.status == ConditionStatus::True)
        .map(|condition| condition.message.as_str())
}

/// Whether the Service's CLB was made by Alibaba's controller: it had an address before any condition of ours. When the first condition is
/// written to such a Service, [`ADOPTED`] is written with it, so that this stays known.
#[must_use]
pub fn is_adopted(service: &Service) -> bool {
    message_of(service, ADOPTED).is_some() || (!service.ingress.is_empty() && !has_any(service))
}

/// Whether the Service has a condition of ours.
#[must_use]
pub fn has_any(service: &Service) -> bool {
    service
        .conditions
        .iter()
        .any(|condition| condition.kind.starts_with(DOMAIN))
}

/// What an event is about. What was said about a subject is forgotten only when that subject was looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Mistakes in the Service.
    Problem,
    /// Remarks.
    Notice,
    /// What stands in the way in the cloud.
    Failure,
    /// Who looks after the Service.
    Standing,
}

impl Subject {
    fn letter(self) -> char {
        match self {
            Self::Problem => 'p',
            Self::Notice => 'n',
            Self::Failure => 'f',
            Self::Standing => 's',
        }
    }
}

/// Sends each event once: what was said is remembered in the condition [`NOTIFIED`], which is written together with the event. What no
/// longer holds is forgotten, so that it is said again when it comes back.
#[derive(Debug)]
pub struct Notifications {
    /// What the condition shows.
    shown: BTreeSet<String>,
    /// That, and what was sent since.
    remembered: BTreeSet<String>,
    said: BTreeSet<String>,
    looked_at: BTreeSet<char>,
    events: Vec<Event>,
}

impl Notifications {
    /// With what the Service's condition remembers, and what was sent but may not show there yet.
    #[must_use]
    pub fn of(service: &Service, sent: &BTreeSet<String>) -> Self {
        let shown: BTreeSet<String> = find(service, NOTIFIED)
            .into_iter()
            .flat_map(|condition| condition.message.split(','))
            .filter(|hash| !hash.is_empty())
            .map(str::to_owned)
            .collect();
        Self {
            remembered: shown.union(sent).cloned().collect(),
            shown,
            said: BTreeSet::new(),
            looked_at: BTreeSet::new(),
            events: Vec::new(),
        }
    }

    /// The subject was looked at: of what was said about it, only what is said again stays remembered.
    pub fn look_at(&mut self, subject: Subject) {
        self.looked_at.insert(subject.letter());
    }

    /// Sends the event unless it has been sent. `detail` is added to the event but does not make it another one.
    pub fn say(
        &mut self,
        subject: Subject,
        severity: Severity,
        reason: &'static str,
        message: &str,
        detail: Option<&str>,
    ) {
        let hash = hash_of(subject, reason, message);
        if !self.said.insert(hash.clone()) || self.remembered.contains(&hash) {
            return;
        }
        self.send(severity, reason, message, detail);
    }

    /// Sends the event though it may have been sent before, and remembers it.
    pub fn repeat(
        &mut self,
        subject: Subject,
        severity: Severity,
        reason: &'static str,
        message: &str,
        detail: Option<&str>,
    ) {
        if self.said.insert(hash_of(subject, reason, message)) {
            self.send(severity, reason, message, detail);
        }
    }

    fn send(&mut self, severity: Severity, reason: &'static str, message: &str, detail: Option<&str>) {
        let message = match detail {
            None => message.to_owned(),
            Some(detail) => format!("{message} ({detail})"),
        };
        self.events.push(Event {
            severity,
            reason: reason.into(),
            message,
        });
    }

    /// The events to send, what is remembered from now on and, where it changes, the message of the condition.
    #[must_use]
    pub fn finish(self) -> (Vec<Event>, BTreeSet<String>, Option<String>) {
        let mut hashes = self.said;
        hashes.extend(
            self.remembered
                .iter()
                .filter(|hash| !hash.starts_with(|letter| self.looked_at.contains(&letter)))
                .cloned(),
        );
        let message = hashes.iter().cloned().collect::<Vec<_>>().join(",");
        let changed = (hashes != self.shown).then_some(message);
        (self.events, hashes, changed)
    }
}

fn hash_of(subject: Subject, reason: &str, message: &str) -> String {
    let hash = hex::encode(Sha256::digest(format!("{reason}\n{message}")));
    format!("{}{}", subject.letter(), hash.get(..8).unwrap_or_default())
}

/// The conditions to write: only those that are not already so.
#[derive(Debug)]
pub struct ConditionWrites<'a> {
    service: &'a Service,
    writes: BTreeMap<&'static str, Condition>,
}

impl<'a> ConditionWrites<'a> {
    /// None yet.
    #[must_use]
    pub fn of(service: &'a Service) -> Self {
        Self {
            service,
            writes: BTreeMap::new(),
        }
    }

    /// Sets a condition, replacing what was set before in this pass.
    pub fn set(&mut self, kind: &'static str, holds: bool, reason: &str, message: impl Into<String>) {
        let condition = Condition {
            kind: kind.to_owned(),
            status: if holds {
                ConditionStatus::True
            } else {
                ConditionStatus::False
            },
            reason: reason.to_owned(),
            message: message.into(),
        };
        if find(self.service, kind) == Some(&condition) {
            self.writes.remove(kind);
        } else {
            self.writes.insert(kind, condition);
        }
    }

    /// Sets it only where the Service has a condition of this type.
    pub fn correct(&mut self, kind: &'static str, holds: bool, reason: &str, message: impl Into<String>) {
        if find(self.service, kind).is_some() {
            self.set(kind, holds, reason, message);
        }
    }

    /// In the order of their types.
    #[must_use]
    pub fn finish(mut self) -> Vec<Condition> {
        if !self.writes.is_empty() && find(self.service, ADOPTED).is_none() && is_adopted(self.service) {
            self.set(
                ADOPTED,
                true,
                reason::MADE_BY_ANOTHER,
                "the CLB was made before this controller looked after the Service",
            );
        }
        self.writes.into_values().collect()
    }
}
