//! Directives that wait: at most one per Service, however many the planner sends.
//!
//! Per Service UID they are carried out one after the other. One that arrives while another still waits is joined with it, so that
//! carrying out the result is like carrying out both. Its outcome goes to the newest one of each stream that is still open. So what
//! waits has a bound per Service, also while the API server is away and the planner sends the same again and again.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet, VecDeque};

use clb_model::ServiceUid;
use clb_model::directive::{Directive, DirectiveOutcome, DirectiveResult, Event, FinalizerAction, Writes};
use clb_model::version::Tenure;
use clb_telemetry::TraceContext;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

/// Events of one Service that wait, as many as the planner keeps; the oldest are dropped beyond this.
const EVENTS_KEPT: usize = 32;

/// Links of a span to swallowed passes; the oldest are dropped beyond this.
const TRACES_KEPT: usize = 32;

/// A directive, ready to be carried out.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// What to write.
    pub(crate) directive: Directive,
    /// The planner's pass that led to it.
    pub(crate) trace: TraceContext,
    /// Passes whose directives it has swallowed, the newest [`TRACES_KEPT`].
    pub(crate) merged: Vec<TraceContext>,
    /// Where the outcome goes: the newest directive of each stream.
    pub(crate) replies: Vec<Reply>,
    /// A holder of a newer Lease has spoken before this was taken.
    pub(crate) fenced: bool,
}

impl Waiting {
    fn new(directive: Directive, trace: TraceContext, reply: Reply) -> Self {
        Self {
            directive,
            trace,
            merged: Vec::new(),
            replies: vec![reply],
            fenced: false,
        }
    }

