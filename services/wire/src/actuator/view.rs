//! The planner's view of the mirror: interests one way, CLBs the other.

use clb_model::cloud::LoadBalancer;
use clb_model::{LoadBalancerId, ServiceUid};
use clb_proto::actuator::v1;
use clb_proto::actuator::v1::watch_response::Message;

use super::load_balancer::{load_balancer_from_proto, load_balancer_to_proto};
use crate::WireError;
use crate::field::Reader;

const INTEREST: Reader = Reader("Interest");
const WATCH_RESPONSE: Reader = Reader("WatchResponse");
const LOAD_BALANCER_GONE: Reader = Reader("LoadBalancerGone");
const LOAD_BALANCER_LOOKED: Reader = Reader("LoadBalancerLooked");
const INTEREST_RESOLVED: Reader = Reader("InterestResolved");

/// How the CLB of one Service can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    /// The Service.
    pub service: ServiceUid,
    /// Value of the tag `kubernetes.do.not.delete`, also the default name.
    pub default_name: String,
    /// The CLB that the Service's annotation names.
    pub load_balancer: Option<LoadBalancerId>,
}

/// One message of the actuator's Watch stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorUpdate {
    /// A CLB, whole.
    LoadBalancer(Box<LoadBalancer>),
    /// A CLB that is no longer there or no longer of interest.
    Gone(LoadBalancerId),
    /// Everything that could match an interest has been sent.
    Resolved {
        /// The Service.
        service: ServiceUid,
        /// The CLBs that match by tag, id or default name.
        load_balancers: Vec<LoadBalancerId>,
    },
    /// A CLB was read again, as was asked for; what is new of it came before.
    Looked(LoadBalancerId),
    /// The CLBs that carry the cluster's tag have all been sent.
    Synced,
    /// The mirror cannot be filled or kept; taken back by the next [`MirrorUpdate::Synced`].
    Trouble {
        /// For people.
        reason: String,
    },
}

/// For the planner.
#[must_use]
pub fn interest_to_proto(interest: &Interest) -> v1::Interest {
    v1::Interest {
        service_uid: interest.service.to_string(),
        default_name: interest.default_name.clone(),
        load_balancer_id: interest
            .load_balancer
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

/// For the actuator.
///
/// # Errors
/// An identifier that is none.
pub fn interest_from_proto(message: v1::Interest) -> Result<Interest, WireError> {
    Ok(Interest {
        service: INTEREST.text("service_uid", &message.service_uid)?,
        default_name: message.default_name,
        load_balancer: INTEREST.optional_text("load_balancer_id", &message.load_balancer_id)?,
    })
}

/// For the actuator.
#[must_use]
pub fn mirror_update_to_proto(update: &MirrorUpdate) -> v1::WatchResponse {
    let message = match update {
        MirrorUpdate::LoadBalancer(load_balancer) => {
            Message::LoadBalancer(load_balancer_to_proto(load_balancer))
        }
        MirrorUpdate::Gone(id) => Message::Gone(v1::LoadBalancerGone { id: id.to_string() }),
        MirrorUpdate::Resolved {
            service,
            load_balancers,
        } => Message::Resolved(v1::InterestResolved {
            service_uid: service.to_string(),
            load_balancer_ids: load_balancers.iter().map(ToString::to_string).collect(),
        }),
        MirrorUpdate::Looked(id) => Message::Looked(v1::LoadBalancerLooked { id: id.to_string() }),
        MirrorUpdate::Synced => Message::Synced(v1::WatchSynced {}),
        MirrorUpdate::Trouble { reason } => Message::Trouble(v1::MirrorTrouble {
            reason: reason.clone(),
        }),
    };
    v1::WatchResponse {
        message: Some(message),
    }
}

/// For the planner.
///
/// # Errors
/// A message of a kind that this planner does not know, a CLB that is none.
pub fn mirror_update_from_proto(message: v1::WatchResponse) -> Result<MirrorUpdate, WireError> {
    let message = WATCH_RESPONSE.required("message", message.message, "a message that this planner knows")?;
    Ok(match message {
        Message::LoadBalancer(load_balancer) => {
            MirrorUpdate::LoadBalancer(Box::new(load_balancer_from_proto(load_balancer)?))
        }
        Message::Gone(gone) => MirrorUpdate::Gone(LOAD_BALANCER_GONE.text("id", &gone.id)?),
        Message::Resolved(resolved) => MirrorUpdate::Resolved {
            service: INTEREST_RESOLVED.text("service_uid", &resolved.service_uid)?,
            load_balancers: resolved
                .load_balancer_ids
                .iter()
                .map(|id| INTEREST_RESOLVED.text("load_balancer_ids", id))
                .collect::<Result<_, _>>()?,
        },
        Message::Looked(looked) => MirrorUpdate::Looked(LOAD_BALANCER_LOOKED.text("id", &looked.id)?),
        Message::Synced(v1::WatchSynced {}) => MirrorUpdate::Synced,
        Message::Trouble(trouble) => MirrorUpdate::Trouble {
            reason: trouble.reason,
        },
    })
}
