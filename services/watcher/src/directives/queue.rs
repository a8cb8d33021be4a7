//! Directives that wait: at most one per Service, however many the planner sends.
//!
//! Per Service UID they are carried out one after the other. One that arrives while another still waits is joined with it, so that
//! carrying out the result is like carrying out both; both get its outcome.

use std::collections::{HashMap, HashSet, VecDeque};

use clb_model::ServiceUid;
use clb_model::directive::{Directive, DirectiveResult, FinalizerAction, Writes};
use clb_model::version::Tenure;
use clb_telemetry::TraceContext;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

/// A directive, ready to be carried out.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// What to write.
    pub(crate) directive: Directive,
    /// The planner's pass that led to it.
    pub(crate) trace: TraceContext,
    /// Passes whose directives it has swallowed.
    pub(crate) merged: Vec<TraceContext>,
    /// Where the outcome goes, for each directive that is in it.
    pub(crate) replies: Vec<Reply>,
    /// A holder of a newer Lease has spoken before.
    pub(crate) fenced: bool,
}

/// Who waits for an outcome.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The directive's id.
    pub(crate) id: u64,
    /// The stream that it came on.
    pub(crate) stream: mpsc::Sender<DirectiveResult>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<ServiceUid, Waiting>,
    /// Services with a waiting directive, the longest waiting first.
    order: VecDeque<ServiceUid>,
    running: HashSet<ServiceUid>,
    newest: Tenure,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct DirectiveQueue {
    state: Mutex<State>,
    changed: Notify,
}

impl DirectiveQueue {
    /// Takes a directive in. One with an older fencing token than seen before is not joined with others: it comes out as fenced.
    pub(crate) fn push(
        &self,
        directive: Directive,
        trace: TraceContext,
        stream: mpsc::Sender<DirectiveResult>,
    ) {
        let mut state = self.state.lock();
        let fenced = directive.fencing < state.newest;
        state.newest = state.newest.max(directive.fencing);
        let uid = directive.uid.clone();
        let reply = Reply {
            id: directive.id,
            stream,
        };
        match state.waiting.get_mut(&uid) {
            Some(waiting) if fenced && !waiting.fenced => {
                // Its outcome is known; the newer one goes on waiting.
                drop(state);
                refuse(&reply, uid);
                return;
            }
            // What an older holder of the Lease wanted does not count any more.
            Some(waiting) if waiting.directive.fencing < directive.fencing => {
                let before = std::mem::replace(
                    waiting,
                    Waiting {
                        directive,
                        trace,
                        merged: Vec::new(),
                        replies: vec![reply],
                        fenced,
                    },
                );
                drop(state);
                for reply in &before.replies {
                    refuse(reply, uid.clone());
                }
            }
            Some(waiting) => {
                waiting.merged.push(std::mem::replace(&mut waiting.trace, trace));
                waiting.replies.push(reply);
                let earlier = std::mem::take(&mut waiting.directive.writes);
                waiting.directive = Directive {
                    writes: both(earlier, directive.writes),
                    ..directive
                };
            }
            None => {
                state.order.push_back(uid.clone());
                state.waiting.insert(
                    uid,
                    Waiting {
                        directive,
                        trace,
                        merged: Vec::new(),
                        replies: vec![reply],
                        fenced,
                    },
                );
            }
        }
        self.changed.notify_one();
    }

    /// Takes the longest waiting directive whose Service has none under way; give the UID to [`finished`](Self::finished) after it.
    pub(crate) async fn next(&self) -> Waiting {
        loop {
            if let Some(waiting) = self.try_next() {
                return waiting;
            }
            self.changed.notified().await;
        }
    }

    fn try_next(&self) -> Option<Waiting> {
        let mut state = self.state.lock();
        let index = state.order.iter().position(|uid| !state.running.contains(uid))?;
        let uid = state.order.remove(index)?;
        let waiting = state.waiting.remove(&uid)?;
        state.running.insert(uid);
        Some(waiting)
    }

    /// The Service's next directive may begin.
    pub(crate) fn finished(&self, uid: &ServiceUid) {
        self.state.lock().running.remove(uid);
        self.changed.notify_one();
    }

    /// How many Services have a directive that waits.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().waiting.len()
    }
}

/// Says so without waiting: a stream that has no room gets it from the planner's own time-out.
fn refuse(reply: &Reply, uid: ServiceUid) {
    let result = DirectiveResult {
        id: reply.id,
        uid,
        outcome: clb_model::directive::DirectiveOutcome::Fenced,
    };
    if let Err(error) = reply.stream.try_send(result) {
        tracing::debug!(id = reply.id, %error, "the outcome of a fenced directive could not be reported");
    }
}

/// What carrying out `earlier` and then `later` writes.
fn both(earlier: Writes, later: Writes) -> Writes {
    let mut labels = earlier.labels;
    labels.extend(later.labels);
    let mut conditions = earlier.conditions;
    conditions.retain(|condition| later.conditions.iter().all(|newer| newer.kind != condition.kind));
    conditions.extend(later.conditions);
    let mut events = earlier.events;
    events.extend(later.events);
    Writes {
        finalizer: match later.finalizer {
            FinalizerAction::Keep => earlier.finalizer,
            action => action,
        },
        ingress: later.ingress.or(earlier.ingress),
        labels,
        conditions,
        events,
    }
}