    fn join(&mut self, later: Directive, trace: TraceContext, reply: Reply) {
        self.merged.push(std::mem::replace(&mut self.trace, trace));
        let surplus = self.merged.len().saturating_sub(TRACES_KEPT);
        self.merged.drain(..surplus);
        // The planner takes a result only for the last directive that it has sent.
        self.replies
            .retain(|earlier| !earlier.stream.is_closed() && !earlier.stream.same_channel(&reply.stream));
        self.replies.push(reply);
        let earlier = std::mem::take(&mut self.directive.writes);
        self.directive = Directive {
            writes: both(earlier, later.writes),
            ..later
        };
    }
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
    /// Takes a directive in. Of two with different fencing tokens the older is refused.
    pub(crate) fn push(
        &self,
        directive: Directive,
        trace: TraceContext,
        stream: mpsc::Sender<DirectiveResult>,
    ) {
        let mut state = self.state.lock();
        state.newest = state.newest.max(directive.fencing);
        let uid = directive.uid.clone();
        let reply = Reply {
            id: directive.id,
            stream,
        };
        let refused = match state.waiting.get_mut(&uid) {
            Some(waiting) => match directive.fencing.cmp(&waiting.directive.fencing) {
                Ordering::Less => vec![reply],
                Ordering::Equal => {
                    waiting.join(directive, trace, reply);
                    Vec::new()
                }
                Ordering::Greater => {
                    let older = std::mem::replace(waiting, Waiting::new(directive, trace, reply));
                    older.replies
                }
            },
            None => {
                state.order.push_back(uid.clone());
                state
                    .waiting
                    .insert(uid.clone(), Waiting::new(directive, trace, reply));
                Vec::new()
            }
        };
        drop(state);
        for reply in &refused {
            refuse(reply, uid.clone());
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
        let mut waiting = state.waiting.remove(&uid)?;
        waiting.fenced = waiting.directive.fencing < state.newest;
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
        outcome: DirectiveOutcome::Fenced,
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
    let mut readiness_gates = earlier.readiness_gates;
    readiness_gates.retain(|pod| !later.readiness_gates.contains(pod));
    readiness_gates.extend(later.readiness_gates);
    Writes {
        finalizer: match later.finalizer {
            FinalizerAction::Keep => earlier.finalizer,
            action => action,
        },
        ingress: later.ingress.or(earlier.ingress),
        labels,
        conditions,
        readiness_gates,
        events: merged(earlier.events, later.events),
    }
}

/// What is said again is said once: the planner cannot know whether the earlier one will be carried out.
fn merged(mut earlier: Vec<Event>, later: Vec<Event>) -> Vec<Event> {
    for event in later {
        if !earlier.contains(&event) {
            earlier.push(event);
        }
    }
    let surplus = earlier.len().saturating_sub(EVENTS_KEPT);
    earlier.drain(..surplus);
    earlier
}

#[cfg(test)]
mod tests {
    use clb_model::ServiceKey;
    use clb_model::cluster::{Condition, ConditionStatus, Ingress, PodRef};
    use clb_model::directive::Severity;

    use super::*;

    fn event(message: &str) -> Event {
        Event {
            severity: Severity::Normal,
            reason: "Reason".into(),
            message: message.to_owned(),
        }
    }

    fn directive(id: u64, uid: &str, acquisitions: u64, writes: Writes) -> Directive {
        Directive {
            id,
            service: ServiceKey::new("default", uid),
            uid: ServiceUid::new(uid).unwrap(),
            fencing: Tenure {
                lease_created_ms: 1,
                acquisitions,
            },
            writes,
        }
    }

    struct Bench {
        queue: DirectiveQueue,
        stream: mpsc::Sender<DirectiveResult>,
        results: mpsc::Receiver<DirectiveResult>,
    }

    impl Bench {
        fn new() -> Self {
            let (stream, results) = mpsc::channel(8);
            Self {
                queue: DirectiveQueue::default(),
                stream,
                results,
            }
        }

        fn push(&self, directive: Directive) {
            self.queue
                .push(directive, TraceContext::default(), self.stream.clone());
        }

        fn refused(&mut self) -> Vec<u64> {
            std::iter::from_fn(|| self.results.try_recv().ok())
                .map(|result| {
                    assert_eq!(result.outcome, DirectiveOutcome::Fenced);
                    result.id
                })
                .collect()
        }
    }

    fn ids(waiting: &Waiting) -> Vec<u64> {
        waiting.replies.iter().map(|reply| reply.id).collect()
    }

    #[test]
    fn one_service_at_a_time_and_the_longest_waiting_first() {
        let bench = Bench::new();
        for (id, uid) in [(1, "a"), (2, "b")] {
            bench.push(directive(id, uid, 1, Writes::default()));
        }
        let first = bench.queue.try_next().unwrap();
        assert_eq!(ids(&first), [1]);
        bench.push(directive(3, "a", 1, Writes::default()));
        assert_eq!(ids(&bench.queue.try_next().unwrap()), [2]);
        assert!(bench.queue.try_next().is_none(), "a is under way");
        bench.queue.finished(&first.directive.uid);
        assert_eq!(ids(&bench.queue.try_next().unwrap()), [3]);
    }

    #[test]
    fn joined_directives_write_what_one_after_the_other_would() {
        let condition = |kind: &str, message: &str| Condition {
            kind: kind.to_owned(),
            status: ConditionStatus::True,
            reason: "Reason".to_owned(),
            message: message.to_owned(),
        };
        let pod = |name: &str| PodRef {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
        };
        let label = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let bench = Bench::new();
        let ingress = Some(vec![Ingress::default()]);
        bench.push(directive(
            1,
            "a",
            1,
            Writes {
                finalizer: FinalizerAction::Present,
                ingress: ingress.clone(),
                labels: [label("x", "old"), label("y", "stays")].into(),
                conditions: vec![condition("X", "old"), condition("Y", "stays")],
                readiness_gates: vec![pod("a"), pod("b")],
                events: vec![event("first")],
            },
        ));
        bench.push(directive(
            2,
            "a",
            1,
            Writes {
                labels: [label("x", "new")].into(),
                conditions: vec![condition("X", "new")],
                readiness_gates: vec![pod("b"), pod("c")],
                events: vec![event("second")],
                ..Writes::default()
            },
        ));
        let waiting = bench.queue.try_next().unwrap();
        assert_eq!(ids(&waiting), [2], "the newest of the stream");
        assert_eq!(
            waiting.directive.writes,
            Writes {
                finalizer: FinalizerAction::Present,
                ingress,
                labels: [label("x", "new"), label("y", "stays")].into(),
                conditions: vec![condition("Y", "stays"), condition("X", "new")],
                readiness_gates: vec![pod("a"), pod("b"), pod("c")],
                events: vec![event("first"), event("second")],
            }
        );
    }

    #[test]
    fn what_is_sent_again_and_again_does_not_pile_up() {
        let bench = Bench::new();
        let (other_stream, _other_results) = mpsc::channel(8);
        let (closed_stream, _) = mpsc::channel(8);
        for stream in [&closed_stream, &other_stream] {
            let same = directive(1, "a", 1, Writes::default());
            bench.queue.push(same, TraceContext::default(), stream.clone());
        }
        for id in 2..200 {
            let events = vec![event("the same"), event(&format!("attempt {}", id / 2))];
            bench.push(directive(
                id,
                "a",
                1,
                Writes {
                    events,
                    ..Writes::default()
                },
            ));
        }
        let waiting = bench.queue.try_next().unwrap();
        assert_eq!(ids(&waiting), [1, 199], "one of each open stream");
        assert_eq!(waiting.merged.len(), TRACES_KEPT);
        let events = &waiting.directive.writes.events;
        assert_eq!(events.len(), EVENTS_KEPT);
        assert_eq!(events.last(), Some(&event("attempt 99")));
        let second = directive(
            200,
            "a",
            1,
            Writes {
                events: vec![event("twice"); 2],
                ..Writes::default()
            },
        );
        bench.push(second);
        bench.push(directive(
            201,
            "a",
            1,
            Writes {
                events: vec![event("twice")],
                ..Writes::default()
            },
        ));
        bench.queue.finished(&waiting.directive.uid);
        assert!(
            bench
                .queue
                .try_next()
                .unwrap()
                .directive
                .writes
                .events
                .ends_with(&[event("twice")])
        );
    }

    #[test]
    fn an_older_planner_never_replaces_a_newer_one() {
        let mut bench = Bench::new();
        bench.push(directive(1, "a", 2, Writes::default()));
        bench.push(directive(2, "a", 1, Writes::default()));
        assert_eq!(bench.refused(), [2]);
        bench.push(directive(3, "a", 3, Writes::default()));
        assert_eq!(bench.refused(), [1]);
        assert_eq!(ids(&bench.queue.try_next().unwrap()), [3]);
    }

    #[test]
    fn what_waited_while_a_newer_planner_spoke_comes_out_fenced() {
        let bench = Bench::new();
        bench.push(directive(1, "a", 1, Writes::default()));
        bench.push(directive(2, "b", 2, Writes::default()));
        assert!(bench.queue.try_next().unwrap().fenced);
        assert!(!bench.queue.try_next().unwrap().fenced);
    }
}
