//! Faults that a test can order: refused requests, broken watches, expired versions, a stalled or unreachable API.
//!
//! Held by [`crate::KubeSim`]; the server asks before and after each request.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::errors::ApiError;

/// What a rule does to a request that it matches.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultAction {
    /// Answers with this error; nothing is done.
    Fail(ApiError),
    /// Does what was asked, then cuts the connection instead of answering.
    LoseAnswer,
    /// Cuts the connection before anything is done.
    LoseRequest,
}

/// Which requests a rule is for, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; `None` for every verb.
    pub verb: Option<String>,
    /// Plural name of the resource; `None` for every one.
    pub resource: Option<String>,
    /// How many requests it hits.
    pub times: u32,
    /// What happens to them.
    pub action: FaultAction,
}

/// The switches. All may be used while requests run.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Vec<Fault>>,
    /// Raised to end every watch of now.
    watch_generation: watch::Sender<u64>,
    stalled: watch::Sender<bool>,
    unreachable: AtomicBool,
    /// Raised to cut every connection of now.
    connection_generation: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            rules: Mutex::default(),
            watch_generation: watch::Sender::new(0),
            stalled: watch::Sender::new(false),
            unreachable: AtomicBool::new(false),
            connection_generation: watch::Sender::new(0),
        }
    }
}

impl Faults {
    /// Adds a rule; rules are tried in order, and one that is used up goes.
    pub fn add(&self, fault: Fault) {
        self.rules.lock().push(fault);
    }

    /// Lets the next `times` requests of any kind fail with an HTTP status; 429 asks to come back after a second.
    pub fn fail_next(&self, times: u32, code: u16, message: &str) {
        let reason = match code {
            429 => "TooManyRequests",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "",
        };
        let refused = ApiError::new(code, reason, message);
        let action = FaultAction::Fail(if code == 429 {
            refused.retry_after(1)
        } else {
            refused
        });
        self.add(Fault {
            verb: None,
            resource: None,
            times,
            action,
        });
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.rules.lock().clear();
    }

    /// Ends every watch that is open; clients open new ones.
    pub fn drop_watches(&self) {
        self.watch_generation.send_modify(|generation| *generation += 1);
    }

    /// Holds answers and events back until it is switched off; connections stay open.
    pub fn set_stalled(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Cuts every connection, and each new one right after it was accepted, until it is switched off.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.unreachable.store(unreachable, Ordering::SeqCst);
        if unreachable {
            self.connection_generation
                .send_modify(|generation| *generation += 1);
        }
    }

    pub(crate) fn is_unreachable(&self) -> bool {
        self.unreachable.load(Ordering::SeqCst)
    }

    /// Fires when connections of now are to be cut.
    pub(crate) fn connections(&self) -> watch::Receiver<u64> {
        self.connection_generation.subscribe()
    }

    /// Fires when watches of now are to end.
    pub(crate) fn watches(&self) -> watch::Receiver<u64> {
        self.watch_generation.subscribe()
    }

    /// Waits while the API is stalled.
    pub(crate) async fn wait_while_stalled(&self) {
        let mut stalled = self.stalled.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _unused = stalled.wait_for(|stalled| !stalled).await;
    }

    /// Takes one use of the first rule that matches.
    pub(crate) fn hit(&self, verb: &str, resource: &str) -> Option<FaultAction> {
        let matches =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let mut rules = self.rules.lock();
        let position = rules
            .iter()
            .position(|rule| matches(&rule.verb, verb) && matches(&rule.resource, resource))?;
        let rule = &mut rules[position];
        let action = rule.action.clone();
        rule.times = rule.times.saturating_sub(1);
        if rule.times == 0 {
            rules.remove(position);
        }
        Some(action)
    }
}
