//! Faults that tests order: what is to go wrong, with which calls, and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::input::Input;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FaultKind {
    /// `Throttling.User`, nothing applied.
    Throttle,
    /// This error answer, nothing applied.
    Error {
        /// HTTP status.
        status: u16,
        /// Value of `Code`.
        code: String,
        /// Value of `Message`.
        #[serde(default)]
        message: String,
    },
    /// The call waits this long, then goes its normal way.
    Stall {
        /// How long, in milliseconds.
        milliseconds: u64,
    },
    /// The call waits until the faults are cleared, then goes its normal way.
    Hold,
    /// The call is applied and answered this much later.
    StallAnswer {
        /// How long, in milliseconds.
        milliseconds: u64,
    },
    /// The connection breaks, nothing applied.
    ResetBefore,
    /// The call is applied, then the connection breaks without an answer.
    ResetAfter,
    /// The answer says yes at once, and the change comes this much later; the journal has the call only then.
    ApplyLate {
        /// How long, in milliseconds.
        milliseconds: u64,
    },
    /// The answer says yes and nothing is ever changed.
    ApplyNever,
}

impl FaultKind {
    /// The stall's length.
    pub(crate) fn duration(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }
}

/// A fault that was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The action it is for; a trailing `*` matches any rest; none matches all actions.
    #[serde(default)]
    pub action: Option<String>,
    /// Only calls one of whose parameters has this value, such as the id of a load balancer.
    #[serde(default)]
    pub resource: Option<String>,
    /// Only calls of this account.
    #[serde(default)]
    pub account: Option<String>,
    /// How many matching calls pass before the first one goes wrong.
    #[serde(default)]
    pub skip: u64,
    /// How many calls go wrong; none means all from then on.
    #[serde(default)]
    pub times: Option<u64>,
}

impl Fault {
    /// A fault of the next call of any action.
    pub fn next(kind: FaultKind) -> Self {
        Fault {
            kind,
            action: None,
            resource: None,
            account: None,
            skip: 0,
            times: Some(1),
        }
    }

    /// Only of this action; a trailing `*` matches any rest.
    pub fn of(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }

    /// Only of calls that name this resource.
    pub fn on(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// After this many matching calls.
    pub fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// This many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// From then on, until the faults are cleared.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, account: &str, action: &str, input: &Input) -> bool {
        self.action
            .as_ref()
            .is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(start) => action.starts_with(start),
                None => wanted == action,
            })
            && self.account.as_ref().is_none_or(|wanted| wanted == account)
            && self
                .resource
                .as_ref()
                .is_none_or(|wanted| input.iter().any(|(_, value)| value == wanted))
    }
}

/// The faults that are still to come, in the order of their ordering.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan(Vec<Fault>);

impl FaultPlan {
    pub(crate) fn order(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn pending(&self) -> Vec<Fault> {
        self.0.clone()
    }

    /// The fault of this call, if it has one. The first that matches counts; it is used up by that.
    pub(crate) fn take(&mut self, account: &str, action: &str, input: &Input) -> Option<FaultKind> {
        let at = self
            .0
            .iter()
            .position(|fault| fault.matches(account, action, input))?;
        let fault = &mut self.0[at];
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        let kind = fault.kind.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(at);
            }
        }
        Some(kind)
    }
}
